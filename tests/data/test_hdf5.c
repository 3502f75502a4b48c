/* hdf5:FILE, with files written by the HDF5 library itself, as another program would write them. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include <hdf5.h>

#include "base/log.h"
#include "data/data.h"
#include "data/set/build.h"
#include "io/hdf5.h"

enum { N = 6, M = 2, C = 2, H = 2, W = 3, SIZE = C * H * W };
static char path[4096], spec[4200];

static void put(hid_t file, const char *name, hid_t stored, hid_t memory, int ndim, const hsize_t *shape,
                const void *values)
{
    hid_t space = H5Screate_simple(ndim, shape, NULL), links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = H5Dcreate2(file, name, stored, space, links, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set), H5Pclose(links), H5Sclose(space);
}

static void attach(hid_t file, const char *name, hid_t stored, hid_t memory, hsize_t count, const void *values)
{
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t attribute = H5Acreate2(file, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Awrite(attribute, memory, values) >= 0);
    H5Aclose(attribute), H5Sclose(space);
}

static uint8_t raw[N * SIZE];
static float real[N * SIZE];
static int64_t labels[N];

/* What to do differently from a good file. */
typedef struct {
    bool real_images, f64_images, i32_images, no_mean, no_std, long_mean, zero_std, bad_mean, classes, few_classes,
        fixed_classes;
    bool float_labels, no_test_labels, flat_images, label_matrix, empty_test, wide_test, no_train;
    bool flat_names, half_label, one_hot, two_ones, no_one, scalar_mean, mean_255, std_63;
    hid_t label_type; /* 0: int64 */
    int64_t images;   /* in train; 0: N */
} Variant;

/* Six rows of four, the labels' ones, or other numbers. */
static void put_rows(hid_t file, const char *name, const Variant *v, hsize_t n)
{
    float rows[N * 4] = {0};
    for (hsize_t i = 0; i < n; i++) rows[4 * i + (hsize_t)labels[i]] = 1;
    if (v->two_ones) rows[4 + 3] = 1;
    if (v->no_one) rows[4 + labels[1]] = 0;
    put(file, name, v->float_labels ? H5T_IEEE_F32LE : H5T_STD_U8LE, H5T_NATIVE_FLOAT, 2, (hsize_t[]){n, 4}, rows);
}

static void put_labels(hid_t file, const char *name, const Variant *v, hsize_t n)
{
    float real_labels[N];
    for (int i = 0; i < N; i++) real_labels[i] = (float)labels[i];
    if (v->half_label) real_labels[1] = 0.5f;
    if (v->one_hot)
        put_rows(file, name, v, n);
    else if (v->float_labels)
        put(file, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, v->label_matrix ? 2 : 1, (hsize_t[]){n, 1}, real_labels);
    else
        put(file, name, v->label_type ? v->label_type : H5T_STD_I64LE, H5T_NATIVE_INT64, v->label_matrix ? 2 : 1,
            (hsize_t[]){n, 1}, labels);
}

static void write_images(hid_t file, const char *name, const Variant *v, const hsize_t *shape)
{
    if (v->real_images)
        put(file, name, H5T_IEEE_F32BE, H5T_NATIVE_FLOAT, 4, shape, real);
    else if (v->f64_images)
        put(file, name, H5T_IEEE_F64LE, H5T_NATIVE_FLOAT, 4, shape, real);
    else if (v->i32_images)
        put(file, name, H5T_STD_I32LE, H5T_NATIVE_UINT8, 4, shape, raw);
    else
        put(file, name, H5T_STD_U8LE, H5T_NATIVE_UINT8, v->flat_images ? 3 : 4, shape, raw);
}

static void write_file(Variant v)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    hsize_t train[] = {v.images ? (hsize_t)v.images : N, C, H, W};
    hsize_t test[] = {v.empty_test ? 0 : M, C, H, v.wide_test ? W + 1 : W};
    if (!v.no_train) {
        write_images(file, v.flat_names ? "/x_train" : "/train/images", &v, train);
        put_labels(file, v.flat_names ? "/y_train" : "/train/labels", &v, N);
    }
    write_images(file, v.flat_names ? "/x_test" : "/test/images", &v, test);
    if (!v.no_test_labels) put_labels(file, v.flat_names ? "/y_test" : "/test/labels", &v, test[0]);
    double mean[] = {v.mean_255 ? 125.3 : 0.5, v.bad_mean ? (double)NAN : 0.25, 1},
           std[] = {v.std_63 ? 63 : 0.2, v.zero_std ? 0 : 0.4};
    if (!v.no_mean)
        attach(file, "mean", H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, v.long_mean ? 3 : v.scalar_mean ? 1 : 2, mean);
    if (!v.no_std) attach(file, "std", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, std);
    const char *names[] = {"cat", "dog", "Vogel", "f\xc3\xa4rn", "unused"};
    hid_t text = H5Tcopy(H5T_C_S1);
    if (v.classes || v.few_classes) {
        H5Tset_size(text, H5T_VARIABLE);
        H5Tset_cset(text, H5T_CSET_UTF8);
        attach(file, "classes", text, text, v.few_classes ? 3 : 5, names);
    } else if (v.fixed_classes) { /* as numpy's dtype "S5" is stored */
        H5Tset_size(text, 5);
        H5Tset_strpad(text, H5T_STR_NULLPAD);
        attach(file, "classes", text, text, 4, "one\0\0two\0\0threefour");
    }
    H5Tclose(text);
    H5Fclose(file);
}

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/set.h5", support_scratch());
    snprintf(spec, sizeof spec, "hdf5:%s", path);
    for (int i = 0; i < N * SIZE; i++) {
        raw[i] = (uint8_t)(i * 29 + 3);
        real[i] = (float)i * 0.37f - 9;
    }
    for (int i = 0; i < N; i++) labels[i] = i % 4;
    return 0;
}

static void test_uint8(void **state)
{
    (void)state;
    DataSet *train, *test;
    write_file((Variant){.classes = true, .label_type = H5T_STD_U16BE});
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_int_equal(train->type, DATA_U8);
    assert_int_equal(train->N, N);
    assert_int_equal(test->N, M);
    assert_int_equal(train->C, C);
    assert_int_equal(train->H, H);
    assert_int_equal(train->W, W);
    assert_int_equal(train->K, 5);
    assert_string_equal(train->class_names[3], "f\xc3\xa4rn");
    assert_memory_equal(train->images, raw, sizeof raw);
    for (int i = 0; i < N; i++) assert_int_equal(train->labels[i], labels[i]);
    assert_true(train->normalise && test->normalise);
    assert_near(train->mean[1], 0.25, 0, 0);
    assert_near(test->std[1], 0.4, 0, 1e-7);
    data_set_free(train), data_set_free(test);

    write_file((Variant){.no_mean = true, .no_std = true});
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_false(train->normalise);
    assert_int_equal(train->K, 4); /* 1 + the largest label of both splits */
    assert_int_equal(test->K, 4);
    assert_string_equal(test->class_names[3], "3");
    assert_true(train->classes_counted && test->classes_counted);
    assert_ok(data_set_widen(train, 6)); /* a network of six classes came */
    assert_int_equal(train->K, 6);
    assert_string_equal(train->class_names[3], "3");
    assert_string_equal(train->class_names[5], "5");
    assert_fails(data_set_widen(train, 5), BASE_EARG, "6 classes cannot be turned into 5");
    data_set_free(train), data_set_free(test);

    write_file((Variant){.fixed_classes = true});
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_int_equal(train->K, 4);
    assert_string_equal(train->class_names[1], "two");
    assert_fails(data_set_widen(train, 6), BASE_EARG, "4 classes cannot be turned into 6");
    assert_string_equal(test->class_names[2], "three");
    assert_string_equal(test->class_names[3], "four");
    data_set_free(train), data_set_free(test);
}

static void keep_message(void *user, BaseLogLevel level, const char *text)
{
    (void)level;
    size_t used = strlen(user);
    snprintf((char *)user + used, 1000 - used, "%s\n", text);
}

static void test_float32(void **state)
{
    (void)state;
    char told[1000] = "";
    real[5] = 255;
    DataSet *train, *test;
    write_file((Variant){.real_images = true, .label_type = H5T_STD_I8LE});
    base_log_sink(&(BaseLogSink){.message = keep_message, .user = told});
    assert_ok(data_open(spec, NULL, &train, &test));
    base_log_sink(NULL);
    assert_non_null(strstr(told, "floats up to")); /* no pixels of 0..1, nor normalised ones */
    assert_non_null(strstr(told, "mean and std are not applied"));
    assert_int_equal(train->type, DATA_F32);
    assert_memory_equal(train->images, real, sizeof real);
    assert_false(train->normalise); /* mean and std are there, and not applied a second time */
    data_set_free(train), data_set_free(test);
}

static void test_labels_from_one(void **state)
{
    (void)state;
    char told[1000] = "";
    DataSet *train, *test;
    for (int i = 0; i < N; i++) labels[i]++;
    write_file((Variant){0});
    base_log_sink(&(BaseLogSink){.message = keep_message, .user = told});
    assert_ok(data_open(spec, NULL, &train, &test));
    base_log_sink(NULL);
    assert_int_equal(train->K, 5);
    assert_non_null(strstr(told, "no image is of class 0"));
    data_set_free(train), data_set_free(test);
}

/* Each other form of the same labels gives the same set. */
static void test_forms(void **state)
{
    (void)state;
    static const Variant FORMS[] = {{.label_matrix = true},
                                    {.float_labels = true},
                                    {.label_matrix = true, .float_labels = true},
                                    {.one_hot = true},
                                    {.one_hot = true, .float_labels = true},
                                    {.flat_names = true}};
    DataSet *want, *train, *test;
    write_file((Variant){0});
    assert_ok(data_open(spec, NULL, &want, &test));
    data_set_free(test);
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        write_file(FORMS[i]);
        assert_ok(data_open(spec, NULL, &train, &test));
        assert_string_equal(train->hash, want->hash);
        assert_int_equal(train->classes_counted, !FORMS[i].one_hot);
        data_set_free(train), data_set_free(test);
    }
    data_set_free(want);
    write_file((Variant){.f64_images = true});
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_int_equal(train->type, DATA_F32);
    assert_memory_equal(train->images, real, sizeof real);
    data_set_free(train), data_set_free(test);
    write_file((Variant){.scalar_mean = true});
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_near(train->mean[0], 0.5, 0, 0);
    assert_near(train->mean[1], 0.5, 0, 0);
    assert_near(train->std[1], 0.4, 0, 1e-7);
    data_set_free(train), data_set_free(test);
}

/* n images of h x w x c in the file, read as c planes, or, where that could be meant, as they stand. */
static void check_order(int64_t h, int64_t w, int64_t c, bool moved)
{
    enum { MOST = 2 * 17 * 17 * 4 };
    static uint8_t bytes[MOST];
    DataSet *train, *test;
    hsize_t shape[] = {2, (hsize_t)h, (hsize_t)w, (hsize_t)c}, n = 2;
    assert_true(2 * h * w * c <= MOST);
    for (int64_t i = 0; i < 2 * h * w * c; i++) bytes[i] = (uint8_t)(i * 31 + i / 251);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(file, "/train/images", H5T_STD_U8LE, H5T_NATIVE_UINT8, 4, shape, bytes);
    put(file, "/test/images", H5T_STD_U8LE, H5T_NATIVE_UINT8, 4, shape, bytes);
    put(file, "/train/labels", H5T_STD_U8LE, H5T_NATIVE_INT64, 1, &n, labels);
    put(file, "/test/labels", H5T_STD_U8LE, H5T_NATIVE_INT64, 1, &n, labels);
    H5Fclose(file);
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_int_equal(train->C, moved ? c : h);
    assert_int_equal(train->H, moved ? h : w);
    assert_int_equal(train->W, moved ? w : c);
    const uint8_t *got = test->images;
    for (int64_t i = 0; i < 2; i++)
        for (int64_t p = 0; p < h * w; p++)
            for (int64_t k = 0; k < c; k++) {
                uint8_t want = bytes[(i * h * w + p) * c + k];
                assert_int_equal(moved ? got[(i * c + k) * h * w + p] : got[(i * h * w + p) * c + k], want);
            }
    data_set_free(train), data_set_free(test);
}

static void test_channels_last(void **state)
{
    (void)state;
    check_order(16, 16, 3, true);
    check_order(5, 6, 3, true);
    check_order(12, 12, 1, true);
    check_order(17, 16, 1, true);
    check_order(9, 8, 4, true);
    check_order(3, 16, 3, false); /* [C, H, W] of three channels */
    check_order(4, 4, 4, false);
    check_order(12, 17, 1, false); /* twelve channels of seventeen samples */
    check_order(8, 8, 2, false);
}

static void refuse(Variant v, const char *part)
{
    DataSet *train, *test;
    write_file(v);
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, part);
    assert_non_null(strstr(base_error_text(), path));
    assert_null(train);
    assert_null(test);
}

static void test_refused(void **state)
{
    (void)state;
    refuse((Variant){.no_train = true}, "/train/labels is missing");
    refuse((Variant){.no_test_labels = true}, "/test/labels is missing");
    refuse((Variant){.flat_images = true}, "/train/images has 3 dimensions; it must have 4");
    refuse((Variant){.float_labels = true, .half_label = true}, "/train/labels[1] is 0.5; a label must be a whole");
    refuse((Variant){.one_hot = true, .two_ones = true}, "/train/labels[1] is not a one-hot row (1 in column 3)");
    refuse((Variant){.one_hot = true, .no_one = true}, "/train/labels[1] is a row of zeros");
    refuse((Variant){.one_hot = true, .few_classes = true},
           "one-hot rows of 4 entries, but the attribute 'classes' names 3");
    refuse((Variant){.i32_images = true}, "/train/images holds integers");
    refuse((Variant){.images = N - 1}, "/train/images holds 5 images and there are 6 labels");
    refuse((Variant){.empty_test = true}, "/test/labels is empty");
    refuse((Variant){.wide_test = true}, "test images 2 x 2 x 4");
    refuse((Variant){.no_std = true}, "'mean' without 'std'");
    refuse((Variant){.no_mean = true}, "'std' without 'mean'");
    refuse((Variant){.long_mean = true}, "'mean' holds 3 numbers for images of 2 channels");
    refuse((Variant){.zero_std = true}, "attribute 'std': 0 must be from 0.001 to 1");
    refuse((Variant){.bad_mean = true}, "attribute 'mean': nan must be from 0 to 1");
    refuse((Variant){.mean_255 = true}, "attribute 'mean': 125.3 is not from 0 to 1; pixels are scaled to 0..1 first");
    refuse((Variant){.std_63 = true}, "attribute 'std': 63 is not from 0.001 to 1; pixels are scaled to 0..1 first");
    refuse((Variant){.few_classes = true}, "/train/labels[3] is 3; with the attribute 'classes' labels are 0 to 2");
    labels[1] = -1;
    refuse((Variant){0}, "/train/labels[1] is -1");
    labels[1] = INT64_MAX;
    refuse((Variant){0}, "/train/labels[1] is 9223372036854775807");
    labels[1] = 1;
    real[SIZE + 4] = NAN;
    refuse((Variant){.real_images = true}, "/train/images: image 1 holds nan");
    real[SIZE + 4] = INFINITY;
    refuse((Variant){.real_images = true}, "/train/images: image 1 holds inf");
    setup(NULL);
    DataSet *train, *test;
    assert_fails(data_open("hdf5:/nowhere/at/all.h5", NULL, &train, &test), BASE_EIO, "/nowhere/at/all.h5");
}

/* ---- images that are read one by one ---- */

enum { SIDE = 224, EACH = 3, MANY = 1784 }; /* 3 x 224 x 224 bytes: just above DATA_TABLE_WHOLE */
static const size_t LARGE = (size_t)3 * SIDE * SIDE;

/* Image i of the large set in the file's order: all alike but for its number, and two pixels. */
static void fill_large(int64_t i, uint8_t *out)
{
    memset(out, (int)(i % 251), LARGE);
    out[1] = 7;
    out[LARGE - 2] = (uint8_t)(i / 251);
}

/* MANY images in chunks of EACH with all filters, or in one piece of which only some are written. */
static void put_large(hid_t file, const char *name, bool chunked, bool last, int64_t marked)
{
    hsize_t shape[] = {MANY, last ? SIDE : 3, SIDE, last ? 3 : SIDE}, one[] = {EACH, shape[1], shape[2], shape[3]};
    hid_t space = H5Screate_simple(4, shape, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    uint8_t *images = NULL;
    assert_ok(BASE_ALLOC_RAW(EACH * LARGE, &images));
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    if (chunked) {
        H5Pset_chunk(how, 4, one);
        H5Pset_fletcher32(how);
        H5Pset_shuffle(how);
        H5Pset_deflate(how, 1);
        H5Pset_fletcher32(how);
    }
    hid_t data = H5Dcreate2(file, name, H5T_STD_U8LE, space, links, how, H5P_DEFAULT);
    assert_true(data >= 0);
    for (int64_t i = 0; i < MANY; i += EACH) {
        if (!chunked && i != 0 && i != marked / EACH * EACH) continue;
        hsize_t start[] = {(hsize_t)i, 0, 0, 0},
                count[] = {(hsize_t)(i + EACH <= MANY ? EACH : MANY - i), one[1], one[2], one[3]};
        for (int64_t j = 0; j < EACH; j++) fill_large(i + j, images + (size_t)j * LARGE);
        hid_t rows = H5Screate_simple(4, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        assert_true(H5Dwrite(data, H5T_NATIVE_UINT8, rows, space, H5P_DEFAULT, images) >= 0);
        H5Sclose(rows);
    }
    base_free(images);
    H5Dclose(data), H5Pclose(links), H5Pclose(how), H5Sclose(space);
}

static void check_large(const DataSet *set, int64_t i, bool last)
{
    uint8_t *want = NULL, *got = NULL;
    assert_ok(BASE_ALLOC_RAW(LARGE, &want));
    assert_ok(BASE_ALLOC_RAW(LARGE, &got));
    fill_large(i, want);
    assert_ok(data_fetch(set, &i, 1, got));
    for (size_t k = 0; k < LARGE; k++) {
        size_t c = k / (SIDE * SIDE), p = k % (SIDE * SIDE);
        if (got[k] != want[last ? p * 3 + c : k]) fail_msg("image %lld, value %zu", (long long)i, k);
    }
    base_free(want);
    base_free(got);
}

static void write_lines(const char *file, const char *lines)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(lines, f) >= 0 && fclose(f) == 0);
}

/* Image @p i of the set, and its label, are those of image @p number of the file, of SIDE pixels or a part inside. */
static void check_derived(const DataSet *set, int64_t i, int64_t number, bool whole)
{
    const size_t size = data_image_bytes(set);
    uint8_t *want = NULL, *got = NULL;
    assert_ok(BASE_ALLOC_RAW(LARGE, &want));
    assert_ok(BASE_ALLOC_RAW(size, &got));
    fill_large(number, want);
    assert_ok(data_fetch(set, &i, 1, got));
    assert_memory_equal(got, whole ? want : want + 2, size);
    assert_int_equal(set->labels[i], number % 2);
    base_free(want);
    base_free(got);
}

/* Picked and cut images of sets that are read one by one, which they stay; the file is that of put_large. */
static void check_picked(void)
{
    char lines[2][4200];
    DataSet *train, *test;
    char first[BASE_HASH_HEX];
    for (int t = 0; t < 2; t++) snprintf(lines[t], sizeof lines[t], "%s.%d", path, t);
    write_lines(lines[0], "1000\n3-4\ntest 1700\n");
    write_lines(lines[1], "1\ntrain 5\n");
    for (int cut = 0; cut < 2; cut++) {
        const DataOptions o = {.train_index = lines[0], .test_index = lines[1], .crop = cut ? "8" : NULL};
        const DataOptions train_alone = {.train_index = lines[1], .crop = o.crop}; /* 1 and 5, written otherwise */
        assert_ok(data_open(spec, &o, &train, &test));
        assert_true(train->N == 4 && test->N == 2 && train->H == (cut ? 8 : SIDE));
        assert_true(train->reader && test->reader && !train->images && !test->images);
        assert_non_null(strstr(train->name, " train"));
        static const int64_t FROM[] = {1000, 3, 4, 1700};
        for (int64_t i = 0; i < 4; i++) check_derived(train, i, FROM[i], !cut);
        check_derived(test, 0, 1, !cut);
        check_derived(test, 1, 5, !cut);
        if (cut) assert_string_not_equal(first, train->hash);
        memcpy(first, train->hash, sizeof first);
        data_set_free(test); /* the other set needs what it shares with it */
        check_derived(train, 3, 1700, !cut);
        data_set_free(train);
        write_lines(lines[0], "1000\n3\n4\ntest 1700\n");
        assert_ok(data_open(spec, &o, &train, &test));
        assert_string_equal(first, train->hash);
        data_set_free(train), data_set_free(test);
        write_lines(lines[0], "1000\n4\n3\ntest 1700\n");
        assert_ok(data_open(spec, &o, &train, &test));
        assert_string_not_equal(first, train->hash);
        data_set_free(train), data_set_free(test);
        write_lines(lines[0], "1000\n3-4\ntest 1700\n");
        write_lines(lines[1], "1\n5\n");
        assert_ok(data_open(spec, &train_alone, &train, &test));
        assert_true(train->N == 2 && test->N == MANY && test->reader);
        check_derived(train, 1, 5, !cut);
        check_derived(test, 1700, 1700, !cut);
        data_set_free(train), data_set_free(test);
        write_lines(lines[1], "1\ntrain 5\n");
    }
    for (int t = 0; t < 2; t++) remove(lines[t]);
}

static void test_streamed(void **state)
{
    (void)state;
    static int32_t parity[MANY];
    for (int i = 0; i < MANY; i++) parity[i] = i % 2;
    DataSet *train, *test;
    char first[2][BASE_HASH_HEX];
    for (int round = 0; round < 3; round++) {
        bool last = round == 2;
        if (round != 1) { /* the second time the same file again */
            hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
            put_large(file, "/train/images", true, last, 0);
            put_large(file, "/test/images", false, last, 1700);
            put(file, "/train/labels", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, (hsize_t[]){MANY}, parity);
            put(file, "/test/labels", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, (hsize_t[]){MANY}, parity);
            H5Fclose(file);
        }
        assert_ok(data_open(spec, NULL, &train, &test));
        assert_non_null(train->reader);
        assert_non_null(test->reader);
        assert_null(train->images);
        static const int64_t PLACES[] = {0, 1, 2, 3, 1000, MANY - 1, 1};
        for (size_t i = 0; i < BASE_COUNT(PLACES); i++) check_large(train, PLACES[i], last);
        check_large(test, 0, last);
        check_large(test, 1700, last);
        if (round == 0) check_picked();
        if (round == 0) memcpy(first[0], train->hash, sizeof first[0]), memcpy(first[1], test->hash, sizeof first[1]);
        assert_string_not_equal(train->hash, test->hash);
        assert_true((strcmp(first[0], train->hash) == 0) == (round < 2));
        assert_true((strcmp(first[1], test->hash) == 0) == (round < 2));
        if (round == 2) { /* what was not read yet is gone */
            uint8_t *room = NULL;
            assert_ok(BASE_ALLOC_RAW(LARGE, &room));
            FILE *cut = fopen(path, "w");
            fclose(cut);
            assert_fails(data_fetch(train, (const int64_t[]){500}, 1, room), BASE_EIO, path);
            base_free(room);
        }
        data_set_free(train), data_set_free(test);
    }
}

/* Arrays that are not bytes in whole rows are left to libhdf5. */
static void test_rows(void **state)
{
    (void)state;
    static const struct {
        hid_t *type;
        hsize_t chunk[2]; /* 0: one piece */
        bool ahead, written, found;
        int64_t each;
    } CASES[] = {
        {&H5T_STD_U8LE_g, {0, 0}, false, true, true, 1},   {&H5T_STD_U8LE_g, {2, 6}, false, true, true, 2},
        {&H5T_STD_U16LE_g, {0, 0}, false, true, false, 0}, {&H5T_STD_U8LE_g, {2, 3}, false, true, false, 0},
        {&H5T_STD_U8LE_g, {0, 0}, true, true, false, 0},   {&H5T_STD_U8LE_g, {2, 6}, false, false, false, 0},
    };
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        const hsize_t shape[] = {5, 6};
        uint8_t values[30], got[12];
        for (int k = 0; k < 30; k++) values[k] = (uint8_t)(k * 7);
        hid_t how = H5Pcreate(H5P_DATASET_CREATE), own = H5Pcreate(H5P_FILE_CREATE);
        if (CASES[i].ahead) H5Pset_userblock(own, 512);
        if (CASES[i].chunk[0]) H5Pset_chunk(how, 2, CASES[i].chunk);
        hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, own, H5P_DEFAULT), space = H5Screate_simple(2, shape, NULL);
        hid_t data = H5Dcreate2(file, "x", *CASES[i].type, space, H5P_DEFAULT, how, H5P_DEFAULT);
        if (CASES[i].written) assert_true(H5Dwrite(data, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        H5Dclose(data), H5Sclose(space), H5Fclose(file), H5Pclose(own), H5Pclose(how);
        IoHdf5 *opened = NULL;
        IoHdf5Rows *rows = NULL;
        assert_ok(io_hdf5_open(path, &opened));
        assert_ok(io_hdf5_rows(opened, "/x", &rows));
        io_hdf5_close(opened);
        if ((rows != NULL) != CASES[i].found) fail_msg("case %zu", i);
        for (int64_t row = 0; rows && row < 5; row++) {
            const int64_t each = CASES[i].each;
            assert_int_equal(io_hdf5_rows_each(rows), each);
            assert_ok(io_hdf5_rows_read(rows, row / each, got));
            assert_memory_equal(got + row % each * 6, values + row * 6, 6);
        }
        io_hdf5_rows_free(rows);
    }
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
    write_file((Variant){.classes = true});
    support_fail_allocations(open_once, NULL, 300);
    write_file((Variant){.one_hot = true, .scalar_mean = true});
    support_fail_allocations(open_once, NULL, 300);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_uint8, setup),
    cmocka_unit_test_setup(test_float32, setup),
    cmocka_unit_test_setup(test_labels_from_one, setup),
    cmocka_unit_test_setup(test_forms, setup),
    cmocka_unit_test_setup(test_channels_last, setup),
    cmocka_unit_test_setup(test_refused, setup),
    cmocka_unit_test_setup(test_no_memory, setup),
    cmocka_unit_test_setup(test_streamed, setup),
    cmocka_unit_test_setup(test_rows, setup),
};
SUPPORT_MAIN(tests)
