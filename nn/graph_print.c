/* nn/graph_print.c - prints a graph as a file: a node per line, attributes that are not the usual ones, numbers with as many
 * digits as they need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "io/json.h"
#include "nn/graph_file.h"
#include "nn/ops/op.h"

static BaseStatus form_of(const NnNodeInfo *node, const NnForm **out)
{
    const NnOperation *operation = nn_operation_of(node->kind);
    *out = NULL;
    for (const NnForm *const *f = operation->forms; f && *f; f++) {
        *out = *f;
        if (!(*f)->suits || (*f)->suits(*f, node)) return BASE_OK;
    }
    return base_error_set(BASE_EARG, "the network has %s, which has no name in graph files", operation->title);
}

/* ------------------------------------------------------------ names */

/* What the nodes are called: by their parameters, else "relu", "relu_1", ... */
typedef struct {
    char **name; /* [count] */
    int count;
    BaseIndex index;
} Names;

static BaseStatus add_name(Names *names, int i, const char *name, bool *fresh)
{
    BaseStatus st = BASE_OK;
    char *copy = NULL;
    size_t old;
    *fresh = base_index_find(&names->index, name) == SIZE_MAX;
    if (!*fresh) return BASE_OK;
    BASE_TRY(base_strdup(name, &copy));
    BASE_TRY(base_index_add(&names->index, copy, (size_t)i, &old));
    names->name[i] = copy;
    copy = NULL;
out:
    base_free(copy);
    return st;
}

static BaseStatus make_names(const NnGraph *g, Names *names)
{
    BaseStatus st = BASE_OK;
    const NnForm *form = NULL;
    bool fresh;
    names->count = nn_graph_size(g);
    BASE_TRY(BASE_ALLOC(names->count, &names->name));
    BASE_TRY(add_name(names, 0, "input", &fresh));
    for (int i = 1; i < names->count; i++) {
        const char *name = nn_graph_node(g, i)->name;
        if (name) BASE_TRY(add_name(names, i, name, &fresh));
    }
    for (int i = 1, n = 0; i < names->count; i++) {
        char text[80];
        if (names->name[i]) continue;
        BASE_TRY(form_of(nn_graph_node(g, i), &form));
        fresh = false;
        for (n = 0; !fresh; n++) {
            if (n)
                snprintf(text, sizeof text, "%s_%d", form->name, n);
            else
                snprintf(text, sizeof text, "%s", form->name);
            BASE_TRY(add_name(names, i, text, &fresh));
        }
    }
out:
    return st;
}

static void free_names(Names *names)
{
    for (int i = 0; names->name && i < names->count; i++) base_free(names->name[i]);
    base_free(names->name);
    base_index_free(&names->index);
}

/* ------------------------------------------------------------ attributes */

/* The shortest decimal that is the same number when read. */
static void add_real(BaseText *out, double value)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    base_text_add(out, "%s", text);
}

static const int64_t *count_at(const NnNodeInfo *node, const NnAttribute *a)
{
    return (const int64_t *)(const void *)((const char *)node + a->offset);
}

static bool is_usual(const NnForm *form, const NnAttribute *a, const NnNodeInfo *node)
{
    const void *field = (const char *)node + a->offset;
    const int64_t *count = count_at(node, a);
    if (a->needed) return false;
    if (a->kind == NN_ATTRIBUTE_SHAPE) return count[0] == 0 && (double)count[1] == a->usual;
    for (size_t i = 0; a->like && i < form->attribute_count; i++)
        if (strcmp(form->attributes[i].name, a->like) == 0) return *count == *count_at(node, &form->attributes[i]);
    switch (a->kind) {
    case NN_ATTRIBUTE_COUNT:
    case NN_ATTRIBUTE_SQUARE: return (double)*count == a->usual;
    case NN_ATTRIBUTE_SHAPE: break;
    case NN_ATTRIBUTE_PAIR: return (double)count[0] == a->usual && (double)count[1] == a->usual;
    case NN_ATTRIBUTE_REAL: return *(const double *)field == a->usual;
    case NN_ATTRIBUTE_FLAG: return *(const bool *)field == (a->usual != 0);
    case NN_ATTRIBUTE_CHOICE: break;
    }
    return *(const int *)field == form->function + (int)a->usual;
}

static void add_value(const NnForm *form, const NnAttribute *a, const NnNodeInfo *node, BaseText *out)
{
    const void *field = (const char *)node + a->offset;
    const int64_t *count = count_at(node, a);
    switch (a->kind) {
    case NN_ATTRIBUTE_SHAPE:
        base_text_add(out, "[");
        for (int64_t i = 0; i < count[0]; i++) base_text_add(out, "1, ");
        base_text_add(out, "%lld", (long long)node->C);
        for (int64_t i = 0; i < count[1]; i++) base_text_add(out, ", 1");
        base_text_add(out, "]");
        return;
    case NN_ATTRIBUTE_PAIR:
        if (count[0] != count[1]) {
            base_text_add(out, "[%lld, %lld]", (long long)count[0], (long long)count[1]);
            return;
        } /* fall through */
    case NN_ATTRIBUTE_COUNT:
    case NN_ATTRIBUTE_SQUARE: base_text_add(out, "%lld", (long long)*count); return;
    case NN_ATTRIBUTE_REAL: add_real(out, *(const double *)field); return;
    case NN_ATTRIBUTE_FLAG: base_text_add(out, "%s", *(const bool *)field ? "true" : "false"); return;
    case NN_ATTRIBUTE_CHOICE: io_json_quote(out, a->words[*(const int *)field - form->function]); return;
    }
}

static void add_attributes(const NnForm *form, const NnNodeInfo *node, BaseText *out)
{
    bool first = true;
    for (size_t i = 0; i < form->attribute_count; i++) {
        const NnAttribute *a = &form->attributes[i];
        if (is_usual(form, a, node)) continue;
        base_text_add(out, "%s", first ? ", \"attributes\": {" : ", ");
        io_json_quote(out, a->name);
        base_text_add(out, ": ");
        add_value(form, a, node, out);
        first = false;
    }
    if (!first) base_text_add(out, "}");
}

/* ------------------------------------------------------------ the file */

static BaseStatus add_node(const NnGraph *g, const Names *names, int i, BaseText *out)
{
    const NnNodeInfo *node = nn_graph_node(g, i);
    const NnForm *form = NULL;
    BaseStatus st = form_of(node, &form);
    if (st != BASE_OK) return st;
    base_text_add(out, "    {\"name\": ");
    io_json_quote(out, names->name[i]);
    base_text_add(out, ", \"op\": ");
    io_json_quote(out, form->name);
    bool any = false;
    for (int k = 0; k < 2; k++) {
        if (node->in[k] < 0) continue;
        base_text_add(out, "%s", any ? ", " : ", \"inputs\": [");
        io_json_quote(out, names->name[node->in[k]]);
        any = true;
    }
    if (any) base_text_add(out, "]");
    add_attributes(form, node, out);
    base_text_add(out, "}%s\n", i + 1 < names->count ? "," : "");
    return BASE_OK;
}

BaseStatus nn_graph_file_print(const NnNet *net, const NnGraphFile *from, BaseText *out)
{
    BaseStatus st = BASE_OK;
    const NnGraph *g = nn_net_graph(net);
    Names names = {0};
    int64_t shape[3];
    nn_net_input_shape(net, shape);
    BASE_TRY(make_names(g, &names));
    base_text_add(out,
                  "{\n  \"format\": \"expunge-graph\",\n  \"version\": 1,\n  \"input\": [%lld, %lld, %lld],\n"
                  "  \"classes\": %lld,\n",
                  (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)nn_net_classes(net));
    if (from && from->mean)
        base_text_add(out, "  \"normalize\": {\"mean\": [%s], \"std\": [%s]},\n", from->mean, from->std);
    for (size_t i = 0; from && i < from->unused_count; i++) {
        base_text_add(out, "%s", i ? ", " : "  \"unused\": [");
        io_json_quote(out, from->unused[i]);
    }
    if (from && from->unused_count) base_text_add(out, "],\n");
    base_text_add(out, "  \"nodes\": [\n");
    for (int i = 1; i < names.count; i++) BASE_TRY(add_node(g, &names, i, out));
    base_text_add(out, "  ],\n  \"output\": ");
    io_json_quote(out, names.name[nn_net_output(net)]);
    base_text_add(out, "\n}\n");
    st = out->st;
out:
    free_names(&names);
    return st;
}
