/* report/fold.h - numbers of a label's runs as trainings made them: unlearnings of one network within it, classes within a
 * training seed, and the seed as the random effect.
 *
 * Runs of ten classes that start from one original are not ten independent draws: with y = m + a_seed + b_class + e, the mean over
 * runs varies by a_seed however many classes there are. The means of the seeds over the same classes are independent and
 * alike, whatever the dependence within a seed, so that Student's t over them holds (the analysis of a balanced nested
 * design by its means; Searle, Casella and McCulloch 1992, Variance Components, chapter 3). */
#ifndef REPORT_FOLD_H
#define REPORT_FOLD_H

#include "report/load.h"

typedef struct {
    const double *cell; /* [cells] of each class and seed, over unlearnings; ascending by class, then seed */
    const double *seed; /* [seeds] over the classes that every seed has; ascending */
    const double *run;  /* [runs] the unlearnings of the one network, where there is one cell; else NULL */
    int cells, seeds, runs;
    bool broken; /* several seeds, and no class that all of them have: cell holds all there are, seed is not defined */
} ReportFold;

/** Folds label->scratch, whose first count numbers are those of the runs (NaN: a run has none), where the results then lie.
 *  Classes that one of the seeds lacks are left out. O(seeds count). */
ReportFold report_fold(const ReportLabel *label);
/** Mean of the seeds with its 95% interval (t, or where @p skewed math_stats_mean_skewed) over seeds; of one seed over its
 *  classes, or of its one class over the unlearnings: over what n counts. No interval (NaN) where broken, or where n is 1. sd
 *  (or NULL): over cells, or over runs where there is one cell; ddof 1. */
MathEstimate report_fold_mean(const ReportFold *fold, bool skewed, double *sd);

#endif
