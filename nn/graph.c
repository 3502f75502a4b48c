/* nn/graph.c - each builder checks its input, computes the shape of its output, and adds one node at the end. */
#include "nn/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/node.h"

/* a map's side, a kernel, a channel count: far above any network, far below an overflow of their products */
enum { LARGEST = 1 << 20 };

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
    BASE_CHECK(C > 0 && H > 0 && W > 0 && C <= LARGEST && H <= LARGEST && W <= LARGEST, BASE_ESHAPE,
               "a network's input of [%lld, %lld, %lld]: each side must be from 1 to %d", (long long)C, (long long)H,
               (long long)W, LARGEST);
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

/* Keeps the first error; later builders see it and do nothing. */
static NnNode fail(NnGraph *g, BaseStatus st)
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
        fail(g, base_error_set(BASE_EARG, "a layer's name of %d characters: at most %zu", length, sizeof text - 1));
        return "";
    }
    BaseStatus st = BASE_GROW_BY_ONE(&g->names, g->name_count);
    if (st == BASE_OK) st = base_strdup(text, &g->names[g->name_count]);
    if (st != BASE_OK) {
        fail(g, st);
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

/* False where an earlier builder failed, or @p x is not a node of this graph (which becomes the error). */
static bool usable(NnGraph *g, NnNode x, const char *what)
{
    if (g->st != BASE_OK) return false;
    if (x >= 0 && x < g->count) return true;
    fail(g, base_error_set(BASE_EARG, "%s: node %d is not among the graph's %d", what, (int)x, (int)g->count));
    return false;
}

static bool fresh_name(NnGraph *g, const char *name, const char *what)
{
    if (!name || !*name) {
        fail(g, base_error_set(BASE_EARG, "%s without a name", what));
        return false;
    }
    for (int32_t i = 0; i < g->count; i++)
        if (g->nodes[i].name && strcmp(g->nodes[i].name, name) == 0) {
            fail(g, base_error_set(BASE_EARG, "two layers are called '%s'", name));
            return false;
        }
    return true;
}

static NnNode add_node(NnGraph *g, NnNodeInfo info, const char *name)
{
    if (info.C > LARGEST || info.H > LARGEST || info.W > LARGEST)
        return fail(g, base_error_set(BASE_ESHAPE, "%s: output [%lld, %lld, %lld] has a side over %d",
                                      name ? name : "a layer", (long long)info.C, (long long)info.H, (long long)info.W,
                                      LARGEST));
    if (name) {
        info.name = nn_name(g, "%s", name);
        if (g->st != BASE_OK) return -1;
    }
    BaseStatus st = BASE_GROW_BY_ONE(&g->nodes, g->count);
    if (st != BASE_OK) return fail(g, st);
    info.weight = info.bias_slice = info.mean = info.var = info.layer = -1;
    g->nodes[g->count] = info;
    return g->count++;
}

/* A node that has its input's shape but for H; one with a name, which norms have, has a bias. */
static NnNode like(NnGraph *g, NnNode x, NnNodeKind kind, int64_t H, const char *name)
{
    const NnNodeInfo *in = &g->nodes[x];
    NnNodeInfo info = {.kind = kind, .in = {x, -1}, .C = in->C, .H = H, .W = in->W, .bias = name != NULL};
    return add_node(g, info, name);
}

/* Output side of a sliding window, or 0 where the window does not fit. */
static int64_t window_out(int64_t side, int64_t kernel, int64_t stride, int64_t pad)
{
    return side + 2 * pad < kernel ? 0 : (side + 2 * pad - kernel) / stride + 1;
}

static bool window_valid(NnGraph *g, const char *what, const NnNodeInfo *in, int64_t kernel, int64_t stride,
                         int64_t pad)
{
    if (kernel >= 1 && kernel <= LARGEST && stride >= 1 && stride <= LARGEST && pad >= 0 && pad < kernel &&
        window_out(in->H, kernel, stride, pad) > 0 && window_out(in->W, kernel, stride, pad) > 0)
        return true;
    fail(g, base_error_set(
                BASE_ESHAPE,
                "%s: kernel %lld, stride %lld, padding %lld on a %lldx%lld map: the kernel must fit into the padded "
                "map, the stride be at least 1, the padding be from 0 to kernel - 1",
                what, (long long)kernel, (long long)stride, (long long)pad, (long long)in->H, (long long)in->W));
    return false;
}

NnNode nn_conv(NnGraph *g, NnNode x, const char *name, int64_t K, int64_t kernel, int64_t stride, int64_t pad,
               bool bias)
{
    if (!usable(g, x, name) || !fresh_name(g, name, "a convolution")) return -1;
    const NnNodeInfo *in = &g->nodes[x];
    if (K < 1) return fail(g, base_error_set(BASE_ESHAPE, "%s: %lld output channels: at least 1", name, (long long)K));
    if (!window_valid(g, name, in, kernel, stride, pad)) return -1;
    NnNodeInfo info = {.kind = NN_NODE_CONV,
                       .in = {x, -1},
                       .C = K,
                       .H = window_out(in->H, kernel, stride, pad),
                       .W = window_out(in->W, kernel, stride, pad),
                       .kernel_h = kernel,
                       .kernel_w = kernel,
                       .stride = stride,
                       .pad = pad,
                       .bias = bias};
    return add_node(g, info, name);
}

NnNode nn_batch_norm(NnGraph *g, NnNode x, const char *name)
{
    if (!usable(g, x, name) || !fresh_name(g, name, "a batch norm")) return -1;
    return like(g, x, NN_NODE_NORM, g->nodes[x].H, name);
}

/* At most @p tokens positions, each by itself. */
static NnNode linear(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias, bool packed, int64_t tokens)
{
    if (!usable(g, x, name) || !fresh_name(g, name, "a linear layer")) return -1;
    const NnNodeInfo *in = &g->nodes[x];
    if (K < 1) return fail(g, base_error_set(BASE_ESHAPE, "%s: %lld outputs: must be at least 1", name, (long long)K));
    if (in->H > tokens || in->W != 1)
        return fail(g, base_error_set(BASE_ESHAPE, "%s: a linear layer on a %lldx%lld map: flatten it first", name,
                                      (long long)in->H, (long long)in->W));
    NnNodeInfo info = {.kind = NN_NODE_LINEAR,
                       .in = {x, -1},
                       .C = K,
                       .H = in->H,
                       .W = 1,
                       .kernel_h = 1,
                       .kernel_w = 1,
                       .stride = 1,
                       .bias = bias,
                       .packed = packed};
    return add_node(g, info, name);
}

NnNode nn_linear(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias)
{
    return linear(g, x, name, K, bias, false, 1);
}

NnNode nn_relu(NnGraph *g, NnNode x)
{
    if (!usable(g, x, "relu")) return -1;
    return like(g, x, NN_NODE_RELU, g->nodes[x].H, NULL);
}

NnNode nn_max_pool(NnGraph *g, NnNode x, int64_t kernel, int64_t stride, int64_t pad)
{
    if (!usable(g, x, "max pool") || !window_valid(g, "max pool", &g->nodes[x], kernel, stride, pad)) return -1;
    const NnNodeInfo *in = &g->nodes[x];
    if (2 * pad > kernel)
        return fail(g, base_error_set(BASE_ESHAPE, "max pool: padding %lld: at most half the kernel of %lld",
                                      (long long)pad, (long long)kernel));
    NnNodeInfo info = {.kind = NN_NODE_MAX_POOL,
                       .in = {x, -1},
                       .C = in->C,
                       .H = window_out(in->H, kernel, stride, pad),
                       .W = window_out(in->W, kernel, stride, pad),
                       .kernel_h = kernel,
                       .kernel_w = kernel,
                       .stride = stride,
                       .pad = pad};
    return add_node(g, info, NULL);
}

NnNode nn_avg_pool(NnGraph *g, NnNode x, int64_t kernel, int64_t stride)
{
    if (!usable(g, x, "average pool")) return -1;
    const NnNodeInfo *in = &g->nodes[x];
    NnNodeInfo info = {.kind = NN_NODE_AVG_POOL, .in = {x, -1}, .C = in->C, .H = 1, .W = 1, .stride = 1};
    info.kernel_h = in->H;
    info.kernel_w = in->W;
    if (kernel != 0) {
        if (!window_valid(g, "average pool", in, kernel, stride, 0)) return -1;
        info.kernel_h = info.kernel_w = kernel;
        info.stride = stride;
        info.H = window_out(in->H, kernel, stride, 0);
        info.W = window_out(in->W, kernel, stride, 0);
    }
    return add_node(g, info, NULL);
}

NnNode nn_flatten(NnGraph *g, NnNode x)
{
    if (!usable(g, x, "flatten")) return -1;
    const NnNodeInfo *in = &g->nodes[x];
    if (in->C * in->H > LARGEST)
        return fail(g, base_error_set(BASE_ESHAPE, "flatten: [%lld, %lld, %lld] gives more than %d features",
                                      (long long)in->C, (long long)in->H, (long long)in->W, LARGEST));
    NnNodeInfo info = {.kind = NN_NODE_FLATTEN, .in = {x, -1}, .C = in->C * in->H * in->W, .H = 1, .W = 1};
    return add_node(g, info, NULL);
}

NnNode nn_add(NnGraph *g, NnNode a, NnNode b)
{
    if (!usable(g, a, "add") || !usable(g, b, "add")) return -1;
    const NnNodeInfo *x = &g->nodes[a], *y = &g->nodes[b];
    if (x->C != y->C || x->H != y->H || x->W != y->W)
        return fail(g, base_error_set(BASE_ESHAPE, "add: [%lld, %lld, %lld] and [%lld, %lld, %lld] differ",
                                      (long long)x->C, (long long)x->H, (long long)x->W, (long long)y->C,
                                      (long long)y->H, (long long)y->W));
    return add_node(g, (NnNodeInfo){.kind = NN_NODE_ADD, .in = {a, b}, .C = x->C, .H = x->H, .W = x->W}, NULL);
}

NnNode nn_dropout(NnGraph *g, NnNode x, double p)
{
    if (!usable(g, x, "dropout")) return -1;
    if (!(p >= 0 && p < 1)) return fail(g, base_error_set(BASE_EARG, "dropout of %g: must be in [0, 1)", p));
    const NnNodeInfo *in = &g->nodes[x];
    return add_node(g, (NnNodeInfo){.kind = NN_NODE_DROPOUT, .in = {x, -1}, .C = in->C, .H = in->H, .W = in->W, .p = p},
                    NULL);
}

NnNode nn_token_linear(NnGraph *g, NnNode x, const char *name, int64_t K)
{
    return linear(g, x, name, K, true, false, LARGEST);
}

NnNode nn_class_token(NnGraph *g, const char *name, int64_t count, int64_t E)
{
    if (!usable(g, 0, name) || !fresh_name(g, name, "a class token")) return -1;
    if (E < 1 || count < 1)
        return fail(g, base_error_set(BASE_ESHAPE, "%s: %lld tokens of %lld features: must be at least 1", name,
                                      (long long)count, (long long)E));
    return add_node(g, (NnNodeInfo){.kind = NN_NODE_CLASS_TOKEN, .in = {-1, -1}, .C = E, .H = count, .W = 1}, name);
}

NnNode nn_tokens(NnGraph *g, NnNode x, NnNode first, const char *name)
{
    if (!usable(g, x, name) || !usable(g, first, name) || !fresh_name(g, name, "a position embedding")) return -1;
    const NnNodeInfo *in = &g->nodes[x], *token = &g->nodes[first];
    if (token->kind != NN_NODE_CLASS_TOKEN || token->C != in->C)
        return fail(g, base_error_set(BASE_ESHAPE, "%s: the first tokens must be class tokens of %lld features", name,
                                      (long long)in->C));
    NnNodeInfo info = {.kind = NN_NODE_TOKENS, .in = {x, first}, .C = in->C, .H = token->H + in->H * in->W, .W = 1};
    return add_node(g, info, name);
}

NnNode nn_first_token(NnGraph *g, NnNode x)
{
    if (!usable(g, x, "first token")) return -1;
    if (g->nodes[x].W != 1)
        return fail(g, base_error_set(BASE_ESHAPE, "the first token of a map %lld wide: turn the map into tokens first",
                                      (long long)g->nodes[x].W));
    return like(g, x, NN_NODE_FIRST_TOKEN, 1, NULL);
}

NnNode nn_layer_norm(NnGraph *g, NnNode x, const char *name, double epsilon)
{
    if (!usable(g, x, name) || !fresh_name(g, name, "a layer norm")) return -1;
    if (!(epsilon > 0 && epsilon < 1))
        return fail(g, base_error_set(BASE_EARG, "%s: an epsilon of %g: must be in (0, 1)", name, epsilon));
    NnNode norm = like(g, x, NN_NODE_LAYER_NORM, g->nodes[x].H, name);
    if (norm >= 0) g->nodes[norm].epsilon = epsilon;
    return norm;
}

NnNode nn_gelu(NnGraph *g, NnNode x)
{
    if (!usable(g, x, "GELU")) return -1;
    return like(g, x, NN_NODE_GELU, g->nodes[x].H, NULL);
}

NnNode nn_attention(NnGraph *g, NnNode x, const char *name, int64_t heads)
{
    if (!usable(g, x, name)) return -1;
    int64_t E = g->nodes[x].C;
    if (heads < 1 || E % heads != 0)
        return fail(g, base_error_set(BASE_ESHAPE, "%s: %lld features in %lld heads: must divide evenly", name,
                                      (long long)E, (long long)heads));
    x = linear(g, x, nn_name(g, "%s.in_proj", name), 3 * E, true, true, LARGEST);
    if (x < 0) return -1;
    NnNodeInfo core = {.kind = NN_NODE_ATTENTION, .in = {x, -1}, .C = E, .H = g->nodes[x].H, .W = 1, .heads = heads};
    x = add_node(g, core, NULL);
    return nn_token_linear(g, x, nn_name(g, "%s.out_proj", name), E);
}

BaseStatus nn_graph_clone(const NnGraph *graph, NnGraph **out)
{
    BaseStatus st = BASE_OK;
    NnGraph *g = NULL;
    *out = NULL;
    BASE_TRY(nn_graph_create(graph->nodes[0].C, graph->nodes[0].H, graph->nodes[0].W, &g));
    for (int32_t i = 1; i < graph->count; i++) {
        add_node(g, graph->nodes[i], graph->nodes[i].name);
        BASE_TRY(nn_graph_status(g));
    }
    *out = g;
    g = NULL;
out:
    nn_graph_free(g);
    return st;
}
