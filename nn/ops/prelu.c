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

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    if (!nn_graph_usable(g, in[0], name)) return -1;
    int64_t C = nn_graph_node(g, in[0])->C;
    if (set->groups != 1 && set->groups != C)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %lld slopes for %lld channels: must be 1, or as many",
                                               name, (long long)set->groups, (long long)C));
    return nn_prelu(g, in[0], name, set->groups == C);
}

static const NnAttribute ATTRIBUTES[] = {{"num_parameters", NN_ATTRIBUTE_COUNT, offsetof(NnNodeInfo, groups),
                                          .usual = 1, .least = 1, .most = NN_GRAPH_LARGEST}};
static const NnForm FORM = {
    "prelu",      1, 1, .tensors = "`.weight`", .meaning = "`num_parameters`: 1, or C", NN_ATTRIBUTES(ATTRIBUTES),
    .build = form};
const NnOperation nn_operation_prelu = {"a PReLU", plan, NN_FORMS(&FORM)};
