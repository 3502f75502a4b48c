/* mia/signal/signal.c - sums over classes do not depend on their order (mia/signal/sum.h). Where a sum may be far below
 * 1 its terms are relative to their own largest, and the class that can be the bulk is never subtracted but left
 * out. */
#include "mia/signal/signal.h"

#include <math.h>
#include <stddef.h>

#include "mia/signal/sum.h"

/* The largest of the classes but @p skip (-1: of all) and where it is first, and the largest of the rest, which
 * -INFINITY says there is none of. */
typedef struct {
    int64_t at;
    double first, second;
} Two;

static Two top_two(const double *z, int64_t K, int64_t skip)
{
    Two two = {-1, -INFINITY, -INFINITY};
    for (int64_t j = 0; j < K; j++) {
        if (j == skip) continue;
        if (z[j] > two.first || two.at < 0) {
            two.second = two.first;
            two.first = z[j];
            two.at = j;
        } else if (z[j] > two.second) {
            two.second = z[j];
        }
    }
    return two;
}

/* sum exp(z_j - base) over the classes but two (-1: none), base the largest of them: at least 1. */
static double sum_exp(const double *z, int64_t K, int64_t skip, int64_t at, double base)
{
    MiaSum sum = mia_sum_start(1, K);
    for (int64_t j = 0; j < K; j++)
        if (j != skip && j != at) mia_sum_add(&sum, exp(z[j] - base));
    return mia_sum_value(&sum);
}

static double largest(const double *z, int64_t K, int64_t skip)
{
    double most = -INFINITY;
    for (int64_t j = 0; j < K; j++)
        if (j != skip && z[j] > most) most = z[j];
    return most;
}

double mia_signal_log_sum_exp(const double *z, int64_t K, int64_t skip)
{
    double most = largest(z, K, skip);
    return most + log(sum_exp(z, K, skip, -1, most));
}

double mia_signal_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* z_y - logsumexp of the others */
static double phi_of(const double *z, int64_t K, int32_t y, double rival)
{
    return (z[y] - rival) - log(sum_exp(z, K, y, -1, rival));
}

/* With d_j = max z - z_j and e_j = exp(-d_j): H = log(1 + s) + sum_j e_j d_j / (1 + s), s the sum of e_j without the
 * top class, no term negative. e_j is relative to the second largest, so that nothing small is lost beside 1. */
static double entropy_of(const double *z, int64_t K)
{
    Two two = top_two(z, K, -1);
    double gap = two.first - two.second, share = exp(-gap);
    MiaSum sum = mia_sum_start(1, K), below = mia_sum_start(0.5, K); /* x exp(-x) <= 1 / e */
    if (share == 0) return 0;
    for (int64_t j = 0; j < K; j++) {
        if (j == two.at) continue;
        double d = two.second - z[j], e = exp(-d);
        mia_sum_add(&sum, e);
        if (e > 0) mia_sum_add(&below, e * d);
    }
    double s = mia_sum_value(&sum), rest = share * s;
    return log1p(rest) + share * (gap * s + mia_sum_value(&below)) / (1 + rest);
}

/* p_j, j != y, is at most 1/2 but for the rival, for which log(1 - p) comes from the others' sum. The rest is relative
 * to its own largest, p = c exp(z_j - largest), and -log(1 - p) / c is at most 2 log 2. */
static double modified_entropy_of(const double *z, int64_t K, int32_t y, double phi)
{
    Two rival = top_two(z, K, y);
    double loss = mia_signal_softplus(-phi), sum = exp(-mia_signal_softplus(phi)) * loss; /* (1 - p_y) * -log p_y */
    double but_rival = z[y]; /* log of the sum over all but the rival */
    if (K > 2) {
        double rest = rival.second + log(sum_exp(z, K, y, rival.at, rival.second));
        but_rival = z[y] > rest ? z[y] + log1p(exp(rest - z[y])) : rest + log1p(exp(z[y] - rest));
    }
    sum += exp((rival.first - z[y]) - loss) * mia_signal_softplus(rival.first - but_rival);
    double c = K > 2 ? exp((rival.second - z[y]) - loss) : 0;
    if (c * c == 0) return sum;
    MiaSum rest = mia_sum_start(1.5, K);
    for (int64_t j = 0; j < K; j++) {
        if (j == y || j == rival.at) continue;
        double e = exp(z[j] - rival.second);
        mia_sum_add(&rest, e * (-log1p(-c * e) / c));
    }
    return sum + c * c * mia_sum_value(&rest);
}

/* Of equals at the top each counts as the argmax with the same chance: the first of them would depend on their numbers.
 */
static double correct_of(const double *z, int64_t K, int32_t y, double rival)
{
    int64_t equals = 0;
    if (z[y] < rival) return 0;
    for (int64_t j = 0; j < K; j++) equals += z[j] == z[y];
    return 1 / (double)equals;
}

MiaSignals mia_signal_row(const double *z, int64_t K, int32_t y)
{
    double rival = largest(z, K, y), phi = phi_of(z, K, y, rival);
    MiaSignals s = {.correct = correct_of(z, K, y, rival), .hinge = z[y] - rival, .phi = phi};
    /* -log p_y = log(1 + exp(-phi)): exact in both tails */
    s.loss = mia_signal_softplus(-phi);
    s.confidence = exp(-s.loss);
    s.entropy = entropy_of(z, K);
    s.modified_entropy = modified_entropy_of(z, K, y, phi);
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
    MiaSum sum = mia_sum_start(exp(largest(z, K, y) - all), K);
    *own = exp(z[y] - all);
    for (int64_t j = 0; j < K; j++)
        if (j != y) mia_sum_add(&sum, exp(z[j] - all));
    *others = mia_sum_value(&sum);
}

static double phi_mi_lira(const double *z, int64_t K, int32_t y)
{
    float most = -INFINITY, rival = -INFINITY;
    for (int64_t j = 0; j < K; j++) {
        if ((float)z[j] > most) most = (float)z[j];
        if (j != y && (float)z[j] > rival) rival = (float)z[j];
    }
    MiaSum sum = mia_sum_start((double)expf(rival - most), K);
    for (int64_t j = 0; j < K; j++)
        if (j != y) mia_sum_add(&sum, (double)expf((float)z[j] - most));
    double own = (double)expf((float)z[y] - most), others = mia_sum_value(&sum), both = own + others;
    return log(own / both + 1e-45) - log(others / both + 1e-45);
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

/* One class's share of the two entropies of tensorflow/privacy, none of them below 0. */
static double tf_privacy_term(double p, bool own, MiaSignalKind kind)
{
    if (kind == MIA_SIGNAL_ENTROPY) return -p * log(fmax(p, 1e-30));
    return own ? -(1 - p) * log(fmax(p, 1e-30)) : -p * log(fmax(1 - p, 1e-30));
}

/* The three signals of tensorflow/privacy's membership_inference_attack. */
static double of_tf_privacy(const double *z, int64_t K, int32_t y, MiaSignalKind kind)
{
    double all = mia_signal_log_sum_exp(z, K, -1), most = 0;
    if (kind == MIA_SIGNAL_LOSS) return -log(fmax(exp(z[y] - all), 1e-8));
    for (int64_t j = 0; j < K; j++) most = fmax(most, fabs(tf_privacy_term(exp(z[j] - all), j == y, kind)));
    MiaSum sum = mia_sum_start(most, K);
    for (int64_t j = 0; j < K; j++) mia_sum_add(&sum, tf_privacy_term(exp(z[j] - all), j == y, kind));
    return mia_sum_value(&sum);
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
    double rival = largest(z, K, y);
    switch (kind) { /* as mia_signal_row, what is asked for alone */
    case MIA_SIGNAL_ENTROPY: return entropy_of(z, K);
    case MIA_SIGNAL_CORRECT: return correct_of(z, K, y, rival);
    case MIA_SIGNAL_HINGE: return z[y] - rival;
    case MIA_SIGNAL_PHI: return phi_of(z, K, y, rival);
    case MIA_SIGNAL_LOSS: return mia_signal_softplus(-phi_of(z, K, y, rival));
    case MIA_SIGNAL_CONFIDENCE: return exp(-mia_signal_softplus(-phi_of(z, K, y, rival)));
    case MIA_SIGNAL_MODIFIED_ENTROPY: return modified_entropy_of(z, K, y, phi_of(z, K, y, rival));
    }
    return NAN;
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
