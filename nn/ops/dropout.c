/* nn/ops/dropout.c - dropout with inverted scaling, of single values or of whole images. */
#include "nn/ops/op.h"

static NnNode dropout(NnGraph *g, NnNode x, double p, bool whole)
{
    if (!nn_graph_usable(g, x, "dropout")) return -1;
    if (!(p >= 0 && p < 1)) return nn_graph_fail(g, base_error_set(BASE_EARG, "dropout of %g: must be in [0, 1)", p));
    const NnNodeInfo *in = nn_graph_node(g, x);
    NnNodeInfo info = {
        .kind = NN_NODE_DROPOUT, .in = {x, -1}, .C = in->C, .H = in->H, .W = in->W, .p = p, .whole = whole};
    return nn_graph_add(g, info, NULL);
}

NnNode nn_dropout(NnGraph *g, NnNode x, double p) { return dropout(g, x, p, false); }
NnNode nn_stochastic_depth(NnGraph *g, NnNode x, double p) { return dropout(g, x, p, true); }

static NnNode dropout_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return nn_dropout(g, in[0], set->p);
}

static NnNode depth_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return nn_stochastic_depth(g, in[0], set->p);
}

static bool of_values(const NnForm *form, const NnNodeInfo *node)
{
    (void)form;
    return !node->whole;
}

static const NnAttribute VALUES[] = {
    {"p", NN_ATTRIBUTE_REAL, offsetof(NnNodeInfo, p), .usual = 0.5, .least = 0, .most = 1}};
static const NnAttribute IMAGES[] = {{"p", NN_ATTRIBUTE_REAL, offsetof(NnNodeInfo, p), true, .least = 0, .most = 1}};
static const NnForm DROPOUT = {
    "dropout", 1, 1, .meaning = "in training only", NN_ATTRIBUTES(VALUES), .build = dropout_of, .suits = of_values};
static const NnForm DEPTH = {
    "stochastic_depth", 1, 1, .meaning = "of whole images, in training only", NN_ATTRIBUTES(IMAGES), .build = depth_of};
const NnOperation nn_operation_dropout = {.title = "a dropout", NN_FORMS(&DROPOUT, &DEPTH)};
