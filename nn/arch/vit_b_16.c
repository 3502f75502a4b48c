#include "nn/arch/arch.h"
#include "nn/arch/family/vit.h"

static NnNode build(NnGraph *g, int64_t K) { return nn_vit_draw(g, &nn_vit_base_16, K); }
static int64_t side(const IoTensors *tensors) { return nn_vit_side(&nn_vit_base_16, tensors); }

const NnArch nn_arch_vit_b_16 = {
    .entry = BASE_ENTRY_PLAIN("vit_b_16", "ViT-B/16, 224x224 form; other sizes by the checkpoint's positions",
                              "An Image is Worth 16x16 Words, arXiv 2010.11929"),
    .C = 3,
    .H = 224,
    .W = 224,
    .build = build,
    .side = side};
