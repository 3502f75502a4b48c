/* Every registered architecture at the smallest input it takes: builds, has names of its own, counts operations, trains
 * a step that lowers the loss, taps every layer and unlearns. A new row of nn/arch/list.h is tested the day it is
 * added. */
#include "tests/support/support.h"

#include "math/threads.h"
#include "nn/arch/arch.h"
#include "nn/naming.h"
#include "nn/recognise.h"
#include "nn/weights.h"
#include "tests/contract/shapes.h"
#include "tests/nn/formula.h"
#include "unlearn/unlearn.h"

enum { N = 6, K = 3 };

static const NnArch *arch_at(size_t i) { return base_registry_at(&nn_arch_registry, i); }

static void entries_are_complete(void **state)
{
    (void)state;
    assert_true(base_registry_count(&nn_arch_registry) >= 32);
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArch *arch = arch_at(i), *found = NULL;
        int64_t shape[3], data[3] = {1, 28, 28};
        NnNet *net = NULL;
        int count, buffers, classifiers[NN_CLASSIFIERS];
        assert_ok(nn_arch_find(arch->entry.name, &found));
        assert_ptr_equal(arch, found); /* names are unique */
        assert_true(*arch->entry.summary && arch->entry.source);
        assert_true(!arch->C == !arch->H && !arch->H == !arch->W);
        assert_ok(nn_arch_shape(arch, data, NULL, shape));
        assert_ok(nn_arch_build_at(arch, shape, 1000, false, &net));
        assert_int_equal(nn_net_classes(net), 1000);
        assert_true(nn_net_flops(net) > 0);
        assert_null(nn_net_params(net)); /* an outline has no numbers */
        const NnSlice *slices = nn_net_param_slices(net, &count), *statistics = nn_net_buffer_slices(net, &buffers);
        for (int a = 0; a < count; a++) {
            for (int b = 0; b < a; b++) assert_string_not_equal(slices[a].name, slices[b].name);
            for (int b = 0; b < buffers; b++) assert_string_not_equal(slices[a].name, statistics[b].name);
        }
        const NnLayer *layers = nn_net_layers(net, &count);
        assert_true(count > 0 && layers[count - 1].K == 1000);
        assert_true(layers[count - 1].kind == NN_LAYER_LINEAR || !nn_net_ends_linear(net));
        assert_int_equal(nn_net_classifiers(net, classifiers), 1);
        assert_int_equal(classifiers[0], count - 1);
        nn_net_free(net);
    }
}

typedef struct {
    DataSet set;
    DataForget forget;
} World;

static void world_open(World *d, const int64_t shape[3])
{
    static char *names[] = {"a", "b", "c"};
    int64_t size = shape[0] * shape[1] * shape[2];
    float *x = NULL;
    BaseRandom random = base_random_make(3, "contract_arch", 0);
    *d = (World){.set = {.name = "tiny",
                         .N = N,
                         .C = shape[0],
                         .H = shape[1],
                         .W = shape[2],
                         .K = K,
                         .type = DATA_F32,
                         .class_names = names}};
    assert_ok(BASE_ALLOC(N * size, &x));
    assert_ok(BASE_ALLOC(N, &d->set.labels));
    for (int64_t i = 0; i < N * size; i++) x[i] = (float)base_random_normal(&random);
    for (int i = 0; i < N; i++) d->set.labels[i] = i % K;
    d->set.images = x;
    assert_ok(data_forget_classes(&d->set, "1", &d->forget));
}

static void world_close(World *d)
{
    data_forget_free(&d->forget);
    base_free(d->set.images);
    base_free(d->set.labels);
}

/* One step of gradient descent; the loss of the same batch before and after, dropout off. */
static void trains(NnNet *net, const World *d)
{
    NnEngine *engine = NULL;
    float logits[N * K], dlogits[N * K], *grads = NULL;
    int64_t params = nn_net_param_count(net);
    double norm = 0;
    assert_ok(BASE_ALLOC(params, &grads));
    assert_ok(nn_engine_create(net, NN_MODE_EVAL_GRAD, NN_F32, N, &engine));
    assert_ok(nn_engine_forward(engine, d->set.images, N, 0, logits));
    double before = nn_loss_cross_entropy(logits, d->set.labels, N, K, 0, dlogits);
    assert_ok(nn_engine_backward(engine, dlogits, grads));
    for (int64_t i = 0; i < params; i++) norm += (double)grads[i] * (double)grads[i];
    assert_true(norm > 0);
    /* down the slope by a thousandth of the loss, to first order */
    float step = (float)(1e-3 * before / norm), *values = nn_net_edit_params(net);
    for (int64_t i = 0; i < params; i++) values[i] -= step * grads[i];
    assert_ok(nn_engine_forward(engine, d->set.images, N, 0, logits));
    double after = nn_loss_cross_entropy(logits, d->set.labels, N, K, 0, dlogits);
    if (!(after < before)) fail_msg("loss %g, after a step %g", before, after);
    nn_engine_free(engine);
    base_free(grads);
}

/* A training step of the real loop: batch statistics, dropout. */
static void trains_for_real(NnNet *net, const World *d)
{
    NnTrainConfig config;
    NnTrainEpoch epoch;
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = 1;
    config.batch_size = N;
    config.lr = 1e-4;
    DataView all = data_view_all(&d->set);
    assert_ok(nn_train(net, &all, &config, NN_F32, 1, "contract", &epoch));
    assert_true(isfinite(epoch.loss));
}

static void taps(NnNet *net, const World *d)
{
    NnEngine *engine = NULL;
    float logits[N * K];
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    assert_ok(nn_engine_create(net, NN_MODE_EVAL, NN_F32, N, &engine));
    assert_ok(nn_engine_forward(engine, d->set.images, N, 0, logits));
    for (int i = 0; i < count; i++) {
        int64_t size = N * layers[i].C * layers[i].H * layers[i].W;
        float *map = NULL, largest = 0;
        assert_ok(BASE_ALLOC(size, &map));
        assert_ok(nn_engine_tap_pixels(engine, i, NN_F32, map));
        for (int64_t j = 0; j < size; j++) largest = fmaxf(largest, fabsf(map[j]));
        if (!(largest > 0)) fail_msg("layer %s sees nothing", layers[i].name);
        base_free(map);
    }
    nn_engine_free(engine);
}

static void unlearns(const NnNet *original, const World *d)
{
    const UnlearnMethod *svd = NULL;
    NnNet *net = NULL;
    UnlearnReport report;
    double params[1024]; /* room for any parameter struct, aligned */
    int count;
    nn_net_layers(original, &count);
    assert_ok(unlearn_find("svd", &svd));
    assert_true(svd->entry.params_size <= sizeof params);
    base_param_defaults(svd->entry.params, svd->entry.param_count, params);
    UnlearnContext context = {
        .original = original, .train = data_view_all(&d->set), .forget = &d->forget, .precision = NN_F32, .seed = 1};
    assert_ok(nn_net_clone(original, &net));
    assert_ok(unlearn_run(svd, &context, params, net, &report));
    assert_int_equal(report.layer_count, count);
    for (int i = 0; i < count; i++)
        if (!(report.layers[i].weight_change > 0)) fail_msg("layer %s is as it was", report.layers[i].name);
    unlearn_report_free(&report);
    nn_net_free(net);
}

/* Logits that are means of a rectified map must not all be 0, where no gradient is. */
static void lift(NnNet *net)
{
    int count;
    const NnLayer *last = nn_net_layers(net, &count);
    last += count - 1;
    if (last->kind == NN_LAYER_LINEAR) return;
    assert_true(last->bias >= 0);
    float *bias = nn_net_edit_params(net) + nn_net_param_slices(net, &count)[last->bias].offset;
    for (int k = 0; k < K; k++) bias[k] += 1;
}

static void every_architecture_works(void **state)
{
    (void)state;
    if (!getenv("EXPUNGE_LONG"))
        assert_ok(math_threads_set(1)); /* thousands of tiny loops: waiting would be most of it */
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArch *arch = arch_at(i);
        int64_t shape[3], live = base_memory_live();
        NnNet *net = NULL;
        World d;
        if (is_long(smallest_shape(arch, K, shape))) continue;
        print_message("%s\n", arch->entry.name);
        world_open(&d, shape);
        assert_ok(nn_arch_build_at(arch, shape, K, true, &net));
        formula_fill(net); /* keeps the size of activations, with or without norms */
        lift(net);
        trains(net, &d);
        taps(net, &d);
        unlearns(net, &d);
        /* last: these weights are no start for 152 layers with the statistics of six images */
        trains_for_real(net, &d);
        nn_net_free(net);
        world_close(&d);
        assert_int_equal(base_memory_live(), live);
    }
}

/* A checkpoint with the tensors of @p net, without their values. */
static IoTensors *checkpoint(const NnNet *net)
{
    IoTensors *tensors = NULL;
    int counts[2];
    const NnSlice *const blocks[2] = {nn_net_param_slices(net, &counts[0]), nn_net_buffer_slices(net, &counts[1])};
    assert_ok(io_tensors_create(&tensors));
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < counts[b]; i++) {
            const NnSlice *s = &blocks[b][i];
            assert_ok(io_tensors_add(tensors, s->name, IO_U8, s->ndim, s->shape, NULL));
            tensors->items[tensors->count - 1].dtype = IO_F32; /* only names and shapes are looked at */
        }
    return tensors;
}

/* A checkpoint of each is recognised as itself, or as that whose tensors it has, and its class count and image size with it. */
static void every_architecture_is_recognised(void **state)
{
    (void)state;
    const int64_t data[3] = {1, 28, 28};
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArch *arch = arch_at(i);
        NnNet *net = NULL;
        NnRecognised got;
        int64_t shape[3];
        assert_ok(nn_arch_shape(arch, data, NULL, shape));
        assert_ok(nn_arch_build_at(arch, shape, 17, false, &net));
        if (is_long(nn_net_param_count(net))) {
            nn_net_free(net);
            continue;
        }
        IoTensors *tensors = checkpoint(net);
        const NnArch *like;
        if (arch->like) assert_ok(nn_naming_apply(tensors));
        assert_ok(nn_recognise(tensors, data, "file", &got));
        assert_string_equal(got.arch->entry.name, arch->like ? arch->like : arch->entry.name);
        assert_ok(nn_recognise_like(got.arch, tensors, &like));
        if (arch->like) assert_ptr_equal(like, arch);
        assert_int_equal(got.K, 17);
        assert_memory_equal(got.shape, shape, sizeof shape);
        io_tensors_free(tensors);
        nn_net_free(net);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(entries_are_complete),
    cmocka_unit_test(every_architecture_works),
    cmocka_unit_test(every_architecture_is_recognised),
};
SUPPORT_MAIN(tests)
