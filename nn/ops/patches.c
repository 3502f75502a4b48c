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

static NnNode pad_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return nn_pad(g, in[0], set->H, set->W);
}

static NnNode merge_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name, (void)set;
    return nn_patch_merge(g, in[0]);
}

static const NnAttribute PAD[] = {
    {"output_size", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, H), true, .least = 1, .most = NN_GRAPH_LARGEST}};
static const NnForm PAD_FORM = {"pad",          1, 1, .meaning = "zeros below and on the right", NN_ATTRIBUTES(PAD),
                                .build = pad_of};
static const NnForm MERGE_FORM = {"patch_merging", 1, 1,
                                  .meaning = "`[C, H, W]` becomes `[4 C, H / 2, W / 2]`, rounded up: pixels (0, 0), "
                                             "(1, 0), (0, 1), (1, 1) of each 2 x 2, zeros behind an odd side",
                                  .build = merge_of};
const NnOperation nn_operation_pad = {.title = "a padding", NN_FORMS(&PAD_FORM)};
const NnOperation nn_operation_patch_merge = {.title = "a merging of patches", NN_FORMS(&MERGE_FORM)};
