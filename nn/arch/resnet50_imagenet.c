#include "nn/arch/arch.h"
#include "nn/arch/family/resnet.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnResnet FORM = {.blocks = {3, 4, 6, 3}, .bottleneck = true, .large = true};
    return nn_resnet_draw(g, &FORM, K);
}

const NnArch nn_arch_resnet50_imagenet = {
    .entry = BASE_ENTRY_PLAIN("resnet50_imagenet", "ResNet-50, ImageNet form: 7x7 stem, max pool; images of any size",
                              "Deep Residual Learning for Image Recognition, arXiv 1512.03385"),
    .C = 3,
    .H = 224,
    .W = 224,
    .larger = true,
    .smaller = true,
    .build = build};
