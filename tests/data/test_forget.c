/* Forget sets: which images a class list, an index file and a draw mean, in training and in held-out views; the text that
 * keys hash; what is refused. */
#include "tests/support/support.h"

#include "data/forget/forget.h"
#include "io/file.h"

enum { N = 60, K = 5 };

static DataSet set_of(int32_t labels[N])
{
    static char *names[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < N; i++) labels[i] = i % K;
    return (DataSet){
        .name = "tiny train", .N = N, .C = 1, .H = 1, .W = 1, .K = K, .labels = labels, .class_names = names};
}

static BaseStatus read_text(const DataSet *set, const char *text, const DataOptions *options, DataForget *out)
{
    const char *path = support_at("forget.txt");
    assert_ok(io_file_write(path, text, strlen(text)));
    return data_forget_open(set, &(DataForgetWish){.index = path}, options, out);
}

static void check_text(const DataForget *forget, const char *want)
{
    BaseText text = {0};
    data_forget_text(forget, &text);
    assert_ok(text.st);
    assert_string_equal(text.data, want);
    base_text_free(&text);
}

static void test_classes(void **state)
{
    (void)state;
    int32_t labels[N];
    const DataSet set = set_of(labels);
    DataForget f;
    DataIndex in, out;
    const DataView all = data_view_all(&set);
    assert_ok(data_forget_open(&set, &(DataForgetWish){.classes = "b,d"}, NULL, &f));
    assert_false(data_forget_by_image(&f));
    check_text(&f, "1,3"); /* what class runs have always hashed */
    for (int i = 0; i < N; i++) {
        bool gone = labels[i] == 1 || labels[i] == 3;
        assert_int_equal(data_forget_holds(&f, labels[i], i), gone);
        assert_int_equal(data_forget_holds(&f, labels[i], -1), gone); /* held-out images of a class too */
    }
    assert_ok(data_forget_partition(&all, &f, &in, &out));
    assert_true(in.n == 24 && out.n == 36 && in.at[0] == 1 && in.at[1] == 3 && out.at[0] == 0);
    data_index_free(&in);
    data_index_free(&out);
    assert_ok(data_forget_partition_unseen(&all, &f, &in, &out));
    assert_true(in.n == 24 && out.n == 36);
    data_index_free(&in);
    data_index_free(&out);
    data_forget_free(&f);
}

static void test_images(void **state)
{
    (void)state;
    int32_t labels[N];
    const DataSet set = set_of(labels);
    DataForget f, same;
    DataIndex in, out;
    const DataView all = data_view_all(&set);
    assert_ok(read_text(&set, "11\n1\n6-7\n", NULL, &f)); /* classes 1, 1, 1 and 2 */
    assert_true(data_forget_by_image(&f) && f.images.n == 4 && f.classes.count == 2);
    assert_true(f.images.at[0] == 1 && f.images.at[1] == 6 && f.images.at[2] == 7 && f.images.at[3] == 11);
    for (int i = 0; i < N; i++) {
        assert_int_equal(data_forget_holds(&f, labels[i], i), i == 1 || i == 6 || i == 7 || i == 11);
        assert_false(data_forget_holds(&f, labels[i], -1)); /* what was not trained on is not forgotten */
    }
    assert_ok(data_forget_partition(&all, &f, &in, &out));
    assert_true(in.n == 4 && out.n == N - 4);
    for (int64_t i = 0; i < out.n; i++) assert_false(data_forget_holds(&f, labels[out.at[i]], out.at[i]));
    data_index_free(&in);
    data_index_free(&out);
    const int64_t part[] = {7, 8, 11}; /* the images of a seed: others were not trained on */
    assert_ok(data_forget_partition(&(DataView){&set, part, 3}, &f, &in, &out));
    assert_true(in.n == 2 && in.at[0] == 7 && in.at[1] == 11 && out.n == 1 && out.at[0] == 8);
    data_index_free(&in);
    data_index_free(&out);
    assert_ok(data_forget_partition_unseen(&all, &f, &in, &out));
    assert_true(in.n == 0 && out.n == N);
    data_index_free(&in);
    data_index_free(&out);
    assert_ok(read_text(&set, "7\n6\n11\ntrain 1\n", NULL, &same)); /* the order of lines changes nothing */
    assert_true(data_forget_same(&f, &same));
    check_text(&same, "images-4-269786497f39e2c2");
    check_text(&f, "images-4-269786497f39e2c2");
    data_forget_free(&same);
    data_forget_free(&f);
}

/* A set that an index file made counts as its source does. */
static void test_picked(void **state)
{
    (void)state;
    int32_t labels[N];
    DataSet set = set_of(labels);
    DataForget f;
    const char *path = support_at("picks.txt");
    static const char PICKS[] = "40-98\ntest 3\n"; /* 60 images */
    assert_ok(io_file_write(path, PICKS, sizeof PICKS - 1));
    const DataOptions options = {.train_index = path}, broken = {.broken = "skip"};
    assert_ok(read_text(&set, "41\ntest 3\n", &options, &f));
    assert_true(f.images.n == 2 && f.images.at[0] == 1 && f.images.at[1] == 59);
    data_forget_free(&f);
    assert_fails(read_text(&set, "39\n", &options, &f), BASE_EUSAGE, "image 39 of the train split is not among the 60");
    assert_fails(read_text(&set, "3\n", &broken, &f), BASE_EUSAGE, "--broken skip shifts");
}

static void test_refused(void **state)
{
    (void)state;
    int32_t labels[N];
    const DataSet set = set_of(labels);
    DataForget f;
    assert_fails(data_forget_open(&set, &(DataForgetWish){.classes = "1", .index = "f.txt"}, NULL, &f), BASE_EUSAGE,
                 "--forget and --forget-index exclude each other");
    assert_fails(data_forget_open(&set, &(DataForgetWish){0}, NULL, &f), BASE_EUSAGE, "nothing is to be forgotten");
    assert_fails(read_text(&set, "60\n", NULL, &f), BASE_EUSAGE, "image 60 of the train split is not among the 60");
    assert_fails(read_text(&set, "test 1\n", NULL, &f), BASE_EUSAGE, "image 1 of the test split is not among");
    assert_fails(read_text(&set, "4\n5\n4\n", NULL, &f), BASE_EUSAGE, "image 4 is to be forgotten twice");
    assert_fails(read_text(&set, "0-59\n", NULL, &f), BASE_EUSAGE, "all 60 images are to be forgotten");
    assert_fails(read_text(&set, "0-99\n", NULL, &f), BASE_EUSAGE, "names 100 images");
    assert_fails(read_text(&set, "x\n", NULL, &f), BASE_EUSAGE, "a line must hold the position");
}

static void test_drawn(void **state)
{
    (void)state;
    int32_t labels[N];
    const DataSet set = set_of(labels);
    const DataView all = data_view_all(&set);
    DataForget f, again, other;
    DataIndex kept, held;
    assert_ok(data_forget_draw(&set, NULL, 0.25, 0, &f));
    assert_true(f.images.n == 15 && f.classes.count == K); /* 3 of each 12 */
    assert_ok(data_forget_draw(&set, NULL, 0.25, 0, &again));
    assert_true(data_forget_same(&f, &again));
    assert_ok(data_forget_draw(&set, NULL, 0.25, 1, &other));
    assert_false(data_forget_same(&f, &other));
    assert_ok(data_split(&all, 0.25, 0, &kept, &held)); /* a validation part of the same seed and share */
    assert_true(held.n == f.images.n && memcmp(held.at, f.images.at, (size_t)held.n * sizeof *held.at) != 0);
    data_index_free(&kept);
    data_index_free(&held);
    data_forget_free(&f);
    data_forget_free(&again);
    data_forget_free(&other);
    assert_ok(data_forget_draw(&set, "c", 0.5, 0, &f));
    assert_true(f.images.n == 6 && f.classes.count == 1 && f.classes.in[2]);
    data_forget_free(&f);
    assert_fails(data_forget_draw(&set, NULL, 0.001, 0, &f), BASE_EUSAGE, "a share of 0.001 is no image of tiny train");
    assert_fails(data_forget_draw(&set, NULL, 1, 0, &f), BASE_EARG, "at least 0 and below 1");
}

static BaseStatus draw_once(void *user)
{
    DataForget f;
    DataIndex in = {0}, out = {0};
    const DataSet *set = user;
    const DataView all = data_view_all(set);
    BaseStatus st = data_forget_draw(set, "c", 0.5, 0, &f);
    if (st == BASE_OK) st = data_forget_partition(&all, &f, &in, &out);
    data_index_free(&in);
    data_index_free(&out);
    data_forget_free(&f);
    return st;
}

static BaseStatus read_once(void *user)
{
    DataForget f;
    BaseStatus st = data_forget_open(user, &(DataForgetWish){.index = support_at("forget.txt")}, NULL, &f);
    data_forget_free(&f);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    int32_t labels[N];
    DataSet set = set_of(labels);
    support_fail_each_allocation(draw_once, &set, 200);
    assert_ok(io_file_write(support_at("forget.txt"), "1\n6-7\n", 6));
    support_fail_each_allocation(read_once, &set, 200);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_classes), cmocka_unit_test(test_images), cmocka_unit_test(test_picked),
    cmocka_unit_test(test_refused), cmocka_unit_test(test_drawn),  cmocka_unit_test(test_memory),
};
SUPPORT_MAIN(tests)
