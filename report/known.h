/* report/known.h - what a report is told beside the runs: what older runs leave out, and what papers print. */
#ifndef REPORT_KNOWN_H
#define REPORT_KNOWN_H

#include "store/store.h"

/** A number of ours that a paper calls its own. */
typedef struct {
    const char *paper, *column;
    const char *name, *split;    /* a metric; or NULL */
    const char *attack, *wiring; /* efficacy of an attack; or NULL */
    const char *how;             /* theirs from ours */
} ReportPaper;

enum { REPORT_PUBLISHED_COLUMNS = 3 };
/** A row of a published table: mean and standard deviation, in percent; NaN: printed without one. */
typedef struct {
    const char *printed, *method; /* its name there; the method here */
    double value[REPORT_PUBLISHED_COLUMNS], sd[REPORT_PUBLISHED_COLUMNS];
} ReportPublishedRow;
typedef struct {
    const char *data, *arch, *note;
    struct {
        const char *key, *title, *role; /* role: of the quantity here */
    } columns[REPORT_PUBLISHED_COLUMNS];
    const ReportPublishedRow *rows;
    size_t row_count;
} ReportPublished;

typedef struct {
    /** Adds to a run of an older version what runs now say of its method, metrics and attacks; NULL: nothing. */
    BaseStatus (*complete)(StoreRun *run);
    const ReportPaper *papers;
    size_t paper_count;
    const ReportPublished *published; /* or NULL */
    const char *unchanged;            /* the method that gives the original back; or NULL */
} ReportKnown;

#endif
