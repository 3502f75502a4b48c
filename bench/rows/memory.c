/* bench/rows/memory.c - our side of the row memory_25088: the edit of one 25088-wide layer (vgg11_bn at 224x224, its
 * first linear layer) from 999 + 999 samples, 4096 outputs, in place, through the dual of unlearn/svd/closed.c.
 *
 *   memory    prints {"seconds", "peak_kb", "check"}: of the whole process; check: rows of the edit against the dual in
 *             float64, largest difference relative to the largest entry
 *
 * The peer that forms f x f projections is bench/peers/torch_memory.py.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/linalg.h"
#include "unlearn/svd/edit.h"

enum { F = 25088, SAMPLES = 999, OUT = 4096, CHECKED = 4, BLOCK = 128 };
static const double ALPHA_R = 100, ALPHA_F = 10;

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void fill(float *x, int64_t n, const char *what, bool positive)
{
    BaseRandom r = base_random_make(1, what, 0);
    for (int64_t i = 0; i < n; i++) {
        double v = base_random_normal(&r);
        x[i] = (float)(positive && v < 0 ? 0 : v); /* inputs follow a ReLU */
    }
}

/* w [CHECKED, F] <- w P(alpha), P = alpha / t X' (I + (alpha - 1) / t X X')^-1 X, in float64 */
static BaseStatus project(const float *x32, double alpha, double *w)
{
    BaseStatus st = BASE_OK;
    double *x = NULL, *k = NULL, *c = NULL, t = 0;
    BASE_TRY(BASE_ALLOC_RAW(SAMPLES * F, &x));
    BASE_TRY(BASE_ALLOC(SAMPLES * SAMPLES, &k));
    BASE_TRY(BASE_ALLOC(CHECKED * SAMPLES, &c));
    for (int64_t i = 0; i < (int64_t)SAMPLES * F; i++) {
        x[i] = (double)x32[i];
        t += x[i] * x[i];
    }
    BASE_TRY(math_gram_block_f64(true, SAMPLES, F, x, F, k, SAMPLES));
    BASE_TRY(math_cholesky_shifted_f64(SAMPLES, (alpha - 1) / t, k, k));
    BASE_TRY(math_gemm_f64(false, true, CHECKED, SAMPLES, F, 1, w, x, 0, c));
    BASE_TRY(math_cholesky_solve_f64(SAMPLES, k, CHECKED, c));
    BASE_TRY(math_gemm_f64(false, false, CHECKED, F, SAMPLES, alpha / t, c, x, 0, w));
out:
    base_free(x);
    base_free(k);
    base_free(c);
    return st;
}

static BaseStatus check(const float *retain, const float *forget, const float *w, const float *edit, double *worst)
{
    BaseStatus st = BASE_OK;
    double *want = NULL, *part = NULL, most = 0;
    BASE_TRY(BASE_ALLOC(CHECKED * F, &want));
    BASE_TRY(BASE_ALLOC(CHECKED * F, &part));
    for (int64_t i = 0; i < CHECKED * F; i++) want[i] = part[i] = (double)w[i];
    BASE_TRY(project(retain, ALPHA_R, part));
    for (int64_t i = 0; i < CHECKED * F; i++) want[i] -= part[i]; /* W (I - P_r) */
    BASE_TRY(project(forget, ALPHA_F, want));
    *worst = 0;
    for (int64_t i = 0; i < CHECKED * F; i++) {
        most = fmax(most, fabs(want[i]));
        *worst = fmax(*worst, fabs((double)edit[i] - want[i]));
    }
    *worst /= most;
out:
    base_free(want);
    base_free(part);
    return st;
}

/* w <- w - D, some rows at a time */
static BaseStatus edit_in_place(const UnlearnSpace *retain, const UnlearnSpace *forget, float *w)
{
    BaseStatus st = BASE_OK;
    UnlearnEdit *edit = NULL;
    BASE_TRY(unlearn_edit_create(retain, forget, OUT, BLOCK, false, &edit));
    BASE_TRY(unlearn_edit_make(edit, NULL, ALPHA_R, ALPHA_F, w, true, w, NULL, NULL));
out:
    unlearn_edit_free(edit);
    return st;
}

static BaseStatus run(void)
{
    BaseStatus st = BASE_OK;
    float *x[2] = {NULL, NULL}, *w = NULL, *first = NULL;
    UnlearnSpace *m[2] = {NULL, NULL};
    double worst;
    BASE_TRY(BASE_ALLOC_RAW((int64_t)OUT * F, &w));
    BASE_TRY(BASE_ALLOC_RAW((int64_t)CHECKED * F, &first));
    fill(w, (int64_t)OUT * F, "weights", false);
    memcpy(first, w, (size_t)CHECKED * F * sizeof *first);
    for (int side = 0; side < 2; side++)
        BASE_TRY(unlearn_space_create(SAMPLES, F, UNLEARN_ROUTE_AUTO, false, &m[side]));
    double start = base_clock_wall();
    for (int side = 0; side < 2; side++) { /* the inputs come in a stream, as from a network */
        BASE_TRY(BASE_ALLOC_RAW(SAMPLES * F, &x[side]));
        fill(x[side], SAMPLES * F, side ? "forget" : "retain", true);
        BASE_TRY(unlearn_space_add(m[side], x[side], SAMPLES));
        base_free(x[side]);
        x[side] = NULL;
        BASE_TRY(unlearn_space_finish(m[side], NULL, NULL));
    }
    BASE_TRY(edit_in_place(m[0], m[1], w));
    double seconds = base_clock_wall() - start;
    long peak = peak_kb();
    for (int64_t i = 0; i < CHECKED * F; i++) w[i] = first[i] - w[i]; /* the edit, less a rounding of W's size */
    for (int side = 0; side < 2; side++) {
        BASE_TRY(BASE_ALLOC_RAW(SAMPLES * F, &x[side]));
        fill(x[side], SAMPLES * F, side ? "forget" : "retain", true);
    }
    BASE_TRY(check(x[0], x[1], first, w, &worst));
    printf("{\"seconds\": %.6g, \"peak_kb\": %ld, \"check\": %.3g}\n", seconds, peak, worst);
out:
    for (int side = 0; side < 2; side++) {
        base_free(x[side]);
        unlearn_space_free(m[side]);
    }
    base_free(w);
    base_free(first);
    return st;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "usage: memory\n");
        return 2;
    }
    BaseStatus st = run();
    if (st != BASE_OK) fprintf(stderr, "memory: %s\n", base_error_text());
    return st == BASE_OK ? 0 : 1;
}
