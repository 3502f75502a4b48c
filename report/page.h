/* report/page.h - report.html: one file that needs nothing else. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/figure/draw.h"
#include "report/table.h"

/** A table of the page and the file stem of its .csv ("results"), with .md and .tex beside it where @p all. */
typedef struct {
    ReportTable table;
    char *stem;
    bool all, folded;
} ReportPart;

typedef enum {
    REPORT_MAIN,
    REPORT_FAILING, /* the last before the figures */
    REPORT_PUBLISHED,
    REPORT_GAPS,
    REPORT_DIFFERS,
    REPORT_VARIANCE,
    REPORT_METRICS,
    REPORT_ATTACKS,
    REPORT_PAPERS,
    REPORT_CLASSES,
    REPORT_DESTINATIONS,
    REPORT_CHANGES,
    REPORT_SEARCH,
    REPORT_LAYERS,
    REPORT_RUNS,
    REPORT_PARTS
} ReportPartKind;

typedef struct {
    const ReportExperiment *e;      /* borrowed */
    char *prefix;                   /* of its files: "" or "name-" */
    ReportPart parts[REPORT_PARTS]; /* in the page's order (ReportPartKind); without rows: left out */
    ReportFigures figures;
} ReportSection;

/** @p command: shown as how to repeat it; NULL: what the runs say. */
BaseStatus report_page(const ReportSet *set, const ReportSection *sections, const char *const *folders,
                       size_t folder_count, const char *command, BaseText *out);

#endif
