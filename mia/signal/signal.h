/* mia/signal/signal.h - what attacks look at: one number per sample from its logits. All in double and in the log
 * domain: 1 - p_y is never formed from p_y, so nothing saturates before the logits themselves do. A row and the same
 * row with its classes (and y) in another order give the same bits, in every mode. */
#ifndef MIA_SIGNAL_SIGNAL_H
#define MIA_SIGNAL_SIGNAL_H

#include <stdint.h>

#include "base/status.h"

/** z = logits, p = softmax(z), y = the true class. */
typedef struct {
    double loss;             /* logsumexp(z) - z_y = -log p_y */
    double confidence;       /* p_y */
    double entropy;          /* -sum_j p_j log p_j */
    double modified_entropy; /* -(1 - p_y) log p_y - sum_{j != y} p_j log(1 - p_j)  (Song & Mittal, eq. 8) */
    double correct;          /* 1 where argmax z = y, 1 / t where y is one of t equals at the top, else 0 */
    double hinge;            /* z_y - max_{j != y} z_j */
    double phi;              /* z_y - logsumexp_{j != y} z_j = log p_y - log(1 - p_y)  (LiRA) */
} MiaSignals;

/** log sum_{j != skip} exp(z_j), in the log domain; @p skip -1: over all. @p z [K] finite, K >= 2. O(K), no memory. */
double mia_signal_log_sum_exp(const double *z, int64_t K, int64_t skip);

/** log(1 + exp(x)), exact in both tails. */
double mia_signal_softplus(double x);

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

/** How a signal is computed. What others compute differs where p rounds to 0 or 1, and with it their numbers; a mode
 *  that says nothing of a kind is exact for it. p is then softmax(z) in double unless said otherwise. */
typedef enum {
    MIA_SIGNAL_EXACT,
    MIA_SIGNAL_MI_LIRA,    /* phi: exp(z - max) in float32; log(p_y + 1e-45) - log(sum_{j != y} p_j + 1e-45)
                              (tensorflow/privacy research/mi_lira_2021); saturates at +-103.6 */
    MIA_SIGNAL_RULI,       /* phi: log clip(p_y, 1e-6, 1 - 1e-6) - log max(sum of the others, 1e-6); +-13.8 */
    MIA_SIGNAL_KODGE,      /* phi: float32 log(p / (1 - p + 1e-32) + 1e-32); jumps from 16.6 to 73.7 */
    MIA_SIGNAL_TF_PRIVACY, /* loss: -log max(p_y, 1e-8); the entropies: -log max(., 1e-30) for every logarithm */
} MiaSignalMode;
/** NULL-ended names for a parameter: of phi, index = MiaSignalMode; of loss and entropies, see the second function. */
extern const char *const mia_signal_phi_modes[];
extern const char *const mia_signal_loss_modes[];   /* exact, tf_privacy */
MiaSignalMode mia_signal_loss_mode(int64_t choice); /* index of mia_signal_loss_modes -> mode */

/** One signal of one sample in some mode. */
double mia_signal_value(const double *z, int64_t K, int32_t y, MiaSignalKind kind, MiaSignalMode mode);

/** One signal of N samples under M models: @p logits [M, N, K], @p labels [N], @p out [M, N]. Same bits for any number
 *  of threads. */
void mia_signal_fill(const double *logits, int64_t M, const int32_t *labels, int64_t N, int64_t K, MiaSignalKind kind,
                     MiaSignalMode mode, double *out);

/** p = softmax(z), both [K]; they may be the same array. */
void mia_signal_softmax(const double *z, int64_t K, double *p);

#endif
