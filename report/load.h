/* report/load.h - run files of some folders, as experiments of labels of runs. */
#ifndef REPORT_LOAD_H
#define REPORT_LOAD_H

#include "base/text.h"
#include "report/known.h"

typedef enum { REPORT_RANK_ORIGINAL, REPORT_RANK_RETRAINED, REPORT_RANK_METHOD, REPORT_RANK_CONTROL } ReportRank;

/** One run, without its heavy arrays (store_run_read reads them). Texts are borrowed from `store`, never NULL. */
typedef struct {
    StoreRun *store; /* owned */
    char *file;      /* owned */
    const char *id, *experiment, *label, *method, *arch, *data, *forget, *forget_names, *forget_map, *reason, *started;
    double seed, unlearn,
        order; /* unlearn: number of the unlearning of its network; order: of its method in the config */
    ReportRank rank;
    bool featured, failed;
} ReportRun;

/** "3,7 (Dress, Sneaker)", "600 images of 10 classes"; nothing of an original. */
void report_run_classes(const ReportRun *run, BaseText *out);
bool report_run_images(const ReportRun *run); /* it forgets listed images */

/** Runs of one label, over classes and seeds; ascending by class, then seed, then unlearning. Borrowed pointers. */
typedef struct {
    const char *label;
    ReportRank rank;
    double order;
    const ReportRun **runs; /* [count], owned array */
    size_t count, failed;
    double *scratch; /* [2 count], owned: values on their way into a mean (report/fold.h) */
} ReportLabel;

/** A number that runs have: a metric on a split, or a figure of an attack. */
typedef struct {
    const char *name, *split; /* metric; attack: its label and NULL */
    const char *field;        /* attack: "auc", "efficacy"; metric: NULL */
    const char *title, *unit, *ideal, *arrow;
    double scale; /* stored value to shown value */
    int decimals;
    double least, most;        /* of shown values; infinite: no end */
    const char *role;          /* a StoreMetric's; "attack" of the headline attack's efficacy; "": none */
    int in_results, in_scores; /* importance in that table; 0: not there. Attacks have theirs by their order */
    bool cost;                 /* lower is better, without end: nothing to come near to */
} ReportQuantity;

typedef struct {
    const char *name, *arch, *data;
    ReportLabel *labels; /* original, retrained, methods, controls; each kind in the config's order */
    size_t label_count, run_count, failed_count;
    size_t forget_count, seed_count; /* distinct */
    size_t unlearn_count;            /* most unlearnings of one network of a label */
    double *scratch;                 /* [2 label_count], owned: p values on their way */
    ReportQuantity *quantities;
    size_t quantity_count;
    const ReportKnown *known; /* borrowed; never NULL */
} ReportExperiment;

typedef struct {
    ReportRun *runs;
    size_t run_count, superseded; /* older runs of the same label, class, seed and unlearning, left out */
    char **passed_over;           /* one line each: a file that is not a run */
    size_t passed_count;
    ReportExperiment *experiments;
    size_t experiment_count;
} ReportSet;

/** BASE_ENOTFOUND where there is no run. A file that is not a run is ignored with a warning. @p known is borrowed by the
 *  set; NULL: nothing. */
BaseStatus report_load(const char *const *folders, size_t folder_count, const ReportKnown *known, ReportSet *out);
void report_set_free(ReportSet *set);

bool report_value(const ReportRun *run, const ReportQuantity *quantity, MathEstimate *out);
/** One run: its own estimate and interval, *sd NaN. Several: mean, sd (or NULL) and interval as report_fold_mean has them.
 *  False where no run has it. Several retrained runs of a quantity that compares with a retrained network are pairs that share networks:
 *  neither sd nor interval, and n distinct pairs. */
bool report_summary(const ReportLabel *label, const ReportQuantity *quantity, MathEstimate *out, double *sd);
/** Whether its ideal is a number: that of a network which equals the retrained one; *ideal as stored. */
bool report_compares(const ReportQuantity *quantity, double *ideal);
/** Whether a retrained run was compared with the retrained network of another seed, and so is a pair. */
bool report_is_pair(const ReportRun *run);
/** Different pairs of networks among the runs that have the quantity: with two seeds each is the other's peer. A run that is
 *  no pair counts as one. */
int report_pairs(const ReportLabel *label, const ReportQuantity *quantity);
const ReportQuantity *report_quantity(const ReportExperiment *e, const char *name, const char *split,
                                      const char *field);
/** Whether any run forgets listed images. */
bool report_any_images(const ReportExperiment *e);
/** The quantity with this role, of metrics on the test split; of what was forgotten on the training split, where images
 *  are listed. NULL: none. */
const ReportQuantity *report_quantity_with(const ReportExperiment *e, const char *role);
const char *report_name_with(const ReportExperiment *e, const char *role);      /* its name, or the role's */
const ReportLabel *report_label_of(const ReportExperiment *e, ReportRank rank); /* the first; NULL: none with a run */
/** The method a reader looks for first: a featured one, else the first method. NULL: none succeeded. */
const ReportLabel *report_featured(const ReportExperiment *e);
/** The control that stands beside a headline: the one of the best mean score, that looks most as if it had unlearned; without
 *  scores the first. NULL: none. */
const ReportLabel *report_control(const ReportExperiment *e);
const ReportRun *report_first_ok(const ReportLabel *label); /* NULL: none */
/** The classes that figures and tables of confusions keep to, of a run of K classes: those that its config names, or all,
 *  and then it is false. */
bool report_confusion_range(const StoreRun *run, int64_t K, int64_t *first, int64_t *last);
/** "10" after "9": by the leading number first, then by text; the order of a label's runs. */
int report_compare_forget(const char *a, const char *b);
const ReportRun *report_same_job(const ReportLabel *label,
                                 const ReportRun *run); /* same class and seed, or same class */
/** The runs of one forget set, borrowed from the label; none: count is 0. */
ReportLabel report_same_set(const ReportLabel *label, const char *forget);

#endif
