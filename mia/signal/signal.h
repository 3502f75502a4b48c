/* mia/signal/signal.h - what attacks look at: one number per sample from its logits. All in double and in the log
 * domain: 1 - p_y is never formed from p_y, so nothing saturates before the logits themselves do. */
#ifndef MIA_SIGNAL_SIGNAL_H
#define MIA_SIGNAL_SIGNAL_H

#include <stdint.h>

#include "base/status.h"

/** z = logits, p = softmax(z), y = the true class. */
typedef struct {
    double loss;             /* logsumexp(z) - z_y = -log p_y */
    double confidence;       /* p_y */
    double entropy;          /* -sum_j p_j log p_j */
    double modified_entropy; /* -(1 - p_y) log p_y - sum_{j != y} p_j log(1 - p_j)  (Song & Mittal 2021, eq. 8) */
    double correct;          /* 1 where argmax z = y, the first of equals counting as the argmax; else 0 */
    double hinge;            /* z_y - max_{j != y} z_j */
    double phi;              /* z_y - logsumexp_{j != y} z_j = log p_y - log(1 - p_y)  (Carlini et al. 2022) */
} MiaSignals;

/** One sample; @p z [K] finite, K >= 2, 0 <= y < K. O(K), no memory. */
MiaSignals mia_signal_row(const double *z, int64_t K, int32_t y);

typedef enum {
    MIA_SIGNAL_LOSS,
    MIA_SIGNAL_CONFIDENCE,
    MIA_SIGNAL_ENTROPY,
    MIA_SIGNAL_MODIFIED_ENTROPY,
    MIA_SIGNAL_CORRECT,
    MIA_SIGNAL_HINGE,
    MIA_SIGNAL_PHI
} MiaSignalKind;
double mia_signal_pick(const MiaSignals *signals, MiaSignalKind kind);

/** One signal of N samples: @p logits [N, K], @p out [N]. */
void mia_signal_fill(const double *logits, const int32_t *labels, int64_t N, int64_t K, MiaSignalKind kind,
                     double *out);

/** p = softmax(z), both [K]; they may be the same array. */
void mia_signal_softmax(const double *z, int64_t K, double *p);

#endif
