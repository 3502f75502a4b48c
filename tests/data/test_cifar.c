/* CIFAR files that the test writes itself: CIFAR-10 and CIFAR-100 in the binary and the Python distribution, and each
 * way to be wrong. tests/scripts/cifar_python.sh has what Python itself writes. */
#include "tests/support/support.h"

#include <stdio.h>
#include <unistd.h>

#include "data/data.h"
#include "io/file.h"

enum { PIXELS = 3072 };
static char folder[4096], spec[4200];

static int use_folder(const char *name, const char *source)
{
    snprintf(folder, sizeof folder, "%s/%s", support_scratch(), name);
    snprintf(spec, sizeof spec, "%s:%s", source, folder);
    return io_folder_make(folder) != BASE_OK;
}

static void path_of(const char *name, char out[4400]) { snprintf(out, 4400, "%s/%s", folder, name); }

static uint8_t pixel(int64_t image, int64_t p) { return (uint8_t)(image * 91 + p * 7 + p / 1024 * 13); }

/* n records that start with image @p first; labels: 1 (CIFAR-10: image % 10) or 2 (coarse fine / 5, fine image % 100).
 */
static void write_batch(const char *name, int64_t first, int64_t n, int labels)
{
    char path[4400];
    uint8_t *bytes, *at;
    size_t size = (size_t)(n * (labels + PIXELS));
    assert_ok(BASE_ALLOC_RAW(size, &bytes));
    at = bytes;
    for (int64_t i = first; i < first + n; i++) {
        if (labels == 2) *at++ = (uint8_t)(i % 100 / 5);
        *at++ = (uint8_t)(labels == 2 ? i % 100 : i % 10);
        for (int64_t p = 0; p < PIXELS; p++) *at++ = pixel(i, p);
    }
    path_of(name, path);
    assert_ok(io_file_write(path, bytes, size));
    base_free(bytes);
}

static void write_cifar10(void)
{
    char name[40];
    for (int b = 0; b < 5; b++) {
        snprintf(name, sizeof name, "data_batch_%d.bin", b + 1);
        write_batch(name, 3 * b, 3, 1);
    }
    write_batch("test_batch.bin", 100, 4, 1);
}

/* A str of Python 2, as the published files hold them. */
static void add_string(BaseText *out, const void *bytes, size_t size)
{
    uint32_t length = (uint32_t)size;
    base_text_append(out, "T", 1);
    base_text_append(out, (const char *)&length, 4);
    base_text_append(out, bytes, size);
}

static void add_labels(BaseText *out, const char *key, int64_t first, int64_t n, int64_t modulo, int64_t divisor)
{
    add_string(out, key, strlen(key));
    base_text_append(out, "](", 2);
    for (int64_t i = first; i < first + n; i++) {
        char code[2] = {'K', (char)(i % modulo / divisor)};
        base_text_append(out, code, 2);
    }
    base_text_append(out, "e", 1);
}

/* pickle.dump({'data': array [n, 3072], 'labels': [..]}, protocol=2), as Python 2 writes it; labels as write_batch. */
static void write_pickle(const char *name, int64_t first, int64_t n, int labels)
{
    static const char ARRAY[] = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\205U\1b\207R(K\1",
                      DTYPE[] =
                          "\206cnumpy\ndtype\nU\2u1K\0K\1\207R(K\3U\1|NNNJ\377\377\377\377J\377\377\377\377K\0tb\211";
    BaseText out = {0};
    uint8_t *pixels;
    char path[4400], shape[] = {'K', (char)n, 'M', 0, PIXELS / 256};
    assert_ok(BASE_ALLOC_RAW(n * PIXELS, &pixels));
    for (int64_t i = 0; i < n * PIXELS; i++) pixels[i] = pixel(first + i / PIXELS, i % PIXELS);
    base_text_append(&out, "\200\2}(", 4);
    add_string(&out, "data", 4);
    base_text_append(&out, ARRAY, sizeof ARRAY - 1);
    base_text_append(&out, shape, sizeof shape);
    base_text_append(&out, DTYPE, sizeof DTYPE - 1);
    add_string(&out, pixels, (size_t)(n * PIXELS));
    base_text_append(&out, "tb", 2);
    if (labels == 2) {
        add_labels(&out, "coarse_labels", first, n, 100, 5);
        add_labels(&out, "fine_labels", first, n, 100, 1);
    } else {
        add_labels(&out, "labels", first, n, 10, 1);
    }
    base_text_append(&out, "u.", 2);
    assert_ok(out.st);
    path_of(name, path);
    assert_ok(io_file_write(path, out.data, out.size));
    base_text_free(&out);
    base_free(pixels);
}

static void check(const DataSet *set, int64_t first, int64_t n, int fine)
{
    assert_int_equal(set->N, n);
    assert_int_equal(set->C, 3);
    assert_int_equal(set->H, 32);
    assert_int_equal(set->W, 32);
    for (int64_t i = 0; i < n; i++) {
        int64_t y = fine == 10 ? (first + i) % 10 : fine == 100 ? (first + i) % 100 : (first + i) % 100 / 5;
        assert_int_equal(set->labels[i], y);
        for (int64_t p = 0; p < PIXELS; p++)
            assert_int_equal(((uint8_t *)set->images)[i * PIXELS + p], pixel(first + i, p));
    }
}

static void test_cifar10(void **state)
{
    (void)state;
    DataSet *train, *test;
    assert_int_equal(use_folder("ten", "cifar10"), 0);
    write_cifar10();
    assert_ok(data_open(spec, NULL, &train, &test));
    check(train, 0, 15, 10);
    check(test, 100, 4, 10);
    assert_int_equal(train->K, 10);
    assert_string_equal(train->class_names[9], "truck");
    assert_string_equal(train->name, "cifar10 train");
    assert_true(train->normalise);
    assert_near(train->mean[2], 0.4465, 1e-6, 0);
    assert_near(train->std[0], 0.2470, 1e-6, 0);
    data_set_free(train), data_set_free(test);

    /* the folder that holds the archive's own folder works too */
    char below[4200];
    assert_int_equal(use_folder("above/cifar-10-batches-bin", "cifar10"), 0);
    write_cifar10();
    snprintf(below, sizeof below, "cifar10:%s/above", support_scratch());
    assert_ok(data_open(below, NULL, &train, &test));
    check(train, 0, 15, 10);
    data_set_free(train), data_set_free(test);
}

static void test_cifar100(void **state)
{
    (void)state;
    DataSet *train, *test;
    assert_int_equal(use_folder("hundred", "cifar100"), 0);
    write_batch("train.bin", 0, 12, 2);
    write_batch("test.bin", 90, 10, 2);
    assert_ok(data_open(spec, NULL, &train, &test));
    check(train, 0, 12, 100);
    check(test, 90, 10, 100);
    assert_int_equal(train->K, 100);
    assert_string_equal(train->class_names[0], "apple");
    assert_string_equal(train->class_names[99], "worm");
    data_set_free(train), data_set_free(test);
    snprintf(spec, sizeof spec, "cifar100-coarse:%s", folder);
    assert_ok(data_open(spec, NULL, &train, &test));
    check(train, 0, 12, 20);
    check(test, 90, 10, 20);
    assert_int_equal(train->K, 20);
    assert_string_equal(train->class_names[1], "fish");
    data_set_free(train), data_set_free(test);
}

/* How a batch that somebody pickled anew may differ. */
typedef struct {
    bool fortran, planes, last; /* data in Fortran order; [n, 3, 32, 32]; [n, 32, 32, 3] */
    bool tuple, array, scalars; /* labels */
    bool text;                  /* protocol 0: every code a line */
} Form;

#define DTYPE(type) "cnumpy\ndtype\nU\2" type "K\0K\1\207R(K\3U\1<NNNJ\377\377\377\377J\377\377\377\377K\0tb"
#define ARRAY       "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\205U\1b\207R(K\1"

static void add_array(BaseText *out, const char *shape, size_t shape_size, bool fortran, const void *bytes, size_t size)
{
    base_text_append(out, ARRAY, sizeof ARRAY - 1);
    base_text_append(out, shape, shape_size);
    base_text_append(out, DTYPE("u1"), sizeof DTYPE("u1") - 1);
    base_text_append(out, fortran ? "\210" : "\211", 1);
    add_string(out, bytes, size);
    base_text_append(out, "tb", 2);
}

static void add_form_labels(BaseText *out, int64_t first, int n, const Form *form)
{
    uint8_t y[16];
    for (int i = 0; i < n; i++) y[i] = (uint8_t)((first + i) % 10);
    add_string(out, "labels", 6);
    if (form->array) {
        char shape[] = {'K', (char)n, '\205'};
        add_array(out, shape, 3, false, y, (size_t)n);
        return;
    }
    base_text_append(out, form->tuple ? "(" : "](", form->tuple ? 1 : 2);
    for (int i = 0; i < n; i++) {
        static const char SCALAR[] = "cnumpy.core.multiarray\nscalar\n" DTYPE("i2");
        if (form->scalars) base_text_append(out, SCALAR, sizeof SCALAR - 1);
        char code[] = {form->scalars ? 'U' : 'K', form->scalars ? 2 : (char)y[i], (char)y[i], 0, '\206', 'R'};
        base_text_append(out, code, form->scalars ? 6 : 2);
    }
    base_text_append(out, form->tuple ? "t" : "e", 1);
}

/* The same batch by protocol 0, as Python 2 writes it but for the escapes of bytes that need none. */
static void add_text(BaseText *out, int64_t first, int n, const uint8_t *pixels)
{
    base_text_add(
        out,
        "(dp1\nS'data'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntp5\nS'b'\np6"
        "\ntp7\nRp8\n(I1\n(I%d\nI3072\ntp9\ncnumpy\ndtype\np10\n(S'u1'\np11\nI0\nI1\ntp12\nRp13\n(I3\n"
        "S'|'\np14\nNNNI-1\nI-1\nI0\ntp15\nbI00\nS'",
        n);
    for (int64_t i = 0; i < n * PIXELS; i++) base_text_add(out, "\\x%02x", pixels[i]);
    base_text_add(out, "'\np16\ntp17\nbsS'labels'\np18\n(lp19\n");
    for (int i = 0; i < n; i++) base_text_add(out, "I%d\na", (int)((first + i) % 10));
    base_text_add(out, "s.");
}

static void write_form(const char *name, int64_t first, int n, const Form *form)
{
    BaseText out = {0};
    uint8_t *pixels;
    char path[4400];
    char flat[] = {'K', (char)n, 'M', 0, PIXELS / 256, '\206'},
         planes[] = {'(', 'K', (char)n, 'K', 3, 'K', 32, 'K', 32, 't'},
         last[] = {'(', 'K', (char)n, 'K', 32, 'K', 32, 'K', 3, 't'};
    assert_ok(BASE_ALLOC_RAW(n * PIXELS, &pixels));
    for (int64_t i = 0; i < n; i++)
        for (int64_t p = 0; p < PIXELS; p++) {
            int64_t at = form->last ? p % 1024 * 3 + p / 1024 : p;
            if (form->fortran && form->planes) at = (p % 32 * 32 + p / 32 % 32) * 3 + p / 1024; /* [32, 32, 3, n] */
            pixels[form->fortran ? at * n + i : i * PIXELS + at] = pixel(first + i, p);
        }
    if (form->text)
        add_text(&out, first, n, pixels);
    else {
        base_text_append(&out, "\200\2}(", 4);
        add_string(&out, "data", 4);
        add_array(&out,
                  form->planes ? planes
                  : form->last ? last
                               : flat,
                  form->planes || form->last ? sizeof planes : sizeof flat, form->fortran, pixels, (size_t)n * PIXELS);
        add_form_labels(&out, first, n, form);
        base_text_append(&out, "u.", 2);
    }
    assert_ok(out.st);
    path_of(name, path);
    assert_ok(io_file_write(path, out.data, out.size));
    base_text_free(&out);
    base_free(pixels);
}

static void test_forms(void **state)
{
    (void)state;
    static const Form FORMS[] = {{.fortran = true},
                                 {.planes = true},
                                 {.fortran = true, .planes = true},
                                 {.last = true},
                                 {.tuple = true},
                                 {.array = true},
                                 {.scalars = true},
                                 {.tuple = true, .scalars = true, .last = true},
                                 {.text = true}};
    assert_int_equal(use_folder("forms", "cifar10"), 0);
    for (size_t f = 0; f < sizeof FORMS / sizeof *FORMS; f++) {
        DataSet *train, *test;
        char name[40];
        for (int b = 0; b < 5; b++) {
            snprintf(name, sizeof name, "data_batch_%d", b + 1);
            write_form(name, 3 * b, 3, &FORMS[f]);
        }
        write_form("test_batch", 100, 4, &FORMS[f]);
        assert_ok(data_open(spec, NULL, &train, &test));
        check(train, 0, 15, 10);
        check(test, 100, 4, 10);
        data_set_free(train), data_set_free(test);
    }
}

/* A pickled batch in which the first @p from is @p to, cut to @p most bytes. */
static void refuse_pickle(const char *from, const char *to, size_t most, const char *part)
{
    char path[4400], *bytes, *at;
    size_t size;
    DataSet *train, *test;
    write_pickle("test_batch", 100, 4, 1);
    path_of("test_batch", path);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    at = memmem(bytes, size, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(from));
    assert_ok(io_file_write(path, bytes, size < most ? size : most));
    base_free(bytes);
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, part);
    assert_null(train);
}

static void test_python(void **state)
{
    (void)state;
    DataSet *train, *test;
    char name[40];
    assert_int_equal(use_folder("python-hundred", "cifar100"), 0);
    write_pickle("train", 0, 12, 2);
    write_pickle("test", 90, 10, 2);
    assert_ok(data_open(spec, NULL, &train, &test));
    check(train, 0, 12, 100);
    check(test, 90, 10, 100);
    data_set_free(train), data_set_free(test);
    snprintf(spec, sizeof spec, "cifar100-coarse:%s", folder);
    assert_ok(data_open(spec, NULL, &train, &test));
    check(train, 0, 12, 20);
    check(test, 90, 10, 20);
    data_set_free(train), data_set_free(test);

    assert_int_equal(use_folder("python/cifar-10-batches-py", "cifar10"), 0);
    for (int b = 0; b < 5; b++) {
        snprintf(name, sizeof name, "data_batch_%d", b + 1);
        write_pickle(name, 3 * b, 3, 1);
    }
    write_pickle("test_batch", 100, 4, 1);
    snprintf(spec, sizeof spec, "cifar10:%s/python", support_scratch());
    assert_ok(data_open(spec, NULL, &train, &test));
    check(train, 0, 15, 10);
    check(test, 100, 4, 10);
    data_set_free(train), data_set_free(test);
    refuse_pickle("labels", "lobels", SIZE_MAX, "test_batch: has no 'labels'");
    refuse_pickle("data", "dada", SIZE_MAX, "test_batch: has no 'data'");
    refuse_pickle("u1", "i1", SIZE_MAX, "'data' must be bytes (uint8) [n, 3072], [n, 3, 32, 32] or");
    refuse_pickle("K\1K\2K\3", "K\1K\12K\3", SIZE_MAX, "the label of image 2 is 10");
    refuse_pickle("numpy\nndarray", "posix\nsystem.", SIZE_MAX, "test_batch");
    refuse_pickle("data", "data", 3000, "test_batch");
}

static void refuse(BaseStatus status, const char *part)
{
    DataSet *train, *test;
    assert_fails(data_open(spec, NULL, &train, &test), status, part);
    assert_null(train);
    assert_null(test);
    write_cifar10();
}

static void test_refused(void **state)
{
    (void)state;
    char path[4400], *bytes;
    size_t size;
    assert_int_equal(use_folder("bad", "cifar10"), 0);
    write_cifar10();
    path_of("data_batch_3.bin", path);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    assert_ok(io_file_write(path, bytes, size - 1));
    refuse(BASE_EFORMAT, "data_batch_3.bin: 9218 bytes; must be a multiple of records of 3073 bytes");
    assert_ok(io_file_write(path, bytes, 0));
    refuse(BASE_EFORMAT, "data_batch_3.bin: 0 bytes");
    bytes[2 * 3073] = 10;
    assert_ok(io_file_write(path, bytes, size));
    refuse(BASE_EFORMAT, "data_batch_3.bin: the label of image 2 is 10; 10 classes have labels 0 to 9");
    base_free(bytes);
    unlink(path);
    refuse(BASE_EIO, "data_batch_3.bin");
    snprintf(spec, sizeof spec, "cifar10:/nowhere/at/all");
    refuse(BASE_EIO, "/nowhere/at/all");
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
    assert_int_equal(use_folder("memory", "cifar10"), 0);
    write_cifar10();
    support_fail_allocations(open_once, NULL, 300);
    assert_int_equal(use_folder("memory-python", "cifar100"), 0);
    write_pickle("train", 0, 2, 2);
    write_pickle("test", 0, 2, 2);
    support_fail_allocations(open_once, NULL, 300);
    write_form("train", 0, 2, &(Form){.text = true}); /* its labels are not those of cifar100 */
    snprintf(spec, sizeof spec, "cifar100:%s", folder);
    DataSet *train, *test;
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, "has no 'fine_labels'");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_cifar10), cmocka_unit_test(test_cifar100),
                                          cmocka_unit_test(test_python),  cmocka_unit_test(test_forms),
                                          cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory)};
SUPPORT_MAIN(tests)
