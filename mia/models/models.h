/* mia/models/models.h - what one point looks like across many models: shared by the attacks that compare the target
 * with shadow, unlearned or retrained models. */
#ifndef MIA_MODELS_MODELS_H
#define MIA_MODELS_MODELS_H

#include "mia/mia.h"
#include "mia/signal/signal.h"

/** One signal of M models on the input's points: *out [M, N], owned by the caller, NULL on failure. */
BaseStatus mia_models_signal(const MiaInput *input, const double *logits, int64_t M, MiaSignalKind kind,
                             MiaSignalMode mode, double **out);

/** BASE_EARG where the target's logits are, to the bit, those of one of the @p M models that it is compared with: a
 *  target fitted to itself always looks like a member. Logits that are one constant are let through. */
BaseStatus mia_models_check_target(const MiaInput *input, const double *logits, int64_t M, const char *what);

typedef struct {
    int64_t count;
    double median, mean, sd; /* ddof 0; NaN where count is 0 */
} MiaMoments;
/** Of @p x [n], which is reordered. The median of an even count is the mean of the middle two. O(n). */
MiaMoments mia_models_moments(double *x, int64_t n);

/** Role of the points that the question is about: audited points, else members, else non-members. *count: how many. */
MiaRole mia_models_asked(const MiaInput *input, int64_t *count);

#endif
