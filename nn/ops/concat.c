/* nn/ops/concat.c - the channels of two maps one after the other. */
#include "nn/ops/op.h"

NnNode nn_concat(NnGraph *g, NnNode a, NnNode b)
{
    if (!nn_graph_usable(g, a, "concatenation") || !nn_graph_usable(g, b, "concatenation")) return -1;
    const NnNodeInfo *x = nn_graph_node(g, a), *y = nn_graph_node(g, b);
    if (x->H != y->H || x->W != y->W)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "concatenation: maps of %lldx%lld and of %lldx%lld",
                                               (long long)x->H, (long long)x->W, (long long)y->H, (long long)y->W));
    NnNodeInfo info = {.kind = NN_NODE_CONCAT, .in = {a, b}, .C = x->C + y->C, .H = x->H, .W = x->W};
    return nn_graph_add(g, info, NULL);
}

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)name, (void)set;
    NnNode x = in[0];
    for (int i = 1; i < count; i++) x = nn_concat(g, x, in[i]);
    return x;
}

const NnOperation nn_operation_concat = {
    .title = "a concatenation",
    NN_FORMS(&(const NnForm){"concat", 2, NN_FORM_INPUTS, .meaning = "along C", .build = form})};
