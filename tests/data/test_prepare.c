/* Options of a data set: each way to write them, each way to be wrong, and what they do to a set in memory (MNIST files
 * that the test writes). tests/data/test_imagefolder.c has those that work while images are read. */
#include "tests/support/support.h"

#include <stdio.h>

#include "data/data.h"
#include "data/prepare/prepare.h"
#include "data/prepare/resize.h"
#include "io/file.h"

enum { N = 6, H = 5, W = 4 };
static char folder[4096], spec[4200];

static const char *at(const char *name)
{
    static char path[2][4400];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static uint8_t pixel(int64_t i) { return (uint8_t)(i * 37 + i / 7 * 11); }

/* Image i has label i; the test split is images N .. N + 2 with the labels 9, 8, 7. */
static void write_split(const char *part, int64_t first, int n, int label, int step)
{
    char name[60];
    uint8_t b[16 + N * H * W] = {0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, H, 0, 0, 0, W};
    for (int i = 0; i < n * H * W; i++) b[16 + i] = pixel(first * H * W + i);
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", part);
    assert_ok(io_file_write(at(name), b, 16 + (size_t)(n * H * W)));
    b[3] = 1;
    for (int i = 0; i < n; i++) b[8 + i] = (uint8_t)(label + step * i);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", part);
    assert_ok(io_file_write(at(name), b, 8 + (size_t)n));
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/mnist", support_scratch());
    snprintf(spec, sizeof spec, "mnist:%s", folder);
    assert_ok(io_folder_make(folder));
    write_split("train", 0, N, 0, 1);
    write_split("t10k", N, 3, 9, -1);
    return 0;
}

static void write_text(const char *name, const char *text) { assert_ok(io_file_write(at(name), text, strlen(text))); }

static void refuse(DataOptions options, BaseStatus status, const char *part)
{
    DataSet *train, *test;
    assert_fails(data_open(spec, &options, &train, &test), status, part);
    assert_null(train);
    assert_null(test);
}
#define OPTIONS(...) ((DataOptions){__VA_ARGS__})

static void test_refused(void **state)
{
    (void)state;
    refuse(OPTIONS(.mean = "x"), BASE_EUSAGE, "mean 'x': must be none, one number");
    refuse(OPTIONS(.mean = ""), BASE_EUSAGE, "mean '': is not a number");
    refuse(OPTIONS(.mean = "[]"), BASE_EUSAGE, "is not a number");
    refuse(OPTIONS(.mean = "nan"), BASE_EUSAGE, "mean 'nan'");
    refuse(OPTIONS(.mean = "1e300"), BASE_EUSAGE, "mean '1e300'");
    refuse(OPTIONS(.mean = "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"), BASE_EUSAGE, "mean '1,1");
    refuse(OPTIONS(.mean = "0.5,0.5,0.5"), BASE_EUSAGE, "mean holds 3 numbers for images of 1 channels");
    refuse(OPTIONS(.mean = "-0.1"), BASE_EUSAGE, "mean '-0.1': -0.1 must be from 0 to 1");
    refuse(OPTIONS(.mean = "0.4,125.3"), BASE_EUSAGE, "mean '0.4,125.3': 125.3 is not from 0 to 1; pixels are scaled");
    refuse(OPTIONS(.std = "0"), BASE_EUSAGE, "std '0': 0 must be from 0.001 to 1");
    refuse(OPTIONS(.std = "-1"), BASE_EUSAGE, "std '-1': -1 must be from 0.001 to 1");
    refuse(OPTIONS(.std = "1e-60"), BASE_EUSAGE, "must be from 0.001 to 1");
    refuse(OPTIONS(.std = "63"), BASE_EUSAGE,
           "std '63': 63 is not from 0.001 to 1; pixels are scaled to 0..1 first: "
           "divide by 255 (0.2471)");
    refuse(OPTIONS(.mean = "0.5", .std = "none"), BASE_EUSAGE, "give numbers for both, or none");
    refuse(OPTIONS(.resize = "0"), BASE_EUSAGE, "resize '0': must be none, a number of pixels from 1 to 16384, or HxW");
    refuse(OPTIONS(.resize = "16385"), BASE_EUSAGE, "resize '16385'");
    refuse(OPTIONS(.resize = "3x"), BASE_EUSAGE, "resize '3x'");
    refuse(OPTIONS(.resize = "x3"), BASE_EUSAGE, "resize 'x3'");
    refuse(OPTIONS(.crop = "-3"), BASE_EUSAGE, "crop '-3'");
    refuse(OPTIONS(.crop = "3x4x5"), BASE_EUSAGE, "crop '3x4x5'");
    refuse(OPTIONS(.interpolation = "nearest"), BASE_EUSAGE, "must be bilinear or bicubic");
    refuse(OPTIONS(.crop_start = "floor"), BASE_EUSAGE, "crop-start 'floor': must be nearest or below");
    refuse(OPTIONS(.broken = "maybe"), BASE_EUSAGE, "must be fail or skip");
    refuse(OPTIONS(.class_map = "/nowhere/map"), BASE_EIO, "/nowhere/map");
    refuse(OPTIONS(.train_index = "/nowhere/index"), BASE_EIO, "/nowhere/index");
    write_text("index", "0\n0-19999998\n"); /* costs what it holds, 13 bytes, and not what it names */
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "of the train split; the split has images 0 to");
    write_text("index", "0\n0-19999999\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_ELIMIT, "index:2: names more than 20000000 images");
    write_text("index", "1\n2 3\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE,
           "index:2: '2 3': a line must hold the position of one image");
    write_text("index", "0 1 2 3\r\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:1: '0 1 2 3': a line must hold");
    write_text("index", "[0, 1, 2]\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:1: '[0, 1, 2]': a line must hold");
    write_text("index", "0.000000000000000000e+00\n1.000000000000000000e+00\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "'0.000000000000000000e+00': a line must hold");
    assert_non_null(strstr(base_error_text(), "numpy.savetxt: fmt=\"%d\""));
    write_text("index", "1\nvalid 3\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:2: 'valid 3'");
    write_text("index", "3-1\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:1: '3-1'");
    write_text("index", "3-x\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:1: '3-x'");
    write_text("index", "0-199999999999\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_ELIMIT, "index:1: names more than");
    write_text("index", "0-2\n5-6\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "image 6 of the train split; the split has images 0 to 5");
    write_text("index", "-1");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:1: '-1'");
    write_text("index", "train");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "index:1: ");
    write_text("index", "\n \n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EFORMAT, "names no image");
    assert_ok(io_file_write(at("index"), "1\0002\n", 4));
    refuse(OPTIONS(.train_index = at("index")), BASE_EFORMAT, "not a text file");
    write_text("index", "1\n1\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "image 1 of the train split is given twice");
    write_text("index", "6\n");
    refuse(OPTIONS(.train_index = at("index")), BASE_EUSAGE, "image 6 of the train split; the split has images 0 to 5");
    write_text("index", "train 2\n");
    refuse(OPTIONS(.test_index = at("index")), BASE_EUSAGE, "an index file of the other split must leave it out");

    DataSet *train, *test; /* float32 is taken as it is */
    assert_fails(data_open("gaussians", &OPTIONS(.mean = "0", .std = "1"), &train, &test), BASE_EUSAGE,
                 "holds float32");
    assert_fails(data_open("gaussians", &OPTIONS(.resize = "2"), &train, &test), BASE_EUSAGE, "holds float32");
}

static void test_normalised(void **state)
{
    (void)state;
    DataSet *train, *test, *plain, *plain_test;
    assert_ok(data_open(spec, NULL, &plain, &plain_test));
    assert_ok(data_open(spec, &OPTIONS(.mean = "0.25"), &train, &test));
    assert_near(train->mean[0], 0.25, 0, 0);
    assert_near(test->mean[0], 0.25, 0, 0);
    assert_near(train->std[0], 0.3081, 1e-7, 0); /* the data set's own */
    assert_string_not_equal(train->hash, plain->hash);
    data_set_free(train), data_set_free(test);
    assert_ok(data_open(spec, &OPTIONS(.mean = "0.1307", .std = "[0.3081]"), &train, &test));
    assert_string_equal(train->hash, plain->hash);
    data_set_free(train), data_set_free(test);
    assert_ok(data_open(spec, &OPTIONS(.std = "none"), &train, &test));
    assert_false(train->normalise);
    data_set_free(train), data_set_free(test);
    data_set_free(plain), data_set_free(plain_test);
}

static void test_picked(void **state)
{
    (void)state;
    DataSet *train, *test;
    static const int32_t RANGE_LABELS[] = {2, 3, 4, 0};
    write_text("train", "2-4\n0\n");
    assert_ok(data_open(spec, &OPTIONS(.train_index = at("train")), &train, &test));
    assert_int_equal(train->N, 4);
    assert_memory_equal(train->labels, RANGE_LABELS, sizeof RANGE_LABELS);
    data_set_free(train);
    data_set_free(test);
    write_text("train", "5\n0\ntest 1");
    write_text("test", "train 3\n2\n");
    assert_ok(data_open(spec, &OPTIONS(.train_index = at("train"), .test_index = at("test")), &train, &test));
    static const int64_t TRAIN[] = {5, 0, N + 1}, TEST[] = {3, N + 2};
    static const int32_t TRAIN_LABELS[] = {5, 0, 8}, TEST_LABELS[] = {3, 7};
    assert_int_equal(train->N, 3);
    assert_int_equal(test->N, 2);
    for (int64_t i = 0; i < 3 * H * W; i++)
        assert_int_equal(((uint8_t *)train->images)[i], pixel(TRAIN[i / (H * W)] * H * W + i % (H * W)));
    for (int64_t i = 0; i < 2 * H * W; i++)
        assert_int_equal(((uint8_t *)test->images)[i], pixel(TEST[i / (H * W)] * H * W + i % (H * W)));
    assert_memory_equal(train->labels, TRAIN_LABELS, sizeof TRAIN_LABELS);
    assert_memory_equal(test->labels, TEST_LABELS, sizeof TEST_LABELS);
    assert_string_equal(train->name, "mnist train");
    assert_string_equal(test->name, "mnist test");
    assert_true(train->normalise);
    data_set_free(train), data_set_free(test);
}

static void test_resized(void **state)
{
    (void)state;
    DataSet *train, *test, *plain, *plain_test;
    assert_ok(data_open(spec, NULL, &plain, &plain_test));
    assert_ok(data_open(spec, &OPTIONS(.resize = "8", .crop = "7x6"), &train, &test));
    assert_int_equal(train->H, 7);
    assert_int_equal(train->W, 6);
    for (int64_t i = 0; i < N; i++) {
        uint8_t want[7 * 6];
        DataPixels in = {(uint8_t *)plain->images + i * H * W, 1, H, W, 0, W, 1};
        assert_ok(data_resize(&in, &(DataPrep){8, 0, 7, 6, DATA_BILINEAR, false}, want));
        assert_memory_equal((uint8_t *)train->images + i * 7 * 6, want, sizeof want);
    }
    assert_memory_equal(train->labels, plain->labels, N * sizeof *plain->labels);
    BaseText text = {0};
    data_prep_text(test, &text);
    assert_string_equal(text.data, "{mean: [0.1307], std: [0.3081], resize: 8, crop: 7x6, interpolation: bilinear}");
    base_text_free(&text);
    data_set_free(train), data_set_free(test);
    data_set_free(plain), data_set_free(plain_test);
}

static void test_renumbered(void **state)
{
    (void)state;
    DataSet *train, *test;
    write_text("map", "9\tnine\n8\n7\n6\n5\n4\n3\n2\n1\n0\n\n");
    assert_ok(data_open(spec, &OPTIONS(.class_map = at("map")), &train, &test));
    for (int i = 0; i < N; i++) assert_int_equal(train->labels[i], 9 - i);
    assert_int_equal(test->labels[0], 0);
    assert_string_equal(train->class_names[0], "nine");
    assert_string_equal(train->class_names[9], "0");
    DataClasses classes;
    assert_ok(data_classes_parse(train, "nine", &classes));
    assert_int_equal(classes.in[0], 1);
    data_classes_free(&classes);
    data_set_free(train), data_set_free(test);
}

static const char *const BACKWARDS[] = {"9", "8", "7", "6", "5", "4", "3", "2", "1", "0"},
                         *const STRANGE[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
                         *const CRANES[] = {"9", "8", "7", "6", "5", "4", "3", "2", "1", "0", "crane", "crane"};

/* A network's own names of its classes: the data's are found among them, as in a class map. */
static void test_labels(void **state)
{
    (void)state;
    DataSet *train, *test;
    DataModel model = {.from = "in/config.json", .labels = BACKWARDS, .label_count = 10};
    assert_ok(data_open(spec, &OPTIONS(.model = &model), &train, &test));
    for (int i = 0; i < N; i++) assert_int_equal(train->labels[i], 9 - i);
    assert_string_equal(test->class_names[0], "9");
    data_set_free(train), data_set_free(test);
    model.labels = CRANES, model.label_count = 12; /* twice, but not in the data */
    assert_ok(data_open(spec, &OPTIONS(.model = &model), &train, &test));
    assert_int_equal(train->K, 12);
    data_set_free(train), data_set_free(test);
    model.label_count = 9;
    refuse(OPTIONS(.model = &model), BASE_EFORMAT, "in/config.json: has no label that is the class '0'");
    model.labels = STRANGE, model.label_count = 10;
    refuse(OPTIONS(.model = &model), BASE_EUSAGE, "no class of the data is called as one of in/config.json");
    model.override = true;
    assert_ok(data_open(spec, &OPTIONS(.model = &model), &train, &test));
    for (int i = 0; i < N; i++) assert_int_equal(train->labels[i], i);
    assert_string_equal(train->class_names[0], "0");
    data_set_free(train), data_set_free(test);
    /* a class map counts, unless its names are others' */
    write_text("map", "9\n8\n7\n6\n5\n4\n3\n2\n1\n0\n");
    model.override = false;
    assert_ok(data_open(spec, &OPTIONS(.model = &model, .class_map = at("map")), &train, &test));
    assert_int_equal(train->labels[0], 9);
    data_set_free(train), data_set_free(test);
    write_text("map", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    model.labels = BACKWARDS;
    refuse(OPTIONS(.model = &model, .class_map = at("map")), BASE_EUSAGE,
           "map:1: class 0 is '0', but in/config.json calls class 9 so");
    model.override = true;
    assert_ok(data_open(spec, &OPTIONS(.model = &model, .class_map = at("map")), &train, &test));
    assert_int_equal(train->labels[1], 1);
    data_set_free(train), data_set_free(test);
    static const char *const TWICE[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "3"};
    model = (DataModel){.from = "in/config.json", .labels = TWICE, .label_count = 11};
    refuse(OPTIONS(.model = &model), BASE_EFORMAT, "has two classes '3'");
}

static BaseStatus open_once(void *user)
{
    DataSet *train, *test;
    BaseStatus st = data_open(spec, user, &train, &test);
    data_set_free(train), data_set_free(test);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    char index[4400], map[4400];
    write_text("index", "1\n0\n");
    write_text("map", "9\n8\n7\n6\n5\n4\n3\n2\n1\n0\n");
    snprintf(index, sizeof index, "%s", at("index"));
    snprintf(map, sizeof map, "%s", at("map"));
    DataOptions o = {.mean = "0.5", .resize = "3", .class_map = map, .train_index = index};
    support_fail_allocations(open_once, &o, 1000);
    DataModel model = {.from = "in/config.json", .labels = BACKWARDS, .label_count = 10};
    support_fail_allocations(open_once, &OPTIONS(.model = &model), 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_refused, setup),    cmocka_unit_test_setup(test_normalised, setup),
    cmocka_unit_test_setup(test_picked, setup),     cmocka_unit_test_setup(test_resized, setup),
    cmocka_unit_test_setup(test_renumbered, setup), cmocka_unit_test_setup(test_labels, setup),
    cmocka_unit_test_setup(test_no_memory, setup),
};
SUPPORT_MAIN(tests)
