#include "math/importance.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"

const char *const math_route_names[] = {"auto", "svd", "eigen", "closed", NULL};

struct MathImportance {
    int64_t n, f, seen, side; /* side: of gram; f, or n in the dual */
    int64_t total;            /* rows over all processes */
    MathRoute route;
    bool dual, finished;
    double trace, rank;
    float *x;         /* [n, f] rows, then divided by sqrt(t): dual, and svd until it is decomposed */
    float *gram;      /* [side, side] lower triangle of G or K; then, decomposed, one eigenvector a row */
    float *basis;     /* svd: [count, f] right singular vectors as rows */
    double *spectrum; /* [count] eigen: ascending as LAPACK gives it */
    double *descending;
    int64_t count;
};

BaseStatus math_importance_create(int64_t n, int64_t f, MathRoute route, bool primal, MathImportance **out)
{
    BaseStatus st = BASE_OK;
    MathImportance *m = NULL;
    *out = NULL;
    BASE_CHECK(n >= 1 && f >= 1 && f <= INT32_MAX, BASE_EARG, "inputs of shape [%lld, %lld]: need at least one row and column",
               (long long)n, (long long)f);
    BASE_TRY(BASE_ALLOC(1, &m));
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
        BASE_TRY(BASE_ALLOC_RAW(n * f, &m->x));
    } else {
        if (m->dual) BASE_TRY(BASE_ALLOC_RAW(n * f, &m->x));
        BASE_TRY(BASE_ALLOC(m->side * m->side, &m->gram));
    }
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
    base_free(m->gram);
    base_free(m->basis);
    base_free(m->spectrum);
    base_free(m->descending);
    base_free(m);
}

BaseStatus math_importance_add(MathImportance *m, const float *x, int64_t rows)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!m->finished && rows >= 0 && rows <= m->n - m->seen, BASE_EARG, "%lld rows more than the %lld announced",
               (long long)(m->seen + rows - m->n), (long long)m->n);
    if (m->x) memcpy(m->x + m->seen * m->f, x, (size_t)(rows * m->f) * sizeof *x);
    else BASE_TRY(math_gram(rows, m->f, 1, x, 1, m->gram));
    m->seen += rows;
out:
    return st;
}

/* Sum over processes. The row count travels as two floats, exact up to 2^40 rows. */
static BaseStatus reduce_gram(MathImportance *m, BaseStatus (*reduce)(void *, float *, int64_t), void *user)
{
    BaseStatus st = BASE_OK;
    float count[2] = {(float)(m->n >> 16), (float)(m->n & 0xffff)};
    BASE_CHECK(m->gram && !m->dual, BASE_EARG, "only a primal Gram matrix can be summed over processes");
    BASE_TRY(reduce(user, m->gram, m->side * m->side));
    BASE_TRY(reduce(user, count, 2));
    m->total = ((int64_t)count[0] << 16) + (int64_t)count[1];
out:
    return st;
}

/* 1 / ||G||_F^2 of the normalised lower triangle. The non-zero eigenvalues of G and K are the same, so are the norms. */
static double effective_rank(const float *gram, int64_t side)
{
    double sum = 0;
    for (int64_t i = 0; i < side; i++) {
        const float *row = gram + i * side;
        sum += 2 * math_dot(row, row, i) + (double)row[i] * (double)row[i];
    }
    return 1 / sum;
}

static BaseStatus decompose(MathImportance *m)
{
    BaseStatus st = BASE_OK;
    float *s = NULL;
    bool svd = m->route == MATH_ROUTE_SVD;
    m->count = svd ? (m->n < m->f ? m->n : m->f) : m->side;
    BASE_TRY(BASE_ALLOC_RAW(m->count, &s));
    BASE_TRY(BASE_ALLOC(m->count, &m->spectrum));
    BASE_TRY(BASE_ALLOC(m->count, &m->descending));
    if (svd) {
        BASE_TRY(BASE_ALLOC_RAW(m->count * m->f, &m->basis));
        if (m->trace > 0) BASE_TRY(math_svd(m->n, m->f, m->x, s, m->basis));
        base_free(m->x);
        m->x = NULL;
    } else if (m->trace > 0) {
        BASE_TRY(math_eigen(m->side, m->gram, s));
    }
    if (m->trace > 0) {
        double squares = 0;
        for (int64_t i = 0; i < m->count; i++) { /* rounding leaves eigenvalues a little below 0 */
            double value = s[i];
            m->spectrum[i] = svd ? value * value : value > 0 ? value : 0;
            m->descending[svd ? i : m->count - 1 - i] = m->spectrum[i];
            squares += m->spectrum[i] * m->spectrum[i];
        }
        m->rank = 1 / squares;
    }
out:
    base_free(s);
    return st;
}

BaseStatus math_importance_finish(MathImportance *m, BaseStatus (*reduce)(void *user, float *x, int64_t n), void *user)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!m->finished && m->seen == m->n, BASE_EARG, "%lld of the %lld rows announced have come", (long long)m->seen,
               (long long)m->n);
    m->total = m->n;
    if (reduce) BASE_TRY(reduce_gram(m, reduce, user));
    if (m->x) {
        for (int64_t i = 0; i < m->n; i++) m->trace += math_dot(m->x + i * m->f, m->x + i * m->f, m->f);
    } else {
        for (int64_t i = 0; i < m->f; i++) m->trace += m->gram[i * m->f + i];
    }
    BASE_CHECK(isfinite(m->trace), BASE_ENUMERIC, "a layer's inputs are not finite, or so large that their squares overflow");
    if (m->trace > 0) {
        if (m->x) math_scale(m->x, m->n * m->f, (float)(1 / sqrt(m->trace)));
        if (m->dual) BASE_TRY(math_gram_dual(m->n, m->f, 1, m->x, 0, m->gram));
        else if (m->gram) math_scale(m->gram, m->side * m->side, (float)(1 / m->trace));
        if (m->gram) m->rank = effective_rank(m->gram, m->side);
    }
    if (m->route != MATH_ROUTE_CLOSED) BASE_TRY(decompose(m));
    m->finished = true;
out:
    return st;
}

/* Rows b <- b ((alpha - 1) G + I)^-1 for G or K, b [rows, side]; out-of-place through the eigenvectors. */
static BaseStatus solve(const MathImportance *m, double alpha, float *b, int64_t rows)
{
    BaseStatus st = BASE_OK;
    float *a = NULL;
    int64_t side = m->side;
    if (m->route == MATH_ROUTE_CLOSED) {
        BASE_TRY(BASE_ALLOC_RAW(side * side, &a));
        for (int64_t i = 0; i < side; i++) {
            for (int64_t j = 0; j <= i; j++) a[i * side + j] = (float)((alpha - 1) * m->gram[i * side + j]);
            a[i * side + i] += 1;
        }
        BASE_TRY(math_cholesky(side, a));
        BASE_TRY(math_cholesky_solve(side, a, rows, b));
    } else {
        BASE_TRY(BASE_ALLOC_RAW(rows * side, &a));
        BASE_TRY(math_gemm(false, true, rows, side, side, 1, b, m->gram, 0, a));
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < side; i++) a[r * side + i] /= (float)((alpha - 1) * m->spectrum[i] + 1);
        BASE_TRY(math_gemm(false, false, rows, side, side, 1, a, m->gram, 0, b));
    }
out:
    base_free(a);
    return st;
}

/* out = W V diag(weight_i) V^T, weights lambda or 1 - lambda; V's rows are basis [count, f]. */
static BaseStatus apply_basis(const MathImportance *m, const float *basis, double alpha, bool complement, const float *w,
                              int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    float *c = NULL; /* [rows, count] */
    BASE_TRY(BASE_ALLOC_RAW(rows * m->count, &c));
    BASE_TRY(math_gemm(false, true, rows, m->count, m->f, 1, w, basis, 0, c));
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < m->count; i++) {
            double s = m->spectrum[i], above = complement ? 1 - s : alpha * s;
            c[r * m->count + i] *= (float)(above / ((alpha - 1) * s + 1));
        }
    }
    BASE_TRY(math_gemm(false, false, rows, m->f, m->count, 1, c, basis, 0, out));
out:
    base_free(c);
    return st;
}

/* out = W P through the dual: Z = W X^T, Z <- Z B^-1, out = alpha Z X. */
static BaseStatus apply_dual(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    float *z = NULL; /* [rows, n] */
    BASE_TRY(BASE_ALLOC_RAW(rows * m->n, &z));
    BASE_TRY(math_gemm(false, true, rows, m->n, m->f, 1, w, m->x, 0, z));
    BASE_TRY(solve(m, alpha, z, rows));
    BASE_TRY(math_gemm(false, false, rows, m->f, m->n, (float)alpha, z, m->x, 0, out));
out:
    base_free(z);
    return st;
}

static BaseStatus check_use(const MathImportance *m, double alpha, int64_t rows)
{
    if (!m->finished) return base_error_set(BASE_EARG, "the stream of inputs has not ended");
    if (!(alpha > 0 && alpha <= 1e30)) return base_error_set(BASE_EARG, "alpha = %g: must be above 0", alpha);
    if (rows < 0) return base_error_set(BASE_EARG, "rows = %lld", (long long)rows);
    return BASE_OK;
}

BaseStatus math_importance_apply(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(check_use(m, alpha, rows));
    if (!(m->trace > 0)) memset(out, 0, (size_t)(rows * m->f) * sizeof *out);
    else if (m->route == MATH_ROUTE_SVD) BASE_TRY(apply_basis(m, m->basis, alpha, false, w, rows, out));
    else if (m->dual) BASE_TRY(apply_dual(m, alpha, w, rows, out));
    else if (m->route == MATH_ROUTE_EIGEN) BASE_TRY(apply_basis(m, m->gram, alpha, false, w, rows, out));
    else {
        BASE_TRY(math_symm(rows, m->f, w, m->gram, out));
        math_scale(out, rows * m->f, (float)alpha);
        BASE_TRY(solve(m, alpha, out, rows));
    }
out:
    return st;
}

BaseStatus math_importance_complement(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    int64_t size = rows * m->f;
    BASE_TRY(check_use(m, alpha, rows));
    if (!(m->trace > 0)) memcpy(out, w, (size_t)size * sizeof *out);
    else if (m->route == MATH_ROUTE_EIGEN && !m->dual) BASE_TRY(apply_basis(m, m->gram, alpha, true, w, rows, out));
    else if (m->route == MATH_ROUTE_CLOSED && !m->dual) { /* (W - W G) A^-1: no cancellation where P is near I */
        BASE_TRY(math_symm(rows, m->f, w, m->gram, out));
        for (int64_t i = 0; i < size; i++) out[i] = w[i] - out[i];
        BASE_TRY(solve(m, alpha, out, rows));
    } else { /* the stored rows may span less than all of W */
        BASE_TRY(math_importance_apply(m, alpha, w, rows, out));
        for (int64_t i = 0; i < size; i++) out[i] = w[i] - out[i];
    }
out:
    return st;
}

BaseStatus math_importance_edit(const MathImportance *retain, const MathImportance *forget, double alpha_r, double alpha_f,
                                const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    float *y = NULL; /* W (I - P_r) */
    BASE_CHECK(retain->f == forget->f, BASE_ESHAPE, "retained inputs have %lld features, forgotten ones %lld",
               (long long)retain->f, (long long)forget->f);
    BASE_TRY(BASE_ALLOC_RAW(rows * retain->f, &y));
    BASE_TRY(math_importance_complement(retain, alpha_r, w, rows, y));
    BASE_TRY(math_importance_apply(forget, alpha_f, y, rows, out));
    BASE_CHECK(math_is_finite(out, rows * retain->f), BASE_ENUMERIC, "the edit of the weights is not finite");
out:
    base_free(y);
    return st;
}

BaseStatus math_importance_response(const MathImportance *m, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    float *c = NULL;
    *out = 0;
    BASE_TRY(check_use(m, 1, rows));
    if (!(m->trace > 0)) goto out;
    bool decomposed = m->route != MATH_ROUTE_CLOSED && !m->dual;
    int64_t width = decomposed ? m->count : m->side;
    BASE_TRY(BASE_ALLOC_RAW(rows * width, &c));
    if (decomposed) {
        BASE_TRY(math_gemm(false, true, rows, width, m->f, 1, w, m->basis ? m->basis : m->gram, 0, c));
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < width; i++) *out += m->spectrum[i] * (double)c[r * width + i] * (double)c[r * width + i];
    } else if (m->dual) {
        BASE_TRY(math_gemm(false, true, rows, width, m->f, 1, w, m->x, 0, c));
        *out = math_dot(c, c, rows * width);
    } else {
        BASE_TRY(math_symm(rows, m->f, w, m->gram, c));
        *out = math_dot(c, w, rows * width);
    }
out:
    base_free(c);
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
