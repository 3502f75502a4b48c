/* eval/eval.h - the frame of metrics: one file and one row (eval/list.h) each. */
#ifndef EVAL_EVAL_H
#define EVAL_EVAL_H

#include "base/registry.h"
#include "data/data.h"
#include "math/stats.h"
#include "nn/net.h"

/** Predictions of one network on one named split; all borrowed. */
typedef struct {
    const float *logits;  /* [n, K] */
    const int32_t *labels; /* [n] */
    int64_t n, K;
} EvalPredictions;

typedef enum { EVAL_TRAIN, EVAL_VALIDATION, EVAL_TEST, EVAL_SPLITS } EvalSplit;
const char *eval_split_name(EvalSplit split); /* "train", "validation", "test" */

typedef struct {
    const EvalPredictions *split[EVAL_SPLITS]; /* of the network under test; NULL where not made */
    const DataClasses *forget;
    const NnNet *original, *net; /* NULL where not at hand */
    double wall_seconds, cpu_seconds; /* of the unlearning alone */
    int64_t peak_memory;         /* bytes */
    int64_t samples;             /* distinct images the method looked at */
    double passes;               /* images passed through the network */
} EvalContext;

typedef enum { EVAL_IDEAL_RETRAINED, EVAL_IDEAL_NUMBER, EVAL_IDEAL_LOW, EVAL_IDEAL_NONE } EvalIdeal;
typedef struct {
    BaseEntry entry;
    const char *unit;      /* "%", "nats", "s", "MiB", "1" */
    const char *title;     /* as printed over a table's column: "ACC_r" */
    EvalIdeal ideal;
    double ideal_value;    /* EVAL_IDEAL_NUMBER */
    bool per_split;        /* computed for each split that has predictions; else once, split = EVAL_TEST */
    /** value NaN with BASE_OK: not defined here (no such split, nothing forgotten): left out of tables. */
    BaseStatus (*compute)(const EvalContext *context, EvalSplit split, MathEstimate *out);
} EvalMetric;
extern const BaseRegistry eval_registry;

typedef struct {
    const EvalMetric *metric;
    EvalSplit split;
    MathEstimate value;
} EvalRow;
/** Every registered metric on every split at hand, undefined ones left out. *rows owned (base_free). */
BaseStatus eval_all(const EvalContext *context, EvalRow **rows, int *count);

/** confusion[true * K + predicted], first of equals predicted. [K, K] out. */
void eval_confusion(const EvalPredictions *predictions, int64_t *confusion);
/** argmax of each row: [n] out. */
void eval_predicted(const EvalPredictions *predictions, int32_t *out);

#endif
