/* nn/ops/group_norm.c - group norm (arXiv 1803.08494); one group: layer norm over whole images, C groups: instance norm. */
#include "nn/ops/op.h"

static NnNode group_norm(NnGraph *g, NnNode x, const char *name, int64_t groups, double epsilon)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a group norm")) return -1;
    int64_t C = nn_graph_node(g, x)->C;
    if (groups < 1 || C % groups != 0)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %lld channels in %lld groups: must divide evenly",
                                               name, (long long)C, (long long)groups));
    NnNode norm = nn_graph_like(g, x, NN_NODE_GROUP_NORM, nn_graph_node(g, x)->H, name);
    if (norm < 0) return norm;
    nn_graph_edit(g, norm)->groups = groups;
    nn_graph_edit(g, norm)->epsilon = epsilon;
    return norm;
}

NnNode nn_group_norm(NnGraph *g, NnNode x, const char *name, int64_t groups)
{
    return group_norm(g, x, name, groups, 1e-5);
}

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    return group_norm(g, in[0], name, set->groups, set->epsilon);
}

static const NnAttribute ATTRIBUTES[] = {NN_NEEDED("num_groups", groups), NN_EPSILON};
static const NnForm FORM = {"group_norm", 1, 1, .tensors = "`.weight`, `.bias`", NN_ATTRIBUTES(ATTRIBUTES),
                            .build = form};
const NnOperation nn_operation_group_norm = {"a group norm", nn_plan_norm, NN_FORMS(&FORM)};
