/* nn/ops/batch_norm.c - batch norm (arXiv 1502.03167), with its running statistics. */
#include "nn/ops/op.h"

NnNode nn_batch_norm_of(NnGraph *g, NnNode x, const char *name, double epsilon, double momentum)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a batch norm")) return -1;
    NnNode norm = nn_graph_like(g, x, NN_NODE_NORM, nn_graph_node(g, x)->H, name);
    if (norm < 0) return norm;
    nn_graph_edit(g, norm)->epsilon = epsilon;
    nn_graph_edit(g, norm)->momentum = momentum;
    return norm;
}

NnNode nn_batch_norm(NnGraph *g, NnNode x, const char *name) { return nn_batch_norm_of(g, x, name, 1e-5, 0.1); }

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

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    return nn_batch_norm_of(g, in[0], name, set->epsilon, set->momentum);
}

static const NnAttribute ATTRIBUTES[] = {
    NN_EPSILON, {"momentum", NN_ATTRIBUTE_REAL, offsetof(NnNodeInfo, momentum), .usual = 0.1, .least = 0, .most = 1}};
static const NnForm FORM = {
    "batch_norm", 1, 1, .tensors = "`.weight`, `.bias`, `.running_mean`, `.running_var`", NN_ATTRIBUTES(ATTRIBUTES),
    .build = form};
const NnOperation nn_operation_batch_norm = {"a batch norm", plan, NN_FORMS(&FORM)};
