/* report/compare.h - rows beside retraining and beside each other: gaps, their noise floor, what is beyond chance. */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report/load.h"

/** Claims rest on at least so many training seeds: a t test on one degree of freedom says next to nothing. */
enum { REPORT_SEEDS_LEAST = 3 };
/** Below this an adjusted p is a claim. */
#define REPORT_LEVEL 0.05

/** Mean of |run - retrained|, each against the retrained run of its class and seed, or where there is none of that seed the
 *  mean of its class; as report_fold_mean has it, skewed. NaN where there is nothing to compare with, no interval where a
 *  retrained run served several seeds. */
MathEstimate report_gap(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *quantity,
                        double *sd);
/** The average gap of a run is the mean of |run - retrained| over @p quantities (those the run has); this is its mean
 *  over runs. */
MathEstimate report_mean_gap(const ReportExperiment *e, const ReportLabel *label,
                             const ReportQuantity *const *quantities, size_t count, double *sd);
/** The noise floor of that gap: what two retrained networks of the same class and different seeds are apart, the mean over the
 *  classes and their pairs; n: pairs. No interval, since pairs share networks. NaN where no class has two. */
MathEstimate report_floor(const ReportExperiment *e, const ReportQuantity *const *quantities, size_t count);
/** Mean over seeds of run - the retrained run of its class and seed, with its 95% t interval; *p of the paired t test, NaN with fewer
 *  than REPORT_SEEDS_LEAST seeds, and where the difference is the same (not 0) in all of them, so that t is not defined. One
 *  seed: no interval, and no p. */
MathEstimate report_difference(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *quantity,
                               double *p);
/** The method (no control, no reference) that comes nearest to what the quantity should be: to the retrained run where
 *  that is its ideal, to the ideal number, else in the direction of its arrow. NULL where that is not beyond chance: the
 *  paired t tests over training seeds (REPORT_SEEDS_LEAST) against each other method must all hold after Holm. */
const ReportLabel *report_best(const ReportExperiment *e, const ReportQuantity *quantity);

#endif
