/* eval/saliency/saliency.h - where a network looks: Grad-CAM (Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and
 * 2) of some forgotten and some retained test images.
 *
 *     w_k = (1 / (h w)) sum_ij dz_y / dA^k_ij        map_ij = max(0, sum_k w_k A^k_ij)
 *
 * z_y: the logit of the image's true class; A [k, h, w]: the last map after a ReLU that has at least `side` places
 * either way (a network for small images ends in maps of one or two places, where there is nothing to see).
 */
#ifndef EVAL_SALIENCY_SALIENCY_H
#define EVAL_SALIENCY_SALIENCY_H

#include "eval/relearn/relearn.h"

typedef struct {
    bool enabled;
    int64_t images, side;
} EvalSaliencyConfig;
extern const BaseParam eval_saliency_params[];
extern const size_t eval_saliency_param_count;

typedef struct {
    int64_t n, C, H, W, h, w; /* n 0: nothing was asked, or there is no image */
    float *pictures;          /* [n, C, H, W] as the network gets them, before normalising: 0..1 */
    float *maps;              /* [n, h, w] in logits; forgotten images first */
    int32_t *labels, *predicted;
    uint8_t *forgotten;
    double *confidence; /* softmax of the true class */
} EvalSaliency;
void eval_saliency_free(EvalSaliency *saliency);

/** BASE_EUSAGE where the network has no such map (a transformer). */
BaseStatus eval_saliency_check(NnNet *net, const EvalSaliencyConfig *config);
/** Of @p net on the subject's test images; which ones depends on its seed and forget set alone. In float32. */
BaseStatus eval_saliency(const EvalSubject *subject, const NnNet *net, const EvalSaliencyConfig *config,
                         EvalSaliency *out);

#endif
