/* session/answers.c - predictions, and shares of right answers with exact intervals. */
#include "session/answers.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/order.h"
#include "nn/train.h"

BaseStatus session_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label,
                           SessionPredictions *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionPredictions){0};
    int64_t K = nn_net_classes(net);
    BASE_TRY(BASE_ALLOC_RAW(view->n * K, &out->logits));
    BASE_TRY(BASE_ALLOC_RAW(view->n, &out->labels));
    BASE_TRY(BASE_ALLOC_RAW(view->n, &out->at));
    for (int64_t i = 0; i < view->n; i++) out->at[i] = data_view_at(view, i);
    for (int64_t i = 0; i < view->n; i++) out->labels[i] = data_view_label(view, i);
    if (view->n > 0) BASE_TRY(nn_predict(net, view, precision, label, out->logits));
    out->p = (EvalPredictions){.logits = out->logits, .labels = out->labels, .n = view->n, .K = K};
out:
    if (st != BASE_OK) session_predictions_free(out);
    return st;
}

BaseStatus session_predict_train(NnNet *net, const DataView *view, NnPrecision precision, const char *label,
                                 SessionPredictions *out)
{
    BaseStatus st = session_predict(net, view, precision, label, out);
    if (st == BASE_OK) out->p.at = out->at;
    return st;
}

void session_predictions_free(SessionPredictions *predictions)
{
    base_free(predictions->logits);
    base_free(predictions->labels);
    base_free(predictions->at);
    *predictions = (SessionPredictions){0};
}

SessionTally session_tally(const EvalPredictions *p, const DataForget *forget)
{
    SessionTally tally = {.n = p->n};
    for (int64_t i = 0; i < p->n; i++) {
        bool forgotten = forget && data_forget_holds(forget, p->labels[i], eval_position(p, i)),
             right = base_largest_at(p->logits + i * p->K, p->K) == p->labels[i];
        tally.right += right;
        *(forgotten ? &tally.n_forget : &tally.n_retain) += 1;
        *(forgotten ? &tally.right_forget : &tally.right_retain) += right;
    }
    return tally;
}

double session_percent(int64_t right, int64_t n) { return n > 0 ? 100.0 * (double)right / (double)n : (double)NAN; }

void session_percent_text(int64_t right, int64_t n, char out[32])
{
    if (n > 0)
        snprintf(out, 32, "%.2f%%", session_percent(right, n));
    else
        snprintf(out, 32, "(no images)");
}

void session_percent_interval_text(int64_t right, int64_t n, char out[48])
{
    char share[32];
    MathEstimate e = math_stats_share(right, n, 0.95);
    session_percent_text(right, n, share);
    if (n > 0)
        snprintf(out, 48, "%s [%.2f, %.2f]", share, 100 * e.lo, 100 * e.hi);
    else
        snprintf(out, 48, "%s", share);
}
