/* nn/ops/add.c - the sum of two maps. */
#include "nn/ops/op.h"

NnNode nn_add(NnGraph *g, NnNode a, NnNode b)
{
    if (!nn_graph_usable(g, a, "add") || !nn_graph_usable(g, b, "add")) return -1;
    const NnNodeInfo *x = nn_graph_node(g, a), *y = nn_graph_node(g, b);
    if (x->C != y->C || x->H != y->H || x->W != y->W)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "add: [%lld, %lld, %lld] and [%lld, %lld, %lld] differ",
                                               (long long)x->C, (long long)x->H, (long long)x->W, (long long)y->C,
                                               (long long)y->H, (long long)y->W));
    return nn_graph_add(g, (NnNodeInfo){.kind = NN_NODE_ADD, .in = {a, b}, .C = x->C, .H = x->H, .W = x->W}, NULL);
}

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name, (void)set;
    return nn_add(g, in[0], in[1]);
}

const NnOperation nn_operation_add = {
    .title = "an add", NN_FORMS(&(const NnForm){"add", 2, 2, .meaning = "of equal shapes", .build = form})};
