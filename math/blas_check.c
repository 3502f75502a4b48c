/* math/blas_check.c - some versions of OpenBLAS have kernels that compute wrongly on CPUs that came after them. */
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "math/blas.h"

/* No multiple of a kernel's tile, and more products than OpenBLAS gives to one thread (4 * 65536) or to its kernels for
 * small matrices (100^3). */
enum { SIDE = 105 };

typedef struct {
    double *left, *right; /* [SIDE, SIDE] */
    double *product;      /* left right */
    double *size;         /* |left| |right| */
    BaseRandom *random;
} Work;

static void plain_product(const Work *w)
{
    memset(w->product, 0, SIDE * SIDE * sizeof *w->product);
    memset(w->size, 0, SIDE * SIDE * sizeof *w->size);
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            double a = w->left[i * SIDE + k];
            const double *restrict b = w->right + k * SIDE;
            double *restrict sum = w->product + i * SIDE, *restrict size = w->size + i * SIDE;
            for (int j = 0; j < SIDE; j++) sum[j] += a * b[j];
            for (int j = 0; j < SIDE; j++) size[j] += fabs(a * b[j]);
        }
}

#define REAL         float
#define UNIT         FLT_EPSILON
#define LETTER       "s"
#define NAME(name)   name##_f32
#define BLAS(name)   cblas_s##name
#define LAPACK(name) LAPACKE_s##name##_work
#include "math/blas_check_real.h"
#undef REAL
#undef UNIT
#undef LETTER
#undef NAME
#undef BLAS
#undef LAPACK
#define REAL         double
#define UNIT         DBL_EPSILON
#define LETTER       "d"
#define NAME(name)   name##_f64
#define BLAS(name)   cblas_d##name
#define LAPACK(name) LAPACKE_d##name##_work
#include "math/blas_check_real.h"

BaseStatus math_blas_check(const char **wrong)
{
    BaseStatus st = BASE_OK;
    double *m = NULL;
    const size_t n = SIDE * SIDE;
    BaseRandom random = base_random_make(1, "blas", 0);
    *wrong = NULL;
    BASE_TRY(BASE_ALLOC(4 * n, &m));
    const Work w = {.left = m, .right = m + n, .product = m + 2 * n, .size = m + 3 * n, .random = &random};
    BASE_TRY(check_f32(&w, wrong));
    if (!*wrong) BASE_TRY(check_f64(&w, wrong));
out:
    base_free(m);
    return st;
}
