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

/** Which pairs of one model of either group are left out in turn: all, or where there are more than MIA_ULIRA_ALL, 16 a
 *  model of the larger group. The attack fitted without both judges both, so that with nothing to tell its balanced
 *  accuracy is 1/2 on average; leaving out one model alone would not do, since its own group is then the smaller one.
 */
enum { MIA_ULIRA_ALL = 4096 };
int64_t mia_ulira_pair_count(int64_t U, int64_t R);
void mia_ulira_pair(int64_t U, int64_t R, int64_t at, int64_t *u, int64_t *r);

/** Balanced accuracy over pairs as a two-sample U-statistic, with a 95% t interval within [0, 1] whose units are
 * models: var = var(row means) / rows + var(column means) / columns, df = the smaller number - 1 (DeLong 1988's form).
 *  @p right, @p seen [models, models]: verdicts that were right, and all, per left-out pair (row: unlearned). */
MathEstimate mia_ulira_balanced(const double *right, const double *seen, int64_t models);

/** BASE_EARG where there are fewer than 2 models of a kind, or the target is one of them. */
BaseStatus mia_ulira_check(const MiaInput *input);

#endif
