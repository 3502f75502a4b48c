/* report/report.h - from run files to tables, figures and a page. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/text.h"
#include "report/known.h"

typedef struct {
    const char *const *folders; /* result folders, each with *.h5 run files */
    size_t folder_count;
    const char *out;          /* where tables, figures/ and report.html go; made if missing */
    const char *command;      /* shown on the page: how to repeat it; may be NULL */
    const ReportKnown *known; /* may be NULL */
} ReportConfig;

/**
 * Writes tables (.md .csv .tex), figures (.svg .png; left out with a notice where gnuplot is missing) and report.html.
 * @param terminal  the main table for a terminal of @p columns columns, appended.
 * @return BASE_OK; BASE_ENOTFOUND where the folders hold no run; a file that is not a run is named and passed over.
 */
BaseStatus report_make(const ReportConfig *config, int columns, BaseText *terminal);

#endif
