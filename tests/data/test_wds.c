/* WebDataset: tar files put together from the committed images, against the same images in folders; layouts and patterns,
 * labels, long names, what is no tar file, and running out of memory. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/data.h"
#include "io/file.h"

static char root[4096], spec[4200];

static void start(const char *name)
{
    snprintf(root, sizeof root, "%s/%s", support_scratch(), name);
    snprintf(spec, sizeof spec, "wds:%s", root);
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

/* ------------------------------------------------------------ a tar file in memory */

enum { BLOCK = 512, MOST = 1 << 20 };
static uint8_t tar[MOST];
static size_t tar_size;

static void add_header(const char *name, char type, size_t size)
{
    char h[BLOCK] = {0};
    unsigned sum = 0;
    memcpy(h, name, strlen(name) < 100 ? strlen(name) : 100);
    memcpy(h + 100, "0000644", 8);
    snprintf(h + 124, 12, "%011zo", size);
    memset(h + 148, ' ', 8);
    h[156] = type;
    memcpy(h + 257, "ustar\00000", 8);
    for (int i = 0; i < BLOCK; i++) sum += (uint8_t)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    assert_true(tar_size + BLOCK <= MOST);
    memcpy(tar + tar_size, h, BLOCK);
    tar_size += BLOCK;
}

static void add(const char *name, char type, const void *bytes, size_t size)
{
    add_header(name, type, size);
    size_t padded = (size + BLOCK - 1) / BLOCK * BLOCK;
    assert_true(tar_size + padded <= MOST);
    memset(tar + tar_size, 0, padded);
    memcpy(tar + tar_size, bytes, size);
    tar_size += padded;
}

static void add_text(const char *name, const char *text) { add(name, '0', text, strlen(text)); }

static void add_image(const char *name, const char *image)
{
    char path[4600], *bytes;
    size_t size;
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", image);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    add(name, '0', bytes, size);
    base_free(bytes);
}

static void write_tar(const char *name)
{
    char folder[4600];
    memset(tar + tar_size, 0, 2 * BLOCK);
    snprintf(folder, sizeof folder, "%s", at(name));
    *strrchr(folder, '/') = '\0';
    assert_ok(io_folder_make(folder));
    assert_ok(io_file_write(at(name), tar, tar_size + 2 * BLOCK));
    tar_size = 0;
}

/* Two shards of training images, labels in every form, and one of test images. */
static void make_good(const char *train0, const char *train1, const char *test)
{
    char name[160];
    add("./", '5', "", 0);
    add_image("./a.jpg", "rgb.jpg");
    add_text("./a.cls", "1\n");
    add_text("./b.json", "{\"label\": 0, \"who\": [\"x\"]}");
    add_image("./b.PNG", "rgb.png");
    add_text("./readme.txt", "a sample without an image is none");
    write_tar(train0);
    memset(name, 'n', sizeof name);
    snprintf(name + 120, sizeof name - 120, "/x.cls");
    add("././@LongLink", 'L', name, strlen(name) + 1);
    add_text("cut", "2");
    snprintf(name + 120, sizeof name - 120, "/x.jpg");
    char pax[200];
    int length = snprintf(pax, sizeof pax, "136 path=%s\n", name);
    assert_int_equal(length, 136);
    add("pax", 'x', pax, (size_t)length);
    add_image("short", "rgb420.jpg");
    add_text("z.json", "{\"cls\": 1}");
    add_image("z.webp", "lossless.webp");
    write_tar(train1);
    add_image("q.jpeg", "progressive.jpg");
    add_text("q.cls", "2");
    write_tar(test);
}

static void is_image(const DataSet *set, int64_t i, const DataSet *folder, int64_t k)
{
    size_t size = data_image_bytes(set);
    char *a, *b;
    assert_int_equal(size, data_image_bytes(folder));
    assert_ok(base_alloc_raw(2, size, (void **)&a));
    b = a + size;
    assert_ok(data_fetch(set, &i, 1, a));
    assert_ok(data_fetch(folder, &k, 1, b));
    assert_memory_equal(a, b, size);
    base_free(a);
}

static void copy(const char *image, const char *to)
{
    char path[4600], folder[4600], *bytes;
    size_t size;
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", image);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    snprintf(folder, sizeof folder, "%s", at(to));
    *strrchr(folder, '/') = '\0';
    assert_ok(io_folder_make(folder));
    assert_ok(io_file_write(at(to), bytes, size));
    base_free(bytes);
}

static void test_layouts(void **state)
{
    (void)state;
    static const char *const NAMES[][3] = {{"train/0.tar", "train/1.tar", "val/0.tar"},
                                           {"x-train-000.tar", "x-train-001.tar", "x-test-000.tar"},
                                           {"w/x-train-008.tar", "w/x-train-009.tar", "w/x-val-08.tar"}};
    static const DataOptions SMALL = {.resize = "16", .crop = "14"};
    DataSet *train, *test, *folder, *folder_test;
    for (int t = 0; t < 3; t++) {
        char folders[4600], name[40];
        snprintf(name, sizeof name, "layout%d", t);
        start(name);
        make_good(NAMES[t][0], NAMES[t][1], NAMES[t][2]);
        copy("rgb.jpg", "f/train/1/0.jpg");
        copy("rgb.png", "f/train/0/0.png");
        copy("rgb420.jpg", "f/train/2/0.jpg");
        copy("lossless.webp", "f/train/1/1.webp");
        copy("progressive.jpg", "f/test/2/0.jpg");
        snprintf(folders, sizeof folders, "imagefolder:%s", at("f"));
        assert_ok(data_open(folders, &SMALL, &folder, &folder_test));
        if (t == 2) snprintf(spec, sizeof spec, "wds:%s/w/x-{train-{008..009},val-08}.tar", root);
        assert_ok(data_open(spec, &SMALL, &train, &test));
        assert_int_equal(train->N, 4);
        assert_int_equal(train->K, 3);
        assert_true(train->classes_counted);
        static const int32_t LABELS[] = {1, 0, 2, 1};
        static const int64_t IN_FOLDER[] = {1, 0, 3, 2};
        for (int i = 0; i < 4; i++) {
            assert_int_equal(train->labels[i], LABELS[i]);
            is_image(train, i, folder, IN_FOLDER[i]);
        }
        assert_int_equal(test->N, 1);
        is_image(test, 0, folder_test, 0);
        data_set_free(train), data_set_free(test);
        data_set_free(folder), data_set_free(folder_test);
    }
}

static void test_classes_and_index(void **state)
{
    (void)state;
    DataSet *train, *test;
    char index[4600], rest[4600];
    start("classes");
    make_good("train-0.tar", "train-1.tar", "test.tar");
    assert_ok(io_file_write(at("classes.txt"), "ant\r\nbee\r\ncat\r\ndog\r\n", 20));
    assert_ok(io_file_write(at("index"), "train 1\n0\n", 10));
    snprintf(index, sizeof index, "%s", at("index"));
    assert_ok(io_file_write(at("rest"), "2-3\n0\n", 6));
    snprintf(rest, sizeof rest, "%s", at("rest"));
    const DataOptions o = {.train_index = rest, .test_index = index};
    DataSet *whole, *whole_test;
    assert_ok(data_open(spec, NULL, &whole, &whole_test));
    assert_ok(data_open(spec, &o, &train, &test));
    assert_int_equal(train->N, 3);
    assert_int_equal(train->K, 4);
    assert_int_equal(train->H, 224);
    assert_string_equal(test->class_names[3], "dog");
    assert_int_equal(test->N, 2);
    assert_int_equal(test->labels[0], 0);
    assert_int_equal(test->labels[1], 2);
    is_image(test, 0, whole, 1);
    is_image(train, 0, whole, 2);
    is_image(train, 2, whole, 0);
    assert_string_not_equal(train->hash, whole->hash);
    DataSet *again, *again_test;
    assert_ok(data_open(spec, &o, &again, &again_test));
    assert_string_equal(train->hash, again->hash);
    data_set_free(again), data_set_free(again_test);
    data_set_free(train), data_set_free(test);
    data_set_free(whole), data_set_free(whole_test);
    assert_ok(io_file_write(at("classes.txt"), "ant\nbee\n", 8));
    assert_fails(data_open(spec, NULL, &train, &test), BASE_EFORMAT, "names 2 classes, and the labels are 0 to 2");
}

static void refused(BaseStatus status, const char *part)
{
    DataSet *train, *test;
    assert_fails(data_open(spec, NULL, &train, &test), status, part);
}

static void test_refused(void **state)
{
    (void)state;
    start("refused");
    refused(BASE_EFORMAT, "no tar file of the training split");
    make_good("a-train.tar", "b-train.tar", "a-test.tar");
    assert_ok(io_file_write(at("other.tar"), tar, 10240));
    refused(BASE_EFORMAT, "other.tar: neither its name nor its folder's says");
    assert_int_equal(unlink(at("other.tar")), 0);
    add_image("k.jpg", "rgb.jpg");
    write_tar("c-train.tar");
    refused(BASE_EFORMAT, "c-train.tar: the sample k has no label");
    add_image("k.jpg", "rgb.jpg");
    add_text("k.cls", "dog");
    write_tar("c-train.tar");
    refused(BASE_EFORMAT, "the label of the sample k is 'dog'");
    add_text("k.json", "{\"label\": -1}");
    add_image("k.jpg", "rgb.jpg");
    write_tar("c-train.tar");
    refused(BASE_EFORMAT, "the label of the sample k is '-1'");
    add_text("k.txt", "x");
    tar[600] = 'y'; /* no header: nothing is wrong */
    tar[3] ^= 1;
    write_tar("c-train.tar");
    refused(BASE_EFORMAT, "c-train.tar: no tar file: the header at byte 0 has a wrong sum");
    add_header("k.jpg", '0', 100000);
    write_tar("c-train.tar");
    refused(BASE_EFORMAT, "c-train.tar: is cut off: the member at byte 0 has 100000 bytes, and 1024 follow");
    add_text("k.jpg", "no image");
    add_text("k.cls", "0");
    write_tar("c-train.tar");
    refused(BASE_EFORMAT, "c-train.tar, the image at byte 512: does not start like a JPEG, PNG or WebP image");
    snprintf(spec, sizeof spec, "wds:%s/{a..b}-train.tar", root);
    refused(BASE_EUSAGE, "{a..b}: must be {FIRST..LAST} in numbers");
    snprintf(spec, sizeof spec, "wds:%s/{a,{b}-train.tar", root);
    refused(BASE_EUSAGE, "a brace is not closed");
    snprintf(spec, sizeof spec, "wds:%s/{a,z}-{train,test}.tar", root);
    refused(BASE_EIO, "z-train.tar: cannot be opened");
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
    char index[4600];
    start("memory");
    make_good("a-train.tar", "b-train.tar", "a-test.tar");
    assert_ok(io_file_write(at("classes.txt"), "ant\nbee\ncat\n", 12));
    assert_ok(io_file_write(at("index"), "1\n3\n", 4));
    snprintf(index, sizeof index, "%s", at("index"));
    DataOptions o = {.resize = "8", .crop = "8", .train_index = index};
    support_fail_allocations(open_once, &o, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_layouts),
    cmocka_unit_test(test_classes_and_index),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
