/* IDX files that the test writes itself: plain and gzipped, in both spellings, and each way to be wrong. */
#include "tests/support/support.h"

#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#include "data/data.h"
#include "io/file.h"

enum { N = 5, H = 3, W = 4 };
static char folder[4096], spec[4200];

static void path_of(const char *name, char out[4400]) { snprintf(out, 4400, "%s/%s", folder, name); }

static void write_plain(const char *name, const void *bytes, size_t size)
{
    char path[4400];
    path_of(name, path);
    assert_ok(io_file_write(path, bytes, size));
}

static void write_gzip(const char *name, const void *bytes, size_t size)
{
    char path[4400];
    path_of(name, path);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(f), Z_OK);
}

static void clear(void)
{
    char **names, path[4400];
    size_t count;
    assert_ok(io_folder_list(folder, "", &names, &count));
    for (size_t i = 0; i < count; i++) {
        path_of(names[i], path);
        unlink(path);
    }
    io_names_free(names, count);
}

static uint8_t pixel(int64_t i) { return (uint8_t)(i * 37 + 5); }

static size_t images(uint8_t *b, int n)
{
    uint8_t head[16] = {0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, H, 0, 0, 0, W};
    memcpy(b, head, 16);
    for (int i = 0; i < n * H * W; i++) b[16 + i] = pixel(i);
    return 16 + (size_t)(n * H * W);
}

static size_t labels(uint8_t *b, int n)
{
    uint8_t head[8] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)n};
    memcpy(b, head, 8);
    for (int i = 0; i < n; i++) b[8 + i] = (uint8_t)(i * 3 % 10);
    return 8 + (size_t)n;
}

static void write_good(void)
{
    uint8_t b[512];
    clear();
    write_plain("train-images-idx3-ubyte", b, images(b, N));
    write_gzip("train-labels-idx1-ubyte.gz", b, labels(b, N));
    write_gzip("t10k-images.idx3-ubyte.gz", b, images(b, 2));
    write_plain("t10k-labels.idx1-ubyte", b, labels(b, 2));
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/idx", support_scratch());
    snprintf(spec, sizeof spec, "mnist:%s", folder);
    return io_folder_make(folder) != BASE_OK;
}

static void test_read(void **state)
{
    (void)state;
    DataSet *train, *test, *again_train, *again_test;
    write_good();
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_int_equal(train->N, N);
    assert_int_equal(test->N, 2);
    assert_int_equal(train->C, 1);
    assert_int_equal(train->H, H);
    assert_int_equal(train->W, W);
    assert_int_equal(train->K, 10);
    assert_int_equal(train->type, DATA_U8);
    assert_true(train->normalise);
    assert_near(train->mean[0], 0.1307, 1e-7, 0);
    assert_near(train->std[0], 0.3081, 1e-7, 0);
    assert_string_equal(train->name, "mnist train");
    assert_string_equal(train->class_names[7], "7");
    for (int64_t i = 0; i < N; i++) assert_int_equal(train->labels[i], i * 3 % 10);
    for (int64_t i = 0; i < N * H * W; i++) assert_int_equal(((uint8_t *)train->images)[i], pixel(i));
    assert_ok(data_open(spec, NULL, &again_train, &again_test));
    assert_string_equal(train->hash, again_train->hash);
    data_set_free(again_train), data_set_free(again_test);

    uint8_t b[512]; /* one pixel changed: another hash for that split alone */
    size_t size = images(b, N);
    b[16 + 7]++;
    write_plain("train-images-idx3-ubyte", b, size);
    assert_ok(data_open(spec, NULL, &again_train, &again_test));
    assert_string_not_equal(train->hash, again_train->hash);
    assert_string_equal(test->hash, again_test->hash);
    data_set_free(again_train), data_set_free(again_test);
    data_set_free(train), data_set_free(test);
}

/* torchvision.datasets.MNIST("DIR") keeps them in DIR/MNIST/raw. */
static void test_inside(void **state)
{
    (void)state;
    DataSet *want, *train, *test;
    write_good();
    assert_ok(data_open(spec, NULL, &want, &test));
    data_set_free(test);
    snprintf(folder, sizeof folder, "%s/root/MNIST/raw", support_scratch());
    assert_ok(io_folder_make(folder));
    write_good();
    char root[4200];
    snprintf(root, sizeof root, "mnist:%s/root", support_scratch());
    assert_ok(data_open(root, NULL, &train, &test));
    assert_string_equal(train->hash, want->hash);
    data_set_free(train), data_set_free(test);
    snprintf(folder, sizeof folder, "%s/root/FashionMNIST/raw", support_scratch());
    assert_ok(io_folder_make(folder));
    write_good();
    snprintf(root, sizeof root, "fashion-mnist:%s/root", support_scratch());
    assert_ok(data_open(root, NULL, &train, &test));
    assert_memory_equal(train->images, want->images, N * H * W);
    data_set_free(train), data_set_free(test), data_set_free(want);
    snprintf(root, sizeof root, "mnist:%s/root/MNIST", support_scratch());
    assert_fails(data_open(root, NULL, &train, &test), BASE_EIO, "with or without .gz, nor one in");
}

static void refuse(BaseStatus status, const char *part)
{
    DataSet *train, *test;
    assert_fails(data_open(spec, NULL, &train, &test), status, part);
    assert_null(train);
    assert_null(test);
    write_good();
}

static void test_refused(void **state)
{
    (void)state;
    uint8_t b[512];
    size_t n;
    write_good();
    n = images(b, N), b[3] = 1, write_plain("train-images-idx3-ubyte", b, n);
    refuse(BASE_EFORMAT, "starts with 00000801; IDX images start with 00000803");
    n = images(b, N), b[2] = 13, write_plain("train-images-idx3-ubyte", b, n); /* float IDX */
    refuse(BASE_EFORMAT, "00000d03");
    n = images(b, N), write_plain("train-images-idx3-ubyte", b, n - 1);
    refuse(BASE_EFORMAT, "announces 60 bytes and 59 follow");
    n = images(b, N), write_plain("train-images-idx3-ubyte", b, n + 1);
    refuse(BASE_EFORMAT, "announces 60 bytes and 61 follow");
    n = images(b, N), memset(b + 4, 255, 12), write_plain("train-images-idx3-ubyte", b, n); /* product overflows */
    refuse(BASE_EFORMAT, "announces");
    n = images(b, 0), write_plain("train-images-idx3-ubyte", b, n);
    refuse(BASE_EFORMAT, "dimension 0 is 0");
    n = images(b, N), write_plain("train-images-idx3-ubyte", b, 15);
    refuse(BASE_EFORMAT, "15 bytes");
    write_plain("train-images-idx3-ubyte", b, 0);
    refuse(BASE_EFORMAT, "0 bytes");
    n = labels(b, N - 1), write_gzip("train-labels-idx1-ubyte.gz", b, n);
    refuse(BASE_EFORMAT, "4 labels for the 5 images");
    n = labels(b, N), b[8 + 3] = 10, write_gzip("train-labels-idx1-ubyte.gz", b, n);
    refuse(BASE_EFORMAT, "label 3 is 10");
    n = images(b, N), b[11] = W, b[15] = H, write_plain("train-images-idx3-ubyte", b, n);
    refuse(BASE_EFORMAT, "test images 1 x 3 x 4");

    char path[4400];
    path_of("t10k-labels.idx1-ubyte", path);
    unlink(path);
    refuse(BASE_EIO, "t10k-labels-idx1-ubyte");
    n = images(b, N);
    char *zipped;
    size_t size;
    path_of("t10k-images.idx3-ubyte.gz", path);
    assert_ok(io_file_read(path, 0, &zipped, &size));
    write_plain("t10k-images.idx3-ubyte.gz", zipped, size - 6);
    base_free(zipped);
    refuse(BASE_EFORMAT, "t10k-images.idx3-ubyte.gz");
}

static BaseStatus open_once(void *user)
{
    (void)user;
    DataSet *train, *test;
    BaseStatus st = data_open(spec, NULL, &train, &test);
    data_set_free(train), data_set_free(test);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    write_good();
    support_fail_allocations(open_once, NULL, 300);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_read, setup),
    cmocka_unit_test_setup(test_inside, setup),
    cmocka_unit_test_setup(test_refused, setup),
    cmocka_unit_test_setup(test_no_memory, setup),
};
SUPPORT_MAIN(tests)
