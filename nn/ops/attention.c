/* nn/ops/attention.c - self-attention (Vaswani et al. 2017) between its two projections. */
#include "nn/ops/op.h"

/* Of queries, keys and values, each of E features, one after the other in @p x. */
static NnNode core(NnGraph *g, NnNode x, int64_t E, int64_t heads)
{
    if (!nn_graph_usable(g, x, "attention")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    NnNodeInfo info = {.kind = NN_NODE_ATTENTION, .in = {x, -1}, .C = E, .H = in->H, .W = 1, .heads = heads};
    return nn_graph_add(g, info, NULL);
}

NnNode nn_attention(NnGraph *g, NnNode x, const char *name, int64_t heads)
{
    if (!nn_graph_usable(g, x, name)) return -1;
    int64_t E = nn_graph_node(g, x)->C;
    if (heads < 1 || E % heads != 0)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %lld features in %lld heads: must divide evenly", name,
                                               (long long)E, (long long)heads));
    if (nn_graph_node(g, x)->W != 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: attention on a map: turn it into tokens first", name));
    x = nn_op_linear_node(g, x, nn_name(g, "%s.in_proj", name), 3 * E, true, true, NN_GRAPH_LARGEST);
    return nn_token_linear(g, core(g, x, E, heads), nn_name(g, "%s.out_proj", name), E);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    nn_plan_count(plan, 4 * node->H * node->H * node->C);
    return BASE_OK;
}

static NnNode whole_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    return nn_attention(g, in[0], name, set->heads);
}

static NnNode core_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    static const char WHAT[] = "attention";
    (void)name;
    for (int i = 0; i < count; i++)
        if (!nn_graph_usable(g, in[i], WHAT)) return -1;
    const NnNodeInfo *first = nn_graph_node(g, in[0]);
    if (count == 2) return nn_graph_fail(g, base_error_set(BASE_EARG, "%s of 2 inputs: must be 1 or 3", WHAT));
    if (count == 3 &&
        (nn_graph_node(g, in[1])->C != first->C || nn_graph_node(g, in[2])->C != first->C || first->W != 1))
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "%s: queries, keys and values of %lld, %lld and %lld "
                                               "features: must be as many, [E, T, 1]",
                                               WHAT, (long long)first->C, (long long)nn_graph_node(g, in[1])->C,
                                               (long long)nn_graph_node(g, in[2])->C));
    int64_t E = count == 1 ? first->C / 3 : first->C, heads = set->heads;
    if (first->W != 1 || (count == 1 && first->C % 3 != 0) || E % heads != 0)
        return nn_graph_fail(
            g, base_error_set(BASE_ESHAPE,
                              "%s of %lld heads on [%lld, %lld, %lld]: must be tokens, whose queries, keys and values "
                              "divide evenly into heads",
                              WHAT, (long long)heads, (long long)first->C, (long long)first->H, (long long)first->W));
    return core(g, count == 1 ? in[0] : nn_concat(g, nn_concat(g, in[0], in[1]), in[2]), E, heads);
}

static bool never(const NnForm *form, const NnNodeInfo *node)
{
    (void)form, (void)node;
    return false;
}

static const NnAttribute HEADS[] = {NN_NEEDED("num_heads", heads)};
static const NnForm CORE = {
    "scaled_dot_product_attention",
    1,
    3,
    .meaning = "of queries, keys and values, each `[E, T, 1]`, or of one `[3 E, T, 1]` that has them one after the "
               "other; heads are slices of E",
    NN_ATTRIBUTES(HEADS),
    .build = core_of};
static const NnForm WHOLE = {"multi_head_attention",
                             1,
                             1,
                             .tensors = "`.in_proj_weight`, `.in_proj_bias`, `.out_proj.weight`, `.out_proj.bias`",
                             .meaning = "self-attention as `nn.MultiheadAttention`, with its projections",
                             NN_ATTRIBUTES(HEADS),
                             .build = whole_of,
                             .suits = never}; /* printed as its three nodes */
const NnOperation nn_operation_attention = {"an attention", plan, NN_FORMS(&CORE, &WHOLE)};
