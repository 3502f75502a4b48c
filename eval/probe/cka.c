/* eval/probe/cka.c - H by blocks of rows of K, in double. */
#include "eval/probe/cka.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"

enum { BLOCK = 64 }; /* rows of K at once: memory grows with n, not with its square */

/* One network's centred features, and a block of A. */
typedef struct {
    int64_t n, width;
    double *x;       /* [n, width], squares sum to 1 */
    double *squares; /* [n] of each row; r_i = -squares_i, since the rows sum to 0 */
    double *a;       /* [BLOCK, n], 0 where i = j */
    bool constant;
} Side;

static void side_free(Side *s)
{
    base_free(s->x);
    base_free(s->squares);
    base_free(s->a);
}

static BaseStatus side_make(const EvalFeatures *from, Side *s)
{
    BaseStatus st = BASE_OK;
    int64_t n = from->n, width = from->width;
    double before = 0, after = 0;
    *s = (Side){.n = n, .width = width};
    BASE_TRY(BASE_ALLOC_RAW(n * width, &s->x));
    BASE_TRY(BASE_ALLOC(n, &s->squares));
    BASE_TRY(BASE_ALLOC_RAW(BLOCK * n, &s->a));
    for (int64_t j = 0; j < width; j++) {
        double mean = 0;
        for (int64_t i = 0; i < n; i++) mean += (double)from->x[i * width + j];
        mean /= (double)n;
        for (int64_t i = 0; i < n; i++) {
            double x = (double)from->x[i * width + j], off = x - mean;
            before += x * x;
            after += off * off;
            s->x[i * width + j] = off;
        }
    }
    BASE_CHECK(isfinite(before), BASE_ENUMERIC, "the features of the forgotten classes are not all finite");
    s->constant = !(after > 1e-24 * before); /* or what is left is the rounding of the means */
    double scale = s->constant ? 0 : 1 / sqrt(after);
    for (int64_t i = 0; i < n * width; i++) {
        s->x[i] *= scale;
        s->squares[i / width] += s->x[i] * s->x[i];
    }
out:
    return st; /* the caller frees */
}

/* Rows @p at to at + rows of A. */
static BaseStatus make_block(Side *s, int64_t at, int64_t rows)
{
    BaseStatus st = BASE_OK;
    const int64_t n = s->n;
    BASE_TRY(math_gemm_f64(false, true, rows, n, s->width, 1, s->x + at * s->width, s->x, 0, s->a));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++)
            s->a[i * n + j] = j == at + i ? 0
                                          : s->a[i * n + j] + (s->squares[at + i] + s->squares[j]) / (double)(n - 2) -
                                                1 / ((double)(n - 1) * (double)(n - 2));
out:
    return st;
}

enum { XY, XX, YY, PAIRS };

/* h [PAIRS][n]: each image's part of H(X, Y), H(X, X) and H(Y, Y). */
static BaseStatus make_parts(Side *x, Side *y, double *h)
{
    BaseStatus st = BASE_OK;
    const int64_t n = x->n;
    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t rows = base_smaller(BLOCK, n - at);
        BASE_TRY(make_block(x, at, rows));
        BASE_TRY(make_block(y, at, rows));
        for (int64_t i = 0; i < rows; i++) {
            double sum[PAIRS] = {0};
            for (int64_t j = 0; j < n; j++) {
                double a = x->a[i * n + j], b = y->a[i * n + j];
                sum[XY] += a * b;
                sum[XX] += a * a;
                sum[YY] += b * b;
            }
            for (int k = 0; k < PAIRS; k++) h[k * n + at + i] = sum[k] / (double)(n - 3);
        }
    }
out:
    return st;
}

static MathEstimate estimate(const double *h, int64_t n)
{
    double H[PAIRS] = {0}, variance = 0;
    for (int k = 0; k < PAIRS; k++) {
        for (int64_t i = 0; i < n; i++) H[k] += h[k * n + i];
        H[k] /= (double)n;
    }
    if (!(H[XX] > 0 && H[YY] > 0)) return math_estimate(NAN, 0);
    double norm = sqrt(H[XX] * H[YY]), cka = fmax(-1, fmin(1, H[XY] / norm)); /* rounding can pass the ends */
    for (int64_t i = 0; i < n; i++) {
        double moves =
            2 * (h[XY * n + i] - H[XY]) / norm - cka * (h[XX * n + i] / H[XX] - 1 + h[YY * n + i] / H[YY] - 1);
        variance += moves * moves;
    }
    double error = sqrt(variance / (double)n / (double)(n - 1)), slope = 1 - cka * cka;
    MathEstimate out = {cka, cka, cka, n};
    if (slope > 0) { /* at an end all images agree, as where a network is compared with itself */
        double reach = math_stats_t_quantile(0.975, (double)(n - 1)) * error / slope;
        out.lo = tanh(atanh(cka) - reach);
        out.hi = tanh(atanh(cka) + reach);
    }
    return out;
}

BaseStatus eval_probe_cka(const EvalFeatures *u, const EvalFeatures *other, MathEstimate *out)
{
    BaseStatus st = BASE_OK;
    Side x = {0}, y = {0};
    double *h = NULL;
    *out = math_estimate(NAN, 0);
    if (!u || !other || u->n < 4 || other->n == 0) return BASE_OK;
    BASE_CHECK(u->n == other->n, BASE_ESHAPE, "there are features of %lld images, and of %lld to compare with",
               (long long)u->n, (long long)other->n);
    BASE_TRY(side_make(u, &x));
    BASE_TRY(side_make(other, &y));
    if (x.constant || y.constant) goto out;
    BASE_TRY(BASE_ALLOC_RAW(PAIRS * u->n, &h));
    BASE_TRY(make_parts(&x, &y, h));
    *out = estimate(h, u->n);
out:
    side_free(&x);
    side_free(&y);
    base_free(h);
    return st;
}
