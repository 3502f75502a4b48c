/* nn/arch/convnet.c - three 3x3 convolutions (32, 64, 64 channels) with batch norm, ReLU and, after the first two, a
 * 2x2 max pool; then 128 units and the classifier. 12 MFLOP for a 28x28 image: made to be trained in seconds. */
#include "nn/arch/arch.h"

static NnNode build(NnGraph *g, const void *form, int64_t K)
{
    (void)form;
    static const int CHANNELS[] = {32, 64, 64};
    NnNode x = nn_input(g);
    int at = 0;
    for (int i = 0; i < 3; i++, at += 3) {
        x = nn_conv(g, x, nn_name(g, "features.%d", at), CHANNELS[i], 3, 1, 1, true);
        x = nn_batch_norm(g, x, nn_name(g, "features.%d", at + 1));
        x = nn_relu(g, x);
        if (i == 2) break;
        x = nn_max_pool(g, x, 2, 2, 0);
        at++;
    }
    x = nn_linear(g, nn_flatten(g, x), "classifier.0", 128, true);
    return nn_linear(g, nn_relu(g, x), "classifier.2", K, true);
}

const NnArch nn_arch_convnet = {
    .entry = BASE_ENTRY_PLAIN(
        "convnet", "three convolutions and two linear layers, trained in seconds; takes any image of 4x4 or more", ""),
    .build = build};
