/* nn/arch/vgg.c - VGG (arXiv 1409.1556), torchvision's names: a convolution, its norm (where there is one), ReLU and pool
 * count as one each in "features.N"; three linear layers with dropout in "classifier.N". */
#include "nn/arch/arch.h"

typedef struct {
    int depth;      /* 11, 13, 16, 19: torchvision's configurations A, B, D, E */
    bool norm;      /* batch norm after each convolution */
    int64_t hidden; /* units of the two hidden linear layers: 512 in the 32x32 form, 4096 in the 224x224 form, which
                       pools its map to 7x7 */
} Form;

enum { STAGES = 5, LARGE_HIDDEN = 4096 };

/* Convolutions of a stage; each step from 13 to 16 to 19 gives one more to each of the three deep stages. */
static int stage_size(int depth, int stage)
{
    if (depth == 11) return stage < 2 ? 1 : 2;
    return stage < 2 ? 2 : 2 + (depth - 13) / 3;
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    static const int CHANNELS[STAGES] = {64, 128, 256, 512, 512};
    NnNode x = nn_input(g);
    int at = 0;
    for (int stage = 0; stage < STAGES; stage++) {
        for (int i = 0; i < stage_size(form->depth, stage); i++) {
            x = nn_conv(g, x, nn_name(g, "features.%d", at++), CHANNELS[stage], 3, 1, 1, true);
            if (form->norm) x = nn_batch_norm(g, x, nn_name(g, "features.%d", at++));
            x = nn_relu(g, x);
            at++;
        }
        x = nn_max_pool(g, x, 2, 2, 0);
        at++;
    }
    if (form->hidden == LARGE_HIDDEN) x = nn_adaptive_pool(g, x, 7, 7);
    x = nn_linear(g, nn_flatten(g, x), "classifier.0", form->hidden, true);
    x = nn_dropout(g, nn_relu(g, x), 0.5);
    x = nn_linear(g, x, "classifier.3", form->hidden, true);
    x = nn_dropout(g, nn_relu(g, x), 0.5);
    return nn_linear(g, x, "classifier.6", K, true);
}

#define ROW(label, convolutions, letter, of_depth, with_norm, with, side, of_hidden, units, ...)                       \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label,                                                                               \
                                  "VGG-" #of_depth with ", " #side "x" #side " form: " #convolutions                   \
                                  " convolutions, classifier " units,                                                  \
                                  "arXiv 1409.1556, configuration " letter),                                           \
        .C = 3, .H = side, .W = side,                                                                                  \
        .form = &(const Form){.depth = of_depth, .norm = with_norm, .hidden = of_hidden}, .build = build, __VA_ARGS__  \
    }
#define SMALL(name, convolutions, letter, depth)                                                                       \
    ROW(name, convolutions, letter, depth, false, "", 32, 512, "512-512-512-K", .larger = false),                      \
        ROW(name "_bn", convolutions, letter, depth, true, " with batch norm", 32, 512, "512-512-512-K",               \
            .larger = false)
#define ANY_SIZE .larger = true, .smaller = true, .least = 32
#define LARGE(name, convolutions, letter, depth)                                                                       \
    ROW(name "_imagenet", convolutions, letter, depth, false, "", 224, LARGE_HIDDEN,                                   \
        "25088-4096-4096-K; images of 32x32 or more", ANY_SIZE),                                                       \
        ROW(name "_bn_imagenet", convolutions, letter, depth, true, " with batch norm", 224, LARGE_HIDDEN,             \
            "25088-4096-4096-K; images of 32x32 or more", ANY_SIZE)

static const NnArch TABLE[] = {
    SMALL("vgg11", 8, "A", 11), SMALL("vgg13", 10, "B", 13), SMALL("vgg16", 13, "D", 16), SMALL("vgg19", 16, "E", 19),
    LARGE("vgg11", 8, "A", 11), LARGE("vgg13", 10, "B", 13), LARGE("vgg16", 13, "D", 16), LARGE("vgg19", 16, "E", 19),
};
const BaseRows nn_arch_vgg = BASE_ROWS(TABLE);
