/* Layer inputs: rows in one order whatever the batch, and windows of any layer against one value at a time. */
#include "tests/unlearn/small_data.h"

#include "unlearn/svd/inputs.h"

typedef struct {
    float *rows[4];
    int64_t count[4], width[4];
} Collected;

static BaseStatus collect(void *user, int layer, const void *rows, int64_t count, const UnlearnColumns *columns)
{
    Collected *c = user;
    const float *from = rows;
    for (int64_t r = 0; r < count; r++) {
        float *to = c->rows[layer] + c->count[layer]++ * c->width[layer];
        for (int i = 0; i < columns->count; from += columns->at[i++].width)
            memcpy(to + columns->at[i].from, from, (size_t)columns->at[i].width * sizeof *from);
    }
    return BASE_OK;
}

/* Rows arrive complete and in one order, whatever the batch. */
static void test_streaming(void **state)
{
    (void)state;
    static const int64_t BATCHES[] = {0, 5, 48, 1};
    Small *s = small_open("2");
    int count;
    const NnLayer *layers = nn_net_layers(s->net, &count);
    for (int kind = 0; kind < 2; kind++) {
        Collected first = {0};
        UnlearnPatches plans[4] = {0};
        for (int i = 0; i < count; i++)
            assert_ok(unlearn_patches_plan(layers + i, i, 48, (UnlearnPatchKind)kind, 300, 5, "retain", plans + i));
        assert_int_equal(plans[0].rows, kind == UNLEARN_PATCHES_ALL ? 48 * 144 : 300);
        assert_int_equal(plans[0].total, kind == UNLEARN_PATCHES_ALL ? 48 * 144 : 48 * 81);
        assert_int_equal(plans[2].rows, 48);
        for (int b = 0; b < 4; b++) {
            Collected c = {0};
            for (int i = 0; i < count; i++) {
                c.width[i] = layers[i].features;
                assert_ok(BASE_ALLOC(plans[i].rows * c.width[i], &c.rows[i]));
            }
            UnlearnInputs inputs = {.net = s->net,
                                    .selected = (const uint8_t[]){1, 1, 1, 1},
                                    .plans = plans,
                                    .precision = NN_F32,
                                    .whole = true,
                                    .label = "test"};
            inputs.holding = unlearn_inputs_holding(s->net, inputs.selected);
            if (BATCHES[b]) inputs.holding.batch = BATCHES[b];
            assert_ok(unlearn_inputs_stream(&inputs, &s->context.train, collect, &c));
            for (int i = 0; i < count; i++) {
                assert_int_equal(c.count[i], plans[i].rows);
                for (int64_t j = 0; b && j < plans[i].rows * c.width[i]; j++)
                    assert_near((double)c.rows[i][j], (double)first.rows[i][j], 1e-5, 1e-5);
                if (b) base_free(c.rows[i]);
            }
            if (b == 0) first = c;
        }
        for (int i = 0; i < count; i++) {
            base_free(first.rows[i]);
            unlearn_patches_free(plans + i);
        }
    }
    small_close(s);
}

/* Strides, paddings and windows of other layers than the small network's, against one value at a time. */
static void test_unfold(void **state)
{
    (void)state;
#define LAYER(c, high, wide, kh, kw, step, ph, pw, apart)                                                              \
    {                                                                                                                  \
        .kind = NN_LAYER_CONV, .C = c, .H = high, .W = wide, .kernel_h = kh, .kernel_w = kw, .stride = step,           \
        .pad_h = ph, .pad_w = pw, .dilation = apart, .groups = 1, .features = c * kh * kw                              \
    }
#define MORE(c, high, wide, kh, kw, step, ph, pw, below, behind)                                                       \
    {                                                                                                                  \
        .kind = NN_LAYER_CONV, .C = c, .H = high, .W = wide, .kernel_h = kh, .kernel_w = kw, .stride = step,           \
        .pad_h = ph, .pad_w = pw, .more_h = below, .more_w = behind, .dilation = 1, .groups = 1,                       \
        .features = c * kh * kw                                                                                        \
    }
    static const NnLayer LAYERS[] = {
        LAYER(2, 7, 5, 3, 3, 2, 1, 1, 1),  LAYER(3, 8, 9, 1, 1, 2, 0, 0, 1),   LAYER(1, 20, 6, 5, 5, 3, 2, 2, 1),
        LAYER(2, 2, 2, 3, 3, 1, 1, 1, 1),  LAYER(2, 9, 17, 3, 5, 1, 1, 0, 1),  LAYER(2, 9, 8, 3, 3, 2, 2, 2, 2),
        LAYER(1, 24, 4, 2, 3, 1, 3, 3, 4), MORE(2, 8, 8, 3, 3, 2, 0, 0, 1, 1), MORE(1, 6, 5, 5, 3, 1, 3, 2, -2, -1)};
    enum { COUNT = sizeof LAYERS / sizeof *LAYERS };
    static const int GROUPS[COUNT][2] = {{9, 9}, {1, 1}, {4, 6}, {4, 4},  {1, 1},
                                         {9, 9}, {3, 3}, {4, 4}, {20, 20}}; /* by kind of patches */
    for (int i = 0; i < COUNT; i++) {
        for (int kind = 0; kind < 2; kind++) {
            const NnLayer *l = LAYERS + i;
            int64_t size = l->C * l->H * l->W, kh = l->kernel_h, kw = l->kernel_w, d = l->dilation;
            UnlearnPatches p;
            float *map = NULL, *windows = NULL, *rows = NULL;
            UnlearnTapGroups groups;
            assert_ok(unlearn_patches_plan(l, i, 3, (UnlearnPatchKind)kind, 0, 9, "retain", &p));
            assert_ok(unlearn_patches_group(l, &p, &groups));
            assert_int_equal(
                p.h, kind == UNLEARN_PATCHES_PAPER && l->H > 3 * (1 + (kh - 1) * d) ? 3 * (1 + (kh - 1) * d) : l->H);
            assert_true(p.y >= 0 && p.y + p.h <= l->H && p.x >= 0 && p.x + p.w <= l->W);
            assert_int_equal(p.rows, 3 * p.out_h * p.out_w);
            assert_int_equal(groups.count, GROUPS[i][kind]);
            assert_ok(BASE_ALLOC(3 * size, &map));
            assert_ok(BASE_ALLOC(3 * size, &windows));
            assert_ok(BASE_ALLOC(l->features, &rows));
            for (int64_t j = 0; j < 3 * size; j++) map[j] = (float)(j + 1);
            unlearn_patches_cut(l, &p, map, 3, sizeof *map, windows);
            for (int64_t r = 0; r < p.rows; r++) {
                int64_t image = r / (p.out_h * p.out_w), oy = r / p.out_w % p.out_h, ox = r % p.out_w;
                const UnlearnTaps *taps = groups.kinds + groups.kind[r % (p.out_h * p.out_w)];
                UnlearnColumns columns = unlearn_patches_columns(l, taps);
                const float *got = rows;
                float whole[36] = {0};
                for (int64_t j = 0; j < l->features; j++) rows[j] = -1;
                unlearn_patches_gather(l, &p, taps, windows, 0, &r, 1, sizeof *rows, rows);
                for (int c = 0; c < columns.count; got += columns.at[c++].width)
                    memcpy(whole + columns.at[c].from, got, (size_t)columns.at[c].width * sizeof *got);
                unlearn_patches_order(l, 1, whole, true, rows); /* to channel, row, column */
                for (int64_t e = 0; e < l->features; e++) {
                    int64_t c = e / (kh * kw), y = oy * l->stride - l->pad_h + e / kw % kh * d,
                            x = ox * l->stride - l->pad_w + e % kw * d;
                    bool in = y >= 0 && y < p.h && x >= 0 && x < p.w;
                    float want = in ? map[((image * l->H + p.y + y) * l->W + p.x + x) * l->C + c] : 0;
                    assert_true(rows[e] == want);
                }
            }
            base_free(map);
            base_free(windows);
            base_free(rows);
            unlearn_patches_groups_free(&groups);
            unlearn_patches_free(&p);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_streaming),
    cmocka_unit_test(test_unfold),
};
SUPPORT_MAIN(tests)
