/* nn/ops/batch_norm.c - batch norm (arXiv 1502.03167), with its running statistics. */
#include "nn/ops/op.h"

NnNode nn_batch_norm(NnGraph *g, NnNode x, const char *name)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a batch norm")) return -1;
    return nn_graph_like(g, x, NN_NODE_NORM, nn_graph_node(g, x)->H, name);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    BaseStatus st = BASE_OK;
    const int64_t shape[4] = {node->C};
    BASE_TRY(nn_plan_norm(plan, node));
    BASE_TRY(nn_plan_slice(plan, node->name, ".running_mean", NN_RUNNING_MEAN, 1, shape, &node->mean));
    BASE_TRY(nn_plan_slice(plan, node->name, ".running_var", NN_RUNNING_VAR, 1, shape, &node->var));
out:
    return st;
}

const NnOperation nn_operation_batch_norm = {"a batch norm", plan};
