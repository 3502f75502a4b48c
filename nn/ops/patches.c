/* nn/ops/patches.c - what moves pixels: zeros around a map, and patches of four pixels as one (Swin's patch merging, arXiv
 * 2103.14030, section 3.1). */
#include "nn/ops/op.h"

NnNode nn_pad(NnGraph *g, NnNode x, int64_t H, int64_t W)
{
    if (!nn_graph_usable(g, x, "padding")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (H < in->H || W < in->W)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "padding of a %lldx%lld map to %lldx%lld", (long long)in->H,
                                               (long long)in->W, (long long)H, (long long)W));
    if (H == in->H && W == in->W) return x;
    return nn_graph_add(g, (NnNodeInfo){.kind = NN_NODE_PAD, .in = {x, -1}, .C = in->C, .H = H, .W = W}, NULL);
}

NnNode nn_patch_merge(NnGraph *g, NnNode x)
{
    if (!nn_graph_usable(g, x, "patch merging")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    NnNodeInfo info = {
        .kind = NN_NODE_PATCH_MERGE, .in = {x, -1}, .C = 4 * in->C, .H = (in->H + 1) / 2, .W = (in->W + 1) / 2};
    return nn_graph_add(g, info, NULL);
}

const NnOperation nn_operation_pad = {.title = "a padding"};
const NnOperation nn_operation_patch_merge = {.title = "a merging of patches"};
