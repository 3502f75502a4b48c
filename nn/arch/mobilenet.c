/* nn/arch/mobilenet.c - MobileNet V2 (arXiv 1801.04381) and V3 (arXiv 1905.02244), torchvision's names: inverted residuals,
 * which widen the map, filter each channel by itself and narrow it again. timm's V3, which normalises by another epsilon, is a
 * network of its own. */
#include "nn/arch/blocks.h"

/* ---- V2 ---- */

static NnNode conv_norm6(NnGraph *g, NnNode x, const char *name, NnConv conv)
{
    x = nn_batch_norm(g, nn_conv_of(g, x, nn_name(g, "%s.0", name), conv), nn_name(g, "%s.1", name));
    return nn_activation(g, x, NN_RELU6);
}

static NnNode inverted(NnGraph *g, NnNode x, const char *block, int64_t expand, int64_t K, int64_t stride)
{
    int64_t in[3], at = 0;
    nn_node_shape(g, x, in);
    int64_t wide = in[0] * expand;
    NnNode y = x;
    if (expand != 1)
        y = conv_norm6(g, y, nn_name(g, "%s.conv.%d", block, (int)at++), (NnConv){.K = wide, .kernel_h = 1});
    y = conv_norm6(g, y, nn_name(g, "%s.conv.%d", block, (int)at++),
                   (NnConv){.K = wide, .kernel_h = 3, .pad_h = 1, .stride = stride, .groups = wide});
    y = nn_conv(g, y, nn_name(g, "%s.conv.%d", block, (int)at++), K, 1, 1, 0, false);
    y = nn_batch_norm(g, y, nn_name(g, "%s.conv.%d", block, (int)at++));
    return stride == 1 && in[0] == K ? nn_add(g, y, x) : y;
}

static NnNode build_v2(NnGraph *g, const void *form, int64_t K)
{
    (void)form;
    static const struct {
        int expand, channels, blocks, stride;
    } STAGES[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    NnNode x = conv_norm6(g, nn_input(g), "features.0", (NnConv){.K = 32, .kernel_h = 3, .pad_h = 1, .stride = 2});
    int at = 1;
    for (size_t s = 0; s < BASE_COUNT(STAGES); s++)
        for (int i = 0; i < STAGES[s].blocks; i++)
            x = inverted(g, x, nn_name(g, "features.%d", at++), STAGES[s].expand, STAGES[s].channels,
                         i ? 1 : STAGES[s].stride);
    x = conv_norm6(g, x, nn_name(g, "features.%d", at), (NnConv){.K = 1280, .kernel_h = 1});
    return nn_linear(g, nn_dropout(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), 0.2), "classifier.1", K, true);
}

/* ---- V3 ---- */

typedef struct {
    int kernel, wide, channels;
    bool gate, swish;
    int stride;
} Block;

typedef struct {
    const Block *blocks;
    int count;
    int64_t hidden; /* units before the classifier */
    double epsilon; /* of timm's batch norms */
    bool same;      /* timm's "tf_": TensorFlow's padding */
} Form;

static NnNode act(NnGraph *g, NnNode x, bool swish)
{
    return swish ? nn_activation(g, x, NN_HARD_SWISH) : nn_relu(g, x);
}

static NnNode conv_norm(NnGraph *g, NnNode x, const char *name, NnConv conv)
{
    x = nn_conv_of(g, x, nn_name(g, "%s.0", name), conv);
    return nn_batch_norm_of(g, x, nn_name(g, "%s.1", name), 1e-3, 0.01);
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *name, const Block *b)
{
    int64_t in[3];
    int at = 0;
    nn_node_shape(g, x, in);
    NnNode y = x;
    if (b->wide != in[0])
        y = act(g, conv_norm(g, y, nn_name(g, "%s.block.%d", name, at++), (NnConv){.K = b->wide, .kernel_h = 1}),
                b->swish);
    const NnConv each = {
        .K = b->wide, .kernel_h = b->kernel, .pad_h = b->kernel / 2, .stride = b->stride, .groups = b->wide};
    y = act(g, conv_norm(g, y, nn_name(g, "%s.block.%d", name, at++), each), b->swish);
    if (b->gate)
        y = nn_blocks_squeeze(g, y, nn_name(g, "%s.block.%d", name, at++),
                              nn_blocks_divisible((double)(b->wide / 4), 8), nn_relu, NN_HARD_SIGMOID);
    y = conv_norm(g, y, nn_name(g, "%s.block.%d", name, at), (NnConv){.K = b->channels, .kernel_h = 1});
    return b->stride == 1 && in[0] == b->channels ? nn_add(g, y, x) : y;
}

static NnNode build_v3(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    int64_t in[3];
    NnNode x = conv_norm(g, nn_input(g), "features.0", (NnConv){.K = 16, .kernel_h = 3, .pad_h = 1, .stride = 2});
    x = act(g, x, true);
    for (int i = 0; i < form->count; i++) x = draw_block(g, x, nn_name(g, "features.%d", i + 1), &form->blocks[i]);
    nn_node_shape(g, x, in);
    x = conv_norm(g, x, nn_name(g, "features.%d", form->count + 1), (NnConv){.K = 6 * in[0], .kernel_h = 1});
    x = nn_flatten(g, nn_avg_pool(g, act(g, x, true), 0, 1));
    x = act(g, nn_linear(g, x, "classifier.0", form->hidden, true), true);
    return nn_linear(g, nn_dropout(g, x, 0.2), "classifier.3", K, true);
}

/* ---- V3 as timm has it: its names, an epsilon of 1e-5, and a classifier whose first layer is a convolution ---- */

static NnNode timm_norm(NnGraph *g, NnNode x, const char *conv_name, const char *norm, NnConv conv, const Form *form)
{
    if (form->same)
        conv = nn_blocks_same(g, x, conv);
    else
        conv.pad_h = conv.kernel_h / 2;
    return nn_batch_norm_of(g, nn_conv_of(g, x, conv_name, conv), norm, form->epsilon, 0.1);
}

/* A block whose map is not widened filters first: its layers are counted so. */
static NnNode draw_timm_block(NnGraph *g, NnNode x, const char *name, const Block *b, const Form *form)
{
    int64_t in[3];
    int at = 1;
    nn_node_shape(g, x, in);
    bool first = b->wide == in[0];
    NnNode y = x;
    if (!first) {
        y = timm_norm(g, y, nn_name(g, "%s.conv_pw", name), nn_name(g, "%s.bn%d", name, at),
                      (NnConv){.K = b->wide, .kernel_h = 1, .stride = 1}, form);
        y = act(g, y, b->swish);
        at++;
    }
    const NnConv each = {.K = b->wide, .kernel_h = b->kernel, .stride = b->stride, .groups = b->wide};
    y = timm_norm(g, y, nn_name(g, "%s.conv_dw", name), nn_name(g, "%s.bn%d", name, at), each, form);
    y = act(g, y, b->swish);
    if (b->gate)
        y = nn_blocks_gate(g, y, nn_name(g, "%s.se.conv_reduce", name), nn_name(g, "%s.se.conv_expand", name),
                           nn_blocks_divisible((double)(b->wide / 4), 8), nn_relu, NN_HARD_SIGMOID);
    y = timm_norm(g, y, nn_name(g, first ? "%s.conv_pw" : "%s.conv_pwl", name), nn_name(g, "%s.bn%d", name, at + 1),
                  (NnConv){.K = b->channels, .kernel_h = 1, .stride = 1}, form);
    return b->stride == 1 && in[0] == b->channels ? nn_add(g, y, x) : y;
}

static NnNode build_timm(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    int64_t in[3];
    int stage = 0, block = 0;
    NnNode x = timm_norm(g, nn_input(g), "conv_stem", "bn1", (NnConv){.K = 16, .kernel_h = 3, .stride = 2}, form);
    x = act(g, x, true);
    for (int i = 0; i < form->count; i++) { /* a stage ends where the channels change */
        if (i > 0 && form->blocks[i].channels != form->blocks[i - 1].channels) stage++, block = 0;
        x = draw_timm_block(g, x, nn_name(g, "blocks.%d.%d", stage, block++), &form->blocks[i], form);
    }
    nn_node_shape(g, x, in);
    x = timm_norm(g, x, nn_name(g, "blocks.%d.0.conv", stage + 1), nn_name(g, "blocks.%d.0.bn1", stage + 1),
                  (NnConv){.K = 6 * in[0], .kernel_h = 1, .stride = 1}, form);
    x = nn_avg_pool(g, act(g, x, true), 0, 1);
    x = nn_flatten(g, act(g, nn_conv(g, x, "conv_head", form->hidden, 1, 1, 0, true), true));
    return nn_linear(g, nn_dropout(g, x, 0.2), "classifier", K, true);
}

static const Block LARGE[] = {
    {3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2}, {3, 72, 24, false, false, 1},
    {5, 72, 40, true, false, 2},  {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1},
    {3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1}, {3, 184, 80, false, true, 1},
    {3, 184, 80, false, true, 1}, {3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1},
    {5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1}, {5, 960, 160, true, true, 1},
};
static const Block SMALL[] = {
    {3, 16, 16, true, false, 2}, {3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1},
    {5, 96, 40, true, true, 2},  {5, 240, 40, true, true, 1},  {5, 240, 40, true, true, 1},
    {5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1},  {5, 288, 96, true, true, 2},
    {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1},
};

#define ROW(label, title, paper, how, ...)                                                                             \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label, title "; images of any size", paper), .C = 3, .H = 224, .W = 224,             \
        .larger = true, .smaller = true, .build = how, __VA_ARGS__                                                     \
    }
static const NnArch TABLE[] = {
    ROW("mobilenet_v2", "MobileNet V2", "arXiv 1801.04381", build_v2, .form = NULL),
    ROW("mobilenet_v3_small", "MobileNet V3, small", "arXiv 1905.02244", build_v3,
        .form = &(const Form){.blocks = SMALL, .count = BASE_COUNT(SMALL), .hidden = 1024}),
    ROW("mobilenet_v3_large", "MobileNet V3, large", "arXiv 1905.02244", build_v3,
        .form = &(const Form){.blocks = LARGE, .count = BASE_COUNT(LARGE), .hidden = 1280}),
    ROW("mobilenetv3_small_100", "timm's MobileNet V3, small", "arXiv 1905.02244", build_timm,
        .form = &(const Form){SMALL, BASE_COUNT(SMALL), 1024, 1e-5, false}),
    ROW("mobilenetv3_large_100", "timm's MobileNet V3, large", "arXiv 1905.02244", build_timm,
        .form = &(const Form){LARGE, BASE_COUNT(LARGE), 1280, 1e-5, false}),
    ROW("tf_mobilenetv3_small_100", "TensorFlow's MobileNet V3, small, in timm", "arXiv 1905.02244", build_timm,
        .like = "mobilenetv3_small_100", .form = &(const Form){SMALL, BASE_COUNT(SMALL), 1024, 1e-3, true}),
    ROW("tf_mobilenetv3_large_100", "TensorFlow's MobileNet V3, large, in timm", "arXiv 1905.02244", build_timm,
        .like = "mobilenetv3_large_100", .form = &(const Form){LARGE, BASE_COUNT(LARGE), 1280, 1e-3, true}),
};
const BaseRows nn_arch_mobilenet = BASE_ROWS(TABLE);
