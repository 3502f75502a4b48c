/* eval/score/score.h - counts and losses over one split's predictions, for the metric files. */
#ifndef EVAL_SCORE_SCORE_H
#define EVAL_SCORE_SCORE_H

#include "eval/eval.h"

typedef enum { EVAL_PART_ALL, EVAL_PART_RETAIN, EVAL_PART_FORGET } EvalPart;

/** Whether this part exists for this split: predictions are there and, but for ALL, something is forgotten. */
bool eval_part_defined(const EvalContext *context, EvalSplit split, EvalPart part);
/** Whether image @p i of the predictions belongs to the part. */
bool eval_part_has(const EvalContext *context, EvalPart part, const EvalPredictions *p, int64_t i);
/** Images of the part and how many of them are predicted right. BASE_ESHAPE, BASE_ENUMERIC. */
BaseStatus eval_part_count(const EvalContext *context, EvalSplit split, EvalPart part, int64_t *right, int64_t *n);
/** Micro-averaged accuracy in percent with its Clopper-Pearson interval; NaN where not defined or empty. */
BaseStatus eval_part_accuracy(const EvalContext *context, EvalSplit split, EvalPart part, MathEstimate *out);
/** Mean cross-entropy in nats with its interval (math_stats_mean_skewed); NaN where not defined or empty. */
BaseStatus eval_part_loss(const EvalContext *context, EvalSplit split, EvalPart part, MathEstimate *out);

#endif
