/* nn/naming.c - one table of patterns for all foreign families; the first that fits gives torchvision's name. */
#include "nn/naming.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "base/param.h"
#include "nn/naming_timm.h"

/* weiaicunzai's ResNets: a block's layers are numbered, and blocks are named after the paper's conv2_x to conv5_x. */
#define NUMBERED_BLOCKS(paper, ours)                                                                                   \
    {"conv" paper "_x.#.residual_function.0.*", "layer" ours ".#.conv1.*"},                                            \
        {"conv" paper "_x.#.residual_function.1.*", "layer" ours ".#.bn1.*"},                                          \
        {"conv" paper "_x.#.residual_function.3.*", "layer" ours ".#.conv2.*"},                                        \
        {"conv" paper "_x.#.residual_function.4.*", "layer" ours ".#.bn2.*"},                                          \
        {"conv" paper "_x.#.residual_function.6.*", "layer" ours ".#.conv3.*"},                                        \
        {"conv" paper "_x.#.residual_function.7.*", "layer" ours ".#.bn3.*"},                                          \
    {                                                                                                                  \
        "conv" paper "_x.#.shortcut.*", "layer" ours ".#.downsample.*"                                                 \
    }

#define BLOCK "encoder.layers.encoder_layer_#."
/* transformers' ViT and DeiT, as their files have it and, from version 5 on, the modules themselves. */
#define HUB_VIT(model)                                                                                                 \
    {model "embeddings.cls_token", ":0:class_token"}, {model "embeddings.distillation_token", ":1:class_token"},       \
        {model "embeddings.position_embeddings", "encoder.pos_embedding"},                                             \
        {model "embeddings.patch_embeddings.projection.*", "conv_proj.*"},                                             \
        {model "encoder.layer.#.layernorm_before.*", BLOCK "ln_1.*"},                                                  \
        {model "encoder.layer.#.attention.attention.query.*", ":0:" BLOCK "self_attention.in_proj_*"},                 \
        {model "encoder.layer.#.attention.attention.key.*", ":1:" BLOCK "self_attention.in_proj_*"},                   \
        {model "encoder.layer.#.attention.attention.value.*", ":2:" BLOCK "self_attention.in_proj_*"},                 \
        {model "encoder.layer.#.attention.output.dense.*", BLOCK "self_attention.out_proj.*"},                         \
        {model "encoder.layer.#.layernorm_after.*", BLOCK "ln_2.*"},                                                   \
        {model "encoder.layer.#.intermediate.dense.*", BLOCK "mlp.0.*"},                                               \
        {model "encoder.layer.#.output.dense.*", BLOCK "mlp.3.*"},                                                     \
        {model "layers.#.layernorm_before.*", BLOCK "ln_1.*"},                                                         \
        {model "layers.#.attention.q_proj.*", ":0:" BLOCK "self_attention.in_proj_*"},                                 \
        {model "layers.#.attention.k_proj.*", ":1:" BLOCK "self_attention.in_proj_*"},                                 \
        {model "layers.#.attention.v_proj.*", ":2:" BLOCK "self_attention.in_proj_*"},                                 \
        {model "layers.#.attention.o_proj.*", BLOCK "self_attention.out_proj.*"},                                      \
        {model "layers.#.layernorm_after.*", BLOCK "ln_2.*"}, {model "layers.#.mlp.fc1.*", BLOCK "mlp.0.*"},           \
        {model "layers.#.mlp.fc2.*", BLOCK "mlp.3.*"},                                                                 \
    {                                                                                                                  \
        model "layernorm.*", "encoder.ln.*"                                                                            \
    }

/* '#' stands for a number ('+' for the number plus one), '*' for the rest of the name (at the end). A tensor that is one
 * of the parts of ours has their number in front: nn/naming.h. */
static const char *const RULES[][2] = {
    {"conv1.0.*", "conv1.*"},
    {"conv1.1.*", "bn1.*"},
    NUMBERED_BLOCKS("2", "1"),
    NUMBERED_BLOCKS("3", "2"),
    NUMBERED_BLOCKS("4", "3"),
    NUMBERED_BLOCKS("5", "4"),
    {"layer#.#.shortcut.*", "layer#.#.downsample.*"},
    {"features.denseblock#.denselayer#.norm.1.*", "features.denseblock#.denselayer#.norm1.*"},
    {"features.denseblock#.denselayer#.norm.2.*", "features.denseblock#.denselayer#.norm2.*"},
    {"features.denseblock#.denselayer#.conv.1.*", "features.denseblock#.denselayer#.conv1.*"},
    {"features.denseblock#.denselayer#.conv.2.*", "features.denseblock#.denselayer#.conv2.*"},
    {"linear.*", "fc.*"},
    {"fc.#.*", "fc.*"}, /* Sequential(Dropout, Linear) in place of the last layer */
    {"cls_token", "class_token"},
    {"pos_embed", "encoder.pos_embedding"},
    {"patch_embed.proj.*", "conv_proj.*"},
    {"blocks.#.norm1.*", "encoder.layers.encoder_layer_#.ln_1.*"},
    {"blocks.#.attn.qkv.*", "encoder.layers.encoder_layer_#.self_attention.in_proj_*"},
    {"blocks.#.attn.proj.*", "encoder.layers.encoder_layer_#.self_attention.out_proj.*"},
    {"blocks.#.norm2.*", "encoder.layers.encoder_layer_#.ln_2.*"},
    {"blocks.#.mlp.fc1.*", "encoder.layers.encoder_layer_#.mlp.0.*"},
    {"blocks.#.mlp.fc2.*", "encoder.layers.encoder_layer_#.mlp.3.*"},
    {"norm.*", "encoder.ln.*"},
    {"head.*", "heads.head.*"},
    {"encoder.layers.encoder_layer_#.mlp.linear_1.*", "encoder.layers.encoder_layer_#.mlp.0.*"},
    {"encoder.layers.encoder_layer_#.mlp.linear_2.*", "encoder.layers.encoder_layer_#.mlp.3.*"},
    HUB_VIT("vit."),
    HUB_VIT("deit."),
    HUB_VIT(""), /* of the bare model; 5.24 writes ViTMSN's blocks so, too */
    {"resnet.embedder.embedder.convolution.*", "conv1.*"},
    {"resnet.embedder.embedder.normalization.*", "bn1.*"},
    {"resnet.encoder.stages.#.layers.#.layer.#.convolution.*", "layer+.#.conv+.*"},
    {"resnet.encoder.stages.#.layers.#.layer.#.normalization.*", "layer+.#.bn+.*"},
    {"resnet.encoder.stages.#.layers.#.shortcut.convolution.*", "layer+.#.downsample.0.*"},
    {"resnet.encoder.stages.#.layers.#.shortcut.normalization.*", "layer+.#.downsample.1.*"},
    {"classifier.1.*", "fc.*"},
    {"classifier.*", "heads.head.*"},
    {"cls_classifier.*", "heads.head.*"},
    {"distillation_classifier.*", "heads.head_dist.*"},
    {"head_dist.*", "heads.head_dist.*"},
};
enum { NUMBERS = 3, DIGITS = 4 }; /* of a rule, of a number */

typedef struct {
    char number[NUMBERS][DIGITS + 1];
    const char *rest;
} Match;

static bool matches(const char *rule, const char *name, Match *m)
{
    int numbers = 0;
    *m = (Match){.rest = ""};
    for (; *rule && *rule != '*'; rule++) {
        if (*rule != '#') {
            if (*name++ != *rule) return false;
            continue;
        }
        int digits = 0;
        while (digits < DIGITS && isdigit((unsigned char)*name)) m->number[numbers][digits++] = *name++;
        if (digits == 0) return false;
        numbers++;
    }
    if (*rule != '*') return *name == '\0';
    m->rest = name;
    return *name != '\0';
}

bool nn_naming_canonical(const char *name, char out[NN_NAMING_SIZE])
{
    Match m;
    if (strlen(name) > NN_NAMING_SIZE / 2) return false; /* a rule adds less than that */
    for (size_t i = 0; i < BASE_COUNT(RULES); i++) {
        if (!matches(RULES[i][0], name, &m)) continue;
        size_t used = 0;
        int numbers = 0;
        for (const char *at = RULES[i][1]; *at; at++) {
            char next[16] = "";
            if (*at == '+') snprintf(next, sizeof next, "%d", atoi(m.number[numbers++]) + 1);
            const char one[2] = {*at, '\0'}, *part = *at == '#'   ? m.number[numbers++]
                                                     : *at == '+' ? next
                                                     : *at == '*' ? m.rest
                                                                  : one;
            used += (size_t)snprintf(out + used, NN_NAMING_SIZE - used, "%s", part);
        }
        return true;
    }
    return false;
}

BaseStatus nn_naming_apply(IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    char name[NN_NAMING_SIZE];
    BaseIndex taken = {0};
    size_t old;
    const void *timm = nn_naming_timm_rules(tensors);
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *tensor = &tensors->items[i];
        BASE_TRY(base_index_add(&taken, tensor->name, i, &old));
        if (tensor->alias) BASE_TRY(base_index_add(&taken, tensor->alias, i, &old));
    }
    for (size_t i = 0; i < tensors->count; i++) {
        IoTensor *tensor = &tensors->items[i];
        if (tensor->alias) continue;
        if (!nn_naming_timm(timm, tensor->name, name, sizeof name) && !nn_naming_canonical(tensor->name, name))
            continue;
        if (base_index_find(&taken, name) != SIZE_MAX) continue;
        BASE_TRY(base_strdup(name, &tensor->alias));
        BASE_TRY(base_index_add(&taken, tensor->alias, i, &old));
    }
out:
    base_index_free(&taken);
    return st;
}
