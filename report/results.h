/* report/results.h - which tables a report has. Each is the caller's (report_table_free); look at its st. */
#ifndef REPORT_RESULTS_H
#define REPORT_RESULTS_H

#include "report/load.h"
#include "report/table.h"

/** One row per label: what the papers print, with intervals, and everything else in the CSV. */
ReportTable report_results_main(const ReportExperiment *e);
/** |run - retrained| per quantity; no row where nothing was retrained. */
ReportTable report_results_gaps(const ReportExperiment *e);
/** One row per label and attack. */
ReportTable report_results_attacks(const ReportExperiment *e);
/** One row per label and forgotten class. */
ReportTable report_results_classes(const ReportExperiment *e);
/** What the edit did to each layer of @p run. */
ReportTable report_results_layers(const ReportRun *run);
/** One row per run file: where every number comes from. */
ReportTable report_results_runs(const ReportExperiment *e);

#endif
