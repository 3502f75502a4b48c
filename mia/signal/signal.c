/* With m = max z, e_j = exp(z_j - m), s = sum e_j: log p_j = z_j - m - log s, and for any j
 *     log(1 - p_j) = log((s - e_j) / s),   where s - e_j is summed over the others when e_j is the bulk of s,
 * since s - e_j as a difference loses every digit there. Only the top class (e_j = 1) and y can be the bulk. */
#include "mia/signal/signal.h"

#include <math.h>

/* log sum_{j != skip} exp(z_j); @p skip -1: over all. */
static double log_sum_exp(const double *z, int64_t K, int64_t skip)
{
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < K; j++)
        if (j != skip && z[j] > most) most = z[j];
    for (int64_t j = 0; j < K; j++)
        if (j != skip) sum += exp(z[j] - most);
    return most + log(sum);
}

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

MiaSignals mia_signal_row(const double *z, int64_t K, int32_t y)
{
    int64_t top = 0;
    double rival = -INFINITY;
    for (int64_t j = 0; j < K; j++) {
        if (z[j] > z[top]) top = j;
        if (j != y && z[j] > rival) rival = z[j];
    }
    double all = log_sum_exp(z, K, -1), others = log_sum_exp(z, K, y);
    MiaSignals s = {.correct = top == y, .hinge = z[y] - rival, .phi = z[y] - others};
    /* -log p_y = log(1 + exp(-phi)) and p_y, 1 - p_y = logistic(+-phi): exact in both tails */
    s.loss = softplus(-s.phi);
    s.confidence = exp(-s.loss);
    double doubt = exp(-softplus(s.phi)); /* 1 - p_y */
    s.modified_entropy = doubt * s.loss;
    double not_top = top == y ? others : log_sum_exp(z, K, top);
    for (int64_t j = 0; j < K; j++) {
        double log_p = j == y ? -s.loss : z[j] - all;
        if (j == top) log_p = -softplus(not_top - z[j]);
        double p = exp(log_p);
        s.entropy -= p * log_p;
        if (j == y) continue;
        double log_not = j == top ? -softplus(z[j] - not_top) : log1p(-p); /* below the top p <= 1/2 */
        s.modified_entropy -= p * log_not;
    }
    return s;
}

double mia_signal_pick(const MiaSignals *s, MiaSignalKind kind)
{
    switch (kind) {
    case MIA_SIGNAL_LOSS: return s->loss;
    case MIA_SIGNAL_CONFIDENCE: return s->confidence;
    case MIA_SIGNAL_ENTROPY: return s->entropy;
    case MIA_SIGNAL_MODIFIED_ENTROPY: return s->modified_entropy;
    case MIA_SIGNAL_CORRECT: return s->correct;
    case MIA_SIGNAL_HINGE: return s->hinge;
    case MIA_SIGNAL_PHI: return s->phi;
    }
    return NAN;
}

void mia_signal_fill(const double *logits, const int32_t *labels, int64_t N, int64_t K, MiaSignalKind kind, double *out)
{
    for (int64_t i = 0; i < N; i++) {
        MiaSignals s = mia_signal_row(logits + i * K, K, labels[i]);
        out[i] = mia_signal_pick(&s, kind);
    }
}

void mia_signal_softmax(const double *z, int64_t K, double *p)
{
    double all = log_sum_exp(z, K, -1);
    for (int64_t j = 0; j < K; j++) p[j] = exp(z[j] - all);
}
