/* session/answers.h - what a network answers on a view of the data, counted. */
#ifndef SESSION_ANSWERS_H
#define SESSION_ANSWERS_H

#include "eval/eval.h"
#include "nn/backend.h"
#include "session/data.h"

/** Logits and labels of one network on one view; owned. `p` views them. */
typedef struct {
    float *logits;   /* [n, K] */
    int32_t *labels; /* [n] */
    int64_t *at;     /* [n] positions in the view's set */
    EvalPredictions p;
} SessionPredictions;
/** @p view: of images that the network was not trained on, or whose positions do not matter. */
BaseStatus session_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label,
                           SessionPredictions *out);
/** The same of training images: @p out knows their positions. */
BaseStatus session_predict_train(NnNet *net, const DataView *view, NnPrecision precision, const char *label,
                                 SessionPredictions *out);
void session_predictions_free(SessionPredictions *predictions);

/** Right answers among retained and forgotten images; @p forget NULL: all are retained. */
typedef struct {
    int64_t n, n_retain, n_forget, right, right_retain, right_forget;
} SessionTally;
SessionTally session_tally(const EvalPredictions *predictions, const DataForget *forget);
double session_percent(int64_t right, int64_t n); /* NaN where n = 0 */
/** Warns, naming likely causes, where the answers are hardly better than guessing. */
BaseStatus session_chance_warn(const SessionPredictions *predictions, const SessionData *data);
void session_percent_text(int64_t right, int64_t n, char out[32]); /* "91.30%", "no images" */
/* "91.30% [90.10, 92.30]": with its exact 95% interval */
void session_percent_interval_text(int64_t right, int64_t n, char out[48]);

#endif
