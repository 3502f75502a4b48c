/* nn/ops/windows.c - self-attention inside windows of a map, with learned biases for relative positions (Swin, arXiv
 * 2103.14030), between its two projections. */
#include "nn/ops/op.h"

enum { WINDOW_MOST = 64 }; /* the largest in use is 24 */

static NnNode fail(NnGraph *g, const char *name, const char *why)
{
    return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %s", name, why));
}

NnNode nn_position_bias(NnGraph *g, const char *name, int64_t window, int64_t heads)
{
    if (!nn_graph_usable(g, 0, name) || !nn_graph_fresh_name(g, name, "a table of position biases")) return -1;
    if (window < 1 || window > WINDOW_MOST || heads < 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "%s: windows of %lldx%lld pixels, %lld heads: from 1x1 to %dx%d, and at "
                                               "least one head",
                                               name, (long long)window, (long long)window, (long long)heads,
                                               WINDOW_MOST, WINDOW_MOST));
    NnNodeInfo info = {.kind = NN_NODE_POSITION_BIAS,
                       .in = {-1, -1},
                       .C = heads,
                       .H = 2 * window - 1,
                       .W = 2 * window - 1,
                       .window = window};
    return nn_graph_add(g, info, name);
}

/* Of Q, K and V on a map that windows fill; a window as large as the map has nowhere to go. */
NnNode nn_window_core(NnGraph *g, NnNode x, NnNode bias, int64_t H, int64_t W, int64_t shift)
{
    if (!nn_graph_usable(g, x, "window attention") || !nn_graph_usable(g, bias, "window attention")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x), *table = nn_graph_node(g, bias);
    int64_t window = table->window, heads = table->C;
    if (table->kind != NN_NODE_POSITION_BIAS) return fail(g, "window attention", "without a table of position biases");
    if (in->C % 3 != 0 || in->C / 3 % heads != 0)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "window attention: %lld features of queries, keys and values in %lld "
                                               "heads: must divide evenly",
                                               (long long)in->C, (long long)heads));
    if (in->H % window != 0 || in->W % window != 0 || H < 1 || W < 1 || H > in->H || W > in->W)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "window attention on a %lldx%lld map for %lldx%lld pixels: windows of "
                                               "%lldx%lld must fill it",
                                               (long long)in->H, (long long)in->W, (long long)H, (long long)W,
                                               (long long)window, (long long)window));
    if (shift < 0 || shift >= window) return fail(g, "window attention", "the shift must be less than the window");
    NnNodeInfo info = {.kind = NN_NODE_WINDOW_ATTENTION,
                       .in = {x, bias},
                       .C = in->C / 3,
                       .H = H,
                       .W = W,
                       .heads = heads,
                       .window = window,
                       .shift_h = in->H > window ? shift : 0,
                       .shift_w = in->W > window ? shift : 0};
    return nn_graph_add(g, info, NULL);
}

NnNode nn_window_attention(NnGraph *g, NnNode x, const char *name, int64_t heads, int64_t window, int64_t shift)
{
    int64_t shape[3];
    nn_node_shape(g, x, shape);
    NnNode bias = nn_position_bias(g, nn_name(g, "%s.relative_position_bias_table", name), window, heads);
    if (bias < 0) return -1;
    x = nn_pad(g, x, (shape[1] + window - 1) / window * window, (shape[2] + window - 1) / window * window);
    x = nn_token_linear(g, x, nn_name(g, "%s.qkv", name), 3 * shape[0]);
    x = nn_window_core(g, x, bias, shape[1], shape[2], shift);
    return nn_token_linear(g, x, nn_name(g, "%s.proj", name), shape[0]);
}

static BaseStatus plan_bias(NnPlan *plan, NnNodeInfo *node)
{
    const int64_t shape[4] = {node->H * node->W, node->C};
    return nn_plan_slice(plan, node->name, "", NN_POSITION_BIAS, 2, shape, &node->weight);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    const NnNodeInfo *in = nn_plan_node(plan, node->in[0]);
    nn_plan_count(plan, 4 * in->H * in->W * node->window * node->window * node->C);
    return BASE_OK;
}

static NnNode bias_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)in, (void)count;
    return nn_position_bias(g, name, set->window, set->C);
}

static NnNode core_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    int64_t shift = set->shift_h > set->shift_w ? set->shift_h : set->shift_w;
    NnNode x = nn_window_core(g, in[0], in[1], set->H, set->W, shift);
    const NnNodeInfo *made = x < 0 ? NULL : nn_graph_node(g, x);
    if (made && (made->shift_h != set->shift_h || made->shift_w != set->shift_w))
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "window attention: a shift of [%lld, %lld]: must be the same along both "
                                               "sides, and 0 along one that a window fills",
                                               (long long)set->shift_h, (long long)set->shift_w));
    return x;
}

static const NnAttribute BIAS[] = {NN_NEEDED("window_size", window), NN_NEEDED("num_heads", C)};
static const NnForm BIAS_FORM = {"relative_position_bias",
                                 0,
                                 0,
                                 .tensors = "`<name>` `[(2 window_size - 1)^2, num_heads]`",
                                 .meaning = "learned biases of the relative positions of a window's pixels, for "
                                            "`window_attention`",
                                 NN_ATTRIBUTES(BIAS),
                                 .build = bias_of};
static const NnAttribute CORE[] = {
    {"output_size", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, H), true, .least = 1, .most = NN_GRAPH_LARGEST},
    {"shift_size", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, shift_h), .usual = 0, .least = 0, .most = WINDOW_MOST}};
static const NnForm CORE_FORM = {"window_attention",
                                 2,
                                 2,
                                 .meaning = "of queries, keys and values `[3 E, H, W]` in whole windows of the "
                                            "`relative_position_bias` that is the second input, as Swin has it; of "
                                            "the output the pixels of `output_size` at the top left",
                                 NN_ATTRIBUTES(CORE),
                                 .build = core_of};
const NnOperation nn_operation_position_bias = {"a table of position biases", plan_bias, NN_FORMS(&BIAS_FORM)};
const NnOperation nn_operation_window_attention = {"a window attention", plan, NN_FORMS(&CORE_FORM)};
