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
/** Both together, and @p a without its part @p b (Chan, Golub & LeVeque). */
MiaSpread mia_ulira_join(MiaSpread a, MiaSpread b);
MiaSpread mia_ulira_part(MiaSpread a, MiaSpread b);
/** The density of a new value, n >= 2; and its logarithm at @p x. */
typedef struct {
    MiaUliraPredictive how;
    double centre, scale, df, peak;
} MiaUliraFit;
MiaUliraFit mia_ulira_fit(MiaSpread spread, MiaUliraPredictive how);
double mia_ulira_log_density(const MiaUliraFit *fit, double x);

/**
 * Models that are left out together: a unit. Unlearned and retrained models have up to MIA_ULIRA_UNITS units each,
 * model m of a kind being in its unit m modulo their number; units of retrained models are numbered after the others.
 * Leaving out a unit of each kind and judging both by the rest gives a balanced accuracy of 1/2 on average where there
 * is nothing to tell; leaving out one model alone would not, since its own group is then the smaller one. The standard
 * error is the jackknife's: everything again without each unit in turn, so that
 * models are what varies, not points; it errs on the wide side.
 */
enum { MIA_ULIRA_UNITS = 8, MIA_ULIRA_RUNS = 1 + 2 * MIA_ULIRA_UNITS };
typedef struct {
    int unlearned, retrained; /* units */
} MiaUnits;
MiaUnits mia_ulira_units(const MiaInput *input, int most);
/** @p model: 0..U-1 unlearned, U.. retrained. */
int mia_ulira_unit_of(const MiaInput *input, MiaUnits units, int64_t model);
/** What the units but @p a, @p b and @p c (-1: none) hold together, from each unit's spread and that of all. */
MiaSpread mia_ulira_rest(const MiaSpread *unit, int units, MiaSpread all, int a, int b, int c);

/** Verdicts of one run, [0] on models that never saw the points, [1] on those that unlearned them. */
typedef struct {
    double right[2], seen[2];
} MiaVerdicts;
/** Balanced accuracy of run [0] with a 95% t interval within [0, 1] from the runs [1 + unit] without one unit each; df
 * = the smaller number of units - 1. NaN where a run has no verdicts on a side; no interval where one without a unit
 * has none: at least 4 models of a kind are needed. @p units without a kind that plays no part. */
MathEstimate mia_ulira_balanced(const MiaVerdicts runs[MIA_ULIRA_RUNS], MiaUnits units, int64_t models);

/** BASE_EARG where there are fewer than 2 models of a kind, or the target is one of them. */
BaseStatus mia_ulira_check(const MiaInput *input);

#endif
