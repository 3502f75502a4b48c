/* Decoding, resizing and cropping: against torchvision's pixels of the committed images
 * (tests/fixtures/images/make.py), and against a naive twin in double on random shapes. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "data/prepare/resize.h"
#include "io/image.h"

static const char *const FILES[] = {"rgb.jpg",          "rgb420.jpg",    "progressive.jpg",   "grey.jpg",
                                    "cmyk.jpg",         "rgb.png",       "rgba.png",          "grey.png",
                                    "grey_alpha.png",   "palette.png",   "palette_alpha.png", "bits.png",
                                    "rgb16.png",        "grey16.png",    "grey16_dark.png",   "lossy.webp",
                                    "lossy_alpha.webp", "lossless.webp", "animation.webp"};

static const char *fixture(const char *name)
{
    static char path[4400];
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", name);
    return path;
}

/* The promise is one grey level on average; the arithmetic is Pillow's own, so no pixel differs but where another
 * libjpeg than that of the fixture rounds differently, which would be one level here and there. */
static void test_torchvision(void **state)
{
    (void)state;
    IoHdf5 *file;
    int64_t case_count, pixel_count, at = 0;
    assert_ok(io_hdf5_open(fixture("expected.h5"), &file));
    int32_t *cases = support_read_i32(file, "/cases", &case_count),
            *want = support_read_i32(file, "/pixels", &pixel_count);
    io_hdf5_close(file);
    for (size_t f = 0; f < sizeof FILES / sizeof *FILES; f++) {
        IoImage image;
        assert_ok(io_image_read(fixture(FILES[f]), &image));
        DataPixels in = {image.rgb, 3, image.H, image.W, 1, 3 * (size_t)image.W, 3};
        for (int32_t *c = cases; c < cases + case_count; c += 5) {
            DataPrep prep = {c[0], c[1], c[2], c[3], c[4] ? DATA_BICUBIC : DATA_BILINEAR, false};
            int64_t H, W, off = 0;
            uint8_t *got;
            assert_ok(data_resize_shape(&prep, in.H, in.W, FILES[f], &H, &W));
            assert_ok(BASE_ALLOC_RAW(3 * H * W, &got));
            assert_ok(data_resize(&in, &prep, got));
            assert_true(at + 3 * H * W <= pixel_count);
            for (int64_t i = 0; i < 3 * H * W; i++, at++) off += abs(got[i] - want[at]);
            if (off) print_error("%s, case %d: off by %lld in all\n", FILES[f], (int)((c - cases) / 5), (long long)off);
            assert_true(off <= 3 * H * W / 20);
            base_free(got);
        }
        io_image_free(&image);
    }
    assert_int_equal(at, pixel_count);
    base_free(cases);
    base_free(want);
}

static double filter(DataFilter f, double x)
{
    x = fabs(x);
    if (f == DATA_BILINEAR) return x < 1 ? 1 - x : 0;
    if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

/* Pixel (y, x) of the image resized to h x w, by a double sum over every source pixel. */
static double naive(const DataPixels *in, int64_t c, DataFilter f, int64_t h, int64_t w, int64_t y, int64_t x)
{
    double sy = (double)in->H / (double)h, sx = (double)in->W / (double)w, ty = sy > 1 ? sy : 1, tx = sx > 1 ? sx : 1;
    double sum = 0, total = 0;
    for (int64_t v = 0; v < in->H; v++)
        for (int64_t u = 0; u < in->W; u++) {
            double weight = filter(f, ((double)v + 0.5 - ((double)y + 0.5) * sy) / ty) *
                            filter(f, ((double)u + 0.5 - ((double)x + 0.5) * sx) / tx);
            sum += weight * in->at[(size_t)c * in->plane + (size_t)v * in->row + (size_t)u * in->pixel];
            total += weight;
        }
    double value = sum / total;
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* The fast path rounds between the passes, which moves a pixel by 1/2 times the second pass's sum of |weights| (1 for
 * bilinear, below 1.3 for bicubic), and at the end by 1/2; where the first pass clips at 0 or 255 more could be lost,
 * so the pixels stay inside 40..215. Weights in 2^-22 add less than 0.01. */
static void test_naive(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(1, "resize", 0);
    for (int round = 0; round < 60; round++) {
        int64_t C = 1 + (int64_t)base_random_below(&r, 4), H = 1 + (int64_t)base_random_below(&r, 30),
                W = 1 + (int64_t)base_random_below(&r, 30), h = 1 + (int64_t)base_random_below(&r, 40),
                w = 1 + (int64_t)base_random_below(&r, 40);
        DataPrep prep = {h, w, 0, 0, round % 2 ? DATA_BICUBIC : DATA_BILINEAR, false};
        uint8_t *from, *to;
        assert_ok(BASE_ALLOC_RAW(C * H * W, &from));
        assert_ok(BASE_ALLOC_RAW(C * h * w, &to));
        for (int64_t i = 0; i < C * H * W; i++) from[i] = (uint8_t)(40 + base_random_below(&r, 176));
        DataPixels in = {from, C, H, W, (size_t)(H * W), (size_t)W, 1};
        assert_ok(data_resize(&in, &prep, to));
        for (int64_t i = 0; i < C * h * w; i++)
            assert_near(to[i], naive(&in, i / (h * w), prep.filter, h, w, i / w % h, i % w), 0.5 + 0.5 * 1.3 + 0.01, 0);
        base_free(from);
        base_free(to);
    }
}

/* A crop shows the same pixels that the whole resized image has there. */
static void test_crop(void **state)
{
    (void)state;
    uint8_t from[20 * 31], whole[14 * 22], part[7 * 9], larger[17 * 25];
    for (int i = 0; i < 20 * 31; i++) from[i] = (uint8_t)(i * 37 + i / 31 * 11);
    DataPixels in = {from, 1, 20, 31, 0, 31, 1};
    DataPrep prep = {14, 22, 0, 0, DATA_BILINEAR, false};
    assert_ok(data_resize(&in, &prep, whole));
    prep.crop_h = 7, prep.crop_w = 9; /* from (round(3.5), round(6.5)) = (4, 6), halves to even */
    assert_ok(data_resize(&in, &prep, part));
    for (int y = 0; y < 7; y++) assert_memory_equal(part + 9 * y, whole + 22 * (4 + y) + 6, 9);
    prep.crop_h = 17, prep.crop_w = 25; /* zeros around: (17 - 14) / 2 above, (25 - 22) / 2 left */
    assert_ok(data_resize(&in, &prep, larger));
    for (int y = 0; y < 17; y++)
        for (int x = 0; x < 25; x++) {
            bool inside = y >= 1 && y < 15 && x >= 1 && x < 23;
            assert_int_equal(larger[25 * y + x], inside ? whole[22 * (y - 1) + x - 1] : 0);
        }
    prep = (DataPrep){20, 31, 5, 5, DATA_BICUBIC, false}; /* no change of size: copied */
    assert_ok(data_resize(&in, &prep, part));
    for (int y = 0; y < 5; y++) assert_memory_equal(part + 5 * y, from + 31 * (8 + y) + 13, 5);
}

static void test_shape(void **state)
{
    (void)state;
    static const int64_t SIDES[][5] = {/* resize, H, W, out H, out W: torchvision's (int)(size * long / short) */
                                       {256, 375, 500, 256, 341},
                                       {256, 500, 375, 341, 256},
                                       {224, 100, 100, 224, 224},
                                       {7, 3, 1000, 7, 2333},
                                       {256, 256, 999, 256, 999}};
    int64_t h, w;
    for (size_t i = 0; i < 5; i++) {
        DataPrep prep = {SIDES[i][0], 0, 0, 0, DATA_BILINEAR, false};
        assert_ok(data_resize_shape(&prep, SIDES[i][1], SIDES[i][2], "x", &h, &w));
        assert_int_equal(h, SIDES[i][3]);
        assert_int_equal(w, SIDES[i][4]);
    }
    DataPrep prep = {256, 0, 0, 0, DATA_BILINEAR, false};
    assert_fails(data_resize_shape(&prep, 1, 1000, "thin.png", &h, &w), BASE_ELIMIT, "thin.png: 1000 x 1 pixels");
}

static BaseStatus resize_once(void *user)
{
    DataPrep prep = {5, 0, 4, 4, DATA_BICUBIC, false};
    uint8_t out[16];
    return data_resize(user, &prep, out);
}

static void test_no_memory(void **state)
{
    (void)state;
    uint8_t from[12 * 9] = {0};
    DataPixels in = {from, 1, 12, 9, 0, 9, 1};
    support_fail_allocations(resize_once, &in, 30);
}

/* transformers.image_transforms.center_crop, line by line: top = (H - h) // 2; where the crop is larger, zeros around,
 * ceil((h - H) / 2) of them in front. -1: a zero. */
static int64_t transformers_source(int64_t side, int64_t crop, int64_t i)
{
    int64_t top = (int64_t)floor((double)(side - crop) / 2), pad = 0;
    if (crop > side) {
        pad = (int64_t)ceil((double)(crop - side) / 2);
        top += pad;
    }
    int64_t at = top + i - pad;
    return at >= 0 && at < side ? at : -1;
}

static void test_crop_below(void **state)
{
    (void)state;
    uint8_t from[13 * 11], to[13 * 11];
    for (int64_t H = 1; H <= 13; H += 3)
        for (int64_t W = 1; W <= 11; W++)
            for (int64_t h = 1; h <= 13; h++)
                for (int64_t w = 1; w <= 11; w += 2) {
                    DataPixels in = {from, 1, H, W, 0, (size_t)W, 1};
                    DataPrep prep = {0, 0, h, w, DATA_BILINEAR, true};
                    for (int64_t i = 0; i < H * W; i++) from[i] = (uint8_t)(1 + i);
                    assert_ok(data_resize(&in, &prep, to));
                    for (int64_t i = 0; i < h * w; i++) {
                        int64_t y = transformers_source(H, h, i / w), x = transformers_source(W, w, i % w);
                        assert_int_equal(to[i], y < 0 || x < 0 ? 0 : from[y * W + x]);
                    }
                }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_crop_below), cmocka_unit_test(test_torchvision),
                                          cmocka_unit_test(test_naive),      cmocka_unit_test(test_crop),
                                          cmocka_unit_test(test_shape),      cmocka_unit_test(test_no_memory)};
SUPPORT_MAIN(tests)
