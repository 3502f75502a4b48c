/* mia/ulira/point.h - one point under unlearned models and under models that never saw it: its two groups of phi, and
 * what a likelihood ratio of theirs says of models that were left out of it. */
#ifndef MIA_ULIRA_POINT_H
#define MIA_ULIRA_POINT_H

#include "mia/signal/signal.h"
#include "mia/ulira/ulira.h"

/** Which models never saw a point. */
typedef enum {
    MIA_ULIRA_RETRAINED,     /* models retrained without it */
    MIA_ULIRA_NEVER_TRAINED, /* unlearned models whose /unlearned/keep is 0 for it */
} MiaUliraNull;

/** What is known of every point before any is looked at. Owned; the input is borrowed. */
typedef struct {
    const MiaInput *in;
    MiaUliraNull null;
    MiaUnits units;
    int64_t *model;                         /* [U + R] models in the order of units */
    double *unlearned, *retrained, *target; /* phi [U, N], [R, N], [N] */
    double *values;                         /* [2, U + R] for the groups of a point */
} MiaUliraPlan;
/** BASE_EARG where models are missing, or the target is one of them. *plan is freed by the caller, on failure too. */
BaseStatus mia_ulira_plan(const MiaInput *input, MiaUliraNull null, MiaSignalMode signal, MiaUliraPlan *plan);
void mia_ulira_plan_free(MiaUliraPlan *plan);

enum { MIA_ULIRA_ALL_UNITS = 2 * MIA_ULIRA_UNITS };
/** The two groups of one point, 0 never saw it, 1 unlearned it, each in the order of units. Borrowed from the plan. */
typedef struct {
    double *x[2];
    int64_t start[2][MIA_ULIRA_ALL_UNITS + 1]; /* where a unit's values begin */
    int units;
    int64_t count[2];
} MiaUliraGroups;
/** BASE_EARG where point @p i has fewer than 2 values in a group. */
BaseStatus mia_ulira_groups(const MiaUliraPlan *plan, int64_t i, MiaUliraGroups *out);

/** Two densities and the logarithm of their ratio, p(. | unlearned) / p(. | never saw). */
typedef struct {
    void *user;
    /** Makes the densities of the groups without the units @p a, @p b and @p c (-1: none); false: too few values. */
    bool (*without)(void *user, int a, int b, int c);
    /** At value @p k of group @p side. */
    double (*log_ratio)(const void *user, int side, int64_t k);
} MiaUliraRatio;

enum { MIA_ULIRA_BINS = 10 };
/** What leaving units out says, summed over points; p_member of the run without none but the judged. */
typedef struct {
    MiaVerdicts runs[MIA_ULIRA_RUNS];
    double predicted[2][MIA_ULIRA_BINS], weight[2][MIA_ULIRA_BINS]; /* per side and bin of p_member: sums of p, and of
                                                                       verdicts */
} MiaUliraLeftOut;
/** Adds one point: each unit of a group with each unit of the other, judged by the rest. O(units^3 + units^2 models)
 *  ratios. */
void mia_ulira_leave_out(const MiaUliraGroups *groups, const MiaUliraRatio *ratio, MiaUliraLeftOut *left);
/** The numbers loo_balanced_accuracy and loo_calibration_error. */
void mia_ulira_left_out_add(const MiaUliraPlan *plan, const MiaUliraLeftOut *left, MiaScores *out);

#endif
