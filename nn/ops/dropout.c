/* nn/ops/dropout.c - dropout with inverted scaling. */
#include "nn/ops/op.h"

NnNode nn_dropout(NnGraph *g, NnNode x, double p)
{
    if (!nn_graph_usable(g, x, "dropout")) return -1;
    if (!(p >= 0 && p < 1)) return nn_graph_fail(g, base_error_set(BASE_EARG, "dropout of %g: must be in [0, 1)", p));
    const NnNodeInfo *in = nn_graph_node(g, x);
    return nn_graph_add(
        g, (NnNodeInfo){.kind = NN_NODE_DROPOUT, .in = {x, -1}, .C = in->C, .H = in->H, .W = in->W, .p = p}, NULL);
}

const NnOperation nn_operation_dropout = {.title = "a dropout"};
