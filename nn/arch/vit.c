/* nn/arch/vit.c - vision transformers (arXiv 2010.11929), torchvision's names and maths: a class token, learned positions,
 * pre-norm blocks, the classifier on the normed class token. */
#include "nn/arch/arch.h"

typedef struct {
    int64_t patch; /* side of the square patches */
    int64_t features, heads, blocks, hidden;
} Form;

static const char POSITIONS[] = "encoder.pos_embedding";

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const Form *form)
{
    NnNode y = nn_layer_norm(g, x, nn_name(g, "%s.ln_1", block), NN_LAYER_NORM_EPSILON);
    x = nn_add(g, nn_attention(g, y, nn_name(g, "%s.self_attention", block), form->heads), x);
    y = nn_layer_norm(g, x, nn_name(g, "%s.ln_2", block), NN_LAYER_NORM_EPSILON);
    y = nn_gelu(g, nn_token_linear(g, y, nn_name(g, "%s.mlp.0", block), form->hidden));
    return nn_add(g, nn_token_linear(g, y, nn_name(g, "%s.mlp.3", block), form->features), x);
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    NnNode token = nn_class_token(g, "class_token", 1, form->features);
    NnNode x = nn_conv(g, nn_input(g), "conv_proj", form->features, form->patch, form->patch, 0, true);
    x = nn_tokens(g, x, token, POSITIONS);
    for (int64_t i = 0; i < form->blocks; i++)
        x = draw_block(g, x, nn_name(g, "encoder.layers.encoder_layer_%lld", (long long)i), form);
    x = nn_layer_norm(g, nn_first_token(g, x), "encoder.ln", NN_LAYER_NORM_EPSILON); /* of the one token that is read */
    return nn_linear(g, x, "heads.head", K, true);
}

static int64_t side(const void *of, const IoTensors *tensors)
{
    const Form *form = of;
    const IoTensor *positions = io_tensors_find(tensors, POSITIONS);
    if (!positions || positions->ndim != 3) return 0;
    int64_t across = 1;
    while (across < 1024 && across * across < positions->shape[1] - 1) across++;
    return across * across == positions->shape[1] - 1 ? across * form->patch : 0;
}

#define ROW(label, title, ...)                                                                                         \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label, title ", 224x224 form; other sizes by the checkpoint's positions",            \
                                  "An Image is Worth 16x16 Words, arXiv 2010.11929"),                                  \
        .C = 3, .H = 224, .W = 224, .form = &(const Form){__VA_ARGS__}, .build = build, .side = side                   \
    }

static const NnArch TABLE[] = {
    ROW("vit_b_16", "ViT-B/16", .patch = 16, .features = 768, .heads = 12, .blocks = 12, .hidden = 3072),
    ROW("vit_b_32", "ViT-B/32", .patch = 32, .features = 768, .heads = 12, .blocks = 12, .hidden = 3072),
    ROW("vit_l_16", "ViT-L/16", .patch = 16, .features = 1024, .heads = 16, .blocks = 24, .hidden = 4096),
};
const BaseRows nn_arch_vit = BASE_ROWS(TABLE);
