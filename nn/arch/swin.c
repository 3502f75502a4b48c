/* nn/arch/swin.c - Swin Transformer, the first version (arXiv 2103.14030), torchvision's names: attention inside windows that
 * every other block moves by half their side, patches merged between stages. In a fresh file the norm of a merging stands
 * before its reduction, in torchvision's behind it. */
#include "nn/arch/arch.h"

typedef struct {
    int blocks[4];
    int64_t first; /* features of the first stage; each further one has twice as many */
    double drop;   /* stochastic depth of the last block */
} Form;

enum { WINDOW = 7, HEAD = 32 /* features */ };
static const double EPSILON = 1e-5;

static NnNode draw_block(NnGraph *g, NnNode x, const char *name, int64_t shift, double drop)
{
    int64_t in[3];
    nn_node_shape(g, x, in);
    NnNode y = nn_layer_norm(g, x, nn_name(g, "%s.norm1", name), EPSILON);
    y = nn_window_attention(g, y, nn_name(g, "%s.attn", name), in[0] / HEAD, WINDOW, shift);
    x = nn_add(g, nn_stochastic_depth(g, y, drop), x);
    y = nn_layer_norm(g, x, nn_name(g, "%s.norm2", name), EPSILON);
    y = nn_activation(g, nn_token_linear(g, y, nn_name(g, "%s.mlp.0", name), 4 * in[0]), NN_GELU);
    y = nn_token_linear(g, y, nn_name(g, "%s.mlp.3", name), in[0]);
    return nn_add(g, nn_stochastic_depth(g, y, drop), x);
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    int total = 0, done = 0;
    for (int s = 0; s < 4; s++) total += form->blocks[s];
    NnNode x = nn_conv(g, nn_input(g), "features.0.0", form->first, 4, 4, 0, true);
    x = nn_layer_norm(g, x, "features.0.2", EPSILON);
    for (int s = 0; s < 4; s++) {
        if (s > 0) {
            x = nn_layer_norm(g, nn_patch_merge(g, x), nn_name(g, "features.%d.norm", 2 * s), EPSILON);
            x = nn_token_linear_plain(g, x, nn_name(g, "features.%d.reduction", 2 * s), form->first << s);
        }
        for (int i = 0; i < form->blocks[s]; i++, done++)
            x = draw_block(g, x, nn_name(g, "features.%d.%d", 2 * s + 1, i), i % 2 ? WINDOW / 2 : 0,
                           form->drop * done / (total - 1));
    }
    x = nn_avg_pool(g, nn_layer_norm(g, x, "norm", EPSILON), 0, 1);
    return nn_linear(g, nn_flatten(g, x), "head", K, true);
}

#define ROW(label, title, ...)                                                                                         \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN("swin_" label, "Swin-" title "; images of 4x4 or more", "arXiv 2103.14030"), .C = 3, \
        .H = 224, .W = 224, .larger = true, .smaller = true, .least = 4, .form = &(const Form){__VA_ARGS__},           \
        .build = build                                                                                                 \
    }
static const NnArch TABLE[] = {
    ROW("t", "T", {2, 2, 6, 2}, 96, 0.2),
    ROW("s", "S", {2, 2, 18, 2}, 96, 0.3),
    ROW("b", "B", {2, 2, 18, 2}, 128, 0.5),
};
const BaseRows nn_arch_swin = BASE_ROWS(TABLE);
