/* nn/arch/mlp.c - five linear layers, the four hidden ones followed by batch norm and ReLU: the toy of Kodge, Saha &
 * Roy (TMLR 2024), which has 5 units per layer on points of the plane. Inputs of 64 features or more get 256 units. */
#include "nn/arch/arch.h"

enum { HIDDEN = 4, NARROW = 5, WIDE = 256, WIDE_FROM = 64 };

static NnNode build(NnGraph *g, const void *form, int64_t K)
{
    (void)form;
    int64_t shape[3];
    NnNode x = nn_flatten(g, nn_input(g));
    nn_node_shape(g, x, shape);
    int64_t width = shape[0] < WIDE_FROM ? NARROW : WIDE;
    for (int i = 0; i < HIDDEN; i++) {
        x = nn_linear(g, x, nn_name(g, "layers.%d", 3 * i), width, true);
        x = nn_batch_norm(g, x, nn_name(g, "layers.%d", 3 * i + 1));
        x = nn_relu(g, x);
    }
    return nn_linear(g, x, nn_name(g, "layers.%d", 3 * HIDDEN), K, true);
}

const NnArch nn_arch_mlp = {
    .entry =
        BASE_ENTRY_PLAIN("mlp", "five linear layers with batch norm; 5 units wide below 64 inputs, else 256; any input",
                         "Kodge et al. 2024, the toy network of its code"),
    .build = build};
