/* nn/arch/allcnn.c - All-CNN with batch norm: nine convolutions but for the last, which code for unlearning makes a
 * linear layer after the average pool; its names. Slots 3 and 7 of the sequence, dropout there, stay empty. */
#include "nn/arch/arch.h"

typedef struct {
    int slot, channels, kernel, stride;
} Layer;

static NnNode build(NnGraph *g, const void *form, int64_t K)
{
    (void)form;
    static const Layer LAYERS[] = {{0, 96, 3, 1},  {1, 96, 3, 1},  {2, 192, 3, 2}, {4, 192, 3, 1},
                                   {5, 192, 3, 1}, {6, 192, 3, 2}, {8, 192, 3, 1}, {9, 192, 1, 1}};
    NnNode x = nn_input(g);
    for (size_t i = 0; i < BASE_COUNT(LAYERS); i++) {
        const Layer *l = &LAYERS[i];
        x = nn_conv(g, x, nn_name(g, "features.%d.0", l->slot), l->channels, l->kernel, l->stride, l->kernel / 2,
                    false);
        x = nn_relu(g, nn_batch_norm(g, x, nn_name(g, "features.%d.1", l->slot)));
    }
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "classifier.0", K, true);
}

const NnArch nn_arch_allcnn = {
    .entry = BASE_ENTRY_PLAIN("allcnn", "All-CNN: eight convolutions with batch norm, average pool; larger images too",
                              "All-CNN, as in the code of unlearning papers"),
    .C = 3,
    .H = 32,
    .W = 32,
    .larger = true,
    .build = build};
