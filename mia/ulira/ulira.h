/* mia/ulira/ulira.h - unlearned against retrained models: what the attacks on these two groups share. */
#ifndef MIA_ULIRA_ULIRA_H
#define MIA_ULIRA_ULIRA_H

#include "mia/mia.h"

/** How likely a new value is in a group of which some values are known. */
typedef enum {
    MIA_ULIRA_STUDENT, /* Student-t predictive: df = n - 1, scale = s sqrt(1 + 1/n); right for few models too */
    MIA_ULIRA_NORMAL,  /* N(mean, s) as published, overconfident with few models; s with ddof 1 in both */
} MiaUliraPredictive;
extern const char *const mia_ulira_predictives[];

/** Count, mean and sum of squared distances from the mean. */
typedef struct {
    double n, mean, squares;
} MiaSpread;
MiaSpread mia_ulira_spread(const double *x, int64_t n);
/** Both together, and @p a without its part @p b (Chan, Golub & LeVeque 1983). */
MiaSpread mia_ulira_join(MiaSpread a, MiaSpread b);
MiaSpread mia_ulira_part(MiaSpread a, MiaSpread b);
/** log density of a new value; n >= 2. */
double mia_ulira_log_predict(MiaSpread spread, MiaUliraPredictive predictive, double x);

/** Mean of the unlearned models' and of the retrained models' mean hit rates, each model one observation: 95% t
 * interval within [0, 1], df = the smaller group - 1. Models with a NaN are left out; NaN where a group is empty. */
MathEstimate mia_ulira_balanced(const double *unlearned, int64_t U, const double *retrained, int64_t R);

/** BASE_EARG where there are fewer than 2 models of a kind, or the target is one of them. */
BaseStatus mia_ulira_check(const MiaInput *input);

#endif
