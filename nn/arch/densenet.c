/* nn/arch/densenet.c - DenseNet (arXiv 1608.06993), torchvision's names: each layer of a block sees the maps of all before
 * it. */
#include "nn/arch/arch.h"

typedef struct {
    int layers[4];
    int64_t growth, first;
} Form;

static NnNode norm_relu(NnGraph *g, NnNode x, const char *layer, const char *name)
{
    return nn_relu(g, nn_batch_norm(g, x, nn_name(g, "%s.%s", layer, name)));
}

static NnNode draw_layer(NnGraph *g, NnNode x, const char *layer, int64_t growth)
{
    NnNode y = norm_relu(g, x, layer, "norm1");
    y = nn_conv(g, y, nn_name(g, "%s.conv1", layer), 4 * growth, 1, 1, 0, false);
    y = nn_conv(g, norm_relu(g, y, layer, "norm2"), nn_name(g, "%s.conv2", layer), growth, 3, 1, 1, false);
    return nn_concat(g, x, y);
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    int64_t shape[3];
    NnNode x = nn_conv(g, nn_input(g), "features.conv0", form->first, 7, 2, 3, false);
    x = nn_max_pool(g, norm_relu(g, x, "features", "norm0"), 3, 2, 1);
    for (int b = 0; b < 4; b++) {
        for (int i = 0; i < form->layers[b]; i++)
            x = draw_layer(g, x, nn_name(g, "features.denseblock%d.denselayer%d", b + 1, i + 1), form->growth);
        if (b == 3) break;
        const char *transition = nn_name(g, "features.transition%d", b + 1);
        nn_node_shape(g, x, shape);
        x = nn_conv(g, norm_relu(g, x, transition, "norm"), nn_name(g, "%s.conv", transition), shape[0] / 2, 1, 1, 0,
                    false);
        x = nn_avg_pool(g, x, 2, 2);
    }
    x = nn_avg_pool(g, norm_relu(g, x, "features", "norm5"), 0, 1);
    return nn_linear(g, nn_flatten(g, x), "classifier", K, true);
}

#define ROW(depth, growth, first, ...)                                                                                 \
    {                                                                                                                  \
        .entry =                                                                                                       \
            BASE_ENTRY_PLAIN("densenet" #depth, "DenseNet-" #depth "; images of 29x29 or more", "arXiv 1608.06993"),   \
        .C = 3, .H = 224, .W = 224, .larger = true, .smaller = true, .least = 29,                                      \
        .form = &(const Form){{__VA_ARGS__}, growth, first}, .build = build                                            \
    }
static const NnArch TABLE[] = {
    ROW(121, 32, 64, 6, 12, 24, 16),
    ROW(161, 48, 96, 6, 12, 36, 24),
    ROW(169, 32, 64, 6, 12, 32, 32),
    ROW(201, 32, 64, 6, 12, 48, 32),
};
const BaseRows nn_arch_densenet = BASE_ROWS(TABLE);
