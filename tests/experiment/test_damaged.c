/* HDF5 files with damaged bytes, through the child process of io/hdf5.h and then the reader that a person would have
 * used: every one ends in a result or in one line. 300 files; 10000 in the long tests (as many as 9 minutes allow,
 * since libhdf5 goes in circles on some). */
#include "tests/support/support.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "data/data.h"
#include "io/file.h"
#include "io/tensors.h"
#include "session/signals.h"

enum { KINDS = 4, HEAD = 2048, QUICK = 300, LONG = 10000, SECONDS = 540 };

static void write_f64(IoHdf5 *file, const char *path, int ndim, const int64_t *shape)
{
    double values[1024];
    for (int i = 0; i < 1024; i++) values[i] = 0.25 * (i % 17) - 1;
    assert_ok(io_hdf5_write(file, path, IO_H5_F64, ndim, shape, values));
}

static void write_i32(IoHdf5 *file, const char *path, int64_t n)
{
    int32_t values[64];
    for (int i = 0; i < 64; i++) values[i] = i % 3;
    assert_ok(io_hdf5_write(file, path, IO_H5_I32, 1, &n, values));
}

static void make_signals(IoHdf5 *file)
{
    write_f64(file, "/target/logits", 2, (int64_t[]){60, 3});
    write_i32(file, "/target/labels", 60);
    write_i32(file, "/target/role", 60);
    write_f64(file, "/shadow/logits", 3, (int64_t[]){4, 60, 3}); /* large enough to be deflated */
    assert_ok(io_hdf5_write(file, "/shadow/keep", IO_H5_U8, 2, (int64_t[]){4, 60}, (uint8_t[240]){1}));
    write_f64(file, "/retrained/logits", 3, (int64_t[]){1, 60, 3});
}

static void make_images(IoHdf5 *file)
{
    static uint8_t pixels[12 * 28 * 28];
    const char *names[] = {"cat", "dog", "bird"};
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7);
    assert_ok(io_hdf5_write(file, "/train/images", IO_H5_U8, 4, (int64_t[]){12, 1, 28, 28}, pixels));
    write_i32(file, "/train/labels", 12);
    assert_ok(io_hdf5_write(file, "/test/images", IO_H5_U8, 4, (int64_t[]){3, 1, 28, 28}, pixels));
    write_i32(file, "/test/labels", 3);
    assert_ok(io_hdf5_set_f64(file, "/", "mean", 0.5));
    assert_ok(io_hdf5_set_f64(file, "/", "std", 0.25));
    assert_ok(io_hdf5_write_texts(file, "/names", names, 3));
}

static void make_weights(IoHdf5 *file)
{
    write_f64(file, "/conv1/weight", 4, (int64_t[]){4, 3, 3, 3});
    write_f64(file, "/conv1/bias", 1, (int64_t[]){4});
    write_f64(file, "/fc.weight", 2, (int64_t[]){10, 40});
    assert_ok(io_hdf5_write(file, "/bn/num_batches_tracked", IO_H5_I64, 0, NULL, &(int64_t){7}));
    assert_ok(io_hdf5_set_text(file, "/", "format", "pt"));
}

/* As newer programs write: other headers, many members, filters, texts of any length. */
static void make_foreign(const char *path)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), packed = H5Pcreate(H5P_DATASET_CREATE);
    hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate_simple(2, (hsize_t[]){30, 20}, (hsize_t[]){H5S_UNLIMITED, 20});
    hsize_t two = 2;
    char name[16];
    double values[600] = {1};
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_chunk(packed, 2, (hsize_t[]){8, 20});
    H5Pset_shuffle(packed);
    H5Pset_deflate(packed, 1);
    H5Pset_fletcher32(packed);
    H5Tset_size(text, H5T_VARIABLE);
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "w%d", i);
        hid_t data = H5Dcreate2(id, name, H5T_IEEE_F32BE, space, H5P_DEFAULT, packed, H5P_DEFAULT);
        H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Dclose(data);
    }
    hid_t pair = H5Screate_simple(1, &two, NULL);
    hid_t attribute = H5Acreate2(id, "texts", text, pair, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, text, (const char *[]){"one", "another"});
    H5Aclose(attribute);
    H5Sclose(pair), H5Sclose(space), H5Tclose(text), H5Pclose(packed), H5Pclose(access);
    H5Fclose(id);
}

static void make(int kind, const char *path)
{
    static void (*const MAKE[])(IoHdf5 *) = {make_signals, make_images, make_weights};
    IoHdf5 *file = NULL;
    if (kind == 3) {
        make_foreign(path);
        return;
    }
    assert_ok(io_hdf5_create(&file));
    MAKE[kind](file);
    assert_ok(io_hdf5_save_take(file, path));
}

static BaseStatus read_as(int kind, const char *path)
{
    SessionSignals signals = {0};
    DataSet *train = NULL, *test = NULL;
    IoTensors *tensors = NULL;
    char spec[4300];
    snprintf(spec, sizeof spec, "hdf5:%s", path);
    BaseStatus st = kind == 0   ? session_signals_read(path, &signals)
                    : kind == 1 ? data_open(spec, NULL, &train, &test)
                                : io_tensors_read(path, &tensors);
    session_signals_free(&signals);
    data_set_free(train);
    data_set_free(test);
    io_tensors_free(tensors);
    return st;
}

/* Three bytes changed, two of them where the headers are, or the end cut off. */
static void damage(uint64_t round, const char *image, size_t size, const char *path)
{
    BaseRandom random = base_random_make(11, "damage", round);
    char *bad = malloc(size);
    assert_non_null(bad);
    memcpy(bad, image, size);
    size_t kept = round % 10 == 9 ? (size_t)base_random_below(&random, size) : size;
    for (int i = 0; i < 3 && kept == size; i++)
        bad[base_random_below(&random, i < 2 && size > HEAD ? HEAD : size)] = (char)(base_random_u64(&random) & 0xff);
    assert_ok(io_file_write(path, bad, kept));
    free(bad);
}

static void every_damaged_file_is_read_or_refused(void **state)
{
    (void)state;
    bool is_long = getenv("EXPUNGE_LONG") != NULL;
    char *images[KINDS];
    size_t sizes[KINDS];
    uint64_t refused = 0, opened = 0, dead = 0, late = 0, most = is_long ? LONG : QUICK;
    for (int k = 0; k < KINDS; k++) {
        make(k, support_at("whole.h5"));
        assert_ok(read_as(k, support_at("whole.h5")));
        assert_ok(io_file_read(support_at("whole.h5"), 0, &images[k], &sizes[k]));
    }
    int64_t live = base_memory_live();
    double until = base_clock_wall() + (is_long ? SECONDS : 10);
    for (uint64_t round = 0; round < most && base_clock_wall() < until; round++) {
        int k = (int)(round % KINDS);
        damage(round, images[k], sizes[k], support_at("bad.h5"));
        base_error_clear();
        BaseStatus st = read_as(k, support_at("bad.h5"));
        const char *text = base_error_text();
        assert_int_equal(base_memory_live(), live);
        opened += st == BASE_OK;
        refused += st != BASE_OK;
        if (st == BASE_OK) continue;
        dead += strstr(text, "libhdf5 was killed") != NULL;
        late += strstr(text, "took more than") != NULL;
        if (!strstr(text, "bad.h5") || strchr(text, '\n')) fail_msg("round %d: '%s'", (int)round, text);
    }
    for (int k = 0; k < KINDS; k++) base_free(images[k]);
    print_message("%d damaged files: %d read, %d refused (%d killed libhdf5, %d took it too long)\n",
                  (int)(opened + refused), (int)opened, (int)refused, (int)dead, (int)late);
    assert_true(refused >= 10 && opened + refused >= 20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_damaged_file_is_read_or_refused),
};
SUPPORT_MAIN(tests)
