/* mia/fit/mlp.c - forward and backward pass written out in double; one thread, so that the bits are fixed. */
#include "mia/fit/mlp.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "mia/signal/signal.h"

int64_t mia_mlp_size(int64_t d, const void *how) { return ((const MiaMlp *)how)->hidden * (d + 2) + 1; }

/* relu(W x + b) to @p h [hidden] where not NULL. */
static double forward(const double *x, int64_t d, int64_t hidden, const double *model, double *h)
{
    const double *b = model + hidden * d, *v = b + hidden;
    double out = v[hidden];
    for (int64_t k = 0; k < hidden; k++) {
        const double *w = model + k * d;
        double sum = b[k];
        for (int64_t j = 0; j < d; j++) sum += w[j] * x[j];
        double active = sum > 0 ? sum : 0;
        if (h) h[k] = active;
        out += v[k] * active;
    }
    return out;
}

double mia_mlp_decide(const double *x, int64_t d, const void *how, const double *model)
{
    return forward(x, d, ((const MiaMlp *)how)->hidden, model, NULL);
}

double mia_mlp_loss(const MiaFitRows *rows, const int64_t *at, int64_t n, const MiaMlp *how, const double *model,
                    double *h, double *gradient)
{
    int64_t d = rows->d, hidden = how->hidden, size = mia_mlp_size(d, how);
    const double *v = model + hidden * (d + 1);
    double *gb = gradient + hidden * d, *gv = gb + hidden, loss = 0, total = 0, squares = 0;
    memset(gradient, 0, (size_t)size * sizeof *gradient);
    for (int64_t i = 0; i < n; i++) total += rows->weight[at ? at[i] : i];
    for (int64_t i = 0; i < n; i++) {
        int64_t row = at ? at[i] : i;
        const double *x = rows->x + row * d;
        double y = rows->member[row] ? 1 : -1, share = rows->weight[row] / total;
        double margin = y * forward(x, d, hidden, model, h);
        double slope = -share * y * exp(-mia_signal_softplus(margin));
        loss += share * mia_signal_softplus(-margin);
        for (int64_t k = 0; k < hidden; k++) {
            if (h[k] <= 0) continue;
            gv[k] += slope * h[k];
            gb[k] += slope * v[k];
            for (int64_t j = 0; j < d; j++) gradient[k * d + j] += slope * v[k] * x[j];
        }
        gv[hidden] += slope;
    }
    for (int64_t k = 0; k < size - 1; k++) {
        if (k >= hidden * d && k < hidden * (d + 1)) continue; /* b goes free, as c does */
        squares += model[k] * model[k];
        gradient[k] += how->alpha * model[k];
    }
    return loss + how->alpha / 2 * squares;
}

static void initialise(int64_t d, const MiaMlp *how, uint64_t seed, double *model)
{
    int64_t hidden = how->hidden;
    BaseRandom r = base_random_make(seed, "attack_mlp_init", 0);
    memset(model, 0, (size_t)mia_mlp_size(d, how) * sizeof *model);
    for (int64_t k = 0; k < hidden * d; k++) model[k] = (2 * base_random_uniform(&r) - 1) * sqrt(6 / (double)d);
    for (int64_t k = 0; k < hidden; k++)
        model[hidden * (d + 1) + k] = (2 * base_random_uniform(&r) - 1) * sqrt(6 / (double)hidden);
}

BaseStatus mia_mlp_fit(const MiaFitRows *rows, const void *params, uint64_t seed, double *model)
{
    BaseStatus st = BASE_OK;
    const MiaMlp *how = params;
    const double beta1 = 0.9, beta2 = 0.999, tiny = 1e-8;
    int64_t size = mia_mlp_size(rows->d, how), *order = NULL;
    double *gradient = NULL, *first = NULL, *second = NULL, *hidden = NULL, decay1 = 1, decay2 = 1;
    BASE_TRY(BASE_ALLOC_RAW(rows->n, &order));
    BASE_TRY(BASE_ALLOC(size, &gradient));
    BASE_TRY(BASE_ALLOC(size, &first));
    BASE_TRY(BASE_ALLOC(size, &second));
    BASE_TRY(BASE_ALLOC(how->hidden, &hidden));
    initialise(rows->d, how, seed, model);
    for (int64_t i = 0; i < rows->n; i++) order[i] = i;
    for (int64_t epoch = 0; epoch < how->epochs; epoch++) {
        BaseRandom r = base_random_make(seed, "attack_mlp_order", (uint64_t)epoch);
        base_random_shuffle(&r, order, rows->n);
        for (int64_t from = 0; from < rows->n; from += how->batch_size) {
            int64_t n = rows->n - from < how->batch_size ? rows->n - from : how->batch_size;
            double loss = mia_mlp_loss(rows, order + from, n, how, model, hidden, gradient);
            BASE_CHECK(isfinite(loss), BASE_ENUMERIC, "the network's loss is %g in epoch %lld: try a smaller lr", loss,
                       (long long)epoch);
            decay1 *= beta1;
            decay2 *= beta2;
            for (int64_t k = 0; k < size; k++) {
                first[k] = beta1 * first[k] + (1 - beta1) * gradient[k];
                second[k] = beta2 * second[k] + (1 - beta2) * gradient[k] * gradient[k];
                model[k] -= how->lr * (first[k] / (1 - decay1)) / (sqrt(second[k] / (1 - decay2)) + tiny);
            }
        }
    }
out:
    base_free(order);
    base_free(gradient);
    base_free(first);
    base_free(second);
    base_free(hidden);
    return st;
}
