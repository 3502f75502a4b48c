/* Winograd's kernels (nn/kernels/winograd.h) against plain loops in double, in blocks of 8 and of 16 channels on any
 * CPU, and the code for AVX-512 against what runs without it. */
#include <math.h>

#include "base/random.h"
#include "math/threads.h"
#include "nn/kernels/winograd_rows.h"
#include "tests/support/support.h"

#define NN_LANES 16
#define NN_LANES_PLAIN
#define ROWS plain_rows16
extern const NnWinogradRows plain_rows16;
#include "nn/kernels/winograd_lanes.h"

/* One rounding is 6e-8. Outputs sum up to 48 * 9 terms whose errors add up like a walk, some 20 roundings, and the
 * transforms multiply them by their norm, below 10: 1e-5. Weight gradients sum up to 1500 positions: twice that. */
static const double FORWARD = 1e-5, BACKWARD = 2e-5;

static int product(bool transpose_a, bool transpose_b, int64_t rows, int64_t columns, int64_t inner, const float *a,
                   int64_t lda, const float *b, int64_t ldb, bool add, float *c)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < columns; k++) {
            float sum = add ? c[r * columns + k] : 0;
            for (int64_t i = 0; i < inner; i++)
                sum += a[transpose_a ? i * lda + r : r * lda + i] * b[transpose_b ? k * ldb + i : i * ldb + k];
            c[r * columns + k] = sum;
        }
    return 0;
}

typedef struct {
    NnWinograd g, turned;
    int64_t high, wide, in, out, taps; /* sizes of x, y and the weight */
    float *x, *w, *bias, *other, *dy, *y, *dx, *dw, *db, *u, *work;
    double *want;
} Case;

static float *random_floats(int64_t count, const char *purpose)
{
    float *out = NULL;
    BaseRandom r = base_random_make(3, purpose, 0);
    assert_ok(BASE_ALLOC(count, &out));
    for (int64_t i = 0; i < count; i++) out[i] = (float)base_random_normal(&r);
    return out;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* The data gradient in tiles of the same size. */
static Case make(NnWinograd g)
{
    Case c = {.g = g, .high = g.H + 2 * g.pad - 2, .wide = g.W + 2 * g.pad - 2};
    c.g.threads = math_threads_get();
    c.g.product = product;
    c.turned = nn_winograd_turned(&c.g);
    c.turned.tile = g.tile;
    c.in = g.n * g.C * g.H * g.W;
    c.out = g.n * g.K * c.high * c.wide;
    c.taps = g.K * g.C * 9;
    c.x = random_floats(c.in, "x");
    c.w = random_floats(c.taps, "w");
    c.bias = random_floats(g.K, "bias");
    c.other = random_floats(c.out, "other");
    c.dy = random_floats(c.out, "dy");
    c.y = random_floats(c.out, "y");
    c.dx = random_floats(c.in, "dx");
    c.dw = random_floats(c.taps, "dw");
    c.db = random_floats(g.K, "db");
    c.u = random_floats(larger(nn_winograd_weight_size(&c.g), nn_winograd_weight_size(&c.turned)), "u");
    c.work = random_floats(larger(nn_winograd_work_size(&c.g), nn_winograd_work_size(&c.turned)), "work");
    assert_ok(BASE_ALLOC(larger(larger(c.in, c.out), c.taps), &c.want));
    return c;
}

static void drop(Case *c)
{
    float *all[] = {c->x, c->w, c->bias, c->other, c->dy, c->y, c->dx, c->dw, c->db, c->u, c->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) base_free(all[i]);
    base_free(c->want);
}

static int64_t at(const NnWinograd *g, int64_t channels, int64_t H, int64_t W, int64_t n, int64_t c, int64_t y,
                  int64_t x)
{
    return (((n * channels + c) / g->lanes * H + y) * W + x) * g->lanes + c % g->lanes;
}

/* Every product of the convolution: x at, y at, w at. */
#define FOR_ALL(c, X, Y, T)                                                                                            \
    for (int64_t n = 0; n < (c)->g.n; n++)                                                                             \
        for (int64_t k = 0; k < (c)->g.K; k++)                                                                         \
            for (int64_t ch = 0; ch < (c)->g.C; ch++)                                                                  \
                for (int64_t i = 0; i < (c)->high * (c)->wide * 9; i++)                                                \
                    for (int64_t oy = i / 9 / (c)->wide, ox = i / 9 % (c)->wide, tap = i % 9,                          \
                                 iy = oy + tap / 3 - (c)->g.pad, ix = ox + tap % 3 - (c)->g.pad, once = 1,             \
                                 T = (k * (c)->g.C + ch) * 9 + tap,                                                    \
                                 Y = at(&(c)->g, (c)->g.K, (c)->high, (c)->wide, n, k, oy, ox),                        \
                                 X = at(&(c)->g, (c)->g.C, (c)->g.H, (c)->g.W, n, ch, iy, ix);                         \
                         once && iy >= 0 && iy < (c)->g.H && ix >= 0 && ix < (c)->g.W; once = 0)

static void zero(Case *c, int64_t count) { memset(c->want, 0, (size_t)count * sizeof *c->want); }

static void check_forward(Case *c, bool end)
{
    zero(c, c->out);
    FOR_ALL(c, x, y, t) c->want[y] += (double)c->x[x] * c->w[t];
    for (int64_t i = 0; end && i < c->out; i++) {
        int64_t lanes = c->g.lanes, k = i / (c->high * c->wide * lanes) % (c->g.K / lanes) * lanes + i % lanes;
        c->want[i] = fmax(0, c->want[i] + (double)c->bias[k] + (double)c->other[i]);
    }
    nn_winograd_transform(&c->g, c->w, false, c->u);
    assert_int_equal(
        nn_winograd_convolve(&c->g, c->x, c->u, false, end ? c->bias : NULL, end ? c->other : NULL, end, c->work, c->y),
        0);
    assert_close_f32(c->y, c->want, c->out, FORWARD);
}

static void check_data(Case *c)
{
    zero(c, c->in);
    FOR_ALL(c, x, y, t) c->want[x] += (double)c->dy[y] * c->w[t];
    nn_winograd_transform(&c->turned, c->w, true, c->u);
    assert_int_equal(nn_winograd_convolve(&c->turned, c->dy, c->u, true, NULL, NULL, false, c->work, c->dx), 0);
    assert_close_f32(c->dx, c->want, c->in, BACKWARD);
}

static void check_weights(Case *c)
{
    zero(c, c->taps);
    FOR_ALL(c, x, y, t) c->want[t] += (double)c->dy[y] * c->x[x];
    assert_int_equal(nn_winograd_correlate(&c->g, c->x, c->dy, c->work, c->u), 0);
    nn_winograd_weight_gradient(&c->g, c->u, c->dw);
    assert_close_f32(c->dw, c->want, c->taps, BACKWARD);
    zero(c, c->g.K);
    for (int64_t k = 0; k < c->g.K; k++)
        for (int64_t n = 0; n < c->g.n; n++)
            for (int64_t i = 0; i < c->high * c->wide; i++)
                c->want[k] += (double)c->dy[at(&c->g, c->g.K, c->high, c->wide, n, k, i / c->wide, i % c->wide)];
    nn_winograd_bias_gradient(&c->g, c->dy, c->db);
    assert_close_f32(c->db, c->want, c->g.K, 1e-6); /* summed in double */
}

/* Blocks of channels in place of channels. The last one gives each of many threads chunks of its own. */
static const NnWinograd SHAPES[] = {
    {.n = 1, .C = 1, .H = 4, .W = 4, .K = 1, .pad = 1},   {.n = 1, .C = 1, .H = 3, .W = 3, .K = 2, .pad = 0},
    {.n = 2, .C = 2, .H = 7, .W = 13, .K = 3, .pad = 1},  {.n = 3, .C = 3, .H = 9, .W = 6, .K = 1, .pad = 0},
    {.n = 5, .C = 3, .H = 2, .W = 1, .K = 5, .pad = 1},   {.n = 2, .C = 1, .H = 8, .W = 8, .K = 2, .pad = 2},
    {.n = 6, .C = 1, .H = 24, .W = 25, .K = 1, .pad = 1},
};

static NnWinograd shape(size_t i, int64_t lanes, int64_t tile)
{
    NnWinograd g = SHAPES[i];
    g.C *= lanes;
    g.K *= lanes;
    g.lanes = lanes;
    g.tile = tile;
    return g;
}

static void test_every_pass_equals_plain_loops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        for (int64_t lanes = 8; lanes <= 16; lanes += 8)
            for (int64_t tile = 2; tile <= 4; tile += 2) {
                Case c = make(shape(i, lanes, tile));
                check_forward(&c, false);
                check_forward(&c, true);
                check_data(&c);
                check_weights(&c);
                drop(&c);
            }
}

/* Whichever thread computes a chunk, and however many there are, also more or fewer than the storage is for. */
static void test_same_bits_again_and_with_any_thread_count(void **state)
{
    (void)state;
    int threads = math_threads_get();
    for (int64_t lanes = 8; lanes <= 16; lanes += 8) {
        assert_ok(math_threads_set(2));
        Case c = make(shape(6, lanes, 4));
        float *y = random_floats(c.out, "first"), *dw = random_floats(c.taps, "first");
        for (int count = 1; count <= 4; count++) {
            assert_ok(math_threads_set(count));
            check_forward(&c, true);
            check_weights(&c);
            if (count > 1) {
                assert_memory_equal(y, c.y, (size_t)c.out * sizeof *y);
                assert_memory_equal(dw, c.dw, (size_t)c.taps * sizeof *dw);
            }
            memcpy(y, c.y, (size_t)c.out * sizeof *y);
            memcpy(dw, c.dw, (size_t)c.taps * sizeof *dw);
        }
        base_free(y);
        base_free(dw);
        drop(&c);
    }
    assert_ok(math_threads_set(threads));
}

/* Where the input has a NaN the outputs that see it have one, behind a ReLU too, and other images do not. */
static void test_a_nan_comes_through(void **state)
{
    (void)state;
    for (int64_t lanes = 8; lanes <= 16; lanes += 8) {
        Case c = make(shape(2, lanes, 4));
        c.x[at(&c.g, c.g.C, c.g.H, c.g.W, 1, lanes + 3, 5, 6)] = NAN;
        nn_winograd_transform(&c.g, c.w, false, c.u);
        nn_winograd_convolve(&c.g, c.x, c.u, false, c.bias, NULL, true, c.work, c.y);
        for (int64_t k = 0; k < c.g.K; k++)
            for (int64_t i = 0; i < 9; i++)
                assert_true(isnan(c.y[at(&c.g, c.g.K, c.high, c.wide, 1, k, 4 + i / 3, 5 + i % 3)]) != 0);
        for (int64_t i = 0; i < c.out / 2; i++) assert_true(isnan(c.y[i]) == 0);
        drop(&c);
    }
}

static int failing(bool ta, bool tb, int64_t rows, int64_t columns, int64_t inner, const float *a, int64_t lda,
                   const float *b, int64_t ldb, bool add, float *c)
{
    return columns == 24 && rows > 0 ? 5 : product(ta, tb, rows, columns, inner, a, lda, b, ldb, add, c);
}

static void test_a_failed_product_is_told(void **state)
{
    (void)state;
    Case c = make(shape(2, 8, 4)); /* 16 channels in, 24 out */
    c.g.product = c.turned.product = failing;
    nn_winograd_transform(&c.g, c.w, false, c.u);
    assert_int_equal(nn_winograd_convolve(&c.g, c.x, c.u, false, NULL, NULL, false, c.work, c.y), 5);
    assert_int_equal(nn_winograd_correlate(&c.g, c.x, c.dy, c.work, c.u), 0); /* its products have 16 columns */
    drop(&c);
    c = make(shape(3, 8, 2)); /* 24 in */
    c.g.product = failing;
    assert_int_equal(nn_winograd_correlate(&c.g, c.x, c.dy, c.work, c.u), 5);
    drop(&c);
}

/* A product and a sum are never fused in the transforms, so that code without AVX-512 gives the same bits. */
static void test_plain_transforms_give_the_same_bits(void **state)
{
    (void)state;
    for (int64_t tile = 2; tile <= 4; tile += 2) {
        Case c = make(shape(2, 16, tile));
        const NnWinogradRows *rows[] = {&nn_winograd_rows16, &plain_rows16};
        int64_t count = nn_winograd_tiles(&c.g), size = nn_winograd_weight_size(&c.g);
        int64_t work = larger(nn_winograd_area(tile) * (count + 1) * (48 + 16 + 16),
                              larger(larger(size, nn_winograd_weight_size(&c.turned)), larger(c.out, c.taps)));
        NnWinogradTiles t = {0, 0, count, nn_winograd_plane(&c.g, count, c.g.C), nn_winograd_plane(&c.g, count, c.g.K)};
        float *from = random_floats(work, "from"), *to[2] = {random_floats(work, "to"), random_floats(work, "to")};
        for (int step = 0; step < 6; step++) {
            for (int i = 0; i < 2; i++) {
                const NnWinogradEnd end = {c.bias, c.other, true, to[i]};
                if (step == 0) rows[i]->inputs(&c.g, &t, c.x, to[i]);
                if (step == 1) rows[i]->gradients(&c.g, &t, c.dy, to[i]);
                if (step == 2) rows[i]->outputs(&c.g, &t, from, &end);
                if (step == 3) rows[i]->weights(&c.g, c.w, false, 1, to[i]);
                if (step == 4) rows[i]->weights(&c.turned, c.w, true, 1, to[i]);
                if (step == 5) rows[i]->weight_gradients(&c.g, from, 1, to[i]);
            }
            assert_memory_equal(to[0], to[1], (size_t)work * sizeof *from);
        }
        base_free(from);
        base_free(to[0]);
        base_free(to[1]);
        drop(&c);
    }
}

/* Every height of a block and one and two panels; 40 terms of a walk of roundings of 6e-8: 1e-6 of the largest. */
static void test_products_equal_plain_loops(void **state)
{
    (void)state;
    enum { MOST = 30, INNER = 40, PANELS = 3 };
    float *a = random_floats(MOST * INNER, "a"), *b = random_floats(PANELS * INNER * 16, "b");
    for (int rows = 1; rows <= MOST; rows++)
        for (int variant = 0; variant < 8; variant++) {
            bool fast = variant & 1, add = variant & 2, across = variant & 4;
            float *c = random_floats(rows * PANELS * 16, "c");
            double want[MOST * PANELS * 16];
            NnWinogradProduct16 p = {
                .rows = rows, .panels = PANELS, .inner = INNER, .a = a, .b = b, .c = c, .add = add};
            p.a_row = across ? 1 : INNER;
            p.a_step = across ? MOST : 1;
            p.b_panel = across ? 16 : INNER * 16;
            p.b_step = across ? PANELS * 16 : 16;
            p.c_row = PANELS * 16;
            for (int r = 0; r < rows; r++)
                for (int k = 0; k < PANELS * 16; k++) {
                    double *sum = &want[r * PANELS * 16 + k];
                    *sum = add ? (double)c[r * PANELS * 16 + k] : 0;
                    for (int i = 0; i < INNER; i++)
                        *sum += (double)a[r * p.a_row + i * p.a_step] * b[k / 16 * p.b_panel + i * p.b_step + k % 16];
                }
            (fast ? nn_winograd_product16 : nn_winograd_product16_plain)(&p);
            assert_close_f32(c, want, rows * PANELS * 16, 1e-6);
            base_free(c);
        }
    base_free(a);
    base_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pass_equals_plain_loops),
        cmocka_unit_test(test_same_bits_again_and_with_any_thread_count),
        cmocka_unit_test(test_a_nan_comes_through),
        cmocka_unit_test(test_a_failed_product_is_told),
        cmocka_unit_test(test_plain_transforms_give_the_same_bits),
        cmocka_unit_test(test_products_equal_plain_loops),
    };
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
