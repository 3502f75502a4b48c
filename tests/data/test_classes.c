/* What a word names: a class's name, its number, or one of two classes, which is refused (data_classes_parse). */
#include "tests/support/support.h"

#include <stdio.h>

#include <hdf5.h>

#include "data/data.h"
#include "data/set/build.h"

/* A set of just these classes, without images that matter. */
static DataSet *named_set(const char *const *names, int64_t K)
{
    DataSet *set;
    assert_ok(data_set_create("d", DATA_U8, 1, 1, 1, 1, K, &set));
    set->labels[0] = 0;
    assert_ok(data_set_name_classes(set, names));
    return set;
}

/* @p text names class @p want alone. */
static void names_class(const DataSet *set, const char *text, int64_t want)
{
    DataClasses c;
    assert_ok(data_classes_parse(set, text, &c));
    assert_int_equal(c.count, 1);
    for (int64_t k = 0; k < c.K; k++) assert_int_equal(c.in[k], k == want);
    data_classes_free(&c);
}

static void refuses_class(const DataSet *set, const char *text, const char *refusal)
{
    DataClasses c;
    assert_fails(data_classes_parse(set, text, &c), BASE_EUSAGE, refusal);
    assert_null(c.in);
}

/* Each class by the word that says it and nothing else. */
static void words_name(const DataSet *set, const char *const *want)
{
    for (int64_t k = 0; k < set->K; k++) {
        char word[DATA_CLASS_WORD];
        data_class_word(set, k, word);
        assert_string_equal(word, want[k]);
        names_class(set, word, k);
    }
}

/* Folders 1 to 5: torchvision's class k is the folder k + 1. */
static void test_classes_from_one(void **state)
{
    (void)state;
    static const char *const FROM_ONE[] = {"1", "2", "3", "4", "5"}, *const WORDS[] = {"0", "#1", "#2", "#3", "#4"};
    DataSet *set = named_set(FROM_ONE, 5);
    refuses_class(set, "1",
                  "d: '1' can be read as two classes: index 0 is the class named '1', and index 1 is the class "
                  "named '2'; write name:1 or '#0' for the first, '#1' for the second");
    refuses_class(set, "4", "index 3 is the class named '4', and index 4 is the class named '5'");
    refuses_class(set, "'1'", "two classes"); /* quotes hold commas, they mean nothing else */
    refuses_class(set, "5,1", "two classes");
    refuses_class(set, "[name:2, 2]", "two classes");
    refuses_class(set, "01", "two classes");
    names_class(set, "5", 4); /* there is no index 5 */
    names_class(set, "0", 0); /* and no name 0 */
    names_class(set, "name:1", 0);
    names_class(set, "[\"name:5\"]", 4);
    names_class(set, "#1", 1);
    names_class(set, "['#4']", 4);
    refuses_class(set, "6", "d has no class '6'; there are, by index and name: 0 '1', 1 '2', 2 '3', 3 '4', 4 '5'");
    refuses_class(set, "#5", "d has no class '#5'; there are #0 to #4");
    refuses_class(set, "#99999999999999999999", "no class '#99999999999999999999'");
    refuses_class(set, "name:0", "no class '0'");
    refuses_class(set, "name:", "no class ''");
    refuses_class(set, "#1,name:2", "class 1 (2) is named twice");
    words_name(set, WORDS);
    data_set_free(set);
}

/* Folders 0 to 11 in the order of their names: 0, 1, 10, 11, 2, ... */
static void test_classes_sorted_as_text(void **state)
{
    (void)state;
    static const char *const SORTED[] = {"0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"};
    DataSet *set = named_set(SORTED, 12);
    names_class(set, "0", 0); /* name and index agree */
    names_class(set, "1", 1);
    refuses_class(set, "10", "index 2 is the class named '10', and index 10 is the class named '8'");
    refuses_class(set, "2", "index 4 is the class named '2', and index 2 is the class named '10'");
    refuses_class(set, "3", "index 5 is the class named '3', and index 3 is the class named '11'");
    names_class(set, "name:10", 2);
    names_class(set, "#10", 10);
    refuses_class(set, "12", "no class '12'");
    data_set_free(set);
}

static void test_classes_by_number(void **state)
{
    (void)state;
    static const char *const PADDED[] = {"01", "02", "ten", "#0", "name:ten", "Ten"}, *const TWICE[] = {"7", "7", "2"};
    DataSet *set = named_set(PADDED, 6);
    refuses_class(set, "1", "index 0 is the class named '01', and index 1 is the class named '02'; write name:01");
    refuses_class(set, "01", "two classes");
    names_class(set, "name:01", 0);
    refuses_class(set, "name:1", "no class '1'"); /* behind name: nothing is like another */
    names_class(set, "3", 3);
    names_class(set, "#0", 0); /* always an index */
    names_class(set, "name:#0", 3);
    names_class(set, "name:ten", 4); /* a class's name first */
    names_class(set, "name:Ten", 5);
    names_class(set, "ten", 2);
    refuses_class(set, "TEN", "names classes 2 and 5; write '#2' or '#5'");
    data_set_free(set);
    set = named_set(TWICE, 3);
    refuses_class(set, "7", "'7' names classes 0 and 1; write '#0' or '#1'");
    names_class(set, "2", 2);
    names_class(set, "0", 0);
    data_set_free(set);
}

/* Where the data have no names, or numbers that are the indices, a number is what it always was. */
static void test_classes_numbered(void **state)
{
    (void)state;
    static const char *const WORDS[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    DataSet *set = named_set(NULL, 10);
    for (int64_t k = 0; k < 10; k++) names_class(set, WORDS[k], k);
    words_name(set, WORDS);
    names_class(set, "name:3", 3);
    names_class(set, "#3", 3);
    names_class(set, "03", 3);
    refuses_class(set, "10", "d has no class '10'; there are: 0, 1, 2,");
    data_set_free(set);
}

/* hdf5:FILE with the attribute 'classes', as h5py writes a list of texts. */
static void test_classes_hdf5(void **state)
{
    (void)state;
    enum { N = 4 };
    static const hsize_t SHAPE[] = {N, 1, 2, 2}, COUNT = N;
    static const char *const STORED[] = {"3", "1", "0", "2"}, *const WORDS[] = {"#0", "1", "#2", "#3"};
    static const uint8_t images[N * 4], labels[N] = {0, 1, 2, 3};
    char path[4096], spec[4200];
    snprintf(path, sizeof path, "%s/names.h5", support_scratch());
    snprintf(spec, sizeof spec, "hdf5:%s", path);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(4, SHAPE, NULL), line = H5Screate_simple(1, &COUNT, NULL);
    for (int s = 0; s < 2; s++) {
        hid_t group = H5Gcreate2(file, s ? "test" : "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        hid_t pixels = H5Dcreate2(group, "images", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        hid_t classes = H5Dcreate2(group, "labels", H5T_STD_U8LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(pixels, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
        assert_true(H5Dwrite(classes, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels) >= 0);
        H5Dclose(pixels), H5Dclose(classes), H5Gclose(group);
    }
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    hid_t names = H5Acreate2(file, "classes", text, line, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(names, text, STORED) >= 0);
    H5Aclose(names), H5Tclose(text), H5Sclose(line), H5Sclose(space), H5Fclose(file);
    DataSet *train, *test;
    assert_ok(data_open(spec, NULL, &train, &test));
    refuses_class(train, "3", "index 0 is the class named '3', and index 3 is the class named '2'");
    refuses_class(train, "0", "index 2 is the class named '0', and index 0 is the class named '3'");
    names_class(train, "1", 1);
    names_class(train, "name:3", 0);
    names_class(train, "#3", 3);
    words_name(train, WORDS);
    data_set_free(train), data_set_free(test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_classes_from_one),  cmocka_unit_test(test_classes_sorted_as_text),
    cmocka_unit_test(test_classes_by_number), cmocka_unit_test(test_classes_numbered),
    cmocka_unit_test(test_classes_hdf5),
};
SUPPORT_MAIN(tests)
