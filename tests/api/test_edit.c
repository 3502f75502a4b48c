/* Spaces and edits of the public interface: against the formula in float64 with elimination in place of Cholesky, and
 * against unlearn/svd on each route, bit for bit; types, strides, divisions of the rows, Gram matrices, refusals. */
#include <math.h>

#include "base/bf16.h"
#include "base/f16.h"
#include "base/order.h"
#include "tests/api/api.h"
#include "unlearn/svd/edit.h"

enum { F = 12, OUT = 5, MANY = 1300, FEW = 9 };
static const double ALPHA_R = 100, ALPHA_F = 3;

static expunge_space *space_of(const float *x, int64_t n, int64_t announced, const char *route)
{
    expunge_space *space;
    assert_done(expunge_space_create(F, announced, route, &space));
    assert_done(expunge_space_add(space, x, n, F, EXPUNGE_F32));
    assert_done(expunge_space_finish(space));
    return space;
}

/* ---- the formula ---- */

/* out = P = alpha G ((alpha - 1) G + I)^-1, G = X^T X / ||X||^2; both factors are symmetric and commute, so that the columns
 * of P solve ((alpha - 1) G + I) p = alpha g: elimination without pivots, since the matrix is positive definite. */
static void projection(const float *x, int64_t n, double alpha, double out[F][F])
{
    double g[F][F] = {{0}}, a[F][F], trace = 0;
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < F; j++)
            for (int k = 0; k < F; k++) g[j][k] += (double)x[i * F + j] * (double)x[i * F + k];
    for (int j = 0; j < F; j++) trace += g[j][j];
    for (int j = 0; j < F; j++)
        for (int k = 0; k < F; k++) {
            a[j][k] = (alpha - 1) * g[j][k] / trace + (j == k);
            out[j][k] = alpha * g[j][k] / trace;
        }
    for (int p = 0; p < F; p++)
        for (int j = 0; j < F; j++) {
            if (j == p) continue;
            double factor = a[j][p] / a[p][p];
            for (int k = 0; k < F; k++) a[j][k] -= factor * a[p][k], out[j][k] -= factor * out[p][k];
        }
    for (int j = 0; j < F; j++)
        for (int k = 0; k < F; k++) out[j][k] /= a[j][j];
}

/* w' = w - w (I - P_r) P_f */
static void formula(const float *x_r, int64_t n_r, const float *x_f, int64_t n_f, const float *w, double *out)
{
    double p_r[F][F], p_f[F][F];
    projection(x_r, n_r, ALPHA_R, p_r);
    projection(x_f, n_f, ALPHA_F, p_f);
    for (int o = 0; o < OUT; o++) {
        double y[F];
        for (int j = 0; j < F; j++) {
            y[j] = (double)w[o * F + j];
            for (int k = 0; k < F; k++) y[j] -= (double)w[o * F + k] * p_r[k][j];
        }
        for (int j = 0; j < F; j++) {
            out[o * F + j] = (double)w[o * F + j];
            for (int k = 0; k < F; k++) out[o * F + j] -= y[k] * p_f[k][j];
        }
    }
}

/* Many rows: G and the solves are float64, so that what remains are float32's roundings, each of 2^-24, of W (I - P_r), which
 * P_f does not enlarge, of D and of W': entries of at most |w|, |w| and 2 |w|, w a row of W. Few rows: W X^T / sqrt(t)
 * and X are float32, sums over F and over n; the way back, alpha X^T B^-1, enlarges by at most sqrt(alpha) / 2 + 1. */
static double tolerance(bool few, const float *w)
{
    const double unit = 0x1p-24, enlarged = sqrt(ALPHA_R) / 2 + 1 + sqrt(ALPHA_F) / 2 + 1;
    double largest = 0;
    for (int o = 0; o < OUT; o++) {
        double square = 0;
        for (int j = 0; j < F; j++) square += (double)w[o * F + j] * (double)w[o * F + j];
        largest = fmax(largest, sqrt(square));
    }
    return largest * unit * (few ? (F + FEW + 4) * enlarged : 4);
}

static void test_formula(void **state)
{
    (void)state;
    float *x_r = numbers(MANY * F, 1), *x_f = numbers(MANY * F, 2), *w = numbers(OUT * F, 3), got[OUT * F];
    double want[OUT * F];
    for (int i = 0; i < MANY * F; i++) x_r[i] *= 1 + (float)(i % F), x_f[i] *= 1 + (float)((i * 5) % F);
    for (int few = 0; few < 2; few++) {
        const int64_t n = few ? FEW : MANY;
        expunge_space *retain = space_of(x_r, n, few ? n : 0, NULL), *forget = space_of(x_f, n, few ? n : 0, "auto");
        expunge_edit_info info;
        double moved = 0, trace = 0;
        assert_done(expunge_edit(retain, forget, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got, F, &info));
        formula(x_r, n, x_f, n, w, want);
        for (int i = 0; i < OUT * F; i++) {
            assert_near((double)got[i], want[i], tolerance(few, w), 0);
            moved += ((double)w[i] - want[i]) * ((double)w[i] - want[i]);
        }
        assert_near(info.changed, moved, 0, 1e-5);
        assert_true(info.retain_share > 0 && info.retain_share < info.forget_share && info.forget_share < 1);
        for (int64_t i = 0; i < n * F; i++) trace += (double)x_r[i] * (double)x_r[i];
        assert_near(expunge_space_trace(retain), trace, 0, 1e-6);
        assert_int_equal(expunge_space_rows(retain), n);
        assert_true(expunge_space_rank(retain) > 1 && expunge_space_rank(retain) <= (few ? FEW : F));
        expunge_space_free(retain), expunge_space_free(forget);
    }
    base_free(x_r), base_free(x_f), base_free(w);
}

static void test_project(void **state)
{
    (void)state;
    float *x = numbers(MANY * F, 1), *w = numbers(OUT * F, 3), got[OUT][2 * F];
    double p[F][F];
    expunge_space *space = space_of(x, MANY, 0, NULL);
    assert_done(expunge_space_project(space, ALPHA_R, w, OUT, F, EXPUNGE_F32, got, 2 * F));
    projection(x, MANY, ALPHA_R, p);
    for (int o = 0; o < OUT; o++)
        for (int j = 0; j < F; j++) {
            double want = 0;
            for (int k = 0; k < F; k++) want += (double)w[o * F + k] * p[k][j];
            assert_near((double)got[o][j], want, tolerance(false, w), 0);
        }
    expunge_space_free(space);
    base_free(x), base_free(w);
}

/* ---- the program's own edit ---- */

static UnlearnSpace *own_space(const float *x, int64_t n, UnlearnRouteChoice route)
{
    UnlearnSpace *space;
    assert_ok(unlearn_space_create(n, F, route, false, &space));
    for (int64_t at = 0; at < n; at += 512) assert_ok(unlearn_space_add(space, x + at * F, base_smaller(512, n - at)));
    assert_ok(unlearn_space_finish(space, NULL, NULL));
    return space;
}

static void test_same_as_program(void **state)
{
    (void)state;
    float *x_r = numbers(MANY * F, 1), *x_f = numbers(MANY * F, 2), *w = numbers(OUT * F, 3), got[OUT * F],
          want[OUT * F];
    for (int route = 0; unlearn_route_names[route]; route++) {
        for (int few = 0; few < 2; few++) {
            const int64_t n = few ? FEW : MANY;
            const char *name = unlearn_route_names[route];
            expunge_space *retain = space_of(x_r, n, n, name), *forget = space_of(x_f, n, n, name);
            UnlearnSpace *own_r = own_space(x_r, n, (UnlearnRouteChoice)route),
                         *own_f = own_space(x_f, n, (UnlearnRouteChoice)route);
            UnlearnEdit *edit;
            int64_t count;
            double s[F];
            assert_ok(unlearn_edit_create(own_r, own_f, OUT, 0, false, &edit));
            assert_ok(unlearn_edit_make(edit, NULL, ALPHA_R, ALPHA_F, w, true, want, NULL, NULL));
            assert_done(expunge_edit(retain, forget, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got, F, NULL));
            assert_memory_equal(got, want, sizeof got);
            if (unlearn_space_spectrum(own_r, &count)) {
                double sum = 0;
                const int64_t all = count;
                assert_done(expunge_space_spectrum(retain, NULL, 0, &count));
                assert_int_equal(count, all);
                assert_done(expunge_space_spectrum(retain, s, F, &count));
                for (int i = 0; i < count; i++) sum += s[i];
                assert_near(sum, 1, 1e-5, 0);
            } else {
                assert_refused(expunge_space_spectrum(retain, s, F, &count), EUSAGE, "route eigen");
            }
            unlearn_edit_free(edit);
            unlearn_space_free(own_r), unlearn_space_free(own_f);
            expunge_space_free(retain), expunge_space_free(forget);
        }
    }
    base_free(x_r), base_free(x_f), base_free(w);
}

/* ---- the ways in ---- */

/* The rows in pieces, as float64, half precision, with gaps, from the last to the first: values that every type holds give
 * the same bits. */
static void test_types(void **state)
{
    (void)state;
    float *x = numbers(MANY * F, 1), *w = numbers(OUT * F, 3), want[OUT * F], got[OUT * F];
    static float gaps[MANY * (F + 3)], turned[MANY * F];
    static double wide[MANY * F];
    static uint16_t half[MANY * 2 * F], bf[MANY * F];
    for (int i = 0; i < MANY * F; i++) {
        x[i] = base_bf16_to_f32(base_bf16_from_f32(x[i])); /* 8 bits, of which half precision holds all above 2^-17 */
        if (fabsf(x[i]) < 0x1p-14f) x[i] = 0;
        wide[i] = (double)x[i];
        gaps[i / F * (F + 3) + i % F] = x[i];
        turned[(MANY - 1 - i / F) * F + i % F] = x[i];
        bf[i] = base_bf16_from_f32(x[i]);
        half[i / F * 2 * F + i % F] = base_f16_from_f32(x[i]);
    }
    expunge_space *plain = space_of(x, MANY, 0, NULL);
    assert_done(expunge_edit(plain, plain, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, want, F, NULL));
    const struct {
        const void *at;
        int64_t stride, bytes;
        expunge_type type;
    } WAYS[] = {{x, F, 4, EXPUNGE_F32},    {gaps, F + 3, 4, EXPUNGE_F32}, {turned + (MANY - 1) * F, -F, 4, EXPUNGE_F32},
                {wide, F, 8, EXPUNGE_F64}, {half, 2 * F, 2, EXPUNGE_F16}, {bf, F, 2, EXPUNGE_BF16}};
    for (size_t way = 0; way < BASE_COUNT(WAYS); way++) {
        static const int64_t STEPS[] = {700, 7, MANY};
        for (size_t step = 0; step < BASE_COUNT(STEPS); step++) {
            expunge_space *space;
            assert_done(expunge_space_create(F, 0, NULL, &space));
            for (int64_t at = 0; at < MANY; at += STEPS[step])
                assert_done(expunge_space_add(space,
                                              (const char *)WAYS[way].at + at * WAYS[way].stride * WAYS[way].bytes,
                                              base_smaller(STEPS[step], MANY - at), WAYS[way].stride, WAYS[way].type));
            assert_done(expunge_space_finish(space));
            assert_done(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got, F, NULL));
            assert_memory_equal(got, want, sizeof got);
            expunge_space_free(space);
        }
    }
    expunge_space_free(plain);
    base_free(x), base_free(w);
}

/* Weights of each type, in place and upside down: what float32 gives, rounded once more. */
static void test_weights(void **state)
{
    (void)state;
    float *x = numbers(MANY * F, 1), *y = numbers(MANY * F, 2), *w = numbers(OUT * F, 3), want[OUT * F];
    uint16_t half[OUT * F], bf[OUT * F];
    double wide[OUT * F];
    float back[OUT][F];
    for (int i = 0; i < OUT * F; i++) {
        w[i] = base_bf16_to_f32(base_bf16_from_f32(w[i]));
        wide[i] = (double)w[i];
        bf[i] = base_bf16_from_f32(w[i]);
        half[i] = base_f16_from_f32(w[i]);
    }
    expunge_space *retain = space_of(x, MANY, 0, NULL), *forget = space_of(y, MANY, 0, NULL);
    assert_done(expunge_edit(retain, forget, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, want, F, NULL));
    assert_done(expunge_edit(retain, forget, wide, OUT, F, EXPUNGE_F64, ALPHA_R, ALPHA_F, wide, F, NULL));
    assert_done(expunge_edit(retain, forget, half, OUT, F, EXPUNGE_F16, ALPHA_R, ALPHA_F, half, F, NULL));
    assert_done(expunge_edit(retain, forget, bf, OUT, F, EXPUNGE_BF16, ALPHA_R, ALPHA_F, bf, F, NULL));
    assert_done(expunge_edit(retain, forget, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, back[OUT - 1], -F, NULL));
    for (int i = 0; i < OUT * F; i++) {
        assert_true((float)wide[i] == want[i]);
        assert_int_equal(half[i], base_f16_from_f32(want[i]));
        assert_int_equal(bf[i], base_bf16_from_f32(want[i]));
        assert_true(back[OUT - 1 - i / F][i % F] == want[i]);
    }
    expunge_space_free(retain), expunge_space_free(forget);
    base_free(x), base_free(y), base_free(w);
}

/* Gram matrices of two halves, one of them in float32, beside rows; above the diagonal there is nothing to read. G's error of
 * 2^-24 of the trace in each entry moves P by at most 2 alpha F 2^-24 (the derivative of lambda is at most alpha). */
/* Rows of which some columns are 0, given whole and by what they hold: the same sums but for their order. */
static void test_columns(void **state)
{
    (void)state;
    static const int64_t FIRST[] = {1, 6}, WIDTH[] = {3, 5};
    enum { HELD = 8, ROWS = 700 };
    static const char *const ROUTES[] = {"closed", "eigen", "svd", "reference"};
    float *x = numbers(ROWS * F, 1), *w = numbers(OUT * F, 3), got[2][OUT * F], *held;
    double *wide;
    assert_ok(BASE_ALLOC(ROWS * HELD, &held));
    assert_ok(BASE_ALLOC(ROWS * (HELD + 1), &wide));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0, at = 0; j < F; j++) {
            const bool in = (j >= 1 && j < 4) || (j >= 6 && j < 11);
            if (in) wide[i * (HELD + 1) + at] = (double)(held[i * HELD + at] = x[i * F + j]);
            at += in;
            if (!in && i >= 20) x[i * F + j] = 0;
        }
    for (size_t r = 0; r < BASE_COUNT(ROUTES); r++)
        for (int64_t rows = 0; rows < 2; rows++) { /* more rows than features, or fewer */
            const int64_t n = rows ? FEW : ROWS - 20, at = ROWS - n;
            expunge_space *plain, *space;
            assert_done(expunge_space_create(F, n + 2, ROUTES[r], &plain));
            assert_done(expunge_space_add(plain, x + at * F, n, F, EXPUNGE_F32));
            assert_done(expunge_space_add(plain, (float[2 * F]){0}, 2, F, EXPUNGE_F32));
            assert_done(expunge_space_finish(plain));
            assert_done(expunge_space_create(F, n + 2, ROUTES[r], &space));
            assert_done(expunge_space_add(space, x + at * F, 1, F, EXPUNGE_F32));
            assert_done(expunge_space_add_columns(space, NULL, 2, 0, EXPUNGE_F32, NULL, NULL, 0));
            assert_done(
                expunge_space_add_columns(space, held + (at + 1) * HELD, 3, HELD, EXPUNGE_F32, FIRST, WIDTH, 2));
            assert_done(expunge_space_add_columns(space, wide + (at + 4) * (HELD + 1), n - 4, HELD + 1, EXPUNGE_F64,
                                                  FIRST, WIDTH, 2));
            assert_done(expunge_space_finish(space));
            assert_near(expunge_space_trace(space), expunge_space_trace(plain), 0, 1e-6);
            assert_done(expunge_edit(plain, plain, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got[0], F, NULL));
            assert_done(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got[1], F, NULL));
            for (int i = 0; i < OUT * F; i++)
                assert_near((double)got[1][i], (double)got[0][i], 2 * (ALPHA_R + ALPHA_F) * F * 0x1p-24 * 4, 0);
            expunge_space_free(plain), expunge_space_free(space);
        }
    base_free(x), base_free(w), base_free(held), base_free(wide);
}

static void test_columns_refused(void **state)
{
    (void)state;
    float rows[2 * F] = {0};
    expunge_space *space;
    int64_t many[17], one[17];
    for (int i = 0; i < 17; i++) many[i] = i, one[i] = 1;
    assert_done(expunge_space_create(F, 2, NULL, &space));
    static const int64_t CASES[][4] = {{0, 3, 2, 2},     {-1, 3, 4, 1},    {0, 0, 2, 1},
                                       {0, 1, F - 1, 2}, {F, 1, F + 2, 1}, {4, 1, 0, 1}};
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        const int64_t first[] = {CASES[i][0], CASES[i][2]}, width[] = {CASES[i][1], CASES[i][3]};
        assert_refused(expunge_space_add_columns(space, rows, 1, F, EXPUNGE_F32, first, width, 2), ESHAPE, "span ");
    }
    assert_refused(expunge_space_add_columns(space, rows, 1, F, EXPUNGE_F32, many, one, 17), ESHAPE, "span_count = 17");
    assert_refused(expunge_space_add_columns(space, rows, 1, F, EXPUNGE_F32, many, one, -1), ESHAPE, "span_count = -1");
    assert_refused(expunge_space_add_columns(space, rows, 3, F, EXPUNGE_F32, many, one, 1), EARG, "1 rows more");
    assert_refused(expunge_space_add_columns(space, rows, -1, F, EXPUNGE_F32, many, one, 1), EARG, "count = -1");
    assert_refused(expunge_space_add_columns(space, NULL, 1, F, EXPUNGE_F32, many, one, 1), EARG, "rows is NULL");
    assert_refused(expunge_space_add_columns(space, rows, 1, F, EXPUNGE_F32, NULL, one, 1), EARG, "first is NULL");
    assert_refused(expunge_space_add_columns(space, rows, 1, F, EXPUNGE_I32, many, one, 1), EARG, "type 4");
    assert_done(expunge_space_add_columns(space, rows, 2, F, EXPUNGE_F32, many, one, 1));
    assert_done(expunge_space_finish(space));
    expunge_space_free(space);
}

static void test_gram(void **state)
{
    (void)state;
    enum { HALF = MANY / 2 };
    float *x = numbers(MANY * F, 1), *w = numbers(OUT * F, 3), want[OUT * F], got[OUT * F], narrow[F][F];
    double wide[F][F + 3];
    expunge_space *plain = space_of(x, MANY, 0, NULL), *space;
    for (int j = 0; j < F; j++)
        for (int k = 0; k < F; k++) {
            double sum[2] = {0};
            for (int i = 0; i < MANY - 50; i++) sum[i >= HALF] += (double)x[i * F + j] * (double)x[i * F + k];
            wide[j][k] = k > j ? NAN : sum[0];
            narrow[j][k] = k > j ? NAN : (float)sum[1];
        }
    assert_done(expunge_space_create(F, 0, "eigen", &space));
    assert_done(expunge_space_add_gram(space, wide, F + 3, EXPUNGE_F64, HALF));
    assert_done(expunge_space_add(space, x + (MANY - 50) * F, 50, F, EXPUNGE_F32));
    assert_done(expunge_space_add_gram(space, narrow, F, EXPUNGE_F32, MANY - 50 - HALF));
    assert_done(expunge_space_finish(space));
    assert_int_equal(expunge_space_rows(space), MANY);
    assert_near(expunge_space_trace(space), expunge_space_trace(plain), 0, 1e-7);
    assert_done(expunge_edit(plain, plain, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, want, F, NULL));
    assert_done(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got, F, NULL));
    for (int i = 0; i < OUT * F; i++)
        assert_near((double)got[i], (double)want[i], 2 * (ALPHA_R + ALPHA_F) * F * 0x1p-24 * 4, 0);
    expunge_space_free(space), expunge_space_free(plain);
    base_free(x), base_free(w);
}

static void test_nothing(void **state)
{
    (void)state;
    float *w = numbers(OUT * F, 3), got[OUT * F];
    expunge_space *space;
    expunge_edit_info info;
    assert_done(expunge_space_create(F, 0, NULL, &space));
    assert_done(expunge_space_add(space, NULL, 0, F, EXPUNGE_F32));
    assert_done(expunge_space_finish(space));
    assert_done(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, ALPHA_R, ALPHA_F, got, F, &info));
    assert_memory_equal(got, w, sizeof got);
    assert_true(info.changed == 0 && expunge_space_rank(space) == 0 && isnan(info.forget_share));
    expunge_space_free(space);
    base_free(w);
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
    (void)state;
    float *x = numbers(MANY * F, 1), w[OUT * F] = {0}, out[OUT * F];
    double s[F], gram[F * F] = {0};
    int64_t count;
    expunge_space *space = (expunge_space *)x, *other;
    assert_refused(expunge_space_create(0, 0, NULL, &space), EARG, "features = 0");
    assert_null(space);
    assert_refused(expunge_space_create(F, -1, NULL, &space), EARG, "rows = -1");
    assert_refused(expunge_space_create(F, INT64_MAX, NULL, &space), EARG, "rows = 9223372036854775807");
    assert_refused(expunge_space_create(F, 0, "eigne", &space), ENOTFOUND, "did you mean 'eigen'?");
    assert_refused(expunge_space_create(F, 0, "svd", &space), EUSAGE, "must know their number");
    assert_refused(expunge_space_create(F, 0, NULL, NULL), EARG, "space is NULL");
    assert_done(expunge_space_create(F, 20, NULL, &space));
    assert_string_equal(expunge_error_text(), "");
    assert_refused(expunge_space_add(space, x, 1, F, EXPUNGE_I32), EARG, "type 4");
    assert_refused(expunge_space_add(space, x, 1, F, (expunge_type)77), EARG, "type 77");
    assert_refused(expunge_space_add(space, x, -1, F, EXPUNGE_F32), EARG, "count = -1");
    assert_refused(expunge_space_add(space, NULL, 1, F, EXPUNGE_F32), EARG, "rows is NULL");
    assert_refused(expunge_space_add_gram(space, gram, F, EXPUNGE_F16, 3), EARG, "type 2");
    assert_refused(expunge_space_add_gram(space, gram, F, EXPUNGE_F64, 0), EARG, "rows = 0");
    assert_refused(expunge_space_add_gram(space, gram, F, EXPUNGE_F64, 21), EARG, "1 rows more than the 20 announced");
    gram[F + 1] = -2;
    assert_refused(expunge_space_add_gram(space, gram, F, EXPUNGE_F64, 3), EARG, "-2 in row 1");
    gram[F + 1] = 4;
    gram[0] = 1;
    gram[F] = -2.1; /* -2 could be */
    assert_refused(expunge_space_add_gram(space, gram, F, EXPUNGE_F64, 3), EARG, "-2.1 in row 1, column 0");
    gram[0] = gram[F] = 0;
    assert_refused(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, 1, 1, out, F, NULL), EARG,
                   "retain is not finished");
    assert_refused(expunge_space_spectrum(space, s, F, &count), EARG, "space is not finished");
    assert_refused(expunge_space_project(space, 1, w, OUT, F, EXPUNGE_F32, out, F), EARG, "space is not finished");
    assert_true(isnan(expunge_space_trace(space)) && expunge_space_rows(space) == 0 && isnan(expunge_space_rank(NULL)));
    assert_done(expunge_space_add(space, x, 19, F, EXPUNGE_F32));
    assert_refused(expunge_space_finish(space), EARG, "19 of the 20 rows");
    assert_done(expunge_space_add(space, x, 1, F, EXPUNGE_F32));
    assert_refused(expunge_space_add(space, x, 1, F, EXPUNGE_F32), EARG, "more than the 20 announced");
    assert_done(expunge_space_finish(space));
    assert_refused(expunge_space_finish(space), EARG, "finished already");
    assert_refused(expunge_space_add(space, x, 1, F, EXPUNGE_F32), EARG, "is finished");
    assert_refused(expunge_space_spectrum(space, s, F, &count), EUSAGE, "route eigen");
    assert_refused(expunge_edit(space, space, w, 0, F, EXPUNGE_F32, 1, 1, out, F, NULL), EARG, "outputs = 0");
    assert_refused(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, 0, 1, out, F, NULL), EARG, "alpha = 0");
    assert_refused(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, 1, NAN, out, F, NULL), EARG, "alpha = ");
    assert_refused(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, 1, 1, out, F - 1, NULL), EARG, "would overlap");
    assert_refused(expunge_edit(space, NULL, w, OUT, F, EXPUNGE_F32, 1, 1, out, F, NULL), EARG, "forget is NULL");
    w[3] = INFINITY;
    assert_refused(expunge_edit(space, space, w, OUT, F, EXPUNGE_F32, 1, 1, out, F, NULL), ENUMERIC, "not finite");
    assert_done(expunge_space_create(F + 1, 0, NULL, &other));
    assert_done(expunge_space_finish(other));
    assert_refused(expunge_edit(space, other, w, OUT, F, EXPUNGE_F32, 1, 1, out, F, NULL), ESHAPE, "12 features");
    expunge_space_free(other);
    assert_done(expunge_space_create(F, 0, NULL, &other));
    x[5] = NAN;
    assert_done(expunge_space_add(other, x, 3, F, EXPUNGE_F32));
    assert_refused(expunge_space_finish(other), ENUMERIC, "not finite");
    expunge_space_free(other);
    assert_done(expunge_space_create(F, FEW, NULL, &other));
    gram[F + 1] = 0;
    assert_refused(expunge_space_add_gram(other, gram, F, EXPUNGE_F64, 3), EUSAGE, "the rows themselves");
    expunge_space_free(other);
    assert_done(expunge_space_create(F, 20, NULL, &other));
    assert_done(expunge_space_add_gram(other, gram, F, EXPUNGE_F64, 15));
    assert_refused(expunge_space_add_gram(other, gram, F, EXPUNGE_F64, 6), EARG, "1 rows more than the 20 announced");
    assert_refused(expunge_space_add(other, x, 6, F, EXPUNGE_F32), EARG, "1 rows more than the 20 announced");
    expunge_space_free(other);
    expunge_space_free(space);
    expunge_space_free(NULL);
    base_free(x);
}

static BaseStatus whole_round(void *user)
{
    const float *x = user;
    float out[OUT * F];
    expunge_space *many = NULL, *few = NULL;
    expunge_edit_info info;
    BaseStatus st = BASE_OK;
    BASE_TRY((BaseStatus)expunge_space_create(F, 0, NULL, &many));
    BASE_TRY((BaseStatus)expunge_space_create(F, FEW, "eigen", &few));
    BASE_TRY((BaseStatus)expunge_space_add(many, x, MANY, F, EXPUNGE_F32));
    BASE_TRY((BaseStatus)expunge_space_add(few, x, FEW, F, EXPUNGE_F32));
    BASE_TRY((BaseStatus)expunge_space_finish(many));
    BASE_TRY((BaseStatus)expunge_space_finish(few));
    BASE_TRY((BaseStatus)expunge_edit(many, few, x, OUT, F + 1, EXPUNGE_F32, ALPHA_R, ALPHA_F, out, F, &info));
    BASE_TRY((BaseStatus)expunge_space_project(few, ALPHA_R, x, OUT, F + 1, EXPUNGE_F32, out, F));
out:
    expunge_space_free(many);
    expunge_space_free(few);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    float *x = numbers(MANY * F, 1);
    const int64_t before = base_memory_live();
    for (int i = 0; i < 1000; i++) assert_ok(whole_round(x));
    assert_int_equal(base_memory_live(), before);
    support_fail_allocations(whole_round, x, 200);
    base_free(x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_formula),         cmocka_unit_test(test_project), cmocka_unit_test(test_same_as_program),
    cmocka_unit_test(test_types),           cmocka_unit_test(test_weights), cmocka_unit_test(test_columns),
    cmocka_unit_test(test_columns_refused), cmocka_unit_test(test_gram),    cmocka_unit_test(test_nothing),
    cmocka_unit_test(test_refusals),        cmocka_unit_test(test_memory),
};
SUPPORT_MAIN(tests)
