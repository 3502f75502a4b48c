/* mia/models/relabel.h - what a perfect unlearner gets: a number that compares U unlearned with R retrained models, over
 * the ways to say which is which. If both were made alike, the labels are exchangeable, and the number is one draw from
 * these (a permutation test; with draws p = (1 + #{null >= observed}) / (1 + draws), Phipson and Smyth 2010, eq. 2). */
#ifndef MIA_MODELS_RELABEL_H
#define MIA_MODELS_RELABEL_H

#include "mia/mia.h"

enum { MIA_RELABEL_DRAWS = 199 }; /* the default: p from 0.005 */
#define MIA_RELABEL_PARAM(type)                                                                                        \
    BASE_PARAM_I64(type, draws, MIA_RELABEL_DRAWS, 0, 100000,                                                          \
                   "number of exchanges of unlearned and retrained models that the null is drawn from; 0: no null")

/** A number by its name, as it was observed; @p worse 1: higher values are worse, -1: lower ones. */
typedef struct {
    const char *name;
    double observed;
    int worse;
} MiaRelabelled;

/** @p model [U + R]: 0..U-1 unlearned, U.. retrained in truth; the first U are now called unlearned. @p number [count]. */
typedef void (*MiaRelabel)(void *user, const int64_t *model, double *number);

/** Adds to @p out of each number <name>_null (mean and 95% range over labellings, n: how many) and <name>_p (of values at least as bad,
 *  ties included). Every labelling if there are at most draws + 1, else draws of them by input->seed. Where
 *  each model is paired with one of the other kind (input->unlearned_pair, retrained_pair: made from the same data), labels are exchanged within pairs, else
 *  among all. Nothing with @p draws 0. */
BaseStatus mia_models_relabel(const MiaInput *input, int64_t draws, const MiaRelabelled *numbers, int count,
                              MiaRelabel compute, void *user, MiaScores *out);

#endif
