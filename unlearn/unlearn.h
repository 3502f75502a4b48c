/* unlearn/unlearn.h - the frame of unlearning methods: one file and one row (unlearn/list.h) each.
 *
 * A method works in two steps, so that one preparation serves a whole grid of parameters: prepare() does what does not
 * depend on the parameters named in `tunable` (forward passes, factorisations), apply() turns a copy of the original
 * into the unlearned network. Searching parameters is experiment/'s job. A method never sees attacks, the store or MPI.
 */
#ifndef UNLEARN_UNLEARN_H
#define UNLEARN_UNLEARN_H

#include "base/registry.h"
#include "data/data.h"
#include "data/forget/forget.h"
#include "nn/train.h"

/* What a method looks at; shown in tables, since a method that needs the retained data costs its owner more. */
enum {
    UNLEARN_NEEDS_RETAIN = 1, /* images of retained classes */
    UNLEARN_NEEDS_FORGET = 2, /* images of forgotten classes */
    UNLEARN_NEEDS_GRADIENT = 4,
    UNLEARN_CONTROL = 8, /* no unlearning method: a control that exposes weak metrics */
    UNLEARN_SHARES = 16, /* processes can share its images: it heeds UnlearnContext.reduce */
    /* its place in tables: */
    UNLEARN_ORIGINAL = 32,      /* what the others are to change */
    UNLEARN_RETRAINED = 64,     /* what the others are to come near to */
    UNLEARN_FEATURED = 128,     /* the method that a page speaks of first */
    UNLEARN_ELSEWHERE = 1024,   /* what it gives was made of one network: it is not asked to unlearn others */
    UNLEARN_ONLY_CLASSES = 256, /* it edits what belongs to whole classes: it cannot forget single images of one */
};

/** A sample whose work is shared is cut into this many equal blocks of images, however many processes there are. */
enum { UNLEARN_BLOCKS = 16 };

typedef struct {
    const NnNet *original;         /* borrowed, never changed */
    DataView train;                /* the training split: retained and forgotten classes together, no augmentation */
    DataView validation;           /* of the same set, images that no model has trained on; n = 0: none held back */
    const DataForget *forget;      /* of images those that `train` holds: others were not trained on */
    const NnTrainConfig *training; /* how the original was trained; NULL where unknown (foreign weights) */
    NnPrecision precision;
    uint64_t seed;
    int64_t number;           /* of the seed among those of an experiment, from 0 */
    struct NnTrainKeep *keep; /* where a method that trains anew keeps its position (nn/train.h); NULL: nowhere */
    const char *beside; /* a file; relative paths in parameters are of its folder; NULL: of the working directory */
    bool grid; /* one prepare() will serve many apply(): what they share is worth keeping. The order in which a grid is
                  cheapest: the last tunable parameter varies slowest. */
    /** Sums @p n floats, or doubles where @p wide, over all processes, in place; NULL where there is one. Filled by cli/,
     *  with the blocks that this process takes: those of a balanced tree's subtree, or none. What reduce adds up must
     *  itself be added up along that tree, and then no bit depends on the number of processes. */
    BaseStatus (*reduce)(void *user, void *x, int64_t n, bool wide);
    void *user;
    int first_block, block_count;
} UnlearnContext;

/** What the edit did to one layer. NaN where a method does not compute it. */
typedef struct {
    char name[128];
    int64_t n_retain, n_forget, features; /* rows of X_r, X_f; columns */
    double trace_retain, trace_forget;    /* ||X||_F^2 / n: mean squared norm of an input row */
    double rank_retain, rank_forget; /* effective rank (sum s)^2 / sum s^2 of s = normalised squared singular values */
    double
        forget_removed; /* ||(W-W') X_f^T||_F^2 / ||W X_f^T||_F^2: share of the layer's response to forgotten inputs taken out */
    double retain_removed; /* the same for retained inputs */
    double weight_change;  /* ||W' - W||_F / ||W||_F */
    double
        shared; /* tr(P_r P_f) / tr(P_f): part of the forget space that the retain space has too, weighted by importance */
    double *spectrum_retain, *spectrum_forget; /* s, descending, [spectrum_count]; NULL where the route has none */
    int64_t spectrum_count;
} UnlearnLayer;

/** Whose wall, processor time and memory an unlearning cost. */
typedef enum {
    UNLEARN_COST_HERE,    /* this process's, measured by whoever runs the method */
    UNLEARN_COST_ITS_OWN, /* own_.. of the report: of another program */
    UNLEARN_COST_UNKNOWN
} UnlearnCost;

typedef struct {
    UnlearnLayer *layers; /* owned */
    int layer_count;
    int64_t samples_retain, samples_forget; /* distinct images looked at */
    double passes;                          /* forward(+backward) passes over images, in images: cost in samples */
    double judged;                          /* of them, images looked at to decide when to stop */
    double alpha_retain, alpha_forget;      /* importance curve of the spectra; NaN: none */
    double prepare_seconds, apply_seconds;  /* filled by unlearn_run */
    UnlearnCost cost;
    double own_wall_seconds, own_cpu_seconds;
    int64_t own_peak_memory; /* bytes; 0: not known */
    char *said;              /* the last lines of another program, owned; NULL: there was none */
} UnlearnReport;
void unlearn_report_free(UnlearnReport *report);

typedef struct {
    BaseEntry entry;
    unsigned needs;
    const char *const *tunable; /* NULL-ended: parameters that only apply() reads; NULL: none */
    /** *state owned by the caller, released with release(). NULL prepare: no state. */
    BaseStatus (*prepare)(const UnlearnContext *context, const void *params, void **state);
    /** @p net comes in as a copy of the original and goes out unlearned. @p state may serve many applies. */
    BaseStatus (*apply)(const UnlearnContext *context, void *state, const void *params, NnNet *net,
                        UnlearnReport *report);
    void (*release)(void *state);
    /** Optional: refuses parameters that the ranges cannot (a layer name that does not exist), before any work. */
    BaseStatus (*check)(const UnlearnContext *context, const void *params);
    /** Optional: appends lines with all that decides its result and stands neither in the parameters nor here (contents of
     *  files): stored rows are taken for the same only with the same lines. Of the context forget, seed and beside are
     *  given. */
    BaseStatus (*identify)(const UnlearnContext *context, const void *params, BaseText *out);
    /** Optional: the file of logits that stands in place of a network (*path owned); NULL where apply() makes one. */
    BaseStatus (*logits)(const UnlearnContext *context, const void *params, char **path);
} UnlearnMethod;
extern const BaseRegistry unlearn_registry;

BaseStatus unlearn_find(const char *name, const UnlearnMethod **out);
/** BASE_EUSAGE where the method cannot forget such a set; unlearn_run asks too. */
BaseStatus unlearn_check_forget(const UnlearnMethod *method, const DataForget *forget);
/** prepare + apply + release, timed. BASE_ENUMERIC where a parameter of the result is not finite. */
BaseStatus unlearn_run(const UnlearnMethod *method, const UnlearnContext *context, const void *params, NnNet *net,
                       UnlearnReport *report);

#endif
