#include "nn/arch/family/vit.h"

const NnVit nn_vit_base_16 = {.patch = 16, .features = 768, .heads = 12, .blocks = 12, .hidden = 3072},
            nn_vit_base_32 = {.patch = 32, .features = 768, .heads = 12, .blocks = 12, .hidden = 3072},
            nn_vit_large_16 = {.patch = 16, .features = 1024, .heads = 16, .blocks = 24, .hidden = 4096};

static const char POSITIONS[] = "encoder.pos_embedding";

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const NnVit *form)
{
    NnNode y = nn_layer_norm(g, x, nn_name(g, "%s.ln_1", block));
    x = nn_add(g, nn_attention(g, y, nn_name(g, "%s.self_attention", block), form->heads), x);
    y = nn_layer_norm(g, x, nn_name(g, "%s.ln_2", block));
    y = nn_gelu(g, nn_token_linear(g, y, nn_name(g, "%s.mlp.0", block), form->hidden));
    return nn_add(g, nn_token_linear(g, y, nn_name(g, "%s.mlp.3", block), form->features), x);
}

NnNode nn_vit_draw(NnGraph *g, const NnVit *form, int64_t K)
{
    NnNode token = nn_class_token(g, "class_token", form->features);
    NnNode x = nn_conv(g, nn_input(g), "conv_proj", form->features, form->patch, form->patch, 0, true);
    x = nn_tokens(g, x, token, POSITIONS);
    for (int64_t i = 0; i < form->blocks; i++)
        x = draw_block(g, x, nn_name(g, "encoder.layers.encoder_layer_%lld", (long long)i), form);
    x = nn_layer_norm(g, nn_first_token(g, x), "encoder.ln"); /* of the one token that is read */
    return nn_linear(g, x, "heads.head", K, true);
}

int64_t nn_vit_side(const NnVit *form, const IoTensors *tensors)
{
    const IoTensor *positions = io_tensors_find(tensors, POSITIONS);
    if (!positions || positions->ndim != 3) return 0;
    int64_t across = 1;
    while (across < 1024 && across * across < positions->shape[1] - 1) across++;
    return across * across == positions->shape[1] - 1 ? across * form->patch : 0;
}
