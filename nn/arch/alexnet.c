/* nn/arch/alexnet.c - AlexNet as in "One weird trick for parallelizing convolutional neural networks" (arXiv 1404.5997),
 * torchvision's names. */
#include "nn/arch/arch.h"

static NnNode build(NnGraph *g, const void *form, int64_t K)
{
    (void)form;
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "features.0", 64, 11, 4, 2, true));
    x = nn_relu(g, nn_conv(g, nn_max_pool(g, x, 3, 2, 0), "features.3", 192, 5, 1, 2, true));
    x = nn_relu(g, nn_conv(g, nn_max_pool(g, x, 3, 2, 0), "features.6", 384, 3, 1, 1, true));
    x = nn_relu(g, nn_conv(g, x, "features.8", 256, 3, 1, 1, true));
    x = nn_relu(g, nn_conv(g, x, "features.10", 256, 3, 1, 1, true));
    x = nn_adaptive_pool(g, nn_max_pool(g, x, 3, 2, 0), 6, 6);
    x = nn_linear(g, nn_dropout(g, nn_flatten(g, x), 0.5), "classifier.1", 4096, true);
    x = nn_linear(g, nn_dropout(g, nn_relu(g, x), 0.5), "classifier.4", 4096, true);
    return nn_linear(g, nn_relu(g, x), "classifier.6", K, true);
}

const NnArch nn_arch_alexnet = {
    .entry = BASE_ENTRY_PLAIN("alexnet", "AlexNet; images of 63x63 or more, pooled to one size", "arXiv 1404.5997"),
    .C = 3,
    .H = 224,
    .W = 224,
    .larger = true,
    .smaller = true,
    .least = 63,
    .build = build};
