/* nn/arch/convnext.c - ConvNeXt (arXiv 2201.03545), torchvision's names: 7x7 depthwise convolutions, layer norm and a
 * perceptron on each pixel, layer scale, stochastic depth. */
#include "nn/arch/arch.h"

typedef struct {
    int blocks[4];
    int64_t first; /* channels of the first stage; each further one has twice as many */
    double drop;   /* stochastic depth of the last block */
} Form;

static NnNode draw_block(NnGraph *g, NnNode x, const char *name, double drop)
{
    int64_t in[3];
    nn_node_shape(g, x, in);
    NnNode scale = nn_vector(g, nn_name(g, "%s.layer_scale", name), in[0]);
    const NnConv each = {.K = in[0], .kernel_h = 7, .pad_h = 3, .groups = in[0], .bias = true};
    NnNode y = nn_layer_norm(g, nn_conv_of(g, x, nn_name(g, "%s.block.0", name), each), nn_name(g, "%s.block.2", name),
                             NN_LAYER_NORM_EPSILON);
    y = nn_activation(g, nn_token_linear(g, y, nn_name(g, "%s.block.3", name), 4 * in[0]), NN_GELU);
    y = nn_scale(g, nn_token_linear(g, y, nn_name(g, "%s.block.5", name), in[0]), scale);
    return nn_add(g, nn_stochastic_depth(g, y, drop), x);
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    int total = 0, done = 0;
    for (int s = 0; s < 4; s++) total += form->blocks[s];
    NnNode x = nn_conv(g, nn_input(g), "features.0.0", form->first, 4, 4, 0, true);
    x = nn_layer_norm(g, x, "features.0.1", NN_LAYER_NORM_EPSILON);
    for (int s = 0; s < 4; s++) {
        if (s > 0) {
            x = nn_layer_norm(g, x, nn_name(g, "features.%d.0", 2 * s), NN_LAYER_NORM_EPSILON);
            x = nn_conv(g, x, nn_name(g, "features.%d.1", 2 * s), form->first << s, 2, 2, 0, true);
        }
        for (int i = 0; i < form->blocks[s]; i++, done++)
            x = draw_block(g, x, nn_name(g, "features.%d.%d", 2 * s + 1, i), form->drop * done / (total - 1));
    }
    x = nn_layer_norm(g, nn_avg_pool(g, x, 0, 1), "classifier.0", NN_LAYER_NORM_EPSILON);
    return nn_linear(g, nn_flatten(g, x), "classifier.2", K, true);
}

#define ROW(label, title, ...)                                                                                         \
    {                                                                                                                  \
        .entry =                                                                                                       \
            BASE_ENTRY_PLAIN("convnext_" label, "ConvNeXt-" title "; images of 32x32 or more", "arXiv 2201.03545"),    \
        .C = 3, .H = 224, .W = 224, .larger = true, .smaller = true, .least = 32, .form = &(const Form){__VA_ARGS__},  \
        .build = build                                                                                                 \
    }
static const NnArch TABLE[] = {
    ROW("tiny", "T", {3, 3, 9, 3}, 96, 0.1),
    ROW("small", "S", {3, 3, 27, 3}, 96, 0.4),
    ROW("base", "B", {3, 3, 27, 3}, 128, 0.5),
    ROW("large", "L", {3, 3, 27, 3}, 192, 0.5),
};
const BaseRows nn_arch_convnext = BASE_ROWS(TABLE);
