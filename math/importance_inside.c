/* Weights as a layer's inputs see them, and back. A product W P(alpha) passes through a middle that no alpha enters:
 *
 *              inside              back: W P                          back: W (I - P)
 *   closed     W G                 alpha inside A^-1                  (W - inside) A^-1
 *   dual       W X^T               alpha (inside B^-1) X              W - W P
 *   eigen      W V^T               inside diag(lambda) V              inside diag((1 - s) / ((alpha - 1) s + 1)) V
 *   eigen dual W X^T Q^T           alpha (inside diag(1 / ((alpha - 1) s + 1)) Q) X      W - W P
 *   svd        W V^T               inside diag(lambda) V              W - W P where V does not span everything
 *
 * so that a grid of alphas pays for the way in once. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/importance_core.h"
#include "math/linalg.h"

enum { BLOCK = 512 };

typedef double (*Weight)(double s, double alpha);
static double importance_of(double s, double alpha) { return alpha * s / ((alpha - 1) * s + 1); }
static double rest_of(double s, double alpha) { return (1 - s) / ((alpha - 1) * s + 1); }
static double inverse_of(double s, double alpha) { return 1 / ((alpha - 1) * s + 1); }

/* Whether (x - y) / (alpha - 1) is accurate enough for a share. */
static bool separable(double alpha) { return fabs(alpha - 1) > 0.1; }

#define REAL       float
#define NAME(name) name
#include "math/importance_inside_real.h"
#undef REAL
#undef NAME
#define REAL       double
#define NAME(name) name##_f64
#include "math/importance_inside_real.h"

static const float *matrix(const MathImportance *m) { return m->basis ? m->basis : m->gram; }

static int64_t inside_width(const MathImportance *m)
{
    if (!(m->trace > 0)) return 0;
    return m->spectrum ? m->count : m->side;
}

int64_t math_inside_bytes(const MathImportance *m, int64_t rows)
{
    return rows * inside_width(m) * (int64_t)(m->gram_f64 ? sizeof(double) : sizeof(float));
}

BaseStatus math_inside_enter(const MathImportance *m, const float *w, int64_t rows, void *inside)
{
    if (!(m->trace > 0)) return BASE_OK;
    return m->gram_f64 ? enter_f64(m, m->gram_f64, w, rows, inside) : enter(m, matrix(m), w, rows, inside);
}

double math_inside_response(const MathImportance *m, const float *w, const void *inside, int64_t rows)
{
    int64_t width = inside_width(m);
    return m->gram_f64 ? response_f64(m, w, inside, rows, width) : response(m, w, inside, rows, width);
}

BaseStatus math_inside_quadratic(const MathImportance *m, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    uint8_t *inside = NULL;
    *out = 0;
    if (!(m->trace > 0)) return BASE_OK;
    if (!m->dual && !m->spectrum)
        return m->gram_f64 ? quadratic_f64(m->gram_f64, m->f, w, rows, out) : quadratic(m->gram, m->f, w, rows, out);
    BASE_TRY(BASE_ALLOC_RAW(math_inside_bytes(m, rows), &inside));
    BASE_TRY(math_inside_enter(m, w, rows, inside));
    *out = math_inside_response(m, w, inside, rows);
out:
    base_free(inside);
    return st;
}

BaseStatus math_factor_make(const MathImportance *m, double alpha, MathFactor *out)
{
    *out = (MathFactor){.m = m, .alpha = alpha};
    if (!(m->trace > 0) || m->spectrum) return BASE_OK;
    return m->gram_f64 ? factorise_f64(m->gram_f64, m->side, alpha, &out->l_f64)
                       : factorise(m->gram, m->side, alpha, &out->l);
}

void math_factor_drop(MathFactor *factor)
{
    base_free(factor->l);
    base_free(factor->l_f64);
    *factor = (MathFactor){0};
}

static BaseStatus leave_any(const MathFactor *factor, bool rest, const float *w, const void *inside, int64_t rows,
                            float *out, double *response)
{
    const MathImportance *m = factor->m;
    if (m->spectrum)
        return m->gram_f64 ? leave_spectral_f64(m, m->gram_f64, factor->alpha, rest, inside, rows, out, response)
                           : leave_spectral(m, matrix(m), factor->alpha, rest, inside, rows, out, response);
    return m->gram_f64 ? leave_closed_f64(m, factor->l_f64, factor->alpha, rest, w, inside, rows, out, response)
                       : leave_closed(m, factor->l, factor->alpha, rest, w, inside, rows, out, response);
}

BaseStatus math_inside_leave(const MathFactor *factor, const void *inside, int64_t rows, float *out, double *response)
{
    const MathImportance *m = factor->m;
    *response = 0;
    if (m->trace > 0) return leave_any(factor, false, NULL, inside, rows, out, response);
    memset(out, 0, (size_t)(rows * m->f) * sizeof *out);
    return BASE_OK;
}

BaseStatus math_inside_rest(const MathFactor *factor, const float *w, const void *inside, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    const MathImportance *m = factor->m;
    double unused;
    bool partial = m->dual || (m->basis && m->count < m->f); /* the rows of X may span less than W */
    if (m->trace > 0 && !partial) return leave_any(factor, true, w, inside, rows, out, &unused);
    BASE_TRY(math_inside_leave(factor, inside, rows, out, &unused));
    for (int64_t i = 0; i < rows * m->f; i++) out[i] = w[i] - out[i];
out:
    return st;
}
