/* nn/ops/flatten.c - a map as one vector. */
#include "nn/ops/op.h"

NnNode nn_flatten(NnGraph *g, NnNode x)
{
    if (!nn_graph_usable(g, x, "flatten")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (in->C * in->H > NN_GRAPH_LARGEST)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "flatten: [%lld, %lld, %lld] gives more than %d features",
                                               (long long)in->C, (long long)in->H, (long long)in->W, NN_GRAPH_LARGEST));
    NnNodeInfo info = {.kind = NN_NODE_FLATTEN, .in = {x, -1}, .C = in->C * in->H * in->W, .H = 1, .W = 1};
    return nn_graph_add(g, info, NULL);
}

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name, (void)set;
    return nn_flatten(g, in[0]);
}

static const NnForm FORM = {"flatten", 1, 1, .meaning = "`[C, H, W]` becomes `[C H W, 1, 1]`, C slowest",
                            .build = form};
const NnOperation nn_operation_flatten = {.title = "a flatten", NN_FORMS(&FORM)};
