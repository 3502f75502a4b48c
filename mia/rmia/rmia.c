/* mia/rmia/rmia.c - every ratio in the log domain; the population's are sorted once, a score is a search in them. */
#include "mia/rmia/rmia.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/models/models.h"
#include "mia/signal/sum.h"

const char *const mia_rmia_compats[] = {"none", "privacy_meter", "research_2024", "leakpro", NULL};
const char *const mia_rmia_signals[] = {"softmax", "sm_taylor", NULL};

static MiaRmia settle(MiaRmia how)
{
    if (how.compat == MIA_RMIA_AS_SET) return how;
    how.strict = how.correct_population = true;
    how.signal = how.compat == MIA_RMIA_RESEARCH ? MIA_RMIA_SM_TAYLOR : MIA_RMIA_SOFTMAX;
    how.gamma = how.compat == MIA_RMIA_PRIVACY_METER ? 1 : 2;
    how.temperature = how.compat == MIA_RMIA_PRIVACY_METER ? 1 : 2;
    how.trim = how.compat == MIA_RMIA_RESEARCH ? 0.2 : 0;
    if (how.compat == MIA_RMIA_RESEARCH) how.offline_a = 0.3;
    if (how.compat == MIA_RMIA_LEAKPRO) how.offline_a = 0.33;
    return how;
}

/* log p_y at a temperature: -log(1 + sum over the others of exp((z_j - z_y) / T)). */
static double log_softmax(const double *z, int64_t K, int32_t y, double T)
{
    double most = -INFINITY;
    for (int64_t j = 0; j < K; j++)
        if (j != y && (z[j] - z[y]) / T > most) most = (z[j] - z[y]) / T;
    MiaSum sum = mia_sum_start(1, K);
    for (int64_t j = 0; j < K; j++)
        if (j != y) mia_sum_add(&sum, exp((z[j] - z[y]) / T - most));
    return -mia_signal_softplus(most + log(mia_sum_value(&sum)));
}

static double taylor(double x) { return 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4))); } /* of exp, order 4: > 0 */

/* Soft-margin Taylor softmax with margin 0.6 and order 4, as in the authors' code: u / (u + sum
 * over the others of taylor(z_j / T)) with u = taylor(z_y / T - 0.6). */
static double log_sm_taylor(const double *z, int64_t K, int32_t y, double T)
{
    double own = taylor(z[y] / T - 0.6), most = 0;
    for (int64_t j = 0; j < K; j++)
        if (j != y) most = fmax(most, taylor(z[j] / T));
    MiaSum sum = mia_sum_start(most, K);
    for (int64_t j = 0; j < K; j++)
        if (j != y) mia_sum_add(&sum, taylor(z[j] / T));
    return -log1p(mia_sum_value(&sum) / own);
}

/* log p(x | model) of M models on n points: *out [M, n], owned by the caller. */
static BaseStatus log_probabilities(const double *logits, const int32_t *labels, int64_t M, int64_t n, int64_t K,
                                    const MiaRmia *how, double **out)
{
    BaseStatus st = BASE_ALLOC_RAW(M * n, out);
    if (st != BASE_OK) return st;
    double *to = *out;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < M * n; i++)
        to[i] = how->signal == MIA_RMIA_SOFTMAX ? log_softmax(logits + i * K, K, labels[i % n], how->temperature)
                                                : log_sm_taylor(logits + i * K, K, labels[i % n], how->temperature);
    return BASE_OK;
}

/* log of the mean of exp(x), without the int(trim n) smallest and as many largest; @p x is reordered where trim > 0. */
static double log_mean_exp(double *x, int64_t n, double trim)
{
    int64_t cut = (int64_t)(trim * (double)n);
    if (cut) qsort(x, (size_t)n, sizeof *x, base_ascending_f64);
    double most = -INFINITY, sum = 0;
    for (int64_t i = cut; i < n - cut; i++)
        if (x[i] > most) most = x[i];
    for (int64_t i = cut; i < n - cut; i++) sum += exp(x[i] - most);
    return most + log(sum / (double)(n - 2 * cut));
}

/* As ml_privacy_meter takes it: the mean of the @p most largest, where there are fewer 0 for each that lacks; @p x is
 * reordered. */
static double log_mean_largest(double *x, int64_t n, int64_t most)
{
    int64_t taken = n < most ? n : most;
    qsort(x, (size_t)n, sizeof *x, base_ascending_f64);
    return log_mean_exp(x + n - taken, taken, 0) + log((double)taken / (double)most);
}

static double log_add(double a, double b)
{
    if (b > a) return log_add(b, a);
    return b == -INFINITY ? a : a + log1p(exp(b - a));
}

/* log((1 + a)/2 exp(mean_out) + (1 - a)/2) */
static double correct_offline(double log_mean_out, double a)
{
    return log_add(log((1 + a) / 2) + log_mean_out, log((1 - a) / 2));
}

/* Models that ml_privacy_meter takes for out of each point's. */
static int64_t half_of(int64_t models) { return models > 1 ? models / 2 : 1; }

/* x [N]: log p(x | target) in, log ratio out; @p shadow [S, N]. */
static BaseStatus divide_points(const MiaInput *in, const double *shadow, const MiaRmia *how, double *x)
{
    BaseStatus st = BASE_OK;
    double *row = NULL;
    BASE_TRY(BASE_ALLOC_RAW(in->S, &row));
    for (int64_t i = 0; i < in->N; i++) {
        int64_t n = 0, not = 0;
        for (int keep = 0; keep <= (how->online ? 1 : 0); keep++) {
            for (int64_t s = 0; s < in->S; s++)
                if (in->shadow_keep[s * in->N + i] == keep) row[n++] = shadow[s * in->N + i];
            if (!keep) not = n;
        }
        BASE_CHECK(not > 0, BASE_EARG,
                   "all %lld shadow models were trained on point %lld; every point needs a reference model that was "
                   "not",
                   (long long)in->S, (long long)i);
        BASE_CHECK(!how->online || n > not, BASE_EARG,
                   "none of the %lld shadow models was trained on point %lld; rmia_online needs one that was for every "
                   "point (rmia_offline does not)",
                   (long long)in->S, (long long)i);
        if (!how->online && how->compat == MIA_RMIA_PRIVACY_METER)
            x[i] -= correct_offline(log_mean_largest(row, n, half_of(in->S)), how->offline_a);
        else if (!how->online)
            x[i] -= correct_offline(log_mean_exp(row, n, how->trim), how->offline_a);
        else if (how->trim > 0) /* in and out together, as published */
            x[i] -= log_mean_exp(row, n, how->trim);
        else
            x[i] -= log_add(log_mean_exp(row, not, 0), log_mean_exp(row + not, n - not, 0)) - M_LN2;
    }
out:
    base_free(row);
    return st;
}

/* z [Z]: log p(z | target) in, log ratio out, base_ascending_f64; @p shadow [S, Z]. */
static BaseStatus divide_population(const MiaInput *in, const double *shadow, const MiaRmia *how, double *z)
{
    double *row = NULL;
    BaseStatus st = BASE_ALLOC_RAW(in->S, &row);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < in->Z; i++) {
        for (int64_t s = 0; s < in->S; s++) row[s] = shadow[s * in->Z + i];
        bool meter = !how->online && how->compat == MIA_RMIA_PRIVACY_METER;
        double mean = meter ? log_mean_largest(row, in->S, half_of(in->S)) : log_mean_exp(row, in->S, how->trim);
        z[i] -= how->online || !how->correct_population ? mean : correct_offline(mean, how->offline_a);
    }
    qsort(z, (size_t)in->Z, sizeof *z, base_ascending_f64);
    base_free(row);
    return BASE_OK;
}

double mia_rmia_share(const double *z, int64_t Z, double x, double log_gamma, bool strict)
{
    int64_t lo = 0, hi = Z; /* z[lo - 1] counts, z[hi] does not */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        bool counts = strict ? x - z[mid] > log_gamma : x - z[mid] >= log_gamma;
        if (counts)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (double)lo / (double)Z;
}

BaseStatus mia_rmia_score(const MiaInput *in, MiaRmia how, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    double *x = NULL, *z = NULL, *shadow_x = NULL, *shadow_z = NULL;
    how = settle(how);
    BASE_TRY(mia_models_check_target(in, in->shadow_logits, in->S, "shadow"));
    BASE_TRY(log_probabilities(in->logits, in->labels, 1, in->N, in->K, &how, &x));
    BASE_TRY(log_probabilities(in->shadow_logits, in->labels, in->S, in->N, in->K, &how, &shadow_x));
    BASE_TRY(log_probabilities(in->population_logits, in->population_labels, 1, in->Z, in->K, &how, &z));
    BASE_TRY(
        log_probabilities(in->shadow_population_logits, in->population_labels, in->S, in->Z, in->K, &how, &shadow_z));
    BASE_TRY(divide_points(in, shadow_x, &how, x));
    BASE_TRY(divide_population(in, shadow_z, &how, z));
    for (int64_t i = 0; i < in->N; i++) out->score[i] = mia_rmia_share(z, in->Z, x[i], log(how.gamma), how.strict);
    char a[32] = "";
    if (!how.online) snprintf(a, sizeof a, ", a = %.4g", how.offline_a);
    snprintf(
        out->notes, sizeof out->notes,
        "%s, %lld reference models, %lld population points (the score has as many levels), ratio %s gamma = %.4g%s",
        how.online ? "online" : "offline", (long long)in->S, (long long)in->Z, how.strict ? ">" : ">=", how.gamma, a);
out:
    base_free(x);
    base_free(z);
    base_free(shadow_x);
    base_free(shadow_z);
    return st;
}
