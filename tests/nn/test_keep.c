/* A training that is stopped and goes on gives the bits of one that was not; what is no position of it is not taken. */
#include "tests/support/support.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/random.h"
#include "io/file.h"
#include "io/tensors.h"
#include "nn/train.h"
#include "tests/nn/small.h"

enum { N = 49, K = 5, PIXELS = 3 * 12 * 12, EPOCHS = 4, STEPS = 3 }; /* of 16: the last image is left out */
static float images[N * PIXELS];
static int32_t labels[N];
static char set_name[] = "noise train", class_name[K][2] = {"0", "1", "2", "3", "4"};
static char *class_names[K] = {class_name[0], class_name[1], class_name[2], class_name[3], class_name[4]};

static DataSet noise(void)
{
    BaseRandom r = base_random_make(3, "test_keep", 0);
    for (int i = 0; i < N * PIXELS; i++) images[i] = (float)base_random_normal(&r);
    for (int i = 0; i < N; i++) labels[i] = i % K;
    return (DataSet){.name = set_name,
                     .N = N,
                     .C = 3,
                     .H = 12,
                     .W = 12,
                     .K = K,
                     .type = DATA_F32,
                     .images = images,
                     .labels = labels,
                     .class_names = class_names};
}

/* Listens: stops a training after so many steps, and keeps the last message. */
typedef struct {
    int steps, stop; /* stop 0: never */
    char text[512], warning[512];
} Ear;

static void hear_message(void *user, BaseLogLevel level, const char *text)
{
    Ear *ear = user;
    char *into = level == BASE_LOG_WARNING ? ear->warning : ear->text;
    snprintf(into, sizeof ear->text, "%s", text);
}

static void hear_progress(void *user, const char *label, int64_t done, int64_t total, const char *detail)
{
    (void)label, (void)done, (void)total, (void)detail;
    Ear *ear = user;
    if (++ear->steps == ear->stop) base_cancel_ask();
}

typedef struct {
    char hash[BASE_HASH_HEX];
    int64_t tracked;
    NnTrainEpoch history[EPOCHS];
} Result;

/* One process's share: up to @p stop steps of its own, or to the end. */
static BaseStatus train(const NnTrainConfig *config, NnTrainKeep *keep, int stop, Ear *ear, Result *out)
{
    DataSet set = noise();
    DataView view = data_view_all(&set);
    NnNet *net = small_net();
    *ear = (Ear){.stop = stop};
    const BaseLogSink sink = {hear_message, hear_progress, ear};
    nn_net_init(net, 8);
    base_log_thread_sink(&sink);
    base_cancel_begin();
    BaseStatus st = nn_train_kept(net, &view, config, NN_F32, 8, "test", out->history, keep);
    base_cancel_end();
    base_log_thread_sink(NULL);
    assert_ok(nn_net_hash(net, out->hash));
    out->tracked = *nn_net_batches_tracked(net);
    nn_net_free(net);
    return st;
}

static char *path_of(const char *name)
{
    char *path;
    assert_ok(base_format(&path, "%s/%s" NN_KEEP_ENDING, support_scratch(), name));
    return path;
}

static NnTrainConfig config_of(int64_t optimizer, int64_t schedule, double momentum)
{
    NnTrainConfig config;
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = EPOCHS;
    config.batch_size = 16;
    config.optimizer = optimizer;
    config.schedule = schedule;
    config.momentum = momentum;
    config.patience = 1;
    config.lr = optimizer == NN_ADAM ? 1e-3 : 0.2; /* so high that an epoch is worse than the one before: plateau */
    config.augment = true;
    return config;
}

static void same_bits(const NnTrainConfig *config)
{
    Ear ear;
    Result want, got;
    char *path = path_of("same");
    NnTrainKeep keep = {.path = path, .key = "k"};
    assert_ok(train(config, NULL, 0, &ear, &want));
    assert_int_equal(want.tracked, EPOCHS * STEPS);
    /* inside the first epoch, at its end, after it, before the last step; few, since each step is written and synchronised */
    static const int STOPS[] = {1, STEPS, STEPS + 1, EPOCHS * STEPS - 1};
    for (size_t i = 0; i < BASE_COUNT(STOPS); i++) {
        const int stop = STOPS[i];
        assert_int_equal(train(config, &keep, stop, &ear, &got), BASE_ECANCEL);
        assert_ok(train(config, &keep, 0, &ear, &got));
        assert_int_equal(keep.steps, stop);
        assert_int_equal(ear.steps, EPOCHS * STEPS - stop); /* none is done twice */
        assert_true(keep.wall_seconds > 0 && keep.peak_memory > 0);
        assert_string_equal(got.hash, want.hash);
        assert_int_equal(got.tracked, want.tracked);
        for (int e = 0; e < EPOCHS; e++) {
            assert_int_equal(got.history[e].epoch, e + 1);
            assert_true(got.history[e].loss == want.history[e].loss && got.history[e].lr == want.history[e].lr &&
                        got.history[e].accuracy == want.history[e].accuracy && got.history[e].seconds >= 0);
        }
        nn_keep_remove(&keep);
        assert_false(io_path_exists(path));
    }
    base_free(path);
}

static void test_same_bits(void **state)
{
    (void)state;
    NnTrainConfig config = config_of(NN_SGD, NN_SCHEDULE_ONE_CYCLE, 0.9);
    same_bits(&config);
    config = config_of(NN_SGD, NN_SCHEDULE_PLATEAU, 0);
    same_bits(&config);
    config = config_of(NN_ADAM, NN_SCHEDULE_COSINE, 0.9);
    same_bits(&config);
}

/* Stopped again and again. */
static void test_many_stops(void **state)
{
    (void)state;
    Ear ear;
    Result want, got;
    char *path = path_of("many");
    NnTrainConfig config = config_of(NN_SGD, NN_SCHEDULE_PLATEAU, 0.9);
    NnTrainKeep keep = {.path = path, .key = "k"};
    assert_ok(train(&config, NULL, 0, &ear, &want));
    for (int i = 0; i < (EPOCHS * STEPS - 1) / 2; i++)
        assert_int_equal(train(&config, &keep, 2, &ear, &got), BASE_ECANCEL);
    assert_ok(train(&config, &keep, 0, &ear, &got));
    assert_string_equal(got.hash, want.hash);
    nn_keep_remove(&keep);
    base_free(path);
}

/* The file is there, and says something else: the training begins anew, and says why. */
static void begins_anew(const NnTrainConfig *config, NnTrainKeep *keep, const Result *want, const char *why)
{
    Ear ear;
    Result got;
    assert_ok(train(config, keep, 0, &ear, &got));
    assert_int_equal(keep->steps, 0);
    assert_string_equal(got.hash, want->hash);
    nn_keep_remove(keep); /* nobody's to remove */
    assert_true(io_path_exists(keep->path));
    if (!strstr(ear.text, why) || !strstr(ear.text, "begins anew")) fail_msg("'%s', not '%s'", ear.text, why);
}

/* As @p path, with numbers[at] = value. */
static void damage(const char *path, const char *from, int at, double value)
{
    IoTensors *tensors;
    assert_ok(io_tensors_read(from, &tensors));
    ((double *)io_tensors_find(tensors, "numbers")->data)[at] = value;
    assert_ok(io_tensors_write(tensors, path));
    io_tensors_free(tensors);
}

static void test_others(void **state)
{
    (void)state;
    Ear ear;
    Result want, got;
    char *path = path_of("others"), *good = path_of("good");
    NnTrainConfig config = config_of(NN_SGD, NN_SCHEDULE_ONE_CYCLE, 0.9), plain = config;
    NnTrainKeep keep = {.path = good, .key = "k"}, never = {.path = path, .key = "k", .seconds = 1e9};
    assert_ok(train(&config, NULL, 0, &ear, &want));
    assert_int_equal(train(&config, &keep, 5, &ear, &got), BASE_ECANCEL);
    never.path = good, never.key = "other", never.seconds = 0; /* nor to write over */
    begins_anew(&config, &never, &want, "of another training");
    never.key = "k", never.seconds = 1e9;
    plain.momentum = 0; /* the key of a caller that forgot something: no memory of the optimiser is at hand */
    assert_ok(train(&plain, NULL, 0, &ear, &got));
    begins_anew(&plain, &never, &got, "'first' is not what this training left");
    never.path = path;
    const struct {
        int at;
        double value;
    } wrong[] = {{0, -1}, {0, 1e18}, {0, NAN}, {1, 99}, {1, -1}, {1, 0.5}, {4, -3}, {7, INFINITY}, {8, -1}, {10, 3}};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        damage(path, good, wrong[i].at, wrong[i].value);
        begins_anew(&config, &never, &want, "names a place");
    }
    damage(path, good, 14, omp_get_max_threads() + 1); /* sums of other threads round differently */
    assert_ok(train(&config, &never, 0, &ear, &got));
    assert_non_null(strstr(ear.warning, "will be those of neither"));
    damage(path, good, 0, 2), damage(path, path, 10, 2 * STEPS + 2); /* an epoch later than its history */
    begins_anew(&config, &never, &want, "'history' is not what");
    char *bytes;
    size_t size;
    assert_ok(io_file_read(good, SIZE_MAX, &bytes, &size));
    assert_ok(io_file_write(path, bytes, size / 2));
    begins_anew(&config, &never, &want, path);
    base_free(bytes);
    keep.path = "/nowhere/x" NN_KEEP_ENDING; /* cannot be written: said, and no harm done */
    assert_ok(train(&config, &keep, 0, &ear, &got));
    assert_string_equal(got.hash, want.hash);
    assert_non_null(strstr(ear.text, "the position of the training: /nowhere"));
    base_free(path);
    base_free(good);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_same_bits),
    cmocka_unit_test(test_many_stops),
    cmocka_unit_test(test_others),
};

SUPPORT_MAIN(tests)
