/* nn/ops/layer_norm.c - layer norm (arXiv 1607.06450) over the features of each token, or the channels of each pixel. */
#include "nn/ops/op.h"

NnNode nn_layer_norm(NnGraph *g, NnNode x, const char *name, double epsilon)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a layer norm")) return -1;
    if (!(epsilon > 0 && epsilon < 1))
        return nn_graph_fail(g, base_error_set(BASE_EARG, "%s: an epsilon of %g: must be in (0, 1)", name, epsilon));
    NnNode norm = nn_graph_like(g, x, NN_NODE_LAYER_NORM, nn_graph_node(g, x)->H, name);
    if (norm >= 0) nn_graph_edit(g, norm)->epsilon = epsilon;
    return norm;
}

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    return nn_layer_norm(g, in[0], name, set->epsilon);
}

static const NnAttribute ATTRIBUTES[] = {NN_EPSILON};
static const NnForm FORM = {"layer_norm",
                            1,
                            1,
                            .tensors = "`.weight`, `.bias`",
                            .meaning = "over C of each token or pixel",
                            NN_ATTRIBUTES(ATTRIBUTES),
                            .build = form};
const NnOperation nn_operation_layer_norm = {"a layer norm", nn_plan_norm, NN_FORMS(&FORM)};
