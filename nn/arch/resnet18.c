#include "nn/arch/arch.h"
#include "nn/arch/family/resnet.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnResnet FORM = {.blocks = {2, 2, 2, 2}, .bottleneck = false, .large = false};
    return nn_resnet_draw(g, &FORM, K);
}

const NnArch nn_arch_resnet18 = {
    .entry = BASE_ENTRY_PLAIN("resnet18", "ResNet-18, 32x32 form: 3x3 stem, no max pool; larger images too",
                              "Deep Residual Learning for Image Recognition, arXiv 1512.03385"),
    .C = 3,
    .H = 32,
    .W = 32,
    .larger = true,
    .build = build};
