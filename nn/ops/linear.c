/* nn/ops/linear.c - linear layers, of vectors or of every token or pixel by itself. */
#include "nn/ops/op.h"

NnNode nn_op_linear_node(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias, bool packed, int64_t tokens)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a linear layer")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (K < 1)
        return nn_graph_fail(g,
                             base_error_set(BASE_ESHAPE, "%s: %lld outputs: must be at least 1", name, (long long)K));
    if (in->H * in->W > tokens)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: a linear layer on a %lldx%lld map: flatten it first",
                                               name, (long long)in->H, (long long)in->W));
    NnNodeInfo info = {.kind = NN_NODE_LINEAR,
                       .in = {x, -1},
                       .C = K,
                       .H = in->H,
                       .W = in->W,
                       .kernel_h = 1,
                       .kernel_w = 1,
                       .stride = 1,
                       .dilation = 1,
                       .groups = 1,
                       .bias = bias,
                       .packed = packed};
    return nn_graph_add(g, info, name);
}

NnNode nn_linear(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias)
{
    return nn_op_linear_node(g, x, name, K, bias, false, 1);
}

NnNode nn_token_linear(NnGraph *g, NnNode x, const char *name, int64_t K)
{
    return nn_op_linear_node(g, x, name, K, true, false, NN_GRAPH_LARGEST);
}

NnNode nn_token_linear_plain(NnGraph *g, NnNode x, const char *name, int64_t K)
{
    return nn_op_linear_node(g, x, name, K, false, false, NN_GRAPH_LARGEST);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node) { return nn_plan_layer(plan, node, 2); }

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    return nn_op_linear_node(g, in[0], name, set->C, set->bias, set->packed, NN_GRAPH_LARGEST);
}

static const NnAttribute ATTRIBUTES[] = {NN_NEEDED("out_features", C),
                                         {"bias", NN_ATTRIBUTE_FLAG, offsetof(NnNodeInfo, bias), .usual = 1},
                                         {"packed", NN_ATTRIBUTE_FLAG, offsetof(NnNodeInfo, packed), .usual = 0}};
static const NnForm FORM = {"linear",
                            1,
                            1,
                            .tensors = "`.weight`, `.bias`",
                            .meaning = "of each token or pixel by itself; `packed`: the tensors are `<name>_weight` "
                                       "and `<name>_bias`, as `in_proj` of `nn.MultiheadAttention`",
                            NN_ATTRIBUTES(ATTRIBUTES),
                            .build = form};
const NnOperation nn_operation_linear = {"a linear layer", plan, NN_FORMS(&FORM)};
