/* nn/graph.c - nodes, names and the first error: what the builders of nn/ops, each in its own file, share. */
#include "nn/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/node.h"

struct NnGraph {
    NnNodeInfo *nodes;
    int32_t count;
    char **names; /* what nn_name formatted and what the builders copied */
    int64_t name_count;
    BaseStatus st;
    char text[512];
};

BaseStatus nn_graph_create(int64_t C, int64_t H, int64_t W, NnGraph **out)
{
    BaseStatus st = BASE_OK;
    NnGraph *g = NULL;
    *out = NULL;
    BASE_CHECK(C > 0 && H > 0 && W > 0 && C <= NN_GRAPH_LARGEST && H <= NN_GRAPH_LARGEST && W <= NN_GRAPH_LARGEST,
               BASE_ESHAPE, "a network's input of [%lld, %lld, %lld]: each side must be from 1 to %d", (long long)C,
               (long long)H, (long long)W, NN_GRAPH_LARGEST);
    BASE_TRY(BASE_ALLOC(1, &g));
    BASE_TRY(BASE_GROW_BY_ONE(&g->nodes, 0));
    g->nodes[0] = (NnNodeInfo){.kind = NN_NODE_INPUT,
                               .in = {-1, -1},
                               .C = C,
                               .H = H,
                               .W = W,
                               .weight = -1,
                               .bias_slice = -1,
                               .mean = -1,
                               .var = -1,
                               .layer = -1};
    g->count = 1;
    *out = g;
    g = NULL;
out:
    nn_graph_free(g);
    return st;
}

void nn_graph_free(NnGraph *graph)
{
    if (!graph) return;
    for (int64_t i = 0; i < graph->name_count; i++) base_free(graph->names[i]);
    base_free(graph->names);
    base_free(graph->nodes);
    base_free(graph);
}

int nn_graph_size(const NnGraph *graph) { return graph->count; }
const NnNodeInfo *nn_graph_node(const NnGraph *graph, NnNode x) { return &graph->nodes[x]; }
NnNodeInfo *nn_graph_edit(NnGraph *graph, NnNode x) { return &graph->nodes[x]; }

BaseStatus nn_graph_status(const NnGraph *graph)
{
    return graph->st == BASE_OK ? BASE_OK : base_error_set(graph->st, "%s", graph->text);
}

NnNode nn_graph_fail(NnGraph *g, BaseStatus st)
{
    if (g->st == BASE_OK) {
        g->st = st;
        snprintf(g->text, sizeof g->text, "%s", base_error_text());
    }
    return -1;
}

const char *nn_name(NnGraph *g, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text) {
        nn_graph_fail(
            g, base_error_set(BASE_EARG, "a layer's name of %d characters: at most %zu", length, sizeof text - 1));
        return "";
    }
    BaseStatus st = BASE_GROW_BY_ONE(&g->names, g->name_count);
    if (st == BASE_OK) st = base_strdup(text, &g->names[g->name_count]);
    if (st != BASE_OK) {
        nn_graph_fail(g, st);
        return "";
    }
    return g->names[g->name_count++];
}

NnNode nn_input(NnGraph *g) { return g->st == BASE_OK ? 0 : -1; }

void nn_node_shape(const NnGraph *g, NnNode x, int64_t shape[3])
{
    bool known = x >= 0 && x < g->count;
    shape[0] = known ? g->nodes[x].C : 0;
    shape[1] = known ? g->nodes[x].H : 0;
    shape[2] = known ? g->nodes[x].W : 0;
}

bool nn_graph_usable(NnGraph *g, NnNode x, const char *what)
{
    if (g->st != BASE_OK) return false;
    if (x >= 0 && x < g->count) return true;
    nn_graph_fail(g, base_error_set(BASE_EARG, "%s: node %d is not among the graph's %d", what, (int)x, (int)g->count));
    return false;
}

bool nn_graph_fresh_name(NnGraph *g, const char *name, const char *what)
{
    if (!name || !*name) {
        nn_graph_fail(g, base_error_set(BASE_EARG, "%s without a name", what));
        return false;
    }
    for (int32_t i = 0; i < g->count; i++)
        if (g->nodes[i].name && strcmp(g->nodes[i].name, name) == 0) {
            nn_graph_fail(g, base_error_set(BASE_EARG, "two layers are called '%s'", name));
            return false;
        }
    return true;
}

NnNode nn_graph_add(NnGraph *g, NnNodeInfo info, const char *name)
{
    if (info.C > NN_GRAPH_LARGEST || info.H > NN_GRAPH_LARGEST || info.W > NN_GRAPH_LARGEST)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: output [%lld, %lld, %lld] has a side over %d",
                                               name ? name : "a layer", (long long)info.C, (long long)info.H,
                                               (long long)info.W, NN_GRAPH_LARGEST));
    if (name) {
        info.name = nn_name(g, "%s", name);
        if (g->st != BASE_OK) return -1;
    }
    BaseStatus st = BASE_GROW_BY_ONE(&g->nodes, g->count);
    if (st != BASE_OK) return nn_graph_fail(g, st);
    info.weight = info.bias_slice = info.mean = info.var = info.layer = -1;
    g->nodes[g->count] = info;
    return g->count++;
}

NnNode nn_graph_like(NnGraph *g, NnNode x, NnNodeKind kind, int64_t H, const char *name)
{
    const NnNodeInfo *in = &g->nodes[x];
    NnNodeInfo info = {.kind = kind, .in = {x, -1}, .C = in->C, .H = H, .W = in->W, .bias = name != NULL};
    return nn_graph_add(g, info, name);
}

NnNode nn_graph_append(NnGraph *g, const NnGraph *from)
{
    NnNode last = nn_input(g);
    for (int32_t i = 1; i < from->count && last >= 0; i++) last = nn_graph_add(g, from->nodes[i], from->nodes[i].name);
    return last;
}

BaseStatus nn_graph_clone(const NnGraph *graph, NnGraph **out)
{
    BaseStatus st = BASE_OK;
    NnGraph *g = NULL;
    *out = NULL;
    BASE_TRY(nn_graph_create(graph->nodes[0].C, graph->nodes[0].H, graph->nodes[0].W, &g));
    nn_graph_append(g, graph);
    BASE_TRY(nn_graph_status(g));
    *out = g;
    g = NULL;
out:
    nn_graph_free(g);
    return st;
}
