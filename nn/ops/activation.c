/* nn/ops/activation.c - ReLU, and other functions of one number: the rows of NnFunction. */
#include "nn/ops/op.h"

NnNode nn_relu(NnGraph *g, NnNode x)
{
    if (!nn_graph_usable(g, x, "relu")) return -1;
    return nn_graph_like(g, x, NN_NODE_RELU, nn_graph_node(g, x)->H, NULL);
}

static NnNode activation(NnGraph *g, NnNode x, NnFunction function, double slope)
{
    if (!nn_graph_usable(g, x, "activation")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    NnNodeInfo info = {.kind = NN_NODE_ACTIVATION,
                       .in = {x, -1},
                       .C = in->C,
                       .H = in->H,
                       .W = in->W,
                       .function = (int)function,
                       .slope = slope};
    return nn_graph_add(g, info, NULL);
}

NnNode nn_activation(NnGraph *g, NnNode x, NnFunction function)
{
    if (function == NN_LEAKY_RELU) return nn_leaky_relu(g, x, 0.01);
    return activation(g, x, function, 0);
}

NnNode nn_leaky_relu(NnGraph *g, NnNode x, double slope)
{
    if (!(slope >= 0 && slope < 1))
        return nn_graph_fail(g, base_error_set(BASE_EARG, "leaky ReLU of slope %g: must be in [0, 1)", slope));
    return activation(g, x, NN_LEAKY_RELU, slope);
}

const NnOperation nn_operation_relu = {.title = "a ReLU"};
const NnOperation nn_operation_activation = {.title = "an activation"};
