/* report/results.h - which tables a report has. Each is the caller's (report_table_free); look at its st. */
#ifndef REPORT_RESULTS_H
#define REPORT_RESULTS_H

#include "report/columns.h"

/** One row per label: what the papers print, with intervals, and everything else in the CSV. */
ReportTable report_results_main(const ReportExperiment *e);
/** |run - retrained| per quantity; no row where nothing was retrained. */
ReportTable report_results_gaps(const ReportExperiment *e);
/** Which methods differ from retraining beyond chance: differences, p adjusted over the methods, and in what; no row with fewer
 *  than three seeds. */
ReportTable report_results_differs(const ReportExperiment *e);
/** Of what varies between runs, how much comes with trainings and how much with unlearnings; no row without several of
 *  each. */
ReportTable report_results_variance(const ReportExperiment *e);
/** Scores that other papers compare methods by, and what each method cost; no row where no run has one. */
ReportTable report_results_metrics(const ReportExperiment *e);
/** What each paper calls the numbers of these tables; no row where none is there. */
ReportTable report_results_papers(const ReportExperiment *e);
/** Published numbers beside these; no row where none are known. */
ReportTable report_results_published(const ReportExperiment *e);
bool report_published_any(const ReportExperiment *e);
/** Every trial of every search, with what it cost. */
ReportTable report_results_search(const ReportExperiment *e);
/** One row per label and attack. */
ReportTable report_results_attacks(const ReportExperiment *e);
/** One row per label and forgotten class. */
ReportTable report_results_classes(const ReportExperiment *e);
/** Of the featured method's first job: the classes that images of what was forgotten go to, and the kept classes whose
 *  accuracy fell and rose most. No row where its run has no confusion matrices. Both tables are made even on failure. */
BaseStatus report_results_confused(const ReportExperiment *e, ReportTable *destinations, ReportTable *changes);
/** What the edit did to each layer of @p run. */
ReportTable report_results_layers(const ReportRun *run);
/** Whether a method's mean score is further than 5 points from that of the retrained runs of its classes and seeds.
 *  Controls and runs without a retrained one are never. */
bool report_failing(const ReportExperiment *e, const ReportLabel *label);
/** In a word or two, whether that is by its recipe, its budget or the method itself (report/cause.c); a label with a run. */
void report_cause(const ReportExperiment *e, const ReportLabel *label, BaseText *out);
/** One row per such method: by how much, on which side, and what its search had to offer. */
ReportTable report_results_failing(const ReportExperiment *e);
enum { REPORT_COMMAND_WHOLE = 4095 }; /* a stored command of this length is cut off (cli/options.h) */
/** The command that repeats @p run: the stored one, with this row's method and its reference alone. Nothing where
 *  the run's command is not known. */
void report_again(const ReportExperiment *e, const ReportRun *run, BaseText *out);
/** One row per run file: where every number comes from. */
ReportTable report_results_runs(const ReportExperiment *e);

/** Notes on the quantities whose ideal is a number: what retraining itself reaches, and who is as near; or that nothing
 *  shows it. */
void report_reach_notes(ReportTable *table, const ReportExperiment *e, const ReportQuantity *const *quantities,
                        int count);

/** Whether the average gap counts it: what is in percentage points of what was kept, what was forgotten, and attacks. */
bool report_results_in_gap(const ReportQuantity *quantity);
/** REPORT_ROW_ of a label by its rank, and whether all of its runs failed. */
unsigned report_results_flags(const ReportLabel *label);
/** Bold in columns[i] (below 0: none) where a method is best of quantities[i], and the note that says how. Rows are
 * named by their label in the first column. */
void report_results_mark(ReportTable *table, const ReportExperiment *e, const ReportQuantity *const *quantities,
                         const int *columns, int count);

#endif
