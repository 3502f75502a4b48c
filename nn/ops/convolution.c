/* nn/ops/convolution.c - convolutions: grouped (arXiv 1611.05431) and depthwise, dilated (arXiv 1511.07122), with kernels
 * that need not be square. */
#include "nn/ops/op.h"

static NnConv complete(NnConv c)
{
    if (c.kernel_w == 0) c.kernel_w = c.kernel_h, c.pad_w = c.pad_h, c.more_w = c.more_h;
    if (c.stride == 0) c.stride = 1;
    if (c.dilation == 0) c.dilation = 1;
    if (c.groups == 0) c.groups = 1;
    return c;
}

static NnNode convolution(NnGraph *g, NnNode x, const char *name, const NnConv *c)
{
    if (!nn_graph_usable(g, x, name) || !nn_graph_fresh_name(g, name, "a convolution")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x);
    if (c->K < 1)
        return nn_graph_fail(
            g, base_error_set(BASE_ESHAPE, "%s: %lld output channels: at least 1", name, (long long)c->K));
    if (c->groups < 1 || in->C % c->groups != 0 || c->K % c->groups != 0)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "%s: %lld and %lld channels in %lld groups: must divide evenly", name,
                                               (long long)in->C, (long long)c->K, (long long)c->groups));
    const NnWindow high = {c->kernel_h, c->stride, c->pad_h, c->dilation, c->more_h},
                   wide = {c->kernel_w, c->stride, c->pad_w, c->dilation, c->more_w};
    if (!nn_op_window_fits(g, name, in, &high, &wide)) return -1;
    NnNodeInfo info = {.kind = NN_NODE_CONV,
                       .in = {x, -1},
                       .C = c->K,
                       .H = nn_op_window(in->H, &high),
                       .W = nn_op_window(in->W, &wide),
                       .kernel_h = c->kernel_h,
                       .kernel_w = c->kernel_w,
                       .stride = c->stride,
                       .pad_h = c->pad_h,
                       .pad_w = c->pad_w,
                       .more_h = c->more_h,
                       .more_w = c->more_w,
                       .dilation = c->dilation,
                       .groups = c->groups,
                       .bias = c->bias};
    return nn_graph_add(g, info, name);
}

NnNode nn_conv_of(NnGraph *g, NnNode x, const char *name, NnConv conv)
{
    const NnConv whole = complete(conv);
    return convolution(g, x, name, &whole);
}

NnNode nn_conv(NnGraph *g, NnNode x, const char *name, int64_t K, int64_t kernel, int64_t stride, int64_t pad,
               bool bias)
{
    const NnConv conv = {.K = K,
                         .kernel_h = kernel,
                         .kernel_w = kernel,
                         .stride = stride,
                         .pad_h = pad,
                         .pad_w = pad,
                         .dilation = 1,
                         .groups = 1,
                         .bias = bias};
    return convolution(g, x, name, &conv);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node) { return nn_plan_layer(plan, node, 4); }

static NnNode form(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count;
    const NnConv conv = {.K = set->C,
                         .kernel_h = set->kernel_h,
                         .kernel_w = set->kernel_w,
                         .stride = set->stride,
                         .pad_h = set->pad_h,
                         .pad_w = set->pad_w,
                         .more_h = set->more_h,
                         .more_w = set->more_w,
                         .dilation = set->dilation,
                         .groups = set->groups,
                         .bias = set->bias};
    return convolution(g, in[0], name, &conv);
}

static const NnAttribute ATTRIBUTES[] = {
    NN_NEEDED("out_channels", C),
    {"kernel_size", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, kernel_h), true, .least = 1, .most = NN_GRAPH_LARGEST},
    {"stride", NN_ATTRIBUTE_SQUARE, offsetof(NnNodeInfo, stride), .usual = 1, .least = 1, .most = NN_GRAPH_LARGEST},
    {"padding", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, pad_h), .usual = 0, .least = 0, .most = NN_GRAPH_LARGEST},
    NN_MORE_PADDING,
    {"dilation", NN_ATTRIBUTE_SQUARE, offsetof(NnNodeInfo, dilation), .usual = 1, .least = 1, .most = NN_GRAPH_LARGEST},
    {"groups", NN_ATTRIBUTE_COUNT, offsetof(NnNodeInfo, groups), .usual = 1, .least = 1, .most = NN_GRAPH_LARGEST},
    {"bias", NN_ATTRIBUTE_FLAG, offsetof(NnNodeInfo, bias), .usual = 1}};
static const NnForm FORM = {
    "conv2d",     1, 1, .tensors = "`.weight`, `.bias`", .meaning = NN_MORE_PADDING_MEANS, NN_ATTRIBUTES(ATTRIBUTES),
    .build = form};
const NnOperation nn_operation_convolution = {"a convolution", plan, NN_FORMS(&FORM)};
