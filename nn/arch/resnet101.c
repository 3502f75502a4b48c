#include "nn/arch/arch.h"
#include "nn/arch/family/resnet.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnResnet FORM = {.blocks = {3, 4, 23, 3}, .bottleneck = true, .large = false};
    return nn_resnet_draw(g, &FORM, K);
}

const NnArch nn_arch_resnet101 = {
    .entry = BASE_ENTRY_PLAIN("resnet101", "ResNet-101, 32x32 form: 3x3 stem, no max pool; larger images too",
                              "Deep Residual Learning for Image Recognition, arXiv 1512.03385"),
    .C = 3,
    .H = 32,
    .W = 32,
    .larger = true,
    .build = build};
