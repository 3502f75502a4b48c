/* The loader against data_image and against augmentation written out pixel by pixel. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/random.h"
#include "data/pipeline/loader.h"
#include "data/set/build.h"

static DataSet *make_set(DataType type, int64_t N, int64_t C, int64_t H, int64_t W)
{
    static const float MEAN[] = {0.49f, 0.48f, 0.45f}, STD[] = {0.25f, 0.24f, 0.26f};
    DataSet *set;
    BaseRandom r = base_random_make(1, "pixels", 0);
    assert_ok(data_set_create("toy", type, N, C, H, W, 5, &set));
    for (int64_t i = 0; i < N * C * H * W; i++)
        if (type == DATA_U8)
            ((uint8_t *)set->images)[i] = (uint8_t)base_random_below(&r, 256);
        else
            ((float *)set->images)[i] = (float)base_random_normal(&r);
    for (int64_t i = 0; i < N; i++) set->labels[i] = (int32_t)(i % 5);
    assert_ok(data_set_name_classes(set, NULL));
    if (type == DATA_U8) data_set_normalise(set, MEAN, STD);
    assert_ok(data_set_finish(set, "toy", "toy"));
    return set;
}

static DataLoader *make_loader(const DataView *view, DataLoaderConfig config)
{
    DataLoader *loader;
    assert_ok(data_loader_create(view, &config, &loader));
    return loader;
}

/* data_image itself, in double from the definition: scale, centre in raw zeros, normalise. */
static void test_image(void **state)
{
    (void)state;
    DataSet *set = make_set(DATA_U8, 3, 1, 4, 3);
    float out[3 * 8 * 6];
    assert_ok(data_image(set, 2, 3, 8, 6, out));
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 6; x++) {
                double raw =
                    y >= 2 && y < 6 && x >= 1 && x < 4 ? ((uint8_t *)set->images)[2 * 12 + (y - 2) * 3 + x - 1] : 0;
                /* three float32 roundings of numbers below 4 */
                assert_near(out[(c * 8 + y) * 6 + x], (raw / 255 - (double)set->mean[0]) / (double)set->std[0], 4e-6,
                            0);
            }
    assert_fails(data_image(set, 3, 3, 8, 6, out), BASE_EARG, "image 3; there are images 0 to 2");
    assert_fails(data_image(set, 0, 3, 3, 6, out), BASE_ESHAPE,
                 "1 x 4 x 3 (channels, height, width) and the network takes 3 x 3 x 6");
    data_set_free(set);
}

static void check_plain(DataType type, int64_t c, int64_t h, int64_t w, int64_t C, int64_t H, int64_t W)
{
    DataSet *set = make_set(type, 23, c, h, w);
    int64_t places[17];
    for (int64_t i = 0; i < 17; i++) places[i] = (i * 5 + 3) % 23;
    DataIndex index = {places, 17};
    DataView view = data_view_of(set, &index);
    DataLoader *loader = make_loader(&view, (DataLoaderConfig){.batch = 4, .C = C, .H = H, .W = W});
    float *want;
    assert_ok(BASE_ALLOC(C * H * W, &want));
    assert_int_equal(data_loader_batches(loader), 5);
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        int64_t seen = 0;
        assert_ok(data_loader_start(loader, epoch));
        for (DataBatch batch;;) {
            assert_ok(data_loader_next(loader, &batch));
            if (batch.n == 0) break;
            if (seen == 4) usleep(2000); /* the thread has time to spoil what we read, were it to */
            for (int64_t i = 0; i < batch.n; i++, seen++) {
                assert_int_equal(batch.index[i], places[seen]);
                assert_int_equal(batch.y[i], set->labels[places[seen]]);
                assert_ok(data_image(set, places[seen], C, H, W, want));
                assert_memory_equal(batch.x + i * C * H * W, want, (size_t)(C * H * W) * sizeof *want);
            }
        }
        assert_int_equal(seen, 17);
        DataBatch over;
        assert_ok(data_loader_next(loader, &over));
        assert_int_equal(over.n, 0);
    }
    base_free(want);
    data_loader_free(loader);
    data_set_free(set);
}

static void test_plain(void **state)
{
    (void)state;
    check_plain(DATA_U8, 3, 8, 8, 3, 8, 8);
    check_plain(DATA_U8, 1, 7, 6, 3, 10, 11); /* padded, odd remainders, repeated */
    check_plain(DATA_U8, 1, 6, 6, 1, 6, 6);
    check_plain(DATA_F32, 2, 1, 1, 2, 1, 1);
    check_plain(DATA_F32, 1, 5, 4, 3, 8, 8);
    check_plain(DATA_F32, 3, 6, 5, 3, 6, 5);
}

/* The image padded to the canvas and by @p crop more, cut at (dy, dx), mirrored: each pixel by its own formula. */
static void augmented(const DataSet *set, int64_t image, const DataLoaderConfig *k, int64_t dy, int64_t dx, bool flip,
                      float *out)
{
    int64_t top = (k->H - set->H) / 2, left = (k->W - set->W) / 2;
    for (int64_t c = 0; c < k->C; c++)
        for (int64_t y = 0; y < k->H; y++)
            for (int64_t x = 0; x < k->W; x++) {
                int64_t v = y + dy - k->crop - top, u = (flip ? k->W - 1 - x : x) + dx - k->crop - left;
                int64_t from = set->C == 1 ? 0 : c, at = ((image * set->C + from) * set->H + v) * set->W + u;
                bool inside = v >= 0 && v < set->H && u >= 0 && u < set->W;
                float *o = &out[(c * k->H + y) * k->W + x];
                if (set->type == DATA_F32)
                    *o = inside ? ((float *)set->images)[at] : 0;
                else
                    *o = ((float)(inside ? ((uint8_t *)set->images)[at] : 0) / 255.0f - set->mean[from]) /
                         set->std[from];
            }
}

/* Every image is one of the 2 (2 crop + 1)^2 possible ones; each comes about equally often. */
static void check_augmented(DataType type, int64_t c, int64_t side, int64_t C, int64_t canvas, int64_t crop, bool flip,
                            int64_t N)
{
    DataSet *set = make_set(type, N, c, side, side);
    DataView view = data_view_all(set);
    DataLoaderConfig config = {
        .batch = 37, .C = C, .H = canvas, .W = canvas, .shuffle = true, .flip = flip, .crop = crop, .seed = 4};
    DataLoader *loader = make_loader(&view, config);
    int64_t size = C * canvas * canvas, places = 2 * crop + 1, kinds = places * places * (flip ? 2 : 1),
            count[128] = {0};
    float want[3 * 16 * 16];
    assert_true(size <= 3 * 16 * 16 && kinds <= 128);
    assert_ok(data_loader_start(loader, 2));
    for (DataBatch batch;;) {
        assert_ok(data_loader_next(loader, &batch));
        if (batch.n == 0) break;
        for (int64_t i = 0; i < batch.n; i++) {
            int64_t found = -1;
            for (int64_t kind = 0; kind < kinds; kind++) {
                augmented(set, batch.index[i], &config, kind / places % places, kind % places, kind >= places * places,
                          want);
                if (memcmp(want, batch.x + i * size, (size_t)size * sizeof *want) != 0) continue;
                assert_int_equal(found, -1);
                found = kind;
            }
            assert_true(found >= 0);
            count[found]++;
        }
    }
    double mean = (double)N / (double)kinds; /* 5 standard deviations of a binomial count; the seed is fixed */
    for (int64_t kind = 0; kind < kinds; kind++) assert_near((double)count[kind], mean, 5 * sqrt(mean), 0);
    data_loader_free(loader);
    data_set_free(set);
}

static void test_augmented(void **state)
{
    (void)state;
    check_augmented(DATA_U8, 3, 6, 3, 6, 1, true, 3600);
    check_augmented(DATA_U8, 1, 5, 3, 8, 2, true, 3000);
    check_augmented(DATA_F32, 2, 6, 2, 7, 1, true, 1800);
    check_augmented(DATA_U8, 1, 6, 1, 6, 0, true, 400);
    check_augmented(DATA_F32, 1, 6, 1, 6, 2, false, 1000);
}

/* A crop larger than the image can push it out of the canvas altogether: zeros are left. */
static void test_pushed_out(void **state)
{
    (void)state;
    DataSet *set = make_set(DATA_U8, 300, 1, 3, 3);
    DataView view = data_view_all(set);
    DataLoader *loader =
        make_loader(&view, (DataLoaderConfig){.batch = 300, .C = 1, .H = 3, .W = 3, .flip = true, .crop = 6});
    DataBatch batch;
    assert_ok(data_loader_start(loader, 0));
    assert_ok(data_loader_next(loader, &batch));
    float zero = -set->mean[0] / set->std[0];
    int64_t blank = 0;
    for (int64_t i = 0; i < 300; i++) {
        bool only = true;
        for (int p = 0; p < 9; p++) only &= batch.x[9 * i + p] == zero;
        blank += only;
    }
    /* seen where both shifts are within 2 of 13: (5/13)^2 of 300 = 44; sd 6 */
    assert_near((double)(300 - blank), 44, 30, 0);
    data_loader_free(loader);
    data_set_free(set);
}

/* Reads an epoch into [N, size] by position in the set. */
static void read_epoch(const DataView *view, DataLoaderConfig config, int64_t epoch, float *out, int64_t *order)
{
    int64_t size = config.C * config.H * config.W, seen = 0;
    DataLoader *loader = make_loader(view, config);
    assert_ok(data_loader_start(loader, epoch));
    for (DataBatch batch;;) {
        assert_ok(data_loader_next(loader, &batch));
        if (batch.n == 0) break;
        for (int64_t i = 0; i < batch.n; i++) {
            memcpy(out + batch.index[i] * size, batch.x + i * size, (size_t)size * sizeof *out);
            order[seen++] = batch.index[i];
        }
    }
    data_loader_free(loader);
}

static void test_draws(void **state)
{
    (void)state;
    enum { N = 60, SIZE = 3 * 6 * 6 };
    static float a[N * SIZE], b[N * SIZE];
    int64_t first[N], second[N], sum = 0;
    DataSet *set = make_set(DATA_U8, N, 3, 6, 6);
    DataView all = data_view_all(set);
    DataLoaderConfig config = {.batch = 7, .C = 3, .H = 6, .W = 6, .shuffle = true, .flip = true, .crop = 2, .seed = 9};
    read_epoch(&all, config, 3, a, first);
    read_epoch(&all, config, 3, b, second); /* the same seed and epoch: the same bits */
    assert_memory_equal(a, b, sizeof a);
    assert_memory_equal(first, second, sizeof first);
    config.batch = 32, config.shuffle = false; /* neither batches nor order matter to an image */
    read_epoch(&all, config, 3, b, second);
    assert_memory_equal(a, b, sizeof a);
    for (int64_t i = 0; i < N; i++) {
        assert_int_equal(second[i], i);
        sum += first[i];
    }
    assert_int_equal(sum, N * (N - 1) / 2);
    assert_memory_not_equal(first, second, sizeof first);
    int64_t places[] = {50, 2, 31}; /* nor does the rest of the view */
    DataIndex index = {places, 3};
    DataView part = data_view_of(set, &index);
    memset(b, 0, sizeof b);
    read_epoch(&part, config, 3, b, second);
    for (int p = 0; p < 3; p++) assert_memory_equal(a + places[p] * SIZE, b + places[p] * SIZE, SIZE * sizeof *a);
    config.shuffle = true;
    read_epoch(&all, config, 4, b, second);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(first, second, sizeof first);
    config.seed = 10;
    read_epoch(&all, config, 3, b, second);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(first, second, sizeof first);
    data_set_free(set);
}

/* An epoch from batch @p from on is what the whole epoch has from there. */
static void test_start_at(void **state)
{
    (void)state;
    enum { N = 30, BATCH = 7, BATCHES = 5, SIZE = 3 * 6 * 6 };
    static float all[N * SIZE];
    int64_t order[N];
    DataSet *set = make_set(DATA_U8, N, 3, 6, 6);
    DataView view = data_view_all(set);
    DataLoaderConfig config = {.batch = BATCH, .C = 3, .H = 6, .W = 6, .shuffle = true, .flip = true, .crop = 2};
    DataBatch batch;
    read_epoch(&view, config, 1, all, order);
    DataLoader *loader = make_loader(&view, config);
    for (int from = 0; from <= BATCHES; from++) {
        assert_ok(data_loader_start_at(loader, 1, from));
        for (int b = from; b < BATCHES; b++) {
            assert_ok(data_loader_next(loader, &batch));
            assert_int_equal(batch.n, b < BATCHES - 1 ? BATCH : N - BATCH * (BATCHES - 1));
            assert_memory_equal(batch.index, order + b * BATCH, (size_t)batch.n * sizeof *order);
            for (int64_t i = 0; i < batch.n; i++)
                assert_memory_equal(batch.x + i * SIZE, all + batch.index[i] * SIZE, SIZE * sizeof *all);
        }
        assert_ok(data_loader_next(loader, &batch));
        assert_int_equal(batch.n, 0);
    }
    assert_fails(data_loader_start_at(loader, 1, BATCHES + 1), BASE_EARG, "cannot begin at batch 6");
    assert_fails(data_loader_next(loader, &batch), BASE_EARG, "before data_loader_start");
    data_loader_free(loader);
    data_set_free(set);
}

static void test_ends(void **state)
{
    (void)state;
    DataSet *set = make_set(DATA_U8, 20, 1, 4, 4);
    DataView view = data_view_all(set);
    DataLoaderConfig config = {.batch = 8, .C = 1, .H = 4, .W = 4, .drop_last = true};
    DataBatch batch;
    DataLoader *loader = make_loader(&view, config);
    assert_fails(data_loader_next(loader, &batch), BASE_EARG, "before data_loader_start");
    assert_int_equal(data_loader_batches(loader), 2);
    for (int64_t epoch = 0; epoch < 50; epoch++) { /* left in the middle, begun anew */
        assert_ok(data_loader_start(loader, epoch));
        for (int64_t b = 0; b < epoch % 4; b++) {
            assert_ok(data_loader_next(loader, &batch));
            assert_int_equal(batch.n, b < 2 ? 8 : 0);
            if (b < 2) assert_int_equal(batch.index[0], 8 * b);
        }
    }
    data_loader_free(loader);
    for (int b = 0; b < 3; b++) { /* freed in the middle */
        config.drop_last = false;
        loader = make_loader(&view, config);
        assert_ok(data_loader_start(loader, 0));
        for (int i = 0; i < b; i++) assert_ok(data_loader_next(loader, &batch));
        data_loader_free(loader);
    }
    DataIndex none = {0};
    view = data_view_of(set, &none);
    loader = make_loader(&view, config);
    assert_int_equal(data_loader_batches(loader), 0);
    assert_ok(data_loader_start(loader, 0));
    assert_ok(data_loader_next(loader, &batch));
    assert_int_equal(batch.n, 0);
    data_loader_free(loader);
    data_loader_free(NULL);
    data_set_free(set);
}

static void test_refused(void **state)
{
    (void)state;
    DataSet *set = make_set(DATA_U8, 20, 3, 8, 8);
    DataView view = data_view_all(set);
    DataLoader *loader;
    DataLoaderConfig good = {.batch = 4, .C = 3, .H = 8, .W = 8}, config = good;
    config.C = 1;
    assert_fails(data_loader_create(&view, &config, &loader), BASE_ESHAPE,
                 "3 x 8 x 8 (channels, height, width) and the network takes 1 x 8 x 8");
    assert_null(loader);
    config = good, config.H = 7;
    assert_fails(data_loader_create(&view, &config, &loader), BASE_ESHAPE, "3 x 7 x 8");
    config = good, config.batch = 0;
    assert_fails(data_loader_create(&view, &config, &loader), BASE_EARG, "batches of 0");
    config = good, config.crop = -1;
    assert_fails(data_loader_create(&view, &config, &loader), BASE_EARG, "crop padding of -1");
    int64_t places[] = {3, 20};
    DataIndex index = {places, 2};
    view = data_view_of(set, &index);
    assert_fails(data_loader_create(&view, &good, &loader), BASE_EARG, "image 20; there are images 0 to 19");
    data_set_free(set);
}

static BaseStatus one_epoch(void *user)
{
    DataView view = data_view_all(user);
    DataLoaderConfig config = {.batch = 8, .C = 3, .H = 8, .W = 8, .shuffle = true, .flip = true, .crop = 1};
    DataLoader *loader;
    DataBatch batch = {.n = 1};
    BaseStatus st = data_loader_create(&view, &config, &loader);
    if (st == BASE_OK) st = data_loader_start(loader, 0);
    while (st == BASE_OK && batch.n) st = data_loader_next(loader, &batch);
    data_loader_free(loader);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    DataSet *set = make_set(DATA_U8, 20, 1, 6, 6);
    support_fail_allocations(one_epoch, set, 50);
    data_set_free(set);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_image),      cmocka_unit_test(test_plain),   cmocka_unit_test(test_augmented),
    cmocka_unit_test(test_pushed_out), cmocka_unit_test(test_draws),   cmocka_unit_test(test_start_at),
    cmocka_unit_test(test_ends),       cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
