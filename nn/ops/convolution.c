/* nn/ops/convolution.c - convolutions. */
#include "nn/ops/op.h"

NnNode nn_conv(NnGraph *g, NnNode x, const char *name, int64_t K, int64_t kernel, int64_t stride, int64_t pad,
               bool bias)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a convolution")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (K < 1)
        return nn_graph_fail(g,
                             base_error_set(BASE_ESHAPE, "%s: %lld output channels: at least 1", name, (long long)K));
    if (!nn_op_window_fits(g, name, in, kernel, stride, pad)) return -1;
    NnNodeInfo info = {.kind = NN_NODE_CONV,
                       .in = {x, -1},
                       .C = K,
                       .H = nn_op_window(in->H, kernel, stride, pad),
                       .W = nn_op_window(in->W, kernel, stride, pad),
                       .kernel_h = kernel,
                       .kernel_w = kernel,
                       .stride = stride,
                       .pad = pad,
                       .bias = bias};
    return nn_graph_add(g, info, name);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node) { return nn_plan_layer(plan, node, 4); }

const NnOperation nn_operation_convolution = {"a convolution", plan};
