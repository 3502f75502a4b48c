/* Folders of images, put together from the committed ones: order and classes, the layouts, preparation, index files and
 * class maps, images that are broken or of another size, and running out of memory. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "data/data.h"
#include "io/file.h"
#include "io/image.h"

static char root[4096], spec[4200];

static void start(const char *name)
{
    snprintf(root, sizeof root, "%s/%s", support_scratch(), name);
    snprintf(spec, sizeof spec, "imagefolder:%s", root);
    assert_ok(io_folder_make(root));
}

static const char *at(const char *name)
{
    static char path[2][4600];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static char *fixture(const char *name, size_t *size)
{
    char path[4600], *bytes;
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", name);
    assert_ok(io_file_read(path, 0, &bytes, size));
    return bytes;
}

/* Copies the first @p most bytes of a committed image. */
static void put(const char *name, const char *image, size_t most)
{
    size_t size;
    char *bytes = fixture(image, &size), folder[4600];
    snprintf(folder, sizeof folder, "%s", at(name));
    *strrchr(folder, '/') = '\0';
    assert_ok(io_folder_make(folder));
    assert_ok(io_file_write(at(name), bytes, size < most ? size : most));
    base_free(bytes);
}

static void write_text(const char *name, const char *text) { assert_ok(io_file_write(at(name), text, strlen(text))); }

/* train: B/ (grey.png), a b/ (rgb.jpg, deep/ rgb.png, deep-2/ cmyk.jpg), z/ (palette.png); test: a b/ and z/. In the
 * order of torchvision's ImageFolder: byte order of classes; within one, folders by path ("deep-2" before "deep/..."
 * would be told apart by their full names: "a b", "a b/deep", "a b/deep-2"), names in each. */
static void make_good(const char *test)
{
    char name[80];
    put("train/a b/rgb.jpg", "rgb.jpg", SIZE_MAX);
    put("train/a b/deep/x.PNG", "rgb.png", SIZE_MAX);
    put("train/a b/deep-2/c.JPEG", "cmyk.jpg", SIZE_MAX);
    put("train/z/p.png", "palette.png", SIZE_MAX);
    put("train/B/g.png", "grey.png", SIZE_MAX);
    put("train/.hidden/g.png", "grey.png", SIZE_MAX);
    write_text("train/B/notes.txt", "no image");
    snprintf(name, sizeof name, "%s/a b/2.jpg", test);
    put(name, "rgb420.jpg", SIZE_MAX);
    snprintf(name, sizeof name, "%s/a b/10.jpg", test);
    put(name, "progressive.jpg", SIZE_MAX);
    snprintf(name, sizeof name, "%s/z/bits.png", test);
    put(name, "bits.png", SIZE_MAX);
}

/* Image i of the set is the centre of the committed one, uncropped pixel for pixel. */
static void is_image(const DataSet *set, int64_t i, const char *name)
{
    char path[4600];
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", name);
    IoImage image;
    assert_ok(io_image_read(path, &image));
    int64_t y0 = (image.H - set->H) / 2, x0 = (image.W - set->W) / 2; /* even differences only, or halves to even */
    if ((image.H - set->H) % 4 == 3) y0++;
    if ((image.W - set->W) % 4 == 3) x0++;
    uint8_t *pixels;
    assert_ok(base_alloc_raw(1, data_image_bytes(set), (void **)&pixels));
    assert_ok(data_fetch(set, &i, 1, pixels));
    for (int64_t c = 0; c < 3; c++)
        for (int64_t y = 0; y < set->H; y++)
            for (int64_t x = 0; x < set->W; x++)
                assert_int_equal(pixels[(c * set->H + y) * set->W + x],
                                 image.rgb[((y0 + y) * image.W + x0 + x) * 3 + c]);
    base_free(pixels);
    io_image_free(&image);
}

static const DataOptions PLAIN = {.resize = "none", .crop = "20"};

static void test_order(void **state)
{
    (void)state;
    static const char *const TESTS[] = {"test", "val"};
    for (int t = 0; t < 2; t++) {
        DataSet *train, *test;
        start(t ? "order-val" : "order");
        make_good(TESTS[t]);
        if (t) put("test/unlabelled.jpg", "rgb.jpg", SIZE_MAX); /* as ImageNet's: no class folders */
        assert_ok(data_open(spec, &PLAIN, &train, &test));
        assert_int_equal(train->K, 3);
        assert_string_equal(train->class_names[0], "B");
        assert_string_equal(train->class_names[1], "a b");
        assert_string_equal(train->class_names[2], "z");
        static const char *const WANT[] = {"grey.png", "rgb.jpg", "rgb.png", "cmyk.jpg", "palette.png"};
        static const int32_t LABELS[] = {0, 1, 1, 1, 2};
        assert_int_equal(train->N, 5);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(train->labels[i], LABELS[i]);
            is_image(train, i, WANT[i]);
        }
        assert_int_equal(test->N, 3);
        assert_int_equal(test->labels[0], 1);
        assert_int_equal(test->labels[2], 2);
        is_image(test, 0, "progressive.jpg"); /* "10.jpg" before "2.jpg" */
        is_image(test, 1, "rgb420.jpg");
        is_image(test, 2, "bits.png");
        data_set_free(train), data_set_free(test);
    }
}

static void has_prep(const DataOptions *options, const char *want)
{
    DataSet *train, *test;
    BaseText text = {0};
    assert_ok(data_open(spec, options, &train, &test));
    data_prep_text(train, &text);
    assert_string_equal(text.data, want);
    base_text_free(&text);
    data_set_free(train), data_set_free(test);
}

static void test_prepared(void **state)
{
    (void)state;
    start("prepared");
    make_good("test");
    has_prep(NULL, "{mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: 256, crop: 224, interpolation: "
                   "bilinear}");
    has_prep(&(DataOptions){.resize = "16", .crop = "14x12", .interpolation = "bicubic", .mean = "none"},
             "{mean: none, std: none, resize: 16, crop: 14x12, interpolation: bicubic}");
    has_prep(&(DataOptions){.resize = "9x8", .crop = "none", .mean = "[0.5, 0.25, 0.125]", .std = "1"},
             "{mean: [0.5, 0.25, 0.125], std: [1, 1, 1], resize: 9x8, crop: none, interpolation: bilinear}");
    DataSet *train, *test;
    assert_ok(data_open(spec, NULL, &train, &test));
    assert_int_equal(train->H, 224);
    assert_int_equal(train->W, 224);
    assert_int_equal(train->type, DATA_U8);
    data_set_free(train), data_set_free(test);
    assert_fails(data_open(spec, &(DataOptions){.crop = "none"}, &train, &test), BASE_EFORMAT,
                 "where the first image becomes");
    /* too many bytes to be decoded before they are asked for */
    assert_ok(data_open(spec, &(DataOptions){.resize = "16384", .crop = "none"}, &train, &test));
    uint8_t *pixels;
    int64_t rgb = 1;
    assert_ok(base_alloc_raw(1, data_image_bytes(train), (void **)&pixels));
    assert_fails(data_fetch(train, &rgb, 1, pixels), BASE_EFORMAT, "crop, or resize to HxW");
    base_free(pixels);
    data_set_free(train), data_set_free(test);
}

static void test_index(void **state)
{
    (void)state;
    DataSet *train, *test;
    start("index");
    make_good("test");
    write_text("train.txt", "4\n0\n\n 2 \r\n");
    write_text("test.txt", "train 1\n2\ntest 0");
    char train_index[4600], test_index[4600];
    snprintf(train_index, sizeof train_index, "%s", at("train.txt"));
    snprintf(test_index, sizeof test_index, "%s", at("test.txt"));
    DataOptions o = PLAIN;
    o.train_index = train_index, o.test_index = test_index;
    assert_ok(data_open(spec, &o, &train, &test));
    assert_int_equal(train->N, 3);
    is_image(train, 0, "palette.png");
    is_image(train, 1, "grey.png");
    is_image(train, 2, "rgb.png");
    assert_int_equal(train->labels[0], 2);
    assert_int_equal(test->N, 3);
    is_image(test, 0, "rgb.jpg");
    is_image(test, 1, "bits.png");
    is_image(test, 2, "progressive.jpg");
    assert_int_equal(test->labels[0], 1);
    data_set_free(train), data_set_free(test);
    o.train_index = NULL;
    assert_fails(data_open(spec, &o, &train, &test), BASE_EUSAGE, "both a training and a test image");
    write_text("test.txt", "0\n3\n");
    assert_fails(data_open(spec, &o, &train, &test), BASE_EUSAGE,
                 "image 3 of the test split; the split has images 0 to 2");
}

static void test_class_map(void **state)
{
    (void)state;
    DataSet *train, *test;
    char map[4600];
    start("map");
    make_good("test");
    snprintf(map, sizeof map, "%s", at("map.txt"));
    DataOptions o = PLAIN;
    o.class_map = map;
    write_text("map.txt", "z\tzebra\nnever seen\na b\nB\tBee\n");
    assert_ok(data_open(spec, &o, &train, &test));
    assert_int_equal(train->K, 4);
    assert_string_equal(test->class_names[0], "zebra");
    assert_string_equal(train->class_names[1], "never seen");
    assert_string_equal(train->class_names[3], "Bee");
    assert_int_equal(train->labels[0], 3);
    assert_int_equal(train->labels[1], 2);
    assert_int_equal(train->labels[4], 0);
    assert_int_equal(test->labels[2], 0);
    const char *const WORDS[] = {"zebra", "z", "name:z", "Z"}; /* by the name that is shown, or by the folder */
    for (int i = 0; i < 4; i++) {
        DataClasses forget;
        assert_ok(data_classes_parse(train, WORDS[i], &forget));
        assert_true(forget.count == 1 && forget.in[0]);
        data_classes_free(&forget);
    }
    data_set_free(train), data_set_free(test);
    write_text("map.txt", "z\nB\n");
    assert_fails(data_open(spec, &o, &train, &test), BASE_EFORMAT, "has no line for the class 'a b'");
    write_text("map.txt", "z\nB\na b\nz\n");
    assert_fails(data_open(spec, &o, &train, &test), BASE_EFORMAT, "the class 'z' is given twice");
    write_text("map.txt", "z\n\na b\nB\n");
    assert_fails(data_open(spec, &o, &train, &test), BASE_EFORMAT, "map.txt:2: an empty line");
    write_text("map.txt", "");
    assert_fails(data_open(spec, &o, &train, &test), BASE_EFORMAT, "names 0 classes");
}

static void test_broken(void **state)
{
    (void)state;
    DataSet *train, *test, *again, *again_test;
    start("broken");
    make_good("test");
    assert_ok(data_open(spec, &PLAIN, &train, &test));
    put("train/a b/half.jpg", "rgb.jpg", 900);
    put("train/z/half.png", "rgb.png", 700);
    write_text("train/B/text.jpg", "no image at all");
    write_text("train/B/empty.png", "");
    /* of four broken images the first in order is told, on any number of threads */
    assert_fails(data_open(spec, &PLAIN, &again, &again_test), BASE_EFORMAT, "train/B/empty.png: is empty");
    assert_non_null(strstr(base_error_text(), "broken: skip"));
    DataOptions o = PLAIN;
    o.broken = "skip";
    assert_ok(data_open(spec, &o, &again, &again_test));
    assert_string_equal(again->hash, train->hash); /* what is left are the good ones, in their order */
    data_set_free(again), data_set_free(again_test);
    data_set_free(train), data_set_free(test);
    unlink(at("train/B/g.png"));
    unlink(at("train/z/p.png"));
    unlink(at("train/a b/rgb.jpg"));
    unlink(at("train/a b/deep/x.PNG"));
    unlink(at("train/a b/deep-2/c.JPEG"));
    assert_fails(data_open(spec, &o, &train, &test), BASE_EFORMAT, "not one image could be decoded");
}

/* Links to nothing and to themselves are broken images like others; a folder named like an image is a folder, whose
 * images count, as torchvision's walk has it; a file in a format that is not read is left out with a word. */
static void test_no_files(void **state)
{
    (void)state;
    DataSet *train, *test, *more, *more_test;
    start("no-files");
    make_good("test");
    put("train/z/q.webp", "lossless.webp", SIZE_MAX);
    assert_ok(data_open(spec, &PLAIN, &train, &test));
    assert_int_equal(train->N, 6);
    is_image(train, 5, "lossless.webp");
    write_text("train/z/r.bmp", "BM");
    assert_int_equal(symlink("/nowhere/x.png", at("train/B/gone.png")), 0);
    assert_int_equal(symlink("circle.jpg", at("train/z/circle.jpg")), 0);
    assert_int_equal(mkfifo(at("train/z/pipe.png"), 0600), 0);
    assert_fails(data_open(spec, &PLAIN, &more, &more_test), BASE_EFORMAT, "gone.png: cannot be opened");
    assert_non_null(strstr(base_error_text(), "broken: skip"));
    DataOptions o = PLAIN;
    o.broken = "skip";
    assert_ok(data_open(spec, &o, &more, &more_test));
    assert_string_equal(more->hash, train->hash);
    data_set_free(more), data_set_free(more_test);
    put("train/z/folder.png/1.jpg", "rgb420.jpg", SIZE_MAX);
    assert_int_equal(symlink("folder.png", at("train/z/also.jpg")), 0);
    assert_ok(data_open(spec, &o, &more, &more_test));
    assert_int_equal(more->N, 8);
    is_image(more, 6, "rgb420.jpg");
    is_image(more, 7, "rgb420.jpg");
    data_set_free(more), data_set_free(more_test);
    data_set_free(train), data_set_free(test);
}

/* Counted as they are read, and told in one line. */
static char warned[4000];
static void keep_message(void *user, BaseLogLevel level, const char *text)
{
    (void)user, (void)level;
    snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", text);
}

static void test_deep(void **state)
{
    (void)state;
    DataSet *train, *test;
    start("deep");
    make_good("test");
    put("train/z/a.png", "grey16.png", SIZE_MAX);
    put("train/z/b.png", "grey16_dark.png", SIZE_MAX);
    put("train/z/c.png", "rgb16.png", SIZE_MAX);
    put("train/z/damaged.png", "rgb.png", 100);
    DataOptions o = PLAIN;
    o.broken = "skip", o.crop = "10";
    base_log_sink(&(BaseLogSink){.message = keep_message});
    BaseStatus st = data_open(spec, &o, &train, &test);
    base_log_sink(NULL);
    assert_ok(st);
    assert_non_null(strstr(warned, "train: 2 of 8 images are grey of 16 bits; their values over 255 became 255, as in "
                                   "torchvision; the first is"));
    assert_non_null(strstr(warned, "z/a.png\n"));
    is_image(train, 5, "grey16_dark.png");
    data_set_free(train), data_set_free(test);
}

static void test_layout(void **state)
{
    (void)state;
    DataSet *train, *test;
    start("layout");
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, "there is no folder");
    put("train/a/1.jpg", "rgb.jpg", SIZE_MAX);
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, "layout/val");
    put("val/b/1.jpg", "rgb.jpg", SIZE_MAX);
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, "val/b: ");
    assert_ok(io_folder_make(at("train/b")));
    assert_ok(data_open(spec, NULL, &train, &test)); /* a class without training images: a warning */
    assert_int_equal(train->K, 2);
    assert_int_equal(test->labels[0], 1);
    data_set_free(train), data_set_free(test);
    unlink(at("val/b/1.jpg"));
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, "no JPEG, PNG or WebP image in any class folder");
    put("val/b/1.jpg", "rgb.jpg", SIZE_MAX);
    assert_int_equal(symlink("../b", at("val/b/back")), 0); /* a circle */
    assert_fails(data_open(spec, NULL, &train, &test), BASE_ELIMIT, "more than 16 deep");
    assert_fails(data_open("imagefolder:/nowhere/at/all", NULL, &train, &test), BASE_EIO, "/nowhere/at/all");
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
    char map[4600], index[4600];
    start("memory");
    make_good("test");
    write_text("map.txt", "z\na b\nB\n");
    write_text("index.txt", "1\n0\n3\n");
    snprintf(map, sizeof map, "%s", at("map.txt"));
    snprintf(index, sizeof index, "%s", at("index.txt"));
    DataOptions o = {.resize = "8", .crop = "8", .class_map = map, .train_index = index, .mean = "0.5", .std = "0.5"};
    support_fail_allocations(open_once, &o, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order),     cmocka_unit_test(test_prepared), cmocka_unit_test(test_index),
    cmocka_unit_test(test_class_map), cmocka_unit_test(test_broken),   cmocka_unit_test(test_layout),
    cmocka_unit_test(test_no_memory), cmocka_unit_test(test_no_files), cmocka_unit_test(test_deep),
};
SUPPORT_MAIN(tests)
