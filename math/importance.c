#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/importance_core.h"
#include "math/linalg.h"

const char *const math_route_names[] = {"auto", "svd", "eigen", "closed", NULL};

/* Up to this side the symmetric matrix is kept in float64: with alpha = 1000 the curve lambda(s) turns float32's
 * rounding of G into errors of 1e-5 to 1e-4 in P, and at this size double costs nothing that matters. Larger ones are
 * float32. */
enum { F64_SIDE = 1024 };

#define REAL       float
#define NAME(name) name
#include "math/importance_real.h"
#undef REAL
#undef NAME
#define REAL       double
#define NAME(name) name##_f64
#include "math/importance_real.h"

BaseStatus math_importance_create(int64_t n, int64_t f, MathRoute route, bool primal, MathImportance **out)
{
    BaseStatus st = BASE_OK;
    MathImportance *m = NULL;
    *out = NULL;
    BASE_CHECK(n >= !primal && f >= 1 && f <= INT32_MAX, BASE_EARG,
               "inputs of shape [%lld, %lld]: need at least one row and column", (long long)n, (long long)f);
    BASE_TRY(BASE_ALLOC(1, &m));
    m->factor = 1;
    m->n = n;
    m->f = f;
    m->route = route == MATH_ROUTE_AUTO ? MATH_ROUTE_CLOSED : route;
    m->dual = !primal && n < f && m->route != MATH_ROUTE_SVD;
    m->side = m->dual ? n : f;
    if (m->route == MATH_ROUTE_SVD) {
        BASE_CHECK(!primal, BASE_EUSAGE, "route svd needs all rows in one process: use route eigen");
        BASE_CHECK(n <= MATH_SVD_LIMIT / (f * (int64_t)sizeof *m->x), BASE_ELIMIT,
                   "route svd would store [%lld, %lld] inputs, over its limit of %lld MiB: use route eigen",
                   (long long)n, (long long)f, (long long)(MATH_SVD_LIMIT >> 20));
    } else if (m->side <= F64_SIDE) {
        BASE_TRY(BASE_ALLOC(m->side * m->side, &m->gram_f64));
    } else {
        BASE_TRY(BASE_ALLOC(m->side * m->side, &m->gram));
    }
    if (m->dual || m->route == MATH_ROUTE_SVD) BASE_TRY(BASE_ALLOC_RAW(n * f, &m->x));
    *out = m;
    m = NULL;
out:
    math_importance_free(m);
    return st;
}

void math_importance_free(MathImportance *m)
{
    if (!m) return;
    base_free(m->x);
    base_free(m->x_bf16);
    base_free(m->groups);
    base_free(m->gram);
    base_free(m->gram_f64);
    base_free(m->basis);
    base_free(m->spectrum);
    base_free(m->descending);
    base_free(m);
}

BaseStatus math_importance_absorb(MathImportance *m, const MathImportance *part)
{
    BaseStatus st = BASE_OK;
    bool primal = (m->gram || m->gram_f64) && !m->dual && !part->dual && m->f == part->f;
    BASE_CHECK(primal && !m->finished && !part->finished && part->seen == part->n, BASE_EARG,
               "only primal Gram matrices of the same features, all of whose rows have come, can be added");
    for (int64_t i = 0; m->gram && i < m->side * m->side; i++) m->gram[i] += part->gram[i];
    for (int64_t i = 0; m->gram_f64 && i < m->side * m->side; i++) m->gram_f64[i] += part->gram_f64[i];
    m->n += part->n;
    m->seen += part->seen;
out:
    return st;
}

/* Sum over processes, in the precision of the matrix. */
static BaseStatus reduce_gram(MathImportance *m, MathReduce reduce, void *user)
{
    BaseStatus st = BASE_OK;
    double rows = (double)m->n;
    BASE_CHECK(!m->dual && m->route != MATH_ROUTE_SVD, BASE_EARG,
               "only a primal Gram matrix can be summed over processes");
    if (m->gram_f64)
        BASE_TRY(reduce(user, m->gram_f64, m->side * m->side, true));
    else
        BASE_TRY(reduce(user, m->gram, m->side * m->side, false));
    BASE_TRY(reduce(user, &rows, 1, true));
    m->total = (int64_t)rows;
out:
    return st;
}

static BaseStatus decompose_svd(MathImportance *m)
{
    BaseStatus st = BASE_OK;
    float *s = NULL;
    BASE_TRY(BASE_ALLOC(m->count, &s));
    BASE_TRY(BASE_ALLOC(m->count * m->f, &m->basis));
    if (m->trace > 0) BASE_TRY(math_svd(m->n, m->f, m->x, s, m->basis));
    double sum = 0; /* 1 but for rounding */
    for (int64_t i = 0; i < m->count; i++) sum += (double)s[i] * (double)s[i];
    for (int64_t i = 0; i < m->count && sum > 0; i++) m->spectrum[i] = (double)s[i] * (double)s[i] / sum;
    base_free(m->x);
    m->x = NULL;
out:
    base_free(s);
    return st;
}

static BaseStatus decompose(MathImportance *m)
{
    BaseStatus st = BASE_OK;
    bool svd = m->route == MATH_ROUTE_SVD;
    m->count = svd ? (m->n < m->f ? m->n : m->f) : m->side;
    BASE_TRY(BASE_ALLOC(m->count, &m->spectrum));
    BASE_TRY(BASE_ALLOC(m->count, &m->descending));
    if (svd)
        BASE_TRY(decompose_svd(m));
    else if (m->trace > 0 && m->gram_f64)
        BASE_TRY(eigen_f64(m->side, m->gram_f64, m->spectrum));
    else if (m->trace > 0)
        BASE_TRY(eigen(m->side, m->gram, m->spectrum));
    double squares = 0;
    for (int64_t i = 0; i < m->count; i++) {
        m->descending[svd ? i : m->count - 1 - i] = m->spectrum[i];
        squares += m->spectrum[i] * m->spectrum[i];
    }
    if (svd && m->trace > 0) m->rank = 1 / squares;
out:
    return st;
}

static BaseStatus normalise(MathImportance *m)
{
    BaseStatus st = BASE_OK;
    double divisor = m->dual && !m->x_bf16 ? 1 : m->trace; /* of the symmetric matrix */
    if (m->x_bf16) m->factor = 1 / sqrt(m->trace);
    if (m->x) math_scale(m->x, m->stored, (float)(1 / sqrt(m->trace)));
    if (m->dual) BASE_TRY(math_rows_dual(m));
    if (m->gram_f64)
        BASE_TRY(divide_f64(m->gram_f64, m->side, divisor, &m->rank));
    else if (m->gram)
        BASE_TRY(divide(m->gram, m->side, divisor, &m->rank));
out:
    return st;
}

BaseStatus math_importance_finish(MathImportance *m, MathReduce reduce, void *user)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!m->finished && m->seen == m->n, BASE_EARG, "%lld of the %lld rows announced have come",
               (long long)m->seen, (long long)m->n);
    m->total = m->n;
    if (reduce) BASE_TRY(reduce_gram(m, reduce, user));
    bool stored = m->x || m->x_bf16;
    if (stored) m->trace = math_rows_squares(m);
    for (int64_t i = 0; !stored && i < m->f; i++)
        m->trace += m->gram ? (double)m->gram[i * m->f + i] : m->gram_f64[i * m->f + i];
    BASE_CHECK(isfinite(m->trace), BASE_ENUMERIC,
               "a layer's inputs are not finite, or so large that their squares overflow");
    if (m->trace > 0) BASE_TRY(normalise(m));
    if (m->route != MATH_ROUTE_CLOSED) BASE_TRY(decompose(m));
    m->finished = true;
out:
    return st;
}

static BaseStatus check_use(const MathImportance *m, double alpha, int64_t rows)
{
    if (!m->finished) return base_error_set(BASE_EARG, "the stream of inputs has not ended");
    if (!(alpha > 0 && alpha <= 1e30)) return base_error_set(BASE_EARG, "alpha = %g: must be above 0", alpha);
    if (rows < 0) return base_error_set(BASE_EARG, "rows = %lld", (long long)rows);
    return BASE_OK;
}

static BaseStatus project(const MathImportance *m, double alpha, bool rest, const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    MathFactor factor = {0};
    uint8_t *inside = NULL;
    double unused;
    BASE_TRY(check_use(m, alpha, rows));
    BASE_TRY(BASE_ALLOC_RAW(math_inside_bytes(m, rows), &inside));
    BASE_TRY(math_factor_make(m, alpha, &factor));
    BASE_TRY(math_inside_enter(m, w, rows, inside));
    if (rest)
        BASE_TRY(math_inside_rest(&factor, w, inside, rows, out));
    else
        BASE_TRY(math_inside_leave(&factor, inside, rows, out, &unused));
out:
    math_factor_drop(&factor);
    base_free(inside);
    return st;
}

BaseStatus math_importance_apply(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    return project(m, alpha, false, w, rows, out);
}

BaseStatus math_importance_complement(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    return project(m, alpha, true, w, rows, out);
}

BaseStatus math_importance_response(const MathImportance *m, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    *out = 0;
    BASE_TRY(check_use(m, 1, rows));
    BASE_TRY(math_inside_quadratic(m, w, rows, out));
out:
    return st;
}

int64_t math_importance_rows(const MathImportance *m) { return m->total; }
double math_importance_trace(const MathImportance *m) { return m->trace; }
double math_importance_rank(const MathImportance *m) { return m->rank; }
bool math_importance_is_dual(const MathImportance *m) { return m->dual; }

const double *math_importance_spectrum(const MathImportance *m, int64_t *count)
{
    *count = m->count;
    return m->descending;
}
