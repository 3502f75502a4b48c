/* nn/arch/squeezenet.c - SqueezeNet (arXiv 1602.07360), torchvision's names. The classifier is a convolution: logits are the
 * means of its map behind a ReLU. */
#include "nn/arch/arch.h"

enum { STEPS = 13 };

/* torchvision's "features" by their numbers from 3 on: 0 ends them, POOL is a pooling, any other number a fire module of so many
 * squeezed channels, which expands them to four times as many by each kernel. */
enum { POOL = -1 };
typedef struct {
    int64_t first, kernel; /* of the first convolution */
    int steps[STEPS];
} Form;

/* 3x3 by steps of 2 with ceil_mode: a window that begins on the map counts. Behind a ReLU nothing is less than the zeros that
 * make room for it. */
static NnNode draw_pool(NnGraph *g, NnNode x)
{
    int64_t in[3];
    nn_node_shape(g, x, in);
    for (int i = 1; i < 3; i++)
        if (in[i] % 2 == 0) in[i]++;
    return nn_max_pool(g, nn_pad(g, x, in[1], in[2]), 3, 2, 0);
}

static NnNode draw_fire(NnGraph *g, NnNode x, int number, int64_t squeeze)
{
    x = nn_relu(g, nn_conv(g, x, nn_name(g, "features.%d.squeeze", number), squeeze, 1, 1, 0, true));
    NnNode a = nn_relu(g, nn_conv(g, x, nn_name(g, "features.%d.expand1x1", number), 4 * squeeze, 1, 1, 0, true));
    NnNode b = nn_relu(g, nn_conv(g, x, nn_name(g, "features.%d.expand3x3", number), 4 * squeeze, 3, 1, 1, true));
    return nn_concat(g, a, b);
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "features.0", form->first, form->kernel, 2, 0, true));
    x = draw_pool(g, x);
    for (int i = 0; form->steps[i]; i++)
        x = form->steps[i] == POOL ? draw_pool(g, x) : draw_fire(g, x, i + 3, form->steps[i]);
    x = nn_relu(g, nn_conv(g, nn_dropout(g, x, 0.5), "classifier.1", K, 1, 1, 0, true));
    return nn_flatten(g, nn_avg_pool(g, x, 0, 1));
}

#define ROW(label, title, smallest, ...)                                                                               \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN("squeezenet" label, "SqueezeNet " title, "arXiv 1602.07360"), .C = 3, .H = 224,      \
        .W = 224, .larger = true, .smaller = true, .least = smallest, .form = &(const Form){__VA_ARGS__},              \
        .build = build                                                                                                 \
    }
static const NnArch TABLE[] = {
    ROW("1_0", "1.0; images of 21x21 or more", 21, 96, 7, {16, 16, 32, POOL, 32, 48, 48, 64, POOL, 64}),
    ROW("1_1", "1.1; images of 17x17 or more", 17, 64, 3, {16, 16, POOL, 32, 32, POOL, 48, 48, 64, 64}),
};
const BaseRows nn_arch_squeezenet = BASE_ROWS(TABLE);
