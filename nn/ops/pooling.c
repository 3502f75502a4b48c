/* nn/ops/pooling.c - max and average pooling. */
#include "nn/ops/op.h"

NnNode nn_max_pool(NnGraph *g, NnNode x, int64_t kernel, int64_t stride, int64_t pad)
{
    return nn_max_pool_of(g, x, kernel, stride, pad, 0, 0);
}

NnNode nn_max_pool_of(NnGraph *g, NnNode x, int64_t kernel, int64_t stride, int64_t pad, int64_t more_h, int64_t more_w)
{
    const NnWindow high = {kernel, stride, pad, 1, more_h}, wide = {kernel, stride, pad, 1, more_w};
    if (!nn_graph_usable(g, x, "max pool") || !nn_op_window_fits(g, "max pool", nn_graph_node(g, x), &high, &wide))
        return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (2 * pad > kernel)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "max pool: padding %lld: at most half the kernel of %lld",
                                               (long long)pad, (long long)kernel));
    NnNodeInfo info = {.kind = NN_NODE_MAX_POOL,
                       .in = {x, -1},
                       .C = in->C,
                       .H = nn_op_window(in->H, &high),
                       .W = nn_op_window(in->W, &wide),
                       .kernel_h = kernel,
                       .kernel_w = kernel,
                       .stride = stride,
                       .pad_h = pad,
                       .pad_w = pad,
                       .more_h = more_h,
                       .more_w = more_w};
    return nn_graph_add(g, info, NULL);
}

NnNode nn_avg_pool(NnGraph *g, NnNode x, int64_t kernel, int64_t stride)
{
    if (!nn_graph_usable(g, x, "average pool")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    NnNodeInfo info = {.kind = NN_NODE_AVG_POOL, .in = {x, -1}, .C = in->C, .H = 1, .W = 1, .stride = 1};
    info.kernel_h = in->H;
    info.kernel_w = in->W;
    if (kernel != 0) {
        const NnWindow window = {kernel, stride, 0, 1, 0};
        if (!nn_op_window_fits(g, "average pool", in, &window, &window)) return -1;
        info.kernel_h = info.kernel_w = kernel;
        info.stride = stride;
        info.H = nn_op_window(in->H, &window);
        info.W = nn_op_window(in->W, &window);
    }
    return nn_graph_add(g, info, NULL);
}

NnNode nn_adaptive_pool(NnGraph *g, NnNode x, int64_t H, int64_t W)
{
    if (!nn_graph_usable(g, x, "adaptive pool")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (H < 1 || W < 1 || H > NN_GRAPH_LARGEST || W > NN_GRAPH_LARGEST)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "adaptive pool to %lldx%lld: sides of 1 to %d",
                                               (long long)H, (long long)W, NN_GRAPH_LARGEST));
    if (in->H == H && in->W == W) return x;
    if (H == 1 && W == 1) return nn_avg_pool(g, x, 0, 1);
    NnNodeInfo info = {.kind = NN_NODE_ADAPTIVE_POOL, .in = {x, -1}, .C = in->C, .H = H, .W = W};
    return nn_graph_add(g, info, NULL);
}

static NnNode max_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return nn_max_pool_of(g, in[0], set->kernel_h, set->stride, set->pad_h, set->more_h, set->more_w);
}

static NnNode avg_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return nn_avg_pool(g, in[0], set->kernel_h, set->stride);
}

static NnNode adaptive_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return set->H == 1 && set->W == 1 ? nn_avg_pool(g, in[0], 0, 1) : nn_adaptive_pool(g, in[0], set->H, set->W);
}

/* Else it is the whole map's. */
static bool has_window(const NnForm *form, const NnNodeInfo *node)
{
    (void)form;
    return node->H != 1 || node->W != 1 || node->stride != 1;
}

#define WINDOW                                                                                                         \
    {"kernel_size", NN_ATTRIBUTE_SQUARE, offsetof(NnNodeInfo, kernel_h), true, .least = 1, .most = NN_GRAPH_LARGEST},  \
    {                                                                                                                  \
        "stride", NN_ATTRIBUTE_SQUARE, offsetof(NnNodeInfo, stride), .least = 1, .most = NN_GRAPH_LARGEST,             \
                                                                     .like = "kernel_size"                             \
    }
static const NnAttribute MAX[] = {
    WINDOW,
    {"padding", NN_ATTRIBUTE_SQUARE, offsetof(NnNodeInfo, pad_h), .usual = 0, .least = 0, .most = NN_GRAPH_LARGEST},
    NN_MORE_PADDING};
static const NnAttribute AVG[] = {WINDOW};
static const NnAttribute ADAPTIVE[] = {
    {"output_size", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, H), true, .least = 1, .most = NN_GRAPH_LARGEST}};
static const NnForm MAX_FORM = {"max_pool2d",   1, 1, .meaning = NN_MORE_PADDING_MEANS, NN_ATTRIBUTES(MAX),
                                .build = max_of};
static const NnForm AVG_FORM = {"avg_pool2d", 1, 1, NN_ATTRIBUTES(AVG), .build = avg_of, .suits = has_window};
static const NnForm ADAPTIVE_FORM = {"adaptive_avg_pool2d", 1, 1, NN_ATTRIBUTES(ADAPTIVE), .build = adaptive_of};

const NnOperation nn_operation_adaptive_pool = {.title = "an adaptive pool", NN_FORMS(&ADAPTIVE_FORM)};
const NnOperation nn_operation_max_pool = {.title = "a max pool", NN_FORMS(&MAX_FORM)};
const NnOperation nn_operation_avg_pool = {.title = "an average pool", NN_FORMS(&AVG_FORM, &ADAPTIVE_FORM)};
