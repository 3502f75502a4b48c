/* report/figure/draw.h - what the figures share: the runs they show, their files, and gnuplot. One file per figure. */
#ifndef REPORT_FIGURE_DRAW_H
#define REPORT_FIGURE_DRAW_H

#include "base/text.h"
#include "report/load.h"

typedef struct {
    char *stem; /* <stem>.csv, .gp, .svg, and .png unless vector */
    char *title, *caption;
    int width;    /* pixels */
    char *svg;    /* the drawing; NULL where gnuplot did not make one */
    char *csv;    /* its numbers */
    bool natural; /* it shows pictures, whose colours a dark page must not turn, and which others must not read */
    bool vector;
} ReportFigure;

/** Figures of one experiment. Curves and maps show one job: the featured method's first class and seed. */
typedef struct {
    const ReportExperiment *e;
    const char *folder, *prefix; /* borrowed; prefix "" or "name-" */
    const ReportLabel *featured; /* NULL: nothing succeeded but, perhaps, original and retrained */
    const ReportRun **job;       /* [label_count] the run that stands for each label; NULL: none */
    StoreRun *
        *full; /* [label_count] the same with its arrays; NULL: none, or beyond the first 16 and no figure's choice */
    BaseText stem, csv, gp, caption, title; /* of the figure that is being made; gp: the script */
    ReportFigure *items;
    size_t count;
    bool natural;  /* set before a figure is added: of that one */
    bool vector;   /* no .png: its bytes depend on a machine's fonts, and nobody could check them elsewhere */
    bool *gnuplot; /* cleared, with one warning, where there is no gnuplot */
} ReportFigures;

BaseStatus report_figures_open(const ReportExperiment *e, const char *folder, const char *prefix, bool *gnuplot,
                               ReportFigures *out);
void report_figures_close(ReportFigures *figures);
/** Index of the first label of that rank with a run, or -1. */
int report_figures_rank(const ReportFigures *figures, ReportRank rank);
int report_figures_featured(const ReportFigures *figures); /* index, or -1 */

/** Begins a figure in csv, gp, ...: @p head opens its numbers. @p of: what one of several figures of this kind is of, or
 *  NULL. One that was begun before and not added is dropped. */
void report_figure_begin(ReportFigures *figures, const char *stem, const char *of, const char *head);
/** Writes <stem>.csv and <stem>.gp and draws. A gnuplot error is a warning with its first line. */
BaseStatus report_figure_add(ReportFigures *figures, const char *title, int width, int height);
/** What every script starts with: encoding, separator, axes, the colour-blind-safe line types 1-8 (Okabe & Ito). */
void report_figure_preamble(BaseText *script);
/** Whether a point of a ROC is far enough from the last one kept to be seen on linear or logarithmic axes. */
bool report_figure_visible(double x, double y, double last_x, double last_y);
/** `'<prefix><stem>.csv'` in the script; @p further: as another curve of one plot. */
void report_figure_data(ReportFigures *figures, bool further);
/** "set xtics" for the places 0..count-1, slanted where the names need it. */
void report_figure_names(BaseText *script, const char *axis, const char *const *names, size_t count, bool slanted);
/** One legend for all panels of a multiplot, as its last plot: the top @p share of the figure, since a key that is
 *  placed by hand does not spread over more than one panel's width. @p style: of "with lines". */
void report_figure_legend(BaseText *script, const char *const *titles, const char *const *styles, int count,
                          double share);
/** ",<name>,<name>_lo,<name>_hi" for a head line of numbers, and what stands below it. */
void report_figure_columns(BaseText *csv, const ReportQuantity *quantity);
void report_figure_estimate(BaseText *csv, MathEstimate value);
/** A label that is one value of a row's `each` with one parameter; its texts, owned by the run. */
bool report_figure_each_of(const ReportLabel *label, const char **family, const char **parameter, const char **value);
/** "class 3 (Dress), seed 1" */
void report_figure_job(const ReportRun *run, BaseText *out);

#define REPORT_FIGURE_LIST(X) /* report/figure/<name>.c, in the order of the page */                                   \
    X(accuracy)                                                                                                        \
    X(pareto)                                                                                                          \
    X(confusion)                                                                                                       \
    X(destinations)                                                                                                    \
    X(saliency)                                                                                                        \
    X(representation)                                                                                                  \
    X(each) X(missing) X(several) X(roc) X(signals) X(spectra) X(spaces) X(weights) X(regions) X(search) X(history)
#define X(name) BaseStatus report_figure_##name(ReportFigures *figures);
REPORT_FIGURE_LIST(X)
#undef X

#endif
