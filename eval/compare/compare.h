/* eval/compare/compare.h - the network under test beside another one, image by image. */
#ifndef EVAL_COMPARE_COMPARE_H
#define EVAL_COMPARE_COMPARE_H

#include "eval/score/score.h"

/** Both networks' log probabilities of one image, [K] each, to one figure. */
typedef double (*EvalCompare)(const double *log_p, const double *log_q, int64_t K);

/** Mean of @p compare over the images of a part, with an interval over images (math_stats_mean_skewed): the two networks are taken
 * as given.
 *  @p other: a row of EvalContext. NaN where the split, the part or the other's predictions are not available.
 * BASE_ESHAPE where the two do not cover the same images, BASE_ENUMERIC. */
BaseStatus eval_compare_mean(const EvalContext *context, EvalSplit split, EvalPart part,
                             const EvalPredictions *const other[EVAL_SPLITS], EvalCompare compare, MathEstimate *out);

/** Accuracy of the network under test less the other's on a part, as a share of its n images, and its standard error
 *  from the images that only one of them gets right (half an image added to each of the four cells,
 *  so that it is not 0 where they agree on every one). */
typedef struct {
    double difference, error; /* NaN where not defined */
    int64_t n;
} EvalPaired;
BaseStatus eval_compare_accuracy(const EvalContext *context, EvalSplit split, EvalPart part,
                                 const EvalPredictions *const other[EVAL_SPLITS], EvalPaired *out);

/** Images of a part to which both networks give the same answer, right or wrong, and all of them; n 0 where that is not
 * defined. */
BaseStatus eval_compare_answers(const EvalContext *context, EvalSplit split, EvalPart part,
                                const EvalPredictions *const other[EVAL_SPLITS], int64_t *same, int64_t *n);

/** Jensen-Shannon divergence in nats, 0 to log 2. */
double eval_compare_js(const double *log_p, const double *log_q, int64_t K);

/** log((p + q) / 2) less the larger of log p and log q: finite wherever those are, and exactly 0 where they are equal.
 */
double eval_compare_mean_log(double log_p, double log_q);

#endif
