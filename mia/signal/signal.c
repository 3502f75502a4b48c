/* With m = max z, e_j = exp(z_j - m), s = sum e_j: log p_j = z_j - m - log s, and for any j
 *     log(1 - p_j) = log((s - e_j) / s),   where s - e_j is summed over the others when e_j is the bulk of s,
 * since s - e_j as a difference loses every digit there. Only the top class (e_j = 1) and y can be the bulk. */
#include "mia/signal/signal.h"

#include <math.h>
#include <stddef.h>

double mia_signal_log_sum_exp(const double *z, int64_t K, int64_t skip)
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
    double all = mia_signal_log_sum_exp(z, K, -1), others = mia_signal_log_sum_exp(z, K, y);
    MiaSignals s = {.correct = top == y, .hinge = z[y] - rival, .phi = z[y] - others};
    /* -log p_y = log(1 + exp(-phi)) and p_y, 1 - p_y = logistic(+-phi): exact in both tails */
    s.loss = softplus(-s.phi);
    s.confidence = exp(-s.loss);
    double doubt = exp(-softplus(s.phi)); /* 1 - p_y */
    s.modified_entropy = doubt * s.loss;
    double not_top = top == y ? others : mia_signal_log_sum_exp(z, K, top);
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

const char *const mia_signal_phi_modes[] = {"exact", "mi_lira", "ruli", "kodge", NULL};
const char *const mia_signal_loss_modes[] = {"exact", "tf_privacy", NULL};
MiaSignalMode mia_signal_loss_mode(int64_t choice) { return choice == 0 ? MIA_SIGNAL_EXACT : MIA_SIGNAL_TF_PRIVACY; }

/* p_y and the sum of the other probabilities, in double. */
static void shares(const double *z, int64_t K, int32_t y, double *own, double *others)
{
    double all = mia_signal_log_sum_exp(z, K, -1);
    *own = exp(z[y] - all);
    *others = 0;
    for (int64_t j = 0; j < K; j++)
        if (j != y) *others += exp(z[j] - all);
}

static double phi_mi_lira(const double *z, int64_t K, int32_t y)
{
    float most = -INFINITY;
    double own = 0, others = 0;
    for (int64_t j = 0; j < K; j++)
        if ((float)z[j] > most) most = (float)z[j];
    for (int64_t j = 0; j < K; j++) *(j == y ? &own : &others) += (double)expf((float)z[j] - most);
    double sum = own + others;
    return log(own / sum + 1e-45) - log(others / sum + 1e-45);
}

static double phi_ruli(const double *z, int64_t K, int32_t y)
{
    double own, others;
    shares(z, K, y, &own, &others);
    return log(fmin(fmax(own, 1e-6), 1 - 1e-6)) - log(fmax(others, 1e-6));
}

static double phi_kodge(const double *z, int64_t K, int32_t y)
{
    double own, others;
    shares(z, K, y, &own, &others);
    float p = (float)own;
    return (double)logf(p / (1 - p + 1e-32f) + 1e-32f);
}

/* The three signals of tensorflow/privacy's membership_inference_attack. */
static double of_tf_privacy(const double *z, int64_t K, int32_t y, MiaSignalKind kind)
{
    double all = mia_signal_log_sum_exp(z, K, -1), sum = 0;
    if (kind == MIA_SIGNAL_LOSS) return -log(fmax(exp(z[y] - all), 1e-8));
    for (int64_t j = 0; j < K; j++) {
        double p = exp(z[j] - all);
        if (kind == MIA_SIGNAL_ENTROPY)
            sum -= p * log(fmax(p, 1e-30));
        else
            sum -= j == y ? (1 - p) * log(fmax(p, 1e-30)) : p * log(fmax(1 - p, 1e-30));
    }
    return sum;
}

double mia_signal_value(const double *z, int64_t K, int32_t y, MiaSignalKind kind, MiaSignalMode mode)
{
    bool phi = kind == MIA_SIGNAL_PHI;
    if (phi && mode == MIA_SIGNAL_MI_LIRA) return phi_mi_lira(z, K, y);
    if (phi && mode == MIA_SIGNAL_RULI) return phi_ruli(z, K, y);
    if (phi && mode == MIA_SIGNAL_KODGE) return phi_kodge(z, K, y);
    if (mode == MIA_SIGNAL_TF_PRIVACY &&
        (kind == MIA_SIGNAL_LOSS || kind == MIA_SIGNAL_ENTROPY || kind == MIA_SIGNAL_MODIFIED_ENTROPY))
        return of_tf_privacy(z, K, y, kind);
    MiaSignals s = mia_signal_row(z, K, y);
    return mia_signal_pick(&s, kind);
}

void mia_signal_fill(const double *logits, int64_t M, const int32_t *labels, int64_t N, int64_t K, MiaSignalKind kind,
                     MiaSignalMode mode, double *out)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < M * N; i++) out[i] = mia_signal_value(logits + i * K, K, labels[i % N], kind, mode);
}

void mia_signal_softmax(const double *z, int64_t K, double *p)
{
    double all = mia_signal_log_sum_exp(z, K, -1);
    for (int64_t j = 0; j < K; j++) p[j] = exp(z[j] - all);
}

int64_t mia_signal_log_softmax(const double *z, int64_t K, const uint8_t *without, double *log_p)
{
    int64_t kept = 0;
    for (int64_t j = 0; j < K; j++)
        if (!without || !without[j]) log_p[kept++] = z[j];
    if (kept == 0) return 0;
    double all = mia_signal_log_sum_exp(log_p, kept, -1);
    for (int64_t j = 0; j < kept; j++) log_p[j] -= all;
    return kept;
}
