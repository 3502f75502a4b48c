/* Views, class sets, partitions, splits and samples on sets made in memory; the registry; the Gaussians; Fashion-MNIST.
 */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "data/data.h"
#include "data/set/build.h"
#include "io/file.h"

static const char *const NAMES[] = {"T-shirt/top", "Trouser", "Ankle boot", "crane",   "crane",
                                    "a",           "A",       "(-1,-1)",    "it, too", "9"};

/* 10 classes, class of image i is i * 7 % 10 but for class 4, which has no image (its images are of class 5). */
static DataSet *make_set(int64_t N)
{
    DataSet *set;
    assert_ok(data_set_create("toy", DATA_U8, N, 1, 2, 2, 10, &set));
    for (int64_t i = 0; i < N; i++) {
        set->labels[i] = (int32_t)(i * 7 % 10);
        if (set->labels[i] == 4) set->labels[i] = 5;
        for (int64_t p = 0; p < 4; p++) ((uint8_t *)set->images)[4 * i + p] = (uint8_t)(i + p);
    }
    assert_ok(data_set_name_classes(set, NAMES));
    assert_ok(data_set_finish(set, "toy", "toy"));
    return set;
}

static void parses(const DataSet *set, const char *text, const char *want)
{
    DataClasses classes;
    assert_ok(data_classes_parse(set, text, &classes));
    char got[11] = "";
    int64_t count = 0;
    for (int64_t k = 0; k < 10; k++) {
        got[k] = classes.in[k] ? '1' : '0';
        count += classes.in[k];
    }
    assert_string_equal(got, want);
    assert_int_equal(classes.count, count);
    assert_int_equal(classes.K, 10);
    data_classes_free(&classes);
}

static void test_classes_parse(void **state)
{
    (void)state;
    DataSet *set = make_set(10);
    parses(set, "3", "0001000000");
    parses(set, "3,7", "0001000100");
    parses(set, " [3, 7] ", "0001000100");
    parses(set, "[ 0 ,1,2, 3,4 , 5,6,7,8]", "1111111110");
    parses(set, "ankle BOOT", "0010000000");
    parses(set, "t-shirt/top, Ankle boot,9", "1010000001");
    parses(set, "['Ankle boot', \"trouser\" ]", "0110000000");
    parses(set, "a", "0000010000");
    parses(set, "A", "0000001000");
    parses(set, "(-1,-1), 0", "1000000100");
    parses(set, "\"(-1,-1)\",'it, too'", "0000000110");
    parses(set, "'3'", "0001000000");
    data_set_free(set);
}

static void test_classes_refused(void **state)
{
    (void)state;
    DataSet *set = make_set(10);
    DataClasses c;
    assert_fails(data_classes_parse(set, "Truoser", &c), BASE_EUSAGE, "did you mean 'Trouser'");
    assert_null(c.in);
    assert_fails(data_classes_parse(set, "10", &c), BASE_EUSAGE, "no class '10'");
    assert_fails(data_classes_parse(set, "-1", &c), BASE_EUSAGE, "0 T-shirt/top, 1 Trouser");
    assert_fails(data_classes_parse(set, "3.0", &c), BASE_EUSAGE, "no class '3.0'");
    assert_fails(data_classes_parse(set, "crane", &c), BASE_EUSAGE, "names classes 3 and 4");
    assert_fails(data_classes_parse(set, "", &c), BASE_EUSAGE, "no class is named");
    assert_fails(data_classes_parse(set, " [ ] ", &c), BASE_EUSAGE, "no class is named");
    assert_fails(data_classes_parse(set, "[", &c), BASE_EUSAGE, "bracket");
    assert_fails(data_classes_parse(set, "[3", &c), BASE_EUSAGE, "bracket");
    assert_fails(data_classes_parse(set, "3,,7", &c), BASE_EUSAGE, "an entry of the list is empty");
    assert_fails(data_classes_parse(set, "3,", &c), BASE_EUSAGE, "an entry of the list is empty");
    assert_fails(data_classes_parse(set, "'3", &c), BASE_EUSAGE, "quote");
    assert_fails(data_classes_parse(set, "'3' 4", &c), BASE_EUSAGE, "comma is missing");
    assert_fails(data_classes_parse(set, "1,trouser", &c), BASE_EUSAGE, "named twice");
    assert_fails(data_classes_parse(set, "0,1,2,3,4,5,6,7,8,9", &c), BASE_EUSAGE, "at least one must be kept");
    data_set_free(set);
}

static void test_partition(void **state)
{
    (void)state;
    DataSet *set = make_set(50);
    int64_t places[] = {40, 3, 9, 11, 2, 3};
    DataIndex index = {places, 6}, inside, outside;
    DataView view = data_view_of(set, &index);
    DataClasses classes;
    assert_ok(data_classes_parse(set, "1,3", &classes)); /* labels of the places: 0 1 3 7 5(4) 1 */
    assert_ok(data_partition(&view, &classes, &inside, &outside));
    int64_t in[] = {3, 9, 3}, out[] = {40, 11, 2};
    assert_int_equal(inside.n, 3);
    assert_int_equal(outside.n, 3);
    assert_memory_equal(inside.at, in, sizeof in);
    assert_memory_equal(outside.at, out, sizeof out);
    data_index_free(&inside);
    data_index_free(&outside);
    classes.K = 9;
    assert_fails(data_partition(&view, &classes, &inside, &outside), BASE_ESHAPE, "9 classes");
    data_classes_free(&classes);
    data_set_free(set);
}

static void count_classes(const DataView *view, int64_t count[10])
{
    memset(count, 0, 10 * sizeof *count);
    for (int64_t i = 0; i < view->n; i++) {
        count[data_view_label(view, i)]++;
        if (i) assert_true(data_view_at(view, i) > data_view_at(view, i - 1));
    }
}

static void test_split(void **state)
{
    (void)state;
    DataSet *set = make_set(253);
    DataView all = data_view_all(set);
    int64_t total[10], a[10], b[10];
    count_classes(&all, total);
    DataIndex kept, held, again_kept, again_held;
    assert_ok(data_split(&all, 0.1, 5, &kept, &held));
    assert_int_equal(kept.n + held.n, 253);
    DataView k = data_view_of(set, &kept), h = data_view_of(set, &held);
    count_classes(&k, a);
    count_classes(&h, b);
    uint8_t seen[253] = {0};
    for (int64_t i = 0; i < kept.n; i++) seen[kept.at[i]]++;
    for (int64_t i = 0; i < held.n; i++) seen[held.at[i]]++;
    for (int i = 0; i < 253; i++) assert_int_equal(seen[i], 1);
    for (int c = 0; c < 10; c++) assert_int_equal(b[c], (int64_t)floor(0.1 * (double)total[c] + 0.5));
    assert_ok(data_split(&all, 0.1, 5, &again_kept, &again_held));
    assert_memory_equal(held.at, again_held.at, (size_t)held.n * sizeof *held.at);
    data_index_free(&again_kept);
    data_index_free(&again_held);
    assert_ok(data_split(&all, 0.1, 6, &again_kept, &again_held));
    assert_memory_not_equal(held.at, again_held.at, (size_t)held.n * sizeof *held.at);
    data_index_free(&again_kept);
    data_index_free(&again_held);
    data_index_free(&held);

    DataIndex none;
    assert_ok(data_split(&k, 0, 5, &again_kept, &none)); /* of a part */
    assert_int_equal(none.n, 0);
    assert_int_equal(again_kept.n, kept.n);
    assert_memory_equal(again_kept.at, kept.at, (size_t)kept.n * sizeof *kept.at);
    data_index_free(&again_kept);
    data_index_free(&none);
    data_index_free(&kept);
    assert_fails(data_split(&all, 1, 5, &kept, &held), BASE_EARG, "fraction 1");
    assert_fails(data_split(&all, -0.1, 5, &kept, &held), BASE_EARG, "-0.1");
    assert_fails(data_split(&all, NAN, 5, &kept, &held), BASE_EARG, "nan");
    data_set_free(set);
}

static void test_sample(void **state)
{
    (void)state;
    DataSet *set = make_set(250);
    DataView all = data_view_all(set);
    int64_t count[10], total[10];
    count_classes(&all, total);
    DataIndex index, other;
    assert_ok(data_sample(&all, 7, 1, "retain", &index));
    DataView view = data_view_of(set, &index);
    count_classes(&view, count);
    for (int c = 0; c < 10; c++) assert_int_equal(count[c], c == 4 ? 0 : 7);
    /* classes 1 and 2 have 25 images each, one in each ten: were the draws the same, so were the tens */
    int64_t tens[3][7], found[3] = {0}, same = 0;
    for (int64_t i = 0; i < index.n; i++) {
        int32_t c = set->labels[index.at[i]];
        if (c == 1 || c == 2) tens[c][found[c]++] = index.at[i] / 10;
    }
    for (int j = 0; j < 7; j++) same += tens[1][j] == tens[2][j];
    assert_in_range(same, 0, 6);
    assert_ok(data_sample(&all, 7, 1, "forget", &other)); /* another stream, another draw */
    assert_memory_not_equal(index.at, other.at, (size_t)index.n * sizeof *index.at);
    data_index_free(&other);

    /* a class's draw does not depend on the other classes */
    DataClasses classes;
    DataIndex inside, outside;
    assert_ok(data_classes_parse(set, "0,1,2,7", &classes));
    assert_ok(data_partition(&all, &classes, &inside, &outside));
    DataView part = data_view_of(set, &inside);
    assert_ok(data_sample(&part, 7, 1, "retain", &other));
    for (int64_t i = 0, j = 0; i < index.n; i++)
        if (classes.in[set->labels[index.at[i]]]) assert_int_equal(other.at[j++], index.at[i]);
    data_index_free(&other);
    data_index_free(&inside);
    data_index_free(&outside);
    data_classes_free(&classes);
    data_index_free(&index);

    assert_ok(data_sample(&all, 30, 1, "retain", &index)); /* more than there are, but of class 5 */
    view = data_view_of(set, &index);
    count_classes(&view, count);
    for (int c = 0; c < 10; c++) assert_int_equal(count[c], total[c] < 30 ? total[c] : 30);
    data_index_free(&index);
    assert_ok(data_sample(&all, 0, 1, "retain", &index));
    assert_int_equal(index.n, 250);
    data_index_free(&index);
    int64_t backwards[250]; /* ascending, whatever the view's order */
    for (int64_t i = 0; i < 250; i++) backwards[i] = 249 - i;
    DataView turned = {set, backwards, 250};
    assert_ok(data_sample(&turned, 7, 1, "retain", &index));
    view = data_view_of(set, &index);
    count_classes(&view, count);
    data_index_free(&index);
    assert_fails(data_sample(&all, -1, 1, "retain", &index), BASE_EARG, "-1");
    data_set_free(set);
}

static void test_open_spec(void **state)
{
    (void)state;
    DataSet *train, *test;
    assert_fails(data_open("fashon-mnist", NULL, &train, &test), BASE_ENOTFOUND, "did you mean 'fashion-mnist'");
    assert_null(train);
    assert_fails(data_open("mnist", NULL, &train, &test), BASE_EUSAGE, "mnist:PATH");
    assert_fails(data_open("hdf5:", NULL, &train, &test), BASE_EUSAGE, "colon");
    assert_fails(data_open("gaussians:here", NULL, &train, &test), BASE_EUSAGE, "takes no path");
    assert_fails(data_open("fashion-mnist:/nowhere/at/all", NULL, &train, &test), BASE_EIO, "dataset-fashion-mnist");
    assert_fails(data_open("fashion-mnist:/nowhere/at/all", NULL, &train, &test), BASE_EIO, "fashion-mnist:DIR");
    assert_null(train);
    assert_null(test);
}

static void test_gaussians(void **state)
{
    (void)state;
    static const double CENTRE[4][2] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};
    DataSet *train, *test, *train2, *test2;
    assert_ok(data_open("gaussians", NULL, &train, &test));
    assert_ok(data_open("gaussians", NULL, &train2, &test2));
    assert_string_equal(train->hash, train2->hash);
    assert_string_not_equal(train->hash, test->hash);
    assert_int_equal(train->N, 40000);
    assert_int_equal(test->N, 4000);
    assert_int_equal(train->C, 2);
    assert_int_equal(train->H * train->W, 1);
    assert_int_equal(train->K, 4);
    assert_string_equal(train->class_names[2], "(-1,-1)");
    double sum[4][2] = {{0}}, square[4][2] = {{0}};
    int64_t n[4] = {0};
    for (int64_t i = 0; i < train->N; i++) {
        n[train->labels[i]]++;
        for (int d = 0; d < 2; d++) {
            double off = (double)((float *)train->images)[2 * i + d] - CENTRE[train->labels[i]][d];
            sum[train->labels[i]][d] += off;
            square[train->labels[i]][d] += off * off;
        }
    }
    for (int k = 0; k < 4; k++) {
        assert_int_equal(n[k], 10000);
        for (int d = 0; d < 2; d++) {
            assert_near(sum[k][d] / 1e4, 0, 4 * 0.5 / 100, 0);                  /* 4 standard errors: sd / sqrt(n) */
            assert_near(sqrt(square[k][d] / 1e4), 0.5, 4 * 0.5 / sqrt(2e4), 0); /* sd / sqrt(2 n) */
        }
    }
    data_set_free(train), data_set_free(test), data_set_free(train2), data_set_free(test2);
}

static void test_fashion_mnist(void **state)
{
    (void)state;
    if (!io_path_exists("/usr/share/datasets/fashion-mnist")) skip();
    DataSet *train, *test;
    assert_ok(data_open("fashion-mnist", NULL, &train, &test));
    assert_int_equal(train->N, 60000);
    assert_int_equal(test->N, 10000);
    assert_int_equal(train->H, 28);
    assert_int_equal(train->W, 28);
    assert_string_equal(train->class_names[9], "Ankle boot");
    assert_int_equal(train->labels[0], 9);
    DataView view = data_view_all(train);
    int64_t count[10];
    count_classes(&view, count);
    for (int c = 0; c < 10; c++) assert_int_equal(count[c], 6000);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < 60000 * 784; i++) {
        double x = ((uint8_t *)train->images)[i] / 255.0;
        sum += x, square += x * x;
    }
    double mean = sum / (60000 * 784.0);
    assert_near(mean, (double)train->mean[0], 1e-4, 0); /* both constants are given to four digits */
    assert_near(sqrt(square / (60000 * 784.0) - mean * mean), (double)train->std[0], 1e-4, 0);
    data_set_free(train), data_set_free(test);
}

static BaseStatus everything(void *user)
{
    DataSet *set = user;
    DataView all = data_view_all(set);
    DataClasses classes = {0};
    DataIndex a = {0}, b = {0}, c = {0}, d = {0}, e = {0};
    BaseStatus st = data_classes_parse(set, "[3, 'Ankle boot']", &classes);
    if (st == BASE_OK) st = data_partition(&all, &classes, &a, &b);
    if (st == BASE_OK) st = data_split(&all, 0.2, 1, &c, &d);
    if (st == BASE_OK) st = data_sample(&all, 2, 1, "x", &e);
    data_index_free(&a), data_index_free(&b), data_index_free(&c), data_index_free(&d), data_index_free(&e);
    data_classes_free(&classes);
    return st;
}

static BaseStatus open_gaussians(void *user)
{
    (void)user;
    DataSet *train, *test;
    BaseStatus st = data_open("gaussians", NULL, &train, &test);
    data_set_free(train), data_set_free(test);
    return st;
}

/* A share has the images, and all else of its own: names, labels, the number of classes. */
static void test_share(void **state)
{
    (void)state;
    DataSet *set, *share;
    assert_ok(data_set_create("set", DATA_F32, 4, 1, 1, 2, 2, &set));
    for (int i = 0; i < 4; i++) set->labels[i] = i % 2;
    for (int i = 0; i < 8; i++) ((float *)set->images)[i] = (float)i;
    set->classes_counted = true;
    assert_ok(data_set_name_classes(set, NULL));
    assert_ok(data_set_finish(set, "set", "set"));
    assert_ok(data_set_share(set, &share));
    assert_ptr_equal(share->images, set->images);
    assert_string_equal(share->hash, set->hash);
    share->labels[0] = 1;
    assert_ok(data_set_widen(share, 3));
    assert_int_equal(set->labels[0], 0);
    assert_int_equal(set->K, 2);
    assert_string_equal(share->class_names[2], "2");
    data_set_free(share);
    assert_near((double)((float *)set->images)[7], 7, 0, 0);
    data_set_free(set);
}

static void test_no_memory(void **state)
{
    (void)state;
    DataSet *set = make_set(50);
    support_fail_allocations(everything, set, 100);
    data_set_free(set);
    support_fail_allocations(open_gaussians, NULL, 100);
}

/* More than there is memory for is refused before it is taken: the system would give it, and end the process later. */
static void test_larger_than_memory(void **state)
{
    (void)state;
    DataSet *set;
    int64_t limit = base_memory_limit();
    assert_fails(data_set_create("huge", DATA_F32, limit / 16 + 1, 1, 2, 2, 10, &set), BASE_ELIMIT,
                 "GB of memory are available to this process");
    assert_null(set);
    assert_fails(data_set_room("huge", limit / 4 + 1, 1, 2, 2), BASE_ELIMIT, "huge: ");
    assert_ok(data_set_room("small", 1000, 1, 2, 2));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_larger_than_memory),
    cmocka_unit_test(test_classes_parse),
    cmocka_unit_test(test_classes_refused),
    cmocka_unit_test(test_partition),
    cmocka_unit_test(test_split),
    cmocka_unit_test(test_sample),
    cmocka_unit_test(test_open_spec),
    cmocka_unit_test(test_gaussians),
    cmocka_unit_test(test_fashion_mnist),
    cmocka_unit_test(test_share),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
