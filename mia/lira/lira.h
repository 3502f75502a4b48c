/* mia/lira/lira.h - the likelihood ratio attack LiRA (the authors' code: tensorflow/privacy, research/mi_lira_2021),
 * shared by its online and offline forms.
 *
 * phi_s(x) is the logit-scaled confidence of point x under shadow model s. Centres are medians over the shadow models
 * that were trained on x (in) or were not (out), as in the authors' code; t is the target's phi.
 *     online              log N(t; m_in, s_in) - log N(t; m_out, s_out)
 *     offline, one-sided  log Phi((t - m_out) / s_out)       the paper's: how far above the models that never saw x
 *     offline, two-sided  -log N(t; m_out, s_out)            the code's: how far away, in either direction
 */
#ifndef MIA_LIRA_LIRA_H
#define MIA_LIRA_LIRA_H

#include "mia/mia.h"
#include "mia/signal/signal.h"

typedef enum { MIA_LIRA_ONLINE, MIA_LIRA_ONE_SIDED, MIA_LIRA_TWO_SIDED } MiaLiraRule;

/** The standard deviations s_in, s_out, all with ddof 0. */
typedef enum {
    MIA_LIRA_PER_EXAMPLE,   /* of each point's own shadow models; at least 2 on a side that is used */
    MIA_LIRA_POOLED_WITHIN, /* of phi - (the point's centre), over all points: one number for in, one for out */
    MIA_LIRA_PUBLISHED,     /* of phi of all in-models and points together, for in and out alike: what the authors'
                               fix_variance computes; the spread between points is in it */
    MIA_LIRA_AUTO,          /* per example on a side of at least MIA_LIRA_ENOUGH models, else pooled within */
} MiaLiraVariance;
extern const char *const mia_lira_variances[];
#define MIA_LIRA_VARIANCE_MEANING                                                                                      \
    "spread of phi: of each point; pooled within points; pooled over points (published); auto: the first from 32 models"
enum { MIA_LIRA_ENOUGH = 32 };

/** BASE_EARG where a point lacks the shadow models that rule and variance need. O(S N) time and memory. */
BaseStatus mia_lira_score(const MiaInput *input, MiaLiraRule rule, MiaLiraVariance variance, MiaSignalMode mode,
                          MiaScores *out);

#endif
