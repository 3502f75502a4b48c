/* eval/eval.h - the frame of metrics: one file and one row (eval/list.h) each. */
#ifndef EVAL_EVAL_H
#define EVAL_EVAL_H

#include "base/registry.h"
#include "data/data.h"
#include "data/forget/forget.h"
#include "math/stats.h"
#include "nn/net.h"

/** Predictions of one network on one named split; all borrowed. */
typedef struct {
    const float *logits;   /* [n, K] */
    const int32_t *labels; /* [n] */
    int64_t n, K;
    const int64_t *at; /* [n] positions in the training set; NULL: of images that were not trained on */
} EvalPredictions;
int64_t eval_position(const EvalPredictions *predictions, int64_t i); /* -1: not trained on */

typedef enum { EVAL_TRAIN, EVAL_VALIDATION, EVAL_TEST, EVAL_SPLITS } EvalSplit;
const char *eval_split_name(EvalSplit split); /* "train", "validation", "test" */

/** How many steps of training brought the forgotten classes back (eval/relearn/relearn.h makes it). */
enum { EVAL_REPEATS_MAX = 16 };
typedef struct {
    int64_t repeats, limit;          /* repeats 0: not made; limit: steps after which each repeat gave up */
    int64_t steps[EVAL_REPEATS_MAX]; /* repeat i of two networks met the same batches */
    bool reached[EVAL_REPEATS_MAX];  /* false: not within limit steps, which is then what `steps` says */
    /* the same from retained images alone: the most right answers, after any epoch, among `judged` test images of the
     * forgotten classes */
    int64_t retain_repeats, retain_steps, judged; /* retain_repeats 0: not made */
    int64_t recovered[EVAL_REPEATS_MAX];
} EvalRelearned;

/** Test images of forgotten classes that a linear probe gets right, and that the nearest neighbours do (eval/probe/probe.h
 * makes it). n = 0: not made. */
typedef struct {
    int64_t right, n, near;
} EvalProbed;

/** Last features of a network on the test images of forgotten classes, in the order of the split (eval/probe/probe.h
 *  makes them). n = 0: not made. */
typedef struct {
    float *x; /* [n, width] */
    int64_t n, width;
} EvalFeatures;

typedef struct {
    const EvalPredictions *split[EVAL_SPLITS]; /* of the network under test; NULL where not made */
    /* of other networks on the same images in the same order; NULL where there is none: the original, one retrained
     * without the same classes from the same seed, and one that was never trained */
    const EvalPredictions *original_split[EVAL_SPLITS], *retrained_split[EVAL_SPLITS], *untrained_split[EVAL_SPLITS];
    const EvalRelearned *relearned, *relearned_retrained; /* of the network under test, of the retrained one; or NULL */
    const EvalProbed *probed;                             /* or NULL */
    const EvalFeatures *features, *original_features, *retrained_features; /* as above, of the same images; or NULL */
    const DataForget *forget;
    const NnNet *original, *net;      /* NULL where not available */
    double wall_seconds, cpu_seconds; /* of the unlearning alone */
    int64_t peak_memory;              /* bytes */
    int64_t samples;                  /* distinct images the method looked at */
    double passes;                    /* images passed through the network */
    bool gradients;                   /* the method needs them: each pass has a backward one */
    int64_t train_images;             /* of the training split; 0: not known */
} EvalContext;

typedef enum { EVAL_IDEAL_RETRAINED, EVAL_IDEAL_NUMBER, EVAL_IDEAL_LOW, EVAL_IDEAL_NONE } EvalIdeal;
typedef enum { EVAL_UNDIRECTED, EVAL_UP, EVAL_DOWN } EvalDirection;
/** What figures and sentences ask for without knowing its name; at most one metric has each role. */
typedef enum {
    EVAL_ROLE_NONE,
    EVAL_ROLE_RETAINED,  /* accuracy on what was kept, percent */
    EVAL_ROLE_FORGOTTEN, /* accuracy on what was forgotten, percent */
    EVAL_ROLE_SCORE,     /* one number of both, 0..1, by which methods are judged */
    EVAL_ROLE_COST,      /* seconds of one unlearning */
    EVAL_ROLES
} EvalRole;

typedef struct {
    BaseEntry entry;
    const char *unit;  /* "%", "nats", "s", "MiB", "GFLOP", "1" */
    const char *title; /* as printed over a table's column: "ACC_r" */
    EvalIdeal ideal;
    double ideal_value;      /* EVAL_IDEAL_NUMBER */
    EvalDirection direction; /* the published one: which way is better */
    EvalRole role;
    double range[2]; /* its values lie there, and an interval over runs is cut off at the ends; {0, 0}: it is not */
    int decimals;    /* -1: three significant digits */
    /* Its place in the table of results and in that of scores and costs: columns stand with the greatest first, and a
     * narrow terminal drops the smallest first. 0: not there; the CSV of results has every metric. */
    int in_results, in_scores;
    bool per_split; /* computed for each split that has predictions; else once, split = EVAL_TEST */
    bool on_train;  /* tables show the training split's value in place of the test split's */
    /* Where single images are forgotten: */
    bool of_forgotten; /* the forgotten images are what it measures: they are training images, so that tables show the
                          training split's value; and nearer to retraining, not up or down, is better */
    bool only_classes; /* it has no meaning there, and is left out */
    /** value NaN with BASE_OK: not defined here (no such split, nothing forgotten): left out of tables. */
    BaseStatus (*compute)(const EvalContext *context, EvalSplit split, MathEstimate *out);
} EvalMetric;
extern const BaseRegistry eval_registry;

typedef struct {
    const EvalMetric *metric;
    EvalSplit split;
    MathEstimate value;
} EvalRow;
/** Every registered metric on every available split, undefined ones left out. *rows owned (base_free). */
BaseStatus eval_all(const EvalContext *context, EvalRow **rows, int *count);

/** confusion[true * K + predicted], first of equals predicted. [K, K] out. */
void eval_confusion(const EvalPredictions *predictions, int64_t *confusion);
/** ||W' - W|| / ||W|| of the weight matrix W of each of nn_net_layers: [layers] out; NaN where W is 0. Both networks are
 *  of one graph. */
void eval_weight_changes(const NnNet *original, const NnNet *net, double *out);
/** argmax of each row: [n] out. */
void eval_predicted(const EvalPredictions *predictions, int32_t *out);

#endif
