#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/random.h"
#include "nn/arch/arch.h"
#include "nn/train.h"
#include "tests/nn/small.h"

enum { BATCH = 16, CLASSES = 5 };

typedef struct {
    IoHdf5 *file;
    NnNet *net;
    float *x;
    int32_t *y;
} Fixture;

static Fixture fixture_open(void)
{
    Fixture f = {.net = small_net()};
    assert_ok(io_hdf5_open(support_fixture("network.h5"), &f.file));
    f.x = support_read_f32(f.file, "x", NULL);
    f.y = support_read_i32(f.file, "y", NULL);
    small_set(f.file, "params", f.net);
    return f;
}

static void fixture_close(Fixture *f)
{
    nn_net_free(f->net);
    base_free(f->x);
    base_free(f->y);
    io_hdf5_close(f->file);
}

/* float32 steps against PyTorch's float64 ones: 1e-5 of the largest entry over all tensors together; tensor by tensor a
 * bias that feeds batch norm would be compared with its true gradient of 0. */
static void check_group(const Fixture *f, const char *group)
{
    char path[128];
    snprintf(path, sizeof path, "%s/params", group);
    double *params = small_params(f->file, path, f->net), *buffers = small_buffers(f->file, path, f->net);
    assert_close_f32(nn_net_params(f->net), params, nn_net_param_count(f->net), 1e-5);
    assert_close_f32(nn_net_buffers(f->net), buffers, nn_net_buffer_count(f->net), 1e-5);
    base_free(params);
    base_free(buffers);
}

/* One step on n images; sign -1 ascends. Returns the loss met. */
static double one_step(Fixture *f, NnEngine *engine, NnOptimizer *optimizer, const float *x, const int32_t *y,
                       int64_t n, const uint8_t *mask, double lr, float sign)
{
    float *logits = NULL, *dlogits = NULL, *grads = NULL;
    assert_ok(BASE_ALLOC(n * CLASSES, &logits));
    assert_ok(BASE_ALLOC(n * CLASSES, &dlogits));
    assert_ok(BASE_ALLOC(nn_net_param_count(f->net), &grads));
    assert_ok(nn_engine_forward(engine, x, n, 0, logits));
    double loss = nn_loss_cross_entropy(logits, y, n, CLASSES, 0, dlogits);
    for (int64_t i = 0; i < n * CLASSES; i++) dlogits[i] *= sign;
    assert_ok(nn_engine_backward(engine, dlogits, grads));
    nn_optimizer_step(optimizer, nn_net_edit_params(f->net), grads, mask, lr);
    base_free(logits);
    base_free(dlogits);
    base_free(grads);
    return sign * loss;
}

static void steps_match(const char *group, NnOptimizerKind kind, int steps, const uint8_t *mask, double momentum,
                        double decay, bool nesterov)
{
    Fixture f = fixture_open();
    NnEngine *engine = NULL;
    NnOptimizer *optimizer = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/loss", group);
    double *loss = support_read_f64(f.file, path, NULL);
    assert_ok(nn_engine_create(f.net, NN_MODE_TRAIN, NN_F32, BATCH, &engine));
    assert_ok(nn_optimizer_create(kind, nn_net_param_count(f.net), momentum, decay, nesterov, &optimizer));
    for (int s = 0; s < steps; s++) {
        double got = one_step(&f, engine, optimizer, f.x + s * BATCH * 3 * 144, f.y + s * BATCH, BATCH, mask,
                              support_attr(f.file, group, "lr"), 1);
        assert_near(got, loss[s], 0, 1e-5);
    }
    check_group(&f, group);
    base_free(loss);
    nn_engine_free(engine);
    nn_optimizer_free(optimizer);
    fixture_close(&f);
}

static void sgd_matches_pytorch(void **state)
{
    (void)state;
    steps_match("train/sgd_plain_1_step", NN_SGD, 1, NULL, 0, 0, false);
    steps_match("train/sgd_nesterov_2_steps", NN_SGD, 2, NULL, 0.9, 5e-4, true);
}

static void adam_matches_pytorch(void **state)
{
    (void)state;
    uint8_t mask[4096];
    NnNet *net = small_net();
    int count = 0;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    assert_true(nn_net_param_count(net) <= (int64_t)sizeof mask);
    memset(mask, 1, sizeof mask);
    for (int i = 0; i < count; i++) /* their true gradient is 0: Adam would blow rounding up to full steps */
        if (!strcmp(slices[i].name, "conv1.bias") || !strcmp(slices[i].name, "conv2.bias"))
            memset(mask + slices[i].offset, 0, (size_t)slices[i].count);
    nn_net_free(net);
    steps_match("train/adam_2_steps", NN_ADAM, 2, mask, 0, 0, false);
}

static void ascent_matches_pytorch(void **state)
{
    (void)state;
    enum { PIXELS = 3 * 144 };
    Fixture f = fixture_open();
    NnEngine *engine = NULL;
    NnOptimizer *optimizer = NULL;
    float *x = NULL;
    int32_t y[48];
    int64_t n = 0;
    assert_ok(BASE_ALLOC(48 * PIXELS, &x));
    for (int i = 0; i < 48; i++) {
        if (f.y[i] != 2) continue;
        memcpy(x + n * PIXELS, f.x + i * PIXELS, PIXELS * sizeof *x);
        y[n++] = 2;
    }
    assert_ok(nn_engine_create(f.net, NN_MODE_TRAIN, NN_F32, n, &engine));
    assert_ok(nn_optimizer_create(NN_SGD, nn_net_param_count(f.net), 0, 0, false, &optimizer));
    double *loss = support_read_f64(f.file, "train/neggrad_1_step/loss", NULL);
    double lr = support_attr(f.file, "train/neggrad_1_step", "lr");
    assert_near(one_step(&f, engine, optimizer, x, y, n, NULL, lr, -1), loss[0], 0, 1e-5);
    check_group(&f, "train/neggrad_1_step");
    base_free(loss);
    base_free(x);
    nn_engine_free(engine);
    nn_optimizer_free(optimizer);
    fixture_close(&f);
}

/* Three well separated clouds in the plane. */
enum { POINTS = 300, KINDS = 3 };
static float points[POINTS * 2];
static int32_t kinds[POINTS];
static char set_name[] = "clouds train", kind_names[KINDS][2] = {"0", "1", "2"};
static char *class_names[KINDS] = {kind_names[0], kind_names[1], kind_names[2]};

static DataSet clouds(void)
{
    static const double CENTRE[KINDS][2] = {{-2, 0}, {2, 0}, {0, 3}};
    BaseRandom r = base_random_make(7, "test", 0);
    for (int i = 0; i < POINTS; i++) {
        kinds[i] = i % KINDS;
        for (int d = 0; d < 2; d++) points[2 * i + d] = (float)(CENTRE[kinds[i]][d] + 0.4 * base_random_normal(&r));
    }
    return (DataSet){.name = set_name,
                     .N = POINTS,
                     .C = 2,
                     .H = 1,
                     .W = 1,
                     .K = KINDS,
                     .type = DATA_F32,
                     .images = points,
                     .labels = kinds,
                     .class_names = class_names};
}

static NnNet *cloud_net(uint64_t seed)
{
    const NnArch *arch = NULL;
    NnNet *net = NULL;
    assert_ok(nn_arch_find("mlp", &arch));
    assert_ok(nn_arch_build(arch, (int64_t[3]){2, 1, 1}, KINDS, &net));
    nn_net_init(net, seed);
    return net;
}

static NnTrainConfig defaults(void)
{
    NnTrainConfig config;
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    return config;
}

static void clouds_are_learnt(void **state)
{
    (void)state;
    DataSet set = clouds();
    DataView view = data_view_all(&set);
    NnTrainConfig config = defaults();
    NnTrainEpoch history[20];
    float logits[POINTS * KINDS];
    char first[BASE_HASH_HEX], again[BASE_HASH_HEX], other[BASE_HASH_HEX];
    config.epochs = 20;
    config.batch_size = 32;
    for (int run = 0; run < 3; run++) {
        NnNet *net = cloud_net(1);
        assert_ok(nn_train(net, &view, &config, NN_F32, run == 2 ? 6 : 5, "train", history));
        assert_ok(nn_net_hash(net, run == 0 ? first : run == 1 ? again : other));
        assert_int_equal(history[19].epoch, 20);
        assert_true(history[19].loss < 0.2 && history[19].accuracy > 0.97 && history[0].loss > 2 * history[19].loss);
        assert_ok(nn_predict(net, &view, NN_F32, "predict", logits));
        int right = 0;
        for (int i = 0; i < POINTS; i++) {
            const float *z = logits + i * KINDS;
            right += kinds[i] == (z[1] > z[0] ? (z[2] > z[1] ? 2 : 1) : (z[2] > z[0] ? 2 : 0));
        }
        assert_true(right >= 295);
        nn_net_free(net);
    }
    assert_string_equal(first, again); /* same seed, same bits */
    assert_string_not_equal(first, other);
}

/* 33 points in batches of 32: the lone last one is left out, so one step an epoch; the bar ends at its total. */
typedef struct {
    int64_t calls, done, total;
} Bar;

static void watch(void *user, const char *label, int64_t done, int64_t total, const char *detail)
{
    Bar *bar = user;
    assert_string_equal(label, "bar");
    assert_non_null(strstr(detail, "img/s"));
    bar->calls++;
    bar->done = done;
    bar->total = total;
}

static void lone_last_image_is_left_out(void **state)
{
    (void)state;
    DataSet set = clouds();
    Bar bar = {0, 0, 0};
    const BaseLogSink sink = {.progress = watch, .user = &bar};
    NnTrainConfig config = defaults();
    NnNet *net = cloud_net(1);
    int64_t index[34];
    for (int i = 0; i < 34; i++) index[i] = i;
    config.epochs = 2;
    config.batch_size = 32;
    base_log_sink(&sink);
    assert_ok(nn_train(net, &(DataView){&set, index, 33}, &config, NN_F32, 1, "bar", NULL));
    assert_int_equal(bar.calls, 2);
    assert_int_equal(bar.done, 64);
    assert_int_equal(bar.total, 64);
    assert_int_equal(*nn_net_batches_tracked(net), 2);
    bar.calls = 0;
    assert_ok(nn_train(net, &(DataView){&set, index, 34}, &config, NN_F32, 1, "bar", NULL));
    assert_int_equal(bar.calls, 4);
    base_log_sink(NULL);
    nn_net_free(net);
}

static void predict_is_a_forward_pass(void **state)
{
    (void)state;
    Fixture f = fixture_open();
    double *want = support_read_f64(f.file, "logits_eval", NULL);
    float logits[48 * CLASSES];
    char name[] = "fixture", *names[CLASSES] = {name, name, name, name, name};
    DataSet set = {.name = name,
                   .N = 48,
                   .C = 3,
                   .H = 12,
                   .W = 12,
                   .K = CLASSES,
                   .type = DATA_F32,
                   .images = f.x,
                   .labels = f.y,
                   .class_names = names};
    DataView view = data_view_all(&set);
    assert_ok(nn_predict(f.net, &view, NN_F32, "predict", logits));
    assert_close_f32(logits, want, 48 * CLASSES, 1e-5);
    view.n = 0;
    assert_ok(nn_predict(f.net, &view, NN_F32, "predict", NULL));
    base_free(want);
    fixture_close(&f);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    DataSet set = clouds();
    DataView view = data_view_all(&set), none = view;
    NnTrainConfig config = defaults();
    NnNet *net = cloud_net(1);
    none.n = 0;
    assert_fails(nn_train(net, &none, &config, NN_F32, 1, "t", NULL), BASE_EARG, "no image");
    set.K = 4;
    assert_fails(nn_train(net, &view, &config, NN_F32, 1, "t", NULL), BASE_ESHAPE, "4 classes");
    set.K = KINDS;
    config.lr = 1e38;
    config.schedule = NN_SCHEDULE_CONSTANT;
    assert_fails(nn_train(net, &view, &config, NN_F32, 1, "t", NULL), BASE_ENUMERIC, "lr 1e+38 (try a smaller lr)");
    nn_net_free(net);
}

static BaseStatus train_once(void *user)
{
    DataView view = data_view_all(user);
    NnTrainConfig config = defaults();
    NnNet *net = NULL;
    const NnArch *arch = NULL;
    float logits[POINTS * KINDS];
    BaseStatus st = BASE_OK;
    config.epochs = 1;
    BASE_TRY(nn_arch_find("mlp", &arch));
    BASE_TRY(nn_arch_build(arch, (int64_t[3]){2, 1, 1}, KINDS, &net));
    nn_net_init(net, 1);
    BASE_TRY(nn_train(net, &view, &config, NN_F32, 1, "t", NULL));
    BASE_TRY(nn_predict(net, &view, NN_F32, "p", logits));
out:
    nn_net_free(net);
    return st;
}

static void allocation_failures_are_clean(void **state)
{
    (void)state;
    DataSet set = clouds();
    support_fail_allocations(train_once, &set, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sgd_matches_pytorch),         cmocka_unit_test(adam_matches_pytorch),
    cmocka_unit_test(ascent_matches_pytorch),      cmocka_unit_test(clouds_are_learnt),
    cmocka_unit_test(lone_last_image_is_left_out), cmocka_unit_test(predict_is_a_forward_pass),
    cmocka_unit_test(bad_input_is_refused),        cmocka_unit_test(allocation_failures_are_clean),
};

SUPPORT_MAIN(tests)
