#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "io/file.h"
#include "store/store.h"

static BaseStatus fill(StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const double f64[] = {0.1, -0.0, NAN, INFINITY, 5e-324, 1.0 / 3};
    const float f32[] = {0.1f, 3.4e38f};
    const int64_t i64[] = {INT64_MIN, INT64_MAX, -1}, six[] = {2, 3}, two[] = {2}, three[] = {3}, none[] = {0, 7};
    const int32_t i32[] = {INT32_MIN, INT32_MAX};
    const uint8_t u8[] = {0, 255};
    const char *const texts[] = {"T-shirt/top", "", "Größe \"x\""};
    BASE_TRY(store_run_set_text(run, "/", "id", "abc"));
    BASE_TRY(store_run_set_text(run, "/", "status", "ok"));
    BASE_TRY(store_run_set_i64(run, "/", "seed", 42));
    BASE_TRY(store_run_set_f64(run, "/attacks/svc paper", "auc", 0.1));
    BASE_TRY(store_run_set_text(run, "/meta", "empty", ""));
    BASE_TRY(store_run_set_array(run, "/regions/a", STORE_F64, 2, six, f64));
    BASE_TRY(store_run_set_array(run, "/attacks/svc paper/score", STORE_F32, 1, two, f32));
    BASE_TRY(store_run_set_array(run, "/confusion/test", STORE_I64, 1, three, i64));
    BASE_TRY(store_run_set_array(run, "/b", STORE_I32, 1, two, i32));
    BASE_TRY(store_run_set_array(run, "/c", STORE_U8, 1, two, u8));
    BASE_TRY(store_run_set_array(run, "/none", STORE_F64, 2, none, NULL));
    BASE_TRY(store_run_set_texts(run, "/class_names", texts, 3));
    StoreMetric metric = {"acc_retain", "test", "ACC_r", "%", "retrained", "up", "retained", 0, INFINITY, 2, 100, 0};
    BASE_TRY(store_run_add_metric(run, &metric, (MathEstimate){91.5, 91, 92, 9000}));
    metric.split = "train";
    BASE_TRY(store_run_add_metric(run, &metric, (MathEstimate){99.5, NAN, NAN, 5}));
out:
    return st;
}

static void same_array(const StoreRun *a, const StoreRun *b, const char *path)
{
    static const size_t SIZES[] = {8, 4, 8, 4, 1};
    StoreArray x, y;
    assert_true(store_run_array(a, path, &x));
    assert_true(store_run_array(b, path, &y));
    assert_int_equal(x.type, y.type);
    assert_int_equal(x.ndim, y.ndim);
    assert_memory_equal(x.shape, y.shape, (size_t)x.ndim * sizeof *x.shape);
    assert_int_equal(x.count, y.count);
    if (x.count) assert_memory_equal(x.data, y.data, (size_t)x.count * SIZES[x.type]);
}

static void test_round_trip(void **state)
{
    (void)state;
    StoreRun *run, *back;
    char path[4300];
    snprintf(path, sizeof path, "%s", support_at("round.h5"));
    assert_ok(store_run_create(&run));
    assert_ok(fill(run));
    assert_ok(store_run_write(run, path));
    assert_ok(store_run_read(path, &back));
    static const char *const ARRAYS[] = {"/regions/a", "/attacks/svc paper/score", "/confusion/test", "/b",        "/c",
                                         "/none",      "/metrics/value",           "/metrics/lo",     "/metrics/n"};
    for (size_t i = 0; i < sizeof ARRAYS / sizeof *ARRAYS; i++) same_array(run, back, ARRAYS[i]);
    const char *const *texts;
    size_t count;
    assert_true(store_run_texts(back, "/class_names", &texts, &count));
    assert_int_equal(count, 3);
    assert_string_equal(texts[0], "T-shirt/top");
    assert_string_equal(texts[1], "");
    assert_string_equal(texts[2], "Größe \"x\"");
    assert_string_equal(store_run_text(back, "/", "id"), "abc");
    assert_string_equal(store_run_text(back, "/meta", "empty"), "");
    assert_near(store_run_f64(back, "/", "seed"), 42, 0, 0);
    assert_near(store_run_f64(back, "/attacks/svc paper", "auc"), 0.1, 0, 0);
    assert_near(store_run_f64(back, "/", "schema"), STORE_SCHEMA, 0, 0);
    MathEstimate m;
    assert_true(store_run_metric(back, "acc_retain", "train", &m));
    assert_near(m.value, 99.5, 0, 0);
    assert_near(m.lo, NAN, 0, 0);
    assert_int_equal(m.n, 5);
    assert_false(store_run_metric(back, "acc_retain", "validation", &m));
    StoreMetric said;
    assert_true(store_run_metric_at(back, 1, &said));
    assert_string_equal(said.split, "train");
    assert_string_equal(said.direction, "up");
    assert_string_equal(said.role, "retained");
    assert_near(said.most, INFINITY, 0, 0);
    assert_int_equal(said.decimals, 2);
    assert_int_equal(said.in_results, 100);
    assert_false(store_run_metric_at(back, 2, &said));
    store_run_free(back);
    assert_ok(store_run_read_light(path, &back));
    StoreArray a;
    assert_false(store_run_array(back, "/regions/a", &a));
    assert_false(store_run_array(back, "/attacks/svc paper/score", &a));
    assert_false(store_run_array(back, "/confusion/test", &a));
    assert_false(store_run_texts(back, "/class_names", &texts, &count));
    assert_true(store_run_array(back, "/metrics/value", &a));
    assert_near(store_run_f64(back, "/attacks/svc paper", "auc"), 0.1, 0, 0);
    store_run_free(back);
    store_run_free(run);
}

static void test_tree(void **state)
{
    (void)state;
    StoreRun *run;
    const char *const *names;
    size_t count;
    const double x = 1;
    const int64_t one[] = {1}, bad[] = {-1};
    assert_ok(store_run_create(&run));
    assert_ok(store_run_set_text(run, "/meta", "b", "1"));
    assert_ok(store_run_set_text(run, "/meta", "a", "2"));
    assert_ok(store_run_set_text(run, "/meta", "b", "3"));
    assert_true(store_run_names(run, "/meta", &names, &count));
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "a");
    assert_string_equal(store_run_text(run, "/meta", "b"), "3");
    assert_ok(store_run_set_f64(run, "/meta", "b", 4));
    assert_null(store_run_text(run, "/meta", "b"));
    assert_near(store_run_f64(run, "/meta", "b"), 4, 0, 0);
    assert_near(store_run_f64(run, "/meta", "absent"), NAN, 0, 0);
    assert_null(store_run_text(run, "/absent", "b"));
    assert_false(store_run_members(run, "/absent", &names, &count));
    assert_int_equal(count, 0);
    assert_ok(store_run_set_array(run, "/g/x", STORE_F64, 1, one, &x));
    assert_true(store_run_members(run, "/", &names, &count));
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "g");
    assert_fails(store_run_set_array(run, "/g", STORE_F64, 1, one, &x), BASE_EARG, "is a group, not an array");
    assert_fails(store_run_set_text(run, "/g/x", "n", "v"), BASE_EARG, "is an array, not a group");
    assert_fails(store_run_set_text(run, "meta", "n", "v"), BASE_EARG, "must start with '/'");
    assert_fails(store_run_set_text(run, "/a//b", "n", "v"), BASE_EARG, "empty");
    assert_fails(store_run_set_text(run, "/a/..", "n", "v"), BASE_EARG, "'..'");
    assert_fails(store_run_set_text(run, "/1/2/3/4/5/6/7/8/9", "n", "v"), BASE_EARG, "more than 8 parts");
    assert_fails(store_run_set_array(run, "/y", STORE_F64, 1, bad, &x), BASE_ESHAPE, "is -1");
    assert_fails(store_run_set_array(run, "/y", STORE_F64, 5, one, &x), BASE_ESHAPE, "5 dimensions");
    store_run_free(run);
    store_run_free(NULL);
}

static void test_metrics_replace(void **state)
{
    (void)state;
    StoreRun *run;
    StoreArray a;
    MathEstimate m;
    assert_ok(store_run_create(&run));
    StoreMetric one = {"a", "test", "A", "%", "", "", "", 0, 1, 2, 0, 0}, other = one;
    other.name = "b";
    assert_ok(store_run_add_metric(run, &one, math_estimate(1, 10)));
    assert_ok(store_run_add_metric(run, &other, math_estimate(2, 20)));
    one.decimals = 3;
    assert_ok(store_run_add_metric(run, &one, math_estimate(3, 30)));
    assert_true(store_run_array(run, "/metrics/n", &a));
    assert_int_equal(a.count, 2);
    assert_true(store_run_metric(run, "a", "test", &m));
    assert_near(m.value, 3, 0, 0);
    assert_true(store_run_metric(run, "b", "test", &m));
    assert_int_equal(m.n, 20);
    assert_true(store_run_metric_at(run, 0, &one));
    assert_int_equal(one.decimals, 3);
    assert_true(store_run_metric_at(run, 1, &one));
    assert_int_equal(one.decimals, 2);
    store_run_free(run);
}

static void describe(StoreMetric *metric)
{
    metric->role = strcmp(metric->name, "a") == 0 ? "score" : "";
    metric->in_scores = 7;
}

/* A run of schema 3 says less of its metrics, once it is told the rest it is left alone. */
static void test_metrics_described(void **state)
{
    (void)state;
    StoreRun *run;
    StoreMetric m;
    MathEstimate value;
    const char *const names[] = {"a", "b"}, *const splits[] = {"test", "train"}, *const texts[] = {"x", "y"};
    const double numbers[] = {1, 2};
    const int64_t n[] = {10, 20}, two[] = {2}, one[] = {1};
    assert_ok(store_run_create(&run));
    assert_ok(store_run_describe_metrics(run, describe)); /* no metric, no column */
    assert_false(store_run_metric_at(run, 0, &m));
    assert_ok(store_run_set_texts(run, "/metrics/names", names, 2));
    assert_ok(store_run_set_texts(run, "/metrics/splits", splits, 2));
    assert_ok(store_run_set_texts(run, "/metrics/titles", texts, 2));
    assert_ok(store_run_set_texts(run, "/metrics/units", texts, 2));
    assert_ok(store_run_set_texts(run, "/metrics/ideals", texts, 2));
    assert_ok(store_run_set_array(run, "/metrics/value", STORE_F64, 1, two, numbers));
    assert_ok(store_run_set_array(run, "/metrics/lo", STORE_F64, 1, two, numbers));
    assert_ok(store_run_set_array(run, "/metrics/hi", STORE_F64, 1, two, numbers));
    assert_ok(store_run_set_array(run, "/metrics/n", STORE_I64, 1, two, n));
    assert_true(store_run_metric_at(run, 1, &m));
    assert_string_equal(m.role, "");
    assert_int_equal(m.decimals, -1);
    assert_near(m.least, -INFINITY, 0, 0);
    assert_ok(store_run_describe_metrics(run, describe));
    assert_true(store_run_metric_at(run, 0, &m));
    assert_string_equal(m.name, "a");
    assert_string_equal(m.ideal, "x");
    assert_string_equal(m.role, "score");
    assert_true(store_run_metric_at(run, 1, &m));
    assert_string_equal(m.role, "");
    assert_int_equal(m.in_scores, 7);
    assert_true(store_run_metric(run, "b", "train", &value));
    assert_int_equal(value.n, 20);
    m.in_scores = 9;
    assert_ok(store_run_add_metric(run, &m, value));
    assert_ok(store_run_describe_metrics(run, describe));
    assert_true(store_run_metric_at(run, 1, &m));
    assert_int_equal(m.in_scores, 9);
    /* a column of another length or type: of the first no metric is left, of the late ones what they say is not known */
    assert_ok(store_run_set_array(run, "/metrics/decimals", STORE_I64, 1, one, n));
    assert_ok(store_run_set_array(run, "/metrics/most", STORE_I64, 1, two, n));
    assert_true(store_run_metric_at(run, 1, &m));
    assert_int_equal(m.decimals, -1);
    assert_near(m.most, INFINITY, 0, 0);
    assert_ok(store_run_set_array(run, "/metrics/lo", STORE_F64, 1, one, numbers));
    assert_false(store_run_metric_at(run, 1, &m));
    assert_false(store_run_metric(run, "a", "test", &value));
    store_run_free(run);
}

static void test_complete(void **state)
{
    (void)state;
    StoreRun *run;
    char path[4300], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s", support_at("complete.h5"));
    assert_false(store_run_complete(path, "abc"));
    assert_false(store_run_stored(path, "abc"));
    assert_ok(store_run_create(&run));
    assert_ok(fill(run));
    assert_ok(store_run_write(run, path));
    assert_true(store_run_complete(path, "abc"));
    assert_true(store_run_stored(path, "abc"));
    assert_false(store_run_complete(path, "abd"));
    assert_false(store_run_stored(path, "abd"));
    /* one flipped bit: the hash tells */
    assert_ok(io_file_read(path, 0, &bytes, &size));
    bytes[size / 2] ^= 1;
    assert_ok(io_file_write(path, bytes, size));
    assert_false(store_run_complete(path, "abc"));
    assert_false(store_run_stored(path, "abc"));
    StoreRun *damaged;
    assert_fails(store_run_read(path, &damaged), BASE_EFORMAT, "complete.h5: is damaged");
    base_free(bytes);
    assert_ok(store_run_set_text(run, "/", "status", "failed"));
    assert_ok(store_run_write(run, path));
    assert_false(store_run_complete(path, "abc"));
    assert_true(store_run_stored(path, "abc"));
    store_run_free(run);
    char **names;
    assert_ok(io_folder_list(support_scratch(), ".tmp", &names, &size));
    assert_int_equal(size, 0);
    io_names_free(names, size);
}

/* What @p a has, @p b has too. */
static void assert_same_group(const StoreRun *a, const StoreRun *b, const char *group)
{
    const char *const *names, *const *x, *const *y;
    size_t count, n, m;
    char path[512];
    if (store_run_names(a, group, &names, &count))
        for (size_t i = 0; i < count; i++) {
            const char *text = store_run_text(a, group, names[i]);
            if (text)
                assert_string_equal(text, store_run_text(b, group, names[i]));
            else
                assert_near(store_run_f64(b, group, names[i]), store_run_f64(a, group, names[i]), 0, 0);
        }
    if (!store_run_members(a, group, &names, &count)) return;
    for (size_t i = 0; i < count; i++) {
        StoreArray p, q;
        snprintf(path, sizeof path, "%s/%s", group[1] ? group : "", names[i]);
        if (store_run_array(a, path, &p)) {
            static const size_t SIZES[] = {8, 4, 8, 4, 1};
            assert_true(store_run_array(b, path, &q));
            assert_true(p.type == q.type && p.ndim == q.ndim && p.count == q.count);
            for (int d = 0; d < p.ndim; d++) assert_int_equal(p.shape[d], q.shape[d]);
            assert_memory_equal(p.data, q.data, (size_t)p.count * SIZES[p.type]);
        } else if (store_run_texts(a, path, &x, &n)) {
            assert_true(store_run_texts(b, path, &y, &m));
            assert_int_equal(n, m);
            for (size_t k = 0; k < n; k++) assert_string_equal(x[k], y[k]);
        } else {
            assert_same_group(a, b, path);
        }
    }
}
static void assert_same_runs(const StoreRun *a, const StoreRun *b) { assert_same_group(a, b, "/"); }

/* Cut at many places: each is one clear error or, once only the hash line is cut, a run read through the child. */
static void test_truncated(void **state)
{
    (void)state;
    StoreRun *run, *back;
    char path[4300], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s", support_at("cut.h5"));
    assert_ok(store_run_create(&run));
    assert_ok(fill(run));
    assert_ok(store_run_write(run, path));
    store_run_free(run);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    const char *line =
        memmem(bytes, size, "\nexpunge light ", 15); /* behind the second copy, which is a part of size */
    assert_non_null(line);
    int64_t second = strtoll(line + 15, NULL, 10);
    size_t image = (size_t)(line - bytes - second);
    for (int i = 0; i < 6; i++) {
        assert_ok(io_file_write(path, bytes, image * (size_t)i / 6));
        assert_int_not_equal(store_run_read(path, &back), BASE_OK);
        assert_null(back);
        assert_non_null(strstr(base_error_text(), "cut.h5"));
        assert_false(store_run_complete(path, "abc"));
    }
    static const size_t LEFT[] = {10, 100};
    for (size_t i = 0; i < 2 * sizeof LEFT / sizeof *LEFT; i++) {
        assert_ok(io_file_write(path, bytes, i % 2 ? size - LEFT[i / 2] : image + LEFT[i / 2]));
        assert_ok(i % 2 ? store_run_read_light(path, &back) : store_run_read(path, &back));
        assert_string_equal(store_run_text(back, "/", "id"), "abc");
        store_run_free(back);
    }
    base_free(bytes);
}

/* The second copy says what HDF5 says; each flipped byte of it, or a lie about its size, sends the reader to HDF5. */
static void test_light(void **state)
{
    (void)state;
    StoreRun *run, *light, *whole;
    char path[4300], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s", support_at("light.h5"));
    assert_ok(store_run_create(&run));
    assert_ok(fill(run));
    assert_ok(store_run_write(run, path));
    store_run_free(run);
    assert_ok(store_run_read_light(path, &light));
    assert_ok(io_file_read(path, 0, &bytes, &size));
    const char *line = memmem(bytes, size, "\nexpunge light ", 15);
    size_t end = (size_t)(line - bytes), start = end - (size_t)strtoll(line + 15, NULL, 10);
    assert_ok(io_file_write(path, bytes, start)); /* the HDF5 image alone, read without what is heavy */
    assert_ok(store_run_read_light(path, &whole));
    assert_same_runs(light, whole);
    assert_same_runs(whole, light);
    store_run_free(whole);
    for (size_t at = start; at < end + 90; at += 1 + (end - start) / 40) {
        bytes[at] ^= 4;
        assert_ok(io_file_write(path, bytes, size));
        bytes[at] ^= 4;
        assert_ok(store_run_read_light(path, &whole));
        assert_same_runs(light, whole);
        store_run_free(whole);
    }
    store_run_free(light);
    base_free(bytes);
}

/* A section with a right hash, which anyone can make, and a shape whose product is beyond 64 bits: the HDF5 image is
 * read instead. */
static void test_light_shapes(void **state)
{
    (void)state;
    static const int64_t SHAPES[][3] = {{2, (int64_t)1 << 62, 8}, {0, (int64_t)1 << 62, 8}, {INT64_MAX, INT64_MAX, 0}};
    StoreRun *run, *whole, *back;
    BaseText text = {0};
    char path[4300], *bytes, hex[BASE_HASH_HEX];
    size_t size;
    snprintf(path, sizeof path, "%s", support_at("shapes.h5"));
    assert_ok(store_run_create(&run));
    assert_ok(fill(run));
    assert_ok(store_run_write(run, path));
    store_run_free(run);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    const char *line = memmem(bytes, size, "\nexpunge light ", 15);
    size_t start = (size_t)(line - bytes) - (size_t)strtoll(line + 15, NULL, 10);
    assert_ok(io_file_write(path, bytes, start));
    assert_ok(store_run_read_light(path, &whole));
    for (size_t i = 0; i < 3; i++) {
        base_text_free(&text);
        base_text_append(&text, bytes, start + 8); /* the schema's number is the section's first */
        base_text_append(&text, "N\2\0\0\0\0\0\0\0/x\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0", 27);
        base_text_append(&text, (const char *)SHAPES[i], sizeof SHAPES[i]);
        base_hash_bytes(text.data + start, text.size - start, hex);
        base_text_add(&text, "\nexpunge light %016lld %s\n", (long long)(text.size - start), hex);
        base_hash_bytes(text.data, text.size, hex);
        base_text_add(&text, "\nexpunge sha256 %s\n", hex);
        assert_ok(text.st);
        assert_ok(io_file_write(path, text.data, text.size));
        assert_ok(store_run_read_light(path, &back));
        assert_same_runs(back, whole);
        store_run_free(back);
    }
    base_text_free(&text);
    base_free(bytes);
    store_run_free(whole);
}

static void test_foreign(void **state)
{
    (void)state;
    StoreRun *back;
    IoHdf5 *file;
    char path[4300];
    snprintf(path, sizeof path, "%s", support_at("foreign.h5"));
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_set_i64(file, "/", "answer", 42));
    assert_ok(io_hdf5_save_take(file, path));
    assert_fails(store_run_read(path, &back), BASE_EFORMAT, "is not a run file");
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_set_i64(file, "/", "schema", STORE_SCHEMA + 1));
    assert_ok(io_hdf5_save_take(file, path));
    assert_fails(store_run_read(path, &back), BASE_EFORMAT, "has schema 7; this program reads schemas 1 to 6");
    assert_ok(io_file_write(path, "no HDF5 at all", 14));
    assert_fails(store_run_read(path, &back), BASE_EFORMAT, "foreign.h5");
    assert_int_equal(store_run_read(support_at("absent.h5"), &back), BASE_EIO);
}

static BaseStatus write_once(void *user)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    BASE_TRY(store_run_create(&run));
    BASE_TRY(fill(run));
    BASE_TRY(store_run_write(run, user));
out:
    store_run_free(run);
    return st;
}

static BaseStatus read_once(void *user)
{
    StoreRun *run;
    BaseStatus st = store_run_read(user, &run);
    store_run_free(run);
    return st;
}

static BaseStatus read_light_once(void *user)
{
    StoreRun *run;
    BaseStatus st = store_run_read_light(user, &run);
    store_run_free(run);
    return st;
}

static void test_allocations(void **state)
{
    (void)state;
    char path[4300];
    snprintf(path, sizeof path, "%s", support_at("allocations.h5"));
    support_fail_allocations(write_once, path, 2000);
    support_fail_allocations(read_once, path, 2000);
    support_fail_allocations(read_light_once, path, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_tree),
    cmocka_unit_test(test_metrics_replace), cmocka_unit_test(test_metrics_described),
    cmocka_unit_test(test_complete),        cmocka_unit_test(test_truncated),
    cmocka_unit_test(test_light),           cmocka_unit_test(test_light_shapes),
    cmocka_unit_test(test_foreign),         cmocka_unit_test(test_allocations),
};
SUPPORT_MAIN(tests)
