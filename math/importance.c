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

typedef double (*Weight)(double s, double alpha);
static double importance_of(double s, double alpha) { return alpha * s / ((alpha - 1) * s + 1); }
static double rest_of(double s, double alpha) { return (1 - s) / ((alpha - 1) * s + 1); }
static double inverse_of(double s, double alpha) { return 1 / ((alpha - 1) * s + 1); }

/* By-products of an application: tr(W G W^T) of what went in, tr(out G out^T) of what came out (NaN: not known). */
typedef struct {
    double in, out;
} Responses;
/* Whether (x - y) / (alpha - 1) is accurate enough for a share. */
static bool separable(double alpha) { return fabs(alpha - 1) > 0.1; }

#define REAL       float
#define NAME(name) name
#include "math/importance_real.h"
#undef REAL
#undef NAME
#define REAL       double
#define NAME(name) name##_f64
#include "math/importance_real.h"

static void narrow(const double *x, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++) out[i] = (float)x[i];
}

BaseStatus math_importance_create(int64_t n, int64_t f, MathRoute route, bool primal, MathImportance **out)
{
    BaseStatus st = BASE_OK;
    MathImportance *m = NULL;
    *out = NULL;
    BASE_CHECK(n >= 1 && f >= 1 && f <= INT32_MAX, BASE_EARG,
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

/* Sum over processes. The row count travels as two floats, exact up to 2^40 rows. */
static BaseStatus reduce_gram(MathImportance *m, BaseStatus (*reduce)(void *, float *, int64_t), void *user)
{
    BaseStatus st = BASE_OK;
    int64_t size = m->side * m->side;
    float count[2] = {(float)(m->n >> 16), (float)(m->n & 0xffff)}, *sum = NULL;
    BASE_CHECK(!m->dual && m->route != MATH_ROUTE_SVD, BASE_EARG,
               "only a primal Gram matrix can be summed over processes");
    if (m->gram_f64) {
        BASE_TRY(BASE_ALLOC_RAW(size, &sum));
        narrow(m->gram_f64, size, sum);
    }
    BASE_TRY(reduce(user, sum ? sum : m->gram, size));
    for (int64_t i = 0; sum && i < size; i++) m->gram_f64[i] = (double)sum[i];
    BASE_TRY(reduce(user, count, 2));
    m->total = ((int64_t)count[0] << 16) + (int64_t)count[1];
out:
    base_free(sum);
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

BaseStatus math_importance_finish(MathImportance *m, BaseStatus (*reduce)(void *user, float *x, int64_t n), void *user)
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

/* z <- z B^-1 through the dual's factorisation or eigenvectors; z [rows, n]. */
static BaseStatus solve_dual(const MathImportance *m, double alpha, const float *z, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    int64_t n = m->n;
    double *wide = NULL, *result = NULL;
    Responses unused = {0};
    if (m->gram_f64) {
        BASE_TRY(math_widen(z, rows * n, &wide));
        if (m->spectrum) {
            BASE_TRY(BASE_ALLOC_RAW(rows * n, &result));
            BASE_TRY(filter_f64(m->gram_f64, n, n, m->spectrum, alpha, inverse_of, wide, rows, result, &unused));
        } else {
            BASE_TRY(solve_f64(m->gram_f64, n, alpha, wide, rows));
        }
        narrow(result ? result : wide, rows * n, out);
    } else if (m->spectrum) {
        BASE_TRY(filter(m->gram, n, n, m->spectrum, alpha, inverse_of, z, rows, out, &unused));
    } else {
        memcpy(out, z, (size_t)(rows * n) * sizeof *out);
        BASE_TRY(solve(m->gram, n, alpha, out, rows));
    }
out:
    base_free(wide);
    base_free(result);
    return st;
}

/* out = W P through the dual: Z = W X^T, Y = Z B^-1, out = alpha Y X. */
static BaseStatus apply_dual(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out,
                             Responses *seen)
{
    BaseStatus st = BASE_OK;
    int64_t n = m->n;
    float *z = NULL, *y = NULL; /* [rows, n] */
    BASE_TRY(BASE_ALLOC_RAW(rows * n, &z));
    BASE_TRY(BASE_ALLOC_RAW(rows * n, &y));
    BASE_TRY(math_rows_respond(m, w, rows, z));
    BASE_TRY(solve_dual(m, alpha, z, rows, y));
    BASE_TRY(math_rows_combine(m, alpha, y, rows, out));
    seen->in = math_dot(z, z, rows * n);
    seen->out = NAN;
    if (!separable(alpha)) goto out;
    seen->out = 0; /* out X^T = alpha Y K = alpha (Z - Y) / (alpha - 1) */
    for (int64_t i = 0; i < rows * n; i++) {
        double response = alpha * ((double)z[i] - (double)y[i]) / (alpha - 1);
        seen->out += response * response;
    }
out:
    base_free(z);
    base_free(y);
    return st;
}

static BaseStatus apply_primal(const MathImportance *m, double alpha, bool complement, const float *w, int64_t rows,
                               float *out, Responses *seen)
{
    BaseStatus st = BASE_OK;
    double *wide = NULL, *result = NULL;
    if (m->gram) return primal(m->gram, m->f, m->spectrum, alpha, complement, w, rows, out, seen);
    BASE_TRY(math_widen(w, rows * m->f, &wide));
    BASE_TRY(BASE_ALLOC_RAW(rows * m->f, &result));
    BASE_TRY(primal_f64(m->gram_f64, m->f, m->spectrum, alpha, complement, wide, rows, result, seen));
    narrow(result, rows * m->f, out);
out:
    base_free(wide);
    base_free(result);
    return st;
}

static BaseStatus check_use(const MathImportance *m, double alpha, int64_t rows)
{
    if (!m->finished) return base_error_set(BASE_EARG, "the stream of inputs has not ended");
    if (!(alpha > 0 && alpha <= 1e30)) return base_error_set(BASE_EARG, "alpha = %g: must be above 0", alpha);
    if (rows < 0) return base_error_set(BASE_EARG, "rows = %lld", (long long)rows);
    return BASE_OK;
}

static BaseStatus apply(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out,
                        Responses *seen)
{
    BaseStatus st = BASE_OK;
    *seen = (Responses){0};
    BASE_TRY(check_use(m, alpha, rows));
    if (!(m->trace > 0))
        memset(out, 0, (size_t)(rows * m->f) * sizeof *out);
    else if (m->basis)
        BASE_TRY(filter(m->basis, m->count, m->f, m->spectrum, alpha, importance_of, w, rows, out, seen));
    else if (m->dual)
        BASE_TRY(apply_dual(m, alpha, w, rows, out, seen));
    else
        BASE_TRY(apply_primal(m, alpha, false, w, rows, out, seen));
out:
    return st;
}

static BaseStatus complement(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out,
                             Responses *seen)
{
    BaseStatus st = BASE_OK;
    int64_t size = rows * m->f;
    *seen = (Responses){0};
    BASE_TRY(check_use(m, alpha, rows));
    if (!(m->trace > 0)) {
        memcpy(out, w, (size_t)size * sizeof *out);
    } else if (m->dual || (m->basis && m->count < m->f)) { /* the rows of X may span less than W */
        BASE_TRY(apply(m, alpha, w, rows, out, seen));
        for (int64_t i = 0; i < size; i++) out[i] = w[i] - out[i];
    } else if (m->basis) {
        BASE_TRY(filter(m->basis, m->count, m->f, m->spectrum, alpha, rest_of, w, rows, out, seen));
    } else {
        BASE_TRY(apply_primal(m, alpha, true, w, rows, out, seen));
    }
out:
    return st;
}

BaseStatus math_importance_apply(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    Responses unused;
    return apply(m, alpha, w, rows, out, &unused);
}

BaseStatus math_importance_complement(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    Responses unused;
    return complement(m, alpha, w, rows, out, &unused);
}

/* Two of the four responses fall out of the edit; the others cost a product each. */
static BaseStatus edit_shares(const MathImportance *retain, const MathImportance *forget, const float *w,
                              const float *edit, int64_t rows, double retain_before, double forget_after,
                              MathShares *shares)
{
    BaseStatus st = BASE_OK;
    double retain_after, forget_before;
    BASE_TRY(math_importance_response(retain, edit, rows, &retain_after));
    BASE_TRY(math_importance_response(forget, w, rows, &forget_before));
    if (isnan(forget_after)) BASE_TRY(math_importance_response(forget, edit, rows, &forget_after));
    shares->retain = retain_before > 0 ? retain_after / retain_before : NAN;
    shares->forget = forget_before > 0 ? forget_after / forget_before : NAN;
out:
    return st;
}

BaseStatus math_importance_edit(const MathImportance *retain, const MathImportance *forget, double alpha_r,
                                double alpha_f, const float *w, int64_t rows, float *out, MathShares *shares)
{
    BaseStatus st = BASE_OK;
    float *y = NULL; /* W (I - P_r) */
    Responses of_retain, of_forget;
    BASE_CHECK(retain->f == forget->f, BASE_ESHAPE, "retained inputs have %lld features, forgotten ones %lld",
               (long long)retain->f, (long long)forget->f);
    BASE_TRY(BASE_ALLOC_RAW(rows * retain->f, &y));
    BASE_TRY(complement(retain, alpha_r, w, rows, y, &of_retain));
    BASE_TRY(apply(forget, alpha_f, y, rows, out, &of_forget));
    BASE_CHECK(math_is_finite(out, rows * retain->f), BASE_ENUMERIC, "the edit of the weights is not finite");
    if (shares) BASE_TRY(edit_shares(retain, forget, w, out, rows, of_retain.in, of_forget.out, shares));
out:
    base_free(y);
    return st;
}

/* sum over rows and i of s_i (w v_i)^2 */
static BaseStatus response_spectral(const MathImportance *m, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    float *basis = NULL, *c = NULL;
    if (m->gram_f64) {
        BASE_TRY(BASE_ALLOC_RAW(m->count * m->f, &basis));
        narrow(m->gram_f64, m->count * m->f, basis);
    }
    BASE_TRY(BASE_ALLOC_RAW(rows * m->count, &c));
    const float *v = m->basis ? m->basis : basis ? basis : m->gram;
    BASE_TRY(math_gemm(false, true, rows, m->count, m->f, 1, w, v, 0, c));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < m->count; i++)
            *out += m->spectrum[i] * (double)c[r * m->count + i] * (double)c[r * m->count + i];
out:
    base_free(basis);
    base_free(c);
    return st;
}

BaseStatus math_importance_response(const MathImportance *m, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    float *c = NULL;
    double *wide = NULL, *product = NULL;
    int64_t size = rows * m->side;
    *out = 0;
    BASE_TRY(check_use(m, 1, rows));
    if (!(m->trace > 0)) goto out;
    if (m->dual) {
        BASE_TRY(BASE_ALLOC_RAW(size, &c));
        BASE_TRY(math_rows_respond(m, w, rows, c));
        *out = math_dot(c, c, size);
    } else if (m->spectrum) {
        BASE_TRY(response_spectral(m, w, rows, out));
    } else if (m->gram) {
        BASE_TRY(BASE_ALLOC_RAW(size, &c));
        BASE_TRY(math_symm(rows, m->f, w, m->gram, c));
        *out = math_dot(c, w, size);
    } else {
        BASE_TRY(math_widen(w, size, &wide));
        BASE_TRY(BASE_ALLOC_RAW(size, &product));
        BASE_TRY(math_symm_f64(rows, m->f, wide, m->gram_f64, product));
        for (int64_t i = 0; i < size; i++) *out += product[i] * wide[i];
    }
out:
    base_free(c);
    base_free(wide);
    base_free(product);
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
