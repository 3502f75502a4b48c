/* nn/ops/prelu.c - a ReLU whose slope below 0 is learned (arXiv 1502.01852). */
#include "nn/ops/op.h"

NnNode nn_prelu(NnGraph *g, NnNode x, const char *name, bool each)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a PReLU")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    NnNodeInfo info = {.kind = NN_NODE_PRELU, .in = {x, -1}, .C = in->C, .H = in->H, .W = in->W};
    info.groups = each ? in->C : 1; /* of channels that share a slope */
    return nn_graph_add(g, info, name);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    const int64_t shape[4] = {node->groups};
    return nn_plan_slice(plan, node->name, ".weight", NN_SLOPE, 1, shape, &node->weight);
}

const NnOperation nn_operation_prelu = {"a PReLU", plan};
