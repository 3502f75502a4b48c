/* nn/naming_timm.c - what timm (1.0) calls the tensors of networks that it shares with torchvision: a table of renames for
 * each family, chosen by tensors that the others do not have. Its MobileNet V3 and EfficientNet B5 to B7 are not here: their
 * batch norms have an epsilon of 1e-5, torchvision's 1e-3, so that they are other networks (nn/arch/mobilenet.c and efficientnet.c,
 * which have the "tf_" ones too). */
#include "nn/naming_timm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/registry.h"

/* In a name '#' stands for a number, '*' at the end for the rest; in ours <0>, <1> are these numbers, which <0*2+1> computes
 * with. */
typedef struct {
    const char *other, *ours;
} Rule;

#define NORMED(other, norm, ours)                                                                                      \
    {other ".*", ours ".0.*"}, { norm ".*", ours ".1.*" }

/* A depthwise convolution that a pointwise one follows, and one between two: with squeeze-and-excitation, and of V2 without. */
static const Rule EFFICIENTNET[] = {
    NORMED("conv_stem", "bn1", "features.0"),
    NORMED("blocks.0.#.conv_dw", "blocks.0.#.bn1", "features.1.<0>.block.0"),
    {"blocks.0.#.se.conv_reduce.*", "features.1.<0>.block.1.fc1.*"},
    {"blocks.0.#.se.conv_expand.*", "features.1.<0>.block.1.fc2.*"},
    NORMED("blocks.0.#.conv_pw", "blocks.0.#.bn2", "features.1.<0>.block.2"),
    NORMED("blocks.#.#.conv_pw", "blocks.#.#.bn1", "features.<0+1>.<1>.block.0"),
    NORMED("blocks.#.#.conv_dw", "blocks.#.#.bn2", "features.<0+1>.<1>.block.1"),
    {"blocks.#.#.se.conv_reduce.*", "features.<0+1>.<1>.block.2.fc1.*"},
    {"blocks.#.#.se.conv_expand.*", "features.<0+1>.<1>.block.2.fc2.*"},
    NORMED("blocks.#.#.conv_pwl", "blocks.#.#.bn3", "features.<0+1>.<1>.block.3"),
    NORMED("conv_head", "bn2", "features.8"),
    {"classifier.*", "classifier.1.*"},
    {NULL, NULL},
};

/* torchvision counts the blocks of all stages. */
#define STAGE(stage, first)                                                                                            \
    NORMED("blocks." stage ".#.conv_pw", "blocks." stage ".#.bn1", "features.<0+" first ">.conv.0"),                   \
        NORMED("blocks." stage ".#.conv_dw", "blocks." stage ".#.bn2", "features.<0+" first ">.conv.1"),               \
        {"blocks." stage ".#.conv_pwl.*", "features.<0+" first ">.conv.2.*"},                                          \
    {                                                                                                                  \
        "blocks." stage ".#.bn3.*", "features.<0+" first ">.conv.3.*"                                                  \
    }
static const Rule MOBILENET_V2[] = {
    NORMED("conv_stem", "bn1", "features.0"),
    NORMED("blocks.0.0.conv_dw", "blocks.0.0.bn1", "features.1.conv.0"),
    {"blocks.0.0.conv_pw.*", "features.1.conv.1.*"},
    {"blocks.0.0.bn2.*", "features.1.conv.2.*"},
    STAGE("1", "2"),
    STAGE("2", "4"),
    STAGE("3", "7"),
    STAGE("4", "11"),
    STAGE("5", "14"),
    STAGE("6", "17"),
    NORMED("conv_head", "bn2", "features.18"),
    {"classifier.*", "classifier.1.*"},
    {NULL, NULL},
};

#define BLOCK "trunk_output.block<0>.block<0>-<1-1>."
static const Rule REGNET[] = {
    NORMED("stem.conv", "stem.bn", "stem"),
    NORMED("s#.b#.conv1.conv", "s#.b#.conv1.bn", BLOCK "f.a"),
    NORMED("s#.b#.conv2.conv", "s#.b#.conv2.bn", BLOCK "f.b"),
    NORMED("s#.b#.conv3.conv", "s#.b#.conv3.bn", BLOCK "f.c"),
    NORMED("s#.b#.downsample.conv", "s#.b#.downsample.bn", BLOCK "proj"),
    {"s#.b#.se.*", BLOCK "f.se.*"},
    {"head.fc.*", "fc.*"},
    {NULL, NULL},
};

static const Rule CONVNEXT[] = {
    {"stem.0.*", "features.0.0.*"},
    {"stem.1.*", "features.0.1.*"},
    {"stages.#.downsample.*", "features.<0*2>.*"},
    {"stages.#.blocks.#.gamma", "features.<0*2+1>.<1>.layer_scale"},
    {"stages.#.blocks.#.conv_dw.*", "features.<0*2+1>.<1>.block.0.*"},
    {"stages.#.blocks.#.norm.*", "features.<0*2+1>.<1>.block.2.*"},
    {"stages.#.blocks.#.mlp.fc1.*", "features.<0*2+1>.<1>.block.3.*"},
    {"stages.#.blocks.#.mlp.fc2.*", "features.<0*2+1>.<1>.block.5.*"},
    {"head.norm.*", "classifier.0.*"},
    {"head.fc.*", "classifier.2.*"},
    {NULL, NULL},
};

/* Files from before timm 0.9 have a merging at the end of a stage, and the classifier is "head". */
#define SWIN(merging)                                                                                                  \
    {"patch_embed.proj.*", "features.0.0.*"}, {"patch_embed.norm.*", "features.0.2.*"},                                \
        {"layers.#.blocks.#.mlp.fc1.*", "features.<0*2+1>.<1>.mlp.0.*"},                                               \
        {"layers.#.blocks.#.mlp.fc2.*", "features.<0*2+1>.<1>.mlp.3.*"},                                               \
        {"layers.#.blocks.#.*", "features.<0*2+1>.<1>.*"}, {"layers.#.downsample.*", "features." merging ".*"},        \
        {"head.fc.*", "head.*"},                                                                                       \
    {                                                                                                                  \
        NULL, NULL                                                                                                     \
    }
static const Rule SWIN_NEW[] = {SWIN("<0*2>")}, SWIN_OLD[] = {SWIN("<0*2+2>")};

/* transformers' RegNet and ConvNeXt, which timm's rules fit better than those of nn/naming.c. The last norm of its ConvNeXt has an
 * epsilon of 1e-12 where torchvision's has 1e-6: a millionth of a variance. */
#define HUB_NORMED(hub, ours)                                                                                          \
    {hub ".convolution.*", ours ".0.*"}, { hub ".normalization.*", ours ".1.*" }
#define HUB_LAYER "regnet.encoder.stages.#.layers.#."
#define HUB_BLOCK "trunk_output.block<0+1>.block<0+1>-<1>."
static const Rule HUB_REGNET[] = {
    HUB_NORMED("regnet.embedder.embedder", "stem"),
    HUB_NORMED(HUB_LAYER "layer.0", HUB_BLOCK "f.a"),
    HUB_NORMED(HUB_LAYER "layer.1", HUB_BLOCK "f.b"),
    {HUB_LAYER "layer.2.attention.0.*", HUB_BLOCK "f.se.fc1.*"},
    {HUB_LAYER "layer.2.attention.2.*", HUB_BLOCK "f.se.fc2.*"},
    HUB_NORMED(HUB_LAYER "layer.2", HUB_BLOCK "f.c"),
    HUB_NORMED(HUB_LAYER "layer.3", HUB_BLOCK "f.c"),
    HUB_NORMED(HUB_LAYER "shortcut", HUB_BLOCK "proj"),
    {"classifier.1.*", "fc.*"},
    {NULL, NULL},
};
#define HUB_STAGE "convnext.encoder.stages.#."
static const Rule HUB_CONVNEXT[] = {
    {"convnext.embeddings.patch_embeddings.*", "features.0.0.*"},
    {"convnext.embeddings.layernorm.*", "features.0.1.*"},
    {HUB_STAGE "downsampling_layer.*", "features.<0*2>.*"},
    {HUB_STAGE "layers.#.layer_scale_parameter", "features.<0*2+1>.<1>.layer_scale"},
    {HUB_STAGE "layers.#.dwconv.*", "features.<0*2+1>.<1>.block.0.*"},
    {HUB_STAGE "layers.#.layernorm.*", "features.<0*2+1>.<1>.block.2.*"},
    {HUB_STAGE "layers.#.pwconv1.*", "features.<0*2+1>.<1>.block.3.*"},
    {HUB_STAGE "layers.#.pwconv2.*", "features.<0*2+1>.<1>.block.5.*"},
    {"convnext.layernorm.*", "classifier.0.*"},
    {"classifier.*", "classifier.2.*"},
    {NULL, NULL},
};

/* DeiT: our class tokens are one tensor. nn/naming.c has the rest of its names, which do not depend on the family. */
static const Rule DISTILLED[] = {
    {"cls_token", ":0:class_token"},
    {"dist_token", ":1:class_token"},
    {NULL, NULL},
};

/* The first whose tensor is there, and whose other one is not. */
static const struct {
    const char *has, *lacks;
    const Rule *rules;
    int64_t widest; /* rows of has; 0: any number */
} FAMILIES[] = {
    {"dist_token", NULL, DISTILLED, 0},
    {"s1.b1.conv1.conv.weight", NULL, REGNET, 0},
    {"stages.0.blocks.0.conv_dw.weight", NULL, CONVNEXT, 0},
    {"regnet.embedder.embedder.convolution.weight", NULL, HUB_REGNET, 0},
    {"convnext.embeddings.patch_embeddings.weight", NULL, HUB_CONVNEXT, 0},
    {"layers.0.downsample.reduction.weight", NULL, SWIN_OLD, 0},
    {"layers.1.downsample.reduction.weight", NULL, SWIN_NEW, 0},
    {"conv_head.bias", NULL, NULL, 0},                                         /* MobileNet V3 */
    {"conv_head.weight", "blocks.0.0.se.conv_reduce.weight", MOBILENET_V2, 0}, /* V3 has the bias too */
    {"conv_head.weight", NULL, EFFICIENTNET, 1792},                            /* that of B4; more: B5 to B7 */
};

const void *nn_naming_timm_rules(const IoTensors *tensors)
{
    for (size_t i = 0; i < BASE_COUNT(FAMILIES); i++) {
        const IoTensor *has = io_tensors_find(tensors, FAMILIES[i].has);
        if (!has || (FAMILIES[i].lacks && io_tensors_find(tensors, FAMILIES[i].lacks))) continue;
        return FAMILIES[i].widest && has->ndim > 0 && has->shape[0] > FAMILIES[i].widest ? NULL : FAMILIES[i].rules;
    }
    return NULL;
}

enum { NUMBERS = 2, DIGITS = 4 }; /* of a rule, of a number */

static bool matches(const char *rule, const char *name, long number[NUMBERS], const char **rest)
{
    int numbers = 0;
    *rest = "";
    for (; *rule && *rule != '*'; rule++) {
        if (*rule != '#') {
            if (*name++ != *rule) return false;
            continue;
        }
        char digits[DIGITS + 1] = "";
        for (int i = 0; i < DIGITS && isdigit((unsigned char)*name); i++) digits[i] = *name++;
        if (!*digits) return false;
        number[numbers++] = strtol(digits, NULL, 10);
    }
    if (*rule != '*') return *name == '\0';
    *rest = name;
    return *name != '\0';
}

/* The value of "0*2+1>", which moves *at to its '>'. */
static long compute(const char **at, const long number[NUMBERS])
{
    char *end;
    long value = number[strtol(*at, &end, 10)];
    if (*end == '*') value *= strtol(end + 1, &end, 10);
    if (*end == '+' || *end == '-') value += strtol(end, &end, 10);
    *at = end;
    return value;
}

bool nn_naming_timm(const void *of, const char *name, char *out, size_t size)
{
    long number[NUMBERS] = {0};
    const char *rest;
    if (!of || strlen(name) > size / 2) return false; /* a rule adds less than that */
    for (const Rule *rule = of; rule->other; rule++) {
        if (!matches(rule->other, name, number, &rest)) continue;
        size_t used = 0;
        for (const char *at = rule->ours; *at; at++) {
            size_t left = size - used;
            int wrote = *at == '*' ? snprintf(out + used, left, "%s", rest) : snprintf(out + used, left, "%c", *at);
            if (*at == '<') {
                at++;
                wrote = snprintf(out + used, left, "%ld", compute(&at, number));
            }
            used += (size_t)wrote;
        }
        return true;
    }
    return false;
}
