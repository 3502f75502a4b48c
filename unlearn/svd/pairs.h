/* unlearn/svd/pairs.h - of every edited layer the pair of its spaces, retain and forget: sampling, forward passes and
 * factorisation, done once; then the edit of any layer for any alphas. */
#ifndef UNLEARN_SVD_PAIRS_H
#define UNLEARN_SVD_PAIRS_H

#include "unlearn/svd/params.h"
#include "unlearn/unlearn.h"

extern const UnlearnMethod unlearn_svd;

/* Three steps of an UnlearnMethod whose parameters are UnlearnSpaceParams and whose state is an UnlearnPairs. */
/** BASE_EUSAGE on a layer that does not exist, or fewer forget samples than classes. */
BaseStatus unlearn_pairs_check(const UnlearnContext *context, const void *params);
/** Two forward passes of the original (retained, forgotten sample), then every layer's factorisation; where the budget of
 *  memory does not hold all spaces (unlearn/svd/passes.h), of the first layers, and the rest when they are edited. */
BaseStatus unlearn_pairs_prepare(const UnlearnContext *context, const void *params, void **pairs);
void unlearn_pairs_release(void *pairs);

typedef struct UnlearnPairs UnlearnPairs;
/** Edits layer @p number in place, w [K, features], and fills its @p row of the report. */
typedef BaseStatus (*UnlearnEditLayer)(const UnlearnContext *context, UnlearnPairs *pairs,
                                       const UnlearnSpaceParams *params, int number, const NnLayer *layer, float *w,
                                       UnlearnLayer *row);
/** The fourth: @p edit of every selected layer, in order. Fills @p report but for times. */
BaseStatus unlearn_pairs_apply(const UnlearnContext *context, UnlearnPairs *pairs, const UnlearnSpaceParams *params,
                               UnlearnEditLayer edit, NnNet *net, UnlearnReport *report);

/** out = D = W (I - P_r) P_f of layer @p layer; w, out [K, features], apart. Where the context said grid, @p w must be
 *  the original's each time: what one pair of alphas shares with the next is kept (unlearn/svd/edit.h). */
BaseStatus unlearn_pairs_edit(UnlearnPairs *pairs, int layer, double alpha_r, double alpha_f, const float *w, int64_t K,
                              float *out);
/** The same, taken from w in place: w -= D. @p row: its row of the report, filled (of a grid without the shares). */
BaseStatus unlearn_pairs_subtract(UnlearnPairs *pairs, int layer, double alpha_r, double alpha_f, float *w, int64_t K,
                                  UnlearnLayer *row);
/** The two sides' spaces of layer @p layer, borrowed, for unlearn/svd/measure.h. */
const UnlearnSpaces *unlearn_pairs_retain(const UnlearnPairs *pairs, int layer);
const UnlearnSpaces *unlearn_pairs_forget(const UnlearnPairs *pairs, int layer);

#endif
