/* mia/fit/logistic.c - Newton's method with step halving on the penalised likelihood; the Hessian by Cholesky. */
#include "mia/fit/logistic.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "mia/signal/signal.h"

enum { NEWTON_STEPS = 200, HALVINGS = 60 };

double mia_logistic_decide(const double *x, int64_t d, const double *model)
{
    double sum = model[d];
    for (int64_t j = 0; j < d; j++) sum += model[j] * x[j];
    return sum;
}

double mia_logistic_loss(const MiaFitRows *rows, double C, const double *model, double *gradient)
{
    int64_t d = rows->d;
    double loss = 0, penalty = 0;
    for (int64_t j = 0; j < d; j++) penalty += model[j] * model[j] / 2;
    if (gradient) memset(gradient, 0, (size_t)(d + 1) * sizeof *gradient);
    for (int64_t i = 0; i < rows->n; i++) {
        const double *x = rows->x + i * d;
        double y = rows->member[i] ? 1 : -1, margin = y * mia_logistic_decide(x, d, model);
        loss += rows->weight[i] * mia_signal_softplus(-margin);
        if (!gradient) continue;
        double slope = -C * rows->weight[i] * y * exp(-mia_signal_softplus(margin)); /* 1 / (1 + e^margin) */
        for (int64_t j = 0; j < d; j++) gradient[j] += slope * x[j];
        gradient[d] += slope;
    }
    for (int64_t j = 0; gradient && j < d; j++) gradient[j] += model[j];
    return C * loss + penalty;
}

/* H = C sum weight p (1 - p) x x^T + I on w, as a Gram matrix of scaled rows; the step H^-1 gradient to @p step. */
static BaseStatus newton_step(const MiaFitRows *rows, double C, const double *model, const double *gradient,
                              double *scaled, double *hessian, double *step)
{
    BaseStatus st = BASE_OK;
    int64_t d = rows->d, side = d + 1;
    for (int64_t i = 0; i < rows->n; i++) {
        const double *x = rows->x + i * d;
        double at = mia_logistic_decide(x, d, model);
        double root = sqrt(C * rows->weight[i] * exp(-mia_signal_softplus(at) - mia_signal_softplus(-at)));
        for (int64_t j = 0; j < d; j++) scaled[i * side + j] = root * x[j];
        scaled[i * side + d] = root;
    }
    memset(hessian, 0, (size_t)(side * side) * sizeof *hessian);
    BASE_TRY(math_gram_block_f64(false, rows->n, side, scaled, side, hessian, side));
    for (int64_t j = 0; j < d; j++) hessian[j * side + j] += 1;
    hessian[d * side + d] += 1e-12; /* where every weight has underflowed */
    BASE_TRY(math_cholesky_f64(side, hessian));
    memcpy(step, gradient, (size_t)side * sizeof *step);
    BASE_TRY(math_cholesky_solve_f64(side, hessian, 1, step));
out:
    return st;
}

static double largest(const double *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

BaseStatus mia_logistic_fit(const MiaFitRows *rows, double C, double *model)
{
    BaseStatus st = BASE_OK;
    int64_t side = rows->d + 1;
    double *gradient = NULL, *step = NULL, *next = NULL, *scaled = NULL, *hessian = NULL;
    BASE_TRY(BASE_ALLOC(side, &gradient));
    BASE_TRY(BASE_ALLOC(side, &step));
    BASE_TRY(BASE_ALLOC(side, &next));
    BASE_TRY(BASE_ALLOC_RAW(rows->n * side, &scaled));
    BASE_TRY(BASE_ALLOC_RAW(side * side, &hessian));
    memset(model, 0, (size_t)side * sizeof *model);
    double loss = mia_logistic_loss(rows, C, model, gradient), first = largest(gradient, side);
    for (int round = 0; round < NEWTON_STEPS && largest(gradient, side) > 1e-10 * first; round++) {
        BASE_TRY(newton_step(rows, C, model, gradient, scaled, hessian, step));
        double length = 1, lower = INFINITY;
        for (int half = 0; half < HALVINGS && !(lower < loss); half++, length /= 2) {
            for (int64_t j = 0; j < side; j++) next[j] = model[j] - length * step[j];
            lower = mia_logistic_loss(rows, C, next, NULL);
        }
        if (!(lower < loss)) break; /* as low as rounding lets it be */
        memcpy(model, next, (size_t)side * sizeof *model);
        loss = mia_logistic_loss(rows, C, model, gradient);
    }
    for (int64_t j = 0; j < side; j++)
        BASE_CHECK(isfinite(model[j]), BASE_ENUMERIC, "logistic regression: coefficient %lld is %g", (long long)j,
                   model[j]);
out:
    base_free(gradient);
    base_free(step);
    base_free(next);
    base_free(scaled);
    base_free(hessian);
    return st;
}
