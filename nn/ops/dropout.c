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

const NnOperation nn_operation_dropout = {.title = "a dropout"};
