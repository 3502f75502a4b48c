/* Positions of a vision transformer for images of another size: against a double sum over the whole grid, and in the
 * checkpoint. tests/scripts/hub_timm.sh has timm's. */
#include "tests/support/support.h"

#include <math.h>

#include "nn/naming.h"
#include "nn/positions.h"

enum { E = 3, MOST = 12 };

static double cubic(double x)
{
    x = fabs(x);
    if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

/* Target (y, x) of h x w by a sum over all of H x W. */
static double naive(const float *from, int64_t H, int64_t W, int64_t h, int64_t w, int64_t y, int64_t x, int64_t e)
{
    double sy = (double)H / (double)h, sx = (double)W / (double)w, ty = fmax(sy, 1), tx = fmax(sx, 1), sum = 0,
           total = 0;
    for (int64_t v = 0; v < H; v++)
        for (int64_t u = 0; u < W; u++) {
            double weight = cubic(((double)v + 0.5 - ((double)y + 0.5) * sy) / ty) *
                            cubic(((double)u + 0.5 - ((double)x + 0.5) * sx) / tx);
            total += weight;
            sum += weight * (double)from[(v * W + u) * E + e];
        }
    return sum / total;
}

static float value(int64_t i) { return (float)sin((double)i * 1.7); }

/* float32 rounds sums of at most 1.5^2 times the largest value, |v| <= 1: 3 * 2^-24 < 2e-7; the float64 parts differ by
 * less than 1e-13. */
static void resampled_as_a_double_sum(void **state)
{
    (void)state;
    static const int64_t ROWS[][4] = {{4, 4, 8, 8}, {4, 4, 2, 2}, {7, 7, 12, 5}, {3, 5, 5, 3},
                                      {1, 1, 3, 3}, {5, 5, 5, 5}, {12, 12, 1, 1}};
    float from[MOST * MOST * E], to[MOST * MOST * E];
    for (int64_t i = 0; i < MOST * MOST * E; i++) from[i] = value(i);
    for (size_t r = 0; r < sizeof ROWS / sizeof *ROWS; r++) {
        const int64_t *s = ROWS[r];
        assert_ok(nn_positions_resample(from, s[0], s[1], E, s[2], s[3], to));
        for (int64_t i = 0; i < s[2] * s[3] * E; i++)
            assert_near((double)to[i], naive(from, s[0], s[1], s[2], s[3], i / E / s[3], i / E % s[3], i % E), 2e-7, 0);
    }
}

/* timm's names; 4 x 4 patches of 8, a class token before them. */
static IoTensors *checkpoint(IoDtype dtype)
{
    IoTensors *t;
    float values[17 * E];
    for (int64_t i = 0; i < 17 * E; i++) values[i] = value(i);
    assert_ok(io_tensors_create(&t));
    assert_ok(io_tensors_add(t, "pos_embed", dtype, 3, (int64_t[]){1, 17, E}, NULL));
    assert_ok(io_tensor_from_f32(&t->items[0], values));
    assert_ok(io_tensors_add(t, "patch_embed.proj.weight", IO_F32, 4, (int64_t[]){E, 1, 8, 8}, NULL));
    assert_ok(nn_naming_apply(t));
    return t;
}

static void checkpoints_get_another_shape(void **state)
{
    (void)state;
    float want[15 * E], got[16 * E], all[17 * E];
    IoTensors *t = checkpoint(IO_F32);
    memcpy(all, t->items[0].data, sizeof all);
    assert_ok(nn_positions_resize(t, 32, 32, "file")); /* as it is */
    assert_int_equal(t->items[0].shape[1], 17);
    assert_memory_equal(t->items[0].data, all, sizeof all);
    assert_ok(nn_positions_resample(all + E, 4, 4, E, 5, 3, want));
    assert_ok(nn_positions_resize(t, 40, 24, "file"));
    assert_true(t->items[0].shape[1] == 16 && t->items[0].count == 16 * E);
    assert_ok(io_tensor_to_f32(&t->items[0], got));
    assert_memory_equal(got, all, E * sizeof *got);
    assert_memory_equal(got + E, want, sizeof want);
    assert_fails(nn_positions_resize(t, 40, 25, "file"), BASE_ESHAPE,
                 "patches of 8 pixels do not fill images of 40 x 25");
    assert_fails(nn_positions_resize(t, 40, 40, "file"), BASE_ESHAPE, "15 positions are no grid");
    t->items[1].ndim = 2;
    assert_fails(nn_positions_resize(t, 40, 40, "file"), BASE_ESHAPE, "is no vision transformer");
    io_tensors_free(t);
}

static BaseStatus resize_once(void *user)
{
    (void)user;
    IoTensors *t = NULL;
    BaseStatus st = io_tensors_create(&t);
    if (st == BASE_OK) st = io_tensors_add(t, "encoder.pos_embedding", IO_BF16, 3, (int64_t[]){1, 17, E}, NULL);
    if (st == BASE_OK) st = io_tensors_add(t, "conv_proj.weight", IO_F32, 4, (int64_t[]){E, 1, 8, 8}, NULL);
    if (st == BASE_OK) st = nn_positions_resize(t, 16, 16, "file");
    io_tensors_free(t);
    return st;
}

static void failed_allocations(void **state)
{
    (void)state;
    support_fail_allocations(resize_once, NULL, 100);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(resampled_as_a_double_sum),
                                          cmocka_unit_test(checkpoints_get_another_shape),
                                          cmocka_unit_test(failed_allocations)};
SUPPORT_MAIN(tests)
