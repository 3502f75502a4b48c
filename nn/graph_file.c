/* nn/graph_file.c - reads a graph file: keys, then names, then node by node through the builders of nn/ops, which check
 * shapes. Whatever is wrong is one sentence with file and node. */
#include "nn/graph_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "data/data.h"
#include "io/file.h"
#include "io/json_tree.h"
#include "nn/graph_attributes.h"

/* numbers of a map, and parameters: far above any network */
static const int64_t MAP_MOST = (int64_t)1 << 31, PARAMS_MOST = (int64_t)1 << 35;
static const char INPUT[] = "input";

typedef struct {
    const char *path;
    const IoJsonTree *nodes; /* the list */
    size_t count;
    const char **names; /* [count], borrowed from the tree */
    BaseIndex index;    /* of names */
    NnNode *at;         /* [count] in the graph */
    bool *used;         /* [count] by a later node, or as the output */
    bool images;        /* are used, too */
    NnGraph *g;
} Reader;

/* All keys of @p map are among @p names. */
static BaseStatus known_keys(const IoJsonTree *map, const char *what, const char *const *names, size_t count)
{
    for (const char *key = io_json_tree_key(map, NULL); key; key = io_json_tree_key(map, key)) {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0) i++;
        if (i == count) return nn_graph_unknown(what, "key", key, names, count);
    }
    return BASE_OK;
}

/* ------------------------------------------------------------ nodes */

static const NnForm *form_named(const char *name)
{
    const NnForm *form;
    for (size_t i = 0; (form = nn_form_at(i)); i++)
        if (strcmp(form->name, name) == 0) break;
    return form;
}

static BaseStatus unknown_form(const char *name)
{
    enum { MOST = 128 };
    const char *names[MOST];
    size_t count = 0;
    for (const NnForm *form; count < MOST && (form = nn_form_at(count)); count++) names[count] = form->name;
    return nn_graph_unknown("there is", "operation", name, names, count);
}

/* Which node the input called @p name is, of those before node @p i. */
static BaseStatus find_input(Reader *r, size_t i, const char *name, NnNode *out)
{
    BaseStatus st = BASE_OK;
    BaseText near = {0};
    if (strcmp(name, INPUT) == 0) {
        r->images = true;
        *out = nn_input(r->g);
        return BASE_OK;
    }
    size_t at = base_index_find(&r->index, name);
    if (at == SIZE_MAX) {
        nn_graph_near(&near, name, r->names, r->count);
        const char *hint = base_text_of(&near, &st);
        if (st == BASE_OK) st = base_error_set(BASE_EFORMAT, "there is no node '%.100s' for its input%s", name, hint);
        goto out;
    }
    BASE_CHECK(at < i, BASE_EFORMAT, "its input '%.100s' %s: nodes stand after their inputs, in no circle", name,
               at == i ? "is itself" : "comes later");
    r->used[at] = true;
    *out = r->at[at];
out:
    base_text_free(&near);
    return st;
}

static BaseStatus read_inputs(Reader *r, size_t i, const NnForm *form, const IoJsonTree *list,
                              NnNode in[NN_FORM_INPUTS], int *count)
{
    BaseStatus st = BASE_OK;
    size_t given = list ? io_json_tree_count(list) : 0;
    BASE_CHECK(!list || io_json_tree_kind(list) == IO_JSON_LIST, BASE_EFORMAT, "'inputs' must be a list of names");
    if (given < (size_t)form->least || given > (size_t)form->most) {
        if (form->least == form->most)
            BASE_FAIL(BASE_EFORMAT, "%s takes %d input%s, not %zu", form->name, form->least,
                      form->least == 1 ? "" : "s", given);
        BASE_FAIL(BASE_EFORMAT, "%s takes %d to %d inputs, not %zu", form->name, form->least, form->most, given);
    }
    for (*count = 0; (size_t)*count < given; ++*count) {
        const char *name = io_json_tree_text(io_json_tree_at(list, (size_t)*count));
        BASE_CHECK(name, BASE_EFORMAT, "'inputs' must be a list of names");
        BASE_TRY(find_input(r, i, name, &in[*count]));
    }
out:
    return st;
}

static BaseStatus read_node(Reader *r, size_t i)
{
    static const char *const KEYS[] = {"name", "op", "inputs", "attributes"};
    BaseStatus st = BASE_OK;
    const IoJsonTree *node = io_json_tree_at(r->nodes, i);
    NnNode in[NN_FORM_INPUTS];
    NnNodeInfo set;
    int64_t shape[3];
    int count = 0;
    BASE_TRY(known_keys(node, "a node has", KEYS, BASE_COUNT(KEYS)));
    const IoJsonTree *op = io_json_tree_get(node, "op");
    BASE_CHECK(op && io_json_tree_text(op), BASE_EFORMAT, "it needs an 'op', the name of an operation");
    const NnForm *form = form_named(io_json_tree_text(op));
    if (!form) BASE_TRY(unknown_form(io_json_tree_text(op)));
    BASE_TRY(nn_graph_attributes(form, io_json_tree_get(node, "attributes"), &set));
    BASE_TRY(read_inputs(r, i, form, io_json_tree_get(node, "inputs"), in, &count));
    r->at[i] = form->build(r->g, in, count, r->names[i], &set);
    BASE_TRY(nn_graph_status(r->g));
    BASE_CHECK(nn_graph_size(r->g) <= NN_GRAPH_FILE_NODES + 1, BASE_EFORMAT,
               "with what concat and attention stand for, it is node %d, and %d are the most", nn_graph_size(r->g) - 1,
               NN_GRAPH_FILE_NODES);
    nn_node_shape(r->g, r->at[i], shape);
    BASE_CHECK(shape[0] * shape[1] <= MAP_MOST / shape[2], BASE_ESHAPE,
               "its output [%lld, %lld, %lld] has more than %lld numbers", (long long)shape[0], (long long)shape[1],
               (long long)shape[2], (long long)MAP_MOST);
out:
    return st;
}

/* A name that can be shown in one line, as it is. */
static bool is_plain(const char *name)
{
    size_t size = strlen(name);
    uint32_t point;
    if (size < 1 || size > NN_GRAPH_FILE_NAME) return false;
    for (size_t length; *name; name += length) {
        length = base_text_point(name, &point);
        if (!length || base_text_acts(point)) return false;
    }
    return true;
}

static BaseStatus read_names(Reader *r)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < r->count; i++) {
        const IoJsonTree *name = io_json_tree_get(io_json_tree_at(r->nodes, i), "name");
        size_t old;
        r->names[i] = name ? io_json_tree_text(name) : NULL;
        BASE_CHECK(r->names[i] && is_plain(r->names[i]), BASE_EFORMAT,
                   "%s: node %zu: must be an object with a 'name' of 1 to %d bytes, without control characters",
                   r->path, i, NN_GRAPH_FILE_NAME);
        BASE_CHECK(strcmp(r->names[i], INPUT) != 0, BASE_EFORMAT,
                   "%s: node %zu: it is called 'input', as the images are: give it another name", r->path, i);
        BASE_TRY(base_index_add(&r->index, r->names[i], i, &old));
        BASE_CHECK(old == SIZE_MAX, BASE_EFORMAT, "%s: nodes %zu and %zu are both called '%s'", r->path, old, i,
                   r->names[i]);
    }
out:
    return st;
}

/* ------------------------------------------------------------ the file */

/* [C, H, W], each from 1 on. */
static bool take_shape(const IoJsonTree *list, int64_t shape[3])
{
    bool good = list && io_json_tree_count(list) == 3;
    for (size_t i = 0; i < 3 && good; i++)
        good =
            io_json_tree_integer(io_json_tree_at(list, i), &shape[i]) && shape[i] >= 1 && shape[i] <= NN_GRAPH_LARGEST;
    return good && shape[0] <= DATA_CHANNELS_MAX && shape[1] * shape[2] <= MAP_MOST / shape[0];
}

/* One number, or one per channel, as the option has them. */
static BaseStatus read_channels(const char *path, const IoJsonTree *list, const char *key, int64_t C, char **out)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    size_t count = list ? io_json_tree_count(list) : 0;
    bool good = count == 1 || (int64_t)count == C;
    for (size_t i = 0; i < count && good; i++) {
        double value;
        good = io_json_tree_number(io_json_tree_at(list, i), &value) && fabs(value) <= 1e6 &&
               (strcmp(key, "std") != 0 || value >= 1e-6);
        base_text_add(&text, "%s%.9g", i ? "," : "", value);
    }
    BASE_CHECK(good, BASE_EFORMAT, "%s: normalize: '%s' must be a list of %lld numbers%s", path, key, (long long)C,
               strcmp(key, "std") == 0 ? " above 0" : "");
    st = base_text_take(&text, out);
out:
    base_text_free(&text);
    return st;
}

static BaseStatus read_normalize(const char *path, const IoJsonTree *map, int64_t C, NnGraphFile *file)
{
    static const char *const KEYS[] = {"mean", "std"};
    BaseStatus st = BASE_OK;
    if (!map) return BASE_OK;
    BASE_CHECK(io_json_tree_kind(map) == IO_JSON_MAP, BASE_EFORMAT,
               "%s: 'normalize' must be an object with 'mean' and 'std'", path);
    BASE_TRY(base_error_prefix(known_keys(map, "normalize has", KEYS, BASE_COUNT(KEYS)), "%s", path));
    BASE_TRY(read_channels(path, io_json_tree_get(map, "mean"), "mean", C, &file->mean));
    BASE_TRY(read_channels(path, io_json_tree_get(map, "std"), "std", C, &file->std));
out:
    return st;
}

/* Names of tensors, as they are in the state dict. */
static BaseStatus read_unused(const char *path, const IoJsonTree *list, NnGraphFile *file)
{
    BaseStatus st = BASE_OK;
    size_t count = list ? io_json_tree_count(list) : 0;
    BASE_CHECK(!list || (io_json_tree_kind(list) == IO_JSON_LIST && count <= NN_GRAPH_FILE_NODES), BASE_EFORMAT,
               "%s: 'unused' must be a list of at most %d names of tensors", path, NN_GRAPH_FILE_NODES);
    BASE_TRY(BASE_ALLOC(count, &file->unused));
    for (size_t i = 0; i < count; i++) {
        const char *name = io_json_tree_text(io_json_tree_at(list, i));
        BASE_CHECK(name && is_plain(name), BASE_EFORMAT, "%s: 'unused' must be a list of names of 1 to %d bytes", path,
                   NN_GRAPH_FILE_NAME);
        BASE_TRY(base_strdup(name, &file->unused[i]));
        file->unused_count = i + 1;
    }
out:
    return st;
}

static BaseStatus check_format(const char *path, const IoJsonTree *root)
{
    static const char *const KEYS[] = {"format",    "version", "description", "input", "classes",
                                       "normalize", "unused",  "nodes",       "output"};
    BaseStatus st = BASE_OK;
    const char *format = NULL;
    int64_t version = 0;
    BASE_CHECK(io_json_tree_kind(root) == IO_JSON_MAP, BASE_EFORMAT, "%s: a graph file must be an object", path);
    const IoJsonTree *value = io_json_tree_get(root, "format");
    if (value) format = io_json_tree_text(value);
    BASE_CHECK(format && strcmp(format, "expunge-graph") == 0, BASE_EFORMAT,
               "%s: not a graph file: 'format' must be \"expunge-graph\"", path);
    value = io_json_tree_get(root, "version");
    BASE_CHECK(value && io_json_tree_integer(value, &version) && version == 1, BASE_EFORMAT,
               "%s: 'version' must be 1, which is all that this program reads", path);
    BASE_TRY(base_error_prefix(known_keys(root, "a graph file has", KEYS, BASE_COUNT(KEYS)), "%s", path));
    value = io_json_tree_get(root, "description");
    BASE_CHECK(!value || io_json_tree_text(value), BASE_EFORMAT, "%s: 'description' must be text", path);
out:
    return st;
}

static int readers(const NnGraph *g, NnNode x)
{
    int count = 0;
    for (int i = 0; i < nn_graph_size(g); i++)
        for (int k = 0; k < 2; k++) count += nn_graph_node(g, i)->in[k] == x;
    return count;
}

static bool find_classifier(NnGraph *g, NnNode x, int64_t K, bool summed)
{
    while (x > 0) {
        const NnNodeInfo node = *nn_graph_node(g, x);
        if (readers(g, x) > 1) return false; /* which would see other channels */
        if (K > 0) nn_graph_edit(g, x)->C = K;
        switch (node.kind) {
        case NN_NODE_LINEAR:
        case NN_NODE_CONV: return node.groups == 1;
        case NN_NODE_FLATTEN:
            if (nn_graph_node(g, node.in[0])->C != node.C) return false;
            break;
        case NN_NODE_ADD:
            return !summed && find_classifier(g, node.in[0], K, true) && find_classifier(g, node.in[1], K, true);
        case NN_NODE_RELU:
        case NN_NODE_ACTIVATION:
        case NN_NODE_AVG_POOL:
        case NN_NODE_DROPOUT: break;
        default: return false;
        }
        x = node.in[0];
    }
    return false;
}

/* One layer's outputs are the logits, or a ReLU, a mean over its pixels and the like make them, one of each; or the sum of two
 * such, as of DeiT's two classifiers. */
bool nn_graph_file_classifier(NnGraph *g, NnNode output, int64_t K) { return find_classifier(g, output, K, false); }

/* The output is the last node: what comes behind it would lead nowhere. */
static BaseStatus read_output(Reader *r, const IoJsonTree *root, NnGraphFile *file)
{
    BaseStatus st = BASE_OK;
    const IoJsonTree *value = io_json_tree_get(root, "output");
    const char *name = value ? io_json_tree_text(value) : NULL;
    BaseText near = {0};
    int64_t shape[3];
    size_t at = name ? base_index_find(&r->index, name) : SIZE_MAX;
    if (at == SIZE_MAX) {
        if (name) nn_graph_near(&near, name, r->names, r->count);
        const char *hint = base_text_of(&near, &st);
        if (st == BASE_OK)
            st = base_error_set(BASE_EFORMAT, "%s: 'output' must be the name of a node, not '%.100s'%s", r->path,
                                name ? name : "", hint);
        goto out;
    }
    r->used[at] = true;
    BASE_CHECK(r->images, BASE_EFORMAT, "%s: no node has 'input', the images, as its input", r->path);
    for (size_t i = 0; i < r->count; i++)
        BASE_CHECK(r->used[i], BASE_EFORMAT, "%s: node '%s' does not lead to the output", r->path, r->names[i]);
    file->output = r->at[at];
    nn_node_shape(r->g, file->output, shape);
    value = io_json_tree_get(root, "classes");
    BASE_CHECK(value && io_json_tree_integer(value, &file->classes) && file->classes >= 1, BASE_EFORMAT,
               "%s: 'classes' must be the number of logits", r->path);
    BASE_CHECK(shape[0] == file->classes && shape[1] == 1 && shape[2] == 1, BASE_EFORMAT,
               "%s: node '%s' is the output, [%lld, %lld, %lld], but must be [%lld, 1, 1]: 'classes' is %lld", r->path,
               name, (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)file->classes,
               (long long)file->classes);
    /* methods and metrics edit and mask rows of its weight, one a class */
    BASE_CHECK(nn_graph_file_classifier(r->g, file->output, 0), BASE_EFORMAT,
               "%s: node '%s' is the output, but no linear layer or convolution, with a row of its weight for each "
               "class, nor a function or mean of one",
               r->path, name);
out:
    base_text_free(&near);
    return st;
}

/* What only the whole network shows: names of tensors, the number of parameters. */
static BaseStatus check_whole(const char *path, const NnGraphFile *file)
{
    BaseStatus st = BASE_OK;
    NnGraph *graph = NULL;
    NnNet *net = NULL;
    BaseIndex names = {0};
    int counts[2];
    for (int i = 1; i < nn_graph_size(file->graph); i++) {
        const char *name = nn_graph_node(file->graph, i)->name;
        BASE_CHECK(!name || strlen(name) <= NN_GRAPH_FILE_NAME, BASE_EFORMAT,
                   "the layer '%s' has a name of more than %d bytes", name, NN_GRAPH_FILE_NAME);
    }
    BASE_TRY(nn_graph_clone(file->graph, &graph));
    BASE_TRY(nn_net_outline_take(graph, file->output, &net));
    BASE_CHECK(nn_net_param_count(net) <= PARAMS_MOST, BASE_ESHAPE, "more than %lld parameters",
               (long long)PARAMS_MOST);
    const NnSlice *const blocks[] = {nn_net_param_slices(net, &counts[0]), nn_net_buffer_slices(net, &counts[1])};
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < counts[b]; i++) {
            size_t old;
            BASE_TRY(base_index_add(&names, blocks[b][i].name, 0, &old));
            BASE_CHECK(old == SIZE_MAX, BASE_EFORMAT, "two nodes have a tensor '%s'", blocks[b][i].name);
        }
    for (size_t i = 0; i < file->unused_count; i++) {
        size_t old;
        BASE_TRY(base_index_add(&names, file->unused[i], 0, &old));
        BASE_CHECK(old == SIZE_MAX, BASE_EFORMAT, "'unused' names '%s', which is named already", file->unused[i]);
    }
out:
    base_index_free(&names);
    nn_net_free(net);
    return base_error_prefix(st, "%s", path);
}

static BaseStatus reader_open(const char *path, const IoJsonTree *root, Reader *r)
{
    BaseStatus st = BASE_OK;
    int64_t shape[3];
    *r = (Reader){.path = path, .nodes = io_json_tree_get(root, "nodes")};
    BASE_CHECK(take_shape(io_json_tree_get(root, "input"), shape), BASE_EFORMAT,
               "%s: 'input' must be [C, H, W], up to %d channels and sides of 1 to %d", path, DATA_CHANNELS_MAX,
               NN_GRAPH_LARGEST);
    r->count = r->nodes ? io_json_tree_count(r->nodes) : 0;
    BASE_CHECK(r->count >= 1 && r->count <= NN_GRAPH_FILE_NODES, BASE_EFORMAT,
               "%s: 'nodes' must be a list of 1 to %d nodes", path, NN_GRAPH_FILE_NODES);
    BASE_TRY(BASE_ALLOC(r->count, &r->names));
    BASE_TRY(BASE_ALLOC(r->count, &r->at));
    BASE_TRY(BASE_ALLOC(r->count, &r->used));
    BASE_TRY(nn_graph_create(shape[0], shape[1], shape[2], &r->g));
out:
    return st;
}

static void reader_close(Reader *r)
{
    base_index_free(&r->index);
    base_free(r->names);
    base_free(r->at);
    base_free(r->used);
    nn_graph_free(r->g);
}

BaseStatus nn_graph_file_parse(const char *path, const char *text, size_t size, NnGraphFile **out)
{
    BaseStatus st = BASE_OK;
    IoJsonTree *root = NULL;
    NnGraphFile *file = NULL;
    Reader r = {0};
    int64_t shape[3];
    *out = NULL;
    BASE_TRY(io_json_tree_read(path, "a graph file", text, size, &root));
    BASE_TRY(check_format(path, root));
    BASE_TRY(BASE_ALLOC(1, &file));
    base_hash_bytes(text, size, file->hash);
    BASE_TRY(reader_open(path, root, &r));
    nn_node_shape(r.g, nn_input(r.g), shape);
    BASE_TRY(read_normalize(path, io_json_tree_get(root, "normalize"), shape[0], file));
    BASE_TRY(read_unused(path, io_json_tree_get(root, "unused"), file));
    BASE_TRY(read_names(&r));
    for (size_t i = 0; i < r.count; i++)
        BASE_TRY(base_error_prefix(read_node(&r, i), "%s: node '%s'", path, r.names[i]));
    BASE_TRY(read_output(&r, root, file));
    file->graph = r.g;
    r.g = NULL;
    BASE_TRY(check_whole(path, file));
    *out = file;
    file = NULL;
out:
    if (st != BASE_OK && st != BASE_ENOMEM) st = BASE_EFORMAT; /* the builders' sentence stays */
    reader_close(&r);
    nn_graph_file_free(file);
    io_json_tree_free(root);
    return st;
}

BaseStatus nn_graph_file_read(const char *path, NnGraphFile **out)
{
    char *text = NULL;
    size_t size;
    *out = NULL;
    BaseStatus st = io_file_read(path, NN_GRAPH_FILE_BYTES, &text, &size);
    if (st == BASE_OK) st = nn_graph_file_parse(path, text, size, out);
    base_free(text);
    return st;
}

void nn_graph_file_free(NnGraphFile *file)
{
    if (!file) return;
    nn_graph_free(file->graph);
    for (size_t i = 0; i < file->unused_count; i++) base_free(file->unused[i]);
    base_free(file->unused);
    base_free(file->mean);
    base_free(file->std);
    base_free(file);
}
