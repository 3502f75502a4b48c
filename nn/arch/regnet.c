/* nn/arch/regnet.c - RegNet X and Y (arXiv 2003.13678), torchvision's names: widths and depths of the four stages follow
 * from a line, u_j = w_0 + w_a j, quantised to w_0 w_m^s (section 3.3); Y has squeeze-and-excitation. */
#include <math.h>

#include "nn/arch/blocks.h"

typedef struct {
    int depth;
    double w_0, w_a, w_m;
    int64_t group; /* channels of a group */
    bool gate;
} Form;

enum { STEM = 32, QUANTUM = 8, STAGES = 4 };

static NnNode conv_norm(NnGraph *g, NnNode x, const char *name, NnConv conv)
{
    return nn_batch_norm(g, nn_conv_of(g, x, nn_name(g, "%s.0", name), conv), nn_name(g, "%s.1", name));
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *name, const Form *form, int64_t K, int64_t group,
                         int64_t stride)
{
    int64_t in[3];
    nn_node_shape(g, x, in);
    NnNode skip = x;
    if (in[0] != K || stride != 1)
        skip = conv_norm(g, x, nn_name(g, "%s.proj", name), (NnConv){.K = K, .kernel_h = 1, .stride = stride});
    NnNode y = nn_relu(g, conv_norm(g, x, nn_name(g, "%s.f.a", name), (NnConv){.K = K, .kernel_h = 1}));
    const NnConv middle = {.K = K, .kernel_h = 3, .pad_h = 1, .stride = stride, .groups = K / group};
    y = nn_relu(g, conv_norm(g, y, nn_name(g, "%s.f.b", name), middle));
    if (form->gate)
        y = nn_blocks_squeeze(g, y, nn_name(g, "%s.f.se", name), (int64_t)rint(0.25 * (double)in[0]), nn_relu,
                              NN_SIGMOID);
    y = conv_norm(g, y, nn_name(g, "%s.f.c", name), (NnConv){.K = K, .kernel_h = 1});
    return nn_relu(g, nn_add(g, y, skip));
}

/* Width of block @p j before groups are fitted in. */
static int64_t width_of(const Form *form, int j)
{
    double step = rint(log((form->w_0 + form->w_a * j) / form->w_0) / log(form->w_m));
    return (int64_t)rint(form->w_0 * pow(form->w_m, step) / QUANTUM) * QUANTUM;
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    NnNode x = conv_norm(g, nn_input(g), "stem", (NnConv){.K = STEM, .kernel_h = 3, .pad_h = 1, .stride = 2});
    x = nn_relu(g, x);
    for (int j = 0, stage = 0, first = 0; j < form->depth; j++) {
        int64_t width = width_of(form, j), group = form->group < width ? form->group : width;
        bool begins = j == 0 || width != width_of(form, j - 1);
        if (begins) first = j, stage++;
        x = draw_block(g, x, nn_name(g, "trunk_output.block%d.block%d-%d", stage, stage, j - first), form,
                       nn_blocks_divisible((double)width, group), group, begins ? 2 : 1);
    }
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "fc", K, true);
}

#define ROW(label, title, has_gate, ...)                                                                               \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN("regnet_" label, "RegNet" title "; images of any size", "arXiv 2003.13678"), .C = 3, \
        .H = 224, .W = 224, .larger = true, .smaller = true, .form = &(const Form){__VA_ARGS__, has_gate},             \
        .build = build                                                                                                 \
    }
#define X_ROW(label, title, ...) ROW("x_" label, "X-" title, false, __VA_ARGS__)
#define Y_ROW(label, title, ...) ROW("y_" label, "Y-" title, true, __VA_ARGS__)
static const NnArch TABLE[] = {
    X_ROW("400mf", "400MF", 22, 24, 24.48, 2.54, 16),    X_ROW("800mf", "800MF", 16, 56, 35.73, 2.28, 16),
    X_ROW("1_6gf", "1.6GF", 18, 80, 34.01, 2.25, 24),    X_ROW("3_2gf", "3.2GF", 25, 88, 26.31, 2.25, 48),
    X_ROW("8gf", "8GF", 23, 80, 49.56, 2.88, 120),       X_ROW("16gf", "16GF", 22, 216, 55.59, 2.1, 128),
    X_ROW("32gf", "32GF", 23, 320, 69.86, 2.0, 168),     Y_ROW("400mf", "400MF", 16, 48, 27.89, 2.09, 8),
    Y_ROW("800mf", "800MF", 14, 56, 38.84, 2.4, 16),     Y_ROW("1_6gf", "1.6GF", 27, 48, 20.71, 2.65, 24),
    Y_ROW("3_2gf", "3.2GF", 21, 80, 42.63, 2.66, 24),    Y_ROW("8gf", "8GF", 17, 192, 76.82, 2.19, 56),
    Y_ROW("16gf", "16GF", 18, 200, 106.23, 2.48, 112),   Y_ROW("32gf", "32GF", 20, 232, 115.89, 2.53, 232),
    Y_ROW("128gf", "128GF", 27, 456, 160.83, 2.52, 264),
};
const BaseRows nn_arch_regnet = BASE_ROWS(TABLE);
