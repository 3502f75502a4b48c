/* nn/ops/attention.c - self-attention (Vaswani et al. 2017) between its two projections. */
#include "nn/ops/op.h"

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
    if (x < 0) return -1;
    NnNodeInfo core = {
        .kind = NN_NODE_ATTENTION, .in = {x, -1}, .C = E, .H = nn_graph_node(g, x)->H, .W = 1, .heads = heads};
    x = nn_graph_add(g, core, NULL);
    return nn_token_linear(g, x, nn_name(g, "%s.out_proj", name), E);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    nn_plan_count(plan, 4 * node->H * node->H * node->C);
    return BASE_OK;
}

const NnOperation nn_operation_attention = {"an attention", plan};
