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

static NnNode relu_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name, (void)set;
    return nn_relu(g, in[0]);
}

static NnNode function_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    if (set->function == NN_LEAKY_RELU) return nn_leaky_relu(g, in[0], set->slope);
    return nn_activation(g, in[0], (NnFunction)set->function);
}

static bool same_function(const NnForm *form, const NnNodeInfo *node)
{
    return node->function == form->function || (form->function == NN_GELU && node->function == NN_GELU_TANH);
}

/* A choice's words count from the form's own function on. */
static const char *const APPROXIMATE[] = {"none", "tanh", NULL};
_Static_assert(NN_GELU_TANH == NN_GELU + 1, "the words of 'approximate' are in the order of the functions");
static const NnAttribute GELU[] = {
    {"approximate", NN_ATTRIBUTE_CHOICE, offsetof(NnNodeInfo, function), .words = APPROXIMATE}};
static const NnAttribute LEAKY[] = {
    {"negative_slope", NN_ATTRIBUTE_REAL, offsetof(NnNodeInfo, slope), .usual = 0.01, .least = 0, .most = 0.99}};
#define FUNCTION(title, value)                                                                                         \
    &(const NnForm) { title, 1, 1, .function = (value), .build = function_of, .suits = same_function }
#define FUNCTION_WITH(title, value, table)                                                                             \
    &(const NnForm)                                                                                                    \
    {                                                                                                                  \
        title, 1, 1, NN_ATTRIBUTES(table), .function = (value), .build = function_of, .suits = same_function           \
    }

const NnOperation nn_operation_relu = {.title = "a ReLU", NN_FORMS(&(const NnForm){"relu", 1, 1, .build = relu_of})};
const NnOperation nn_operation_activation = {
    .title = "an activation",
    NN_FORMS(FUNCTION("sigmoid", NN_SIGMOID), FUNCTION("tanh", NN_TANH), FUNCTION("silu", NN_SILU),
             FUNCTION("hardsigmoid", NN_HARD_SIGMOID), FUNCTION("hardswish", NN_HARD_SWISH),
             FUNCTION("relu6", NN_RELU6), FUNCTION("half", NN_HALF), FUNCTION_WITH("leaky_relu", NN_LEAKY_RELU, LEAKY),
             FUNCTION_WITH("gelu", NN_GELU, GELU))};
