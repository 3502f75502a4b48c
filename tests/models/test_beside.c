/* What stands beside the weights of a PyTorch file, and inside them, under the commands that use weights. */
#include "tests/support/support.h"

#include <stdio.h>

#include "base/memory.h"
#include "io/hdf5.h"
#include "models/beside.h"
#include "nn/weights.h"
#include "session/answers.h"
#include "session/params.h"

/* ---- copies ---- */

typedef struct {
    SessionData data;
    SessionModel model;
    SessionSplit split;
    DataForget forget;
    const UnlearnMethod *method;
    void *params;
    UnlearnContext context;
    NnNet *net; /* unlearned */
} Work;

static void open_work(Work *w, const char *weights)
{
    UnlearnReport report = {0};
    *w = (Work){0};
    assert_ok(session_data_open("gaussians", NULL, &w->data));
    assert_ok(session_model_open("mlp", weights, &w->data, &w->model));
    assert_ok(session_split_make(&w->data, 0.1, 0, &w->split));
    assert_ok(data_forget_classes(w->data.train, "3", &w->forget));
    assert_ok(unlearn_find("svd", &w->method));
    assert_ok(session_params_defaults(&w->method->entry, &w->params));
    w->context = (UnlearnContext){.original = w->model.net, .train = w->split.train, .forget = &w->forget};
    assert_ok(nn_net_clone(w->model.net, &w->net));
    assert_ok(unlearn_run(w->method, &w->context, w->params, w->net, &report));
    unlearn_report_free(&report);
}

static void close_work(Work *w)
{
    nn_net_free(w->net);
    base_free(w->params);
    data_forget_free(&w->forget);
    session_split_free(&w->split);
    session_model_free(&w->model);
    session_data_free(&w->data);
}

/* Whether the tensors hold all of the network's parameters, bit for bit. */
static void assert_holds(const IoTensors *tensors, const NnNet *net, bool holds)
{
    int count;
    bool all = true;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    for (int i = 0; i < count; i++) {
        const IoTensor *t = io_tensors_find(tensors, slices[i].name);
        assert_non_null(t);
        all = all && !memcmp(t->data, nn_net_params(net) + slices[i].offset, (size_t)t->count * sizeof(float));
    }
    assert_int_equal(all, holds);
}

/* The fixture's average equals its weights, so it must become what they become, bit for bit. */
static void copies(void **state)
{
    (void)state;
    static const struct {
        ModelBeside how;
        const char *text;
        size_t count;
        bool changed;
        const char *strange;
    } CASES[] = {{MODEL_BESIDE_UNLEARN, NULL, 1, true, NULL},
                 {MODEL_BESIDE_UNLEARN, "unlearn", 1, true, NULL},
                 {MODEL_BESIDE_DROP, "drop", 0, false, NULL},
                 {MODEL_BESIDE_KEEP, "keep", 1, false, "posix.system"}};
    ModelBeside how;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        Work w;
        IoTensors *again;
        char weights[4096];
        snprintf(weights, sizeof weights, "%s", support_fixture("pytorch_beside.pt"));
        open_work(&w, weights);
        assert_int_equal(w.model.tensors->copy_count, 1);
        assert_string_equal(w.model.tensors->copies[0].where, "model_ema");
        assert_string_equal(w.model.tensors->strange, "posix.system");
        assert_string_equal(w.model.tensors->stale, "optimizer (momentum_buffer, 5 tensors)");
        assert_holds(w.model.tensors->copies[0].tensors, w.model.net, true);
        assert_ok(model_beside_parse(CASES[i].text, &how));
        assert_int_equal(how, CASES[i].how);
        const char *out = support_at("out.pt");
        assert_ok(model_beside_apply(how, w.method, &w.context, w.params, weights, out, &w.model));
        assert_ok(io_tensors_write(w.model.tensors, out));
        assert_ok(io_tensors_read(out, &again));
        assert_int_equal(again->copy_count, CASES[i].count);
        if (CASES[i].count) {
            assert_holds(again->copies[0].tensors, w.net, CASES[i].changed);
            assert_holds(again->copies[0].tensors, w.model.net, !CASES[i].changed);
        }
        if (CASES[i].strange)
            assert_string_equal(again->strange, CASES[i].strange);
        else
            assert_null(again->strange);
        io_tensors_free(again);
        close_work(&w);
    }
    assert_fails(model_beside_parse("forget", &how), BASE_EUSAGE, "must be unlearn, drop or keep");
}

/* An output of another format holds no copies: none is worked on. */
static void other_format(void **state)
{
    (void)state;
    Work w;
    char weights[4096];
    snprintf(weights, sizeof weights, "%s", support_fixture("pytorch_beside.pt"));
    open_work(&w, weights);
    assert_ok(
        model_beside_apply(MODEL_BESIDE_UNLEARN, w.method, &w.context, w.params, weights, "out.safetensors", &w.model));
    assert_holds(w.model.tensors->copies[0].tensors, w.model.net, true);
    close_work(&w);
}

/* A copy that is none of a network is no reason to lose the rest: the message says what leaves it out. */
static void broken_copy(void **state)
{
    (void)state;
    Work w;
    char weights[4096];
    snprintf(weights, sizeof weights, "%s", support_fixture("pytorch_beside.pt"));
    open_work(&w, weights);
    ((float *)io_tensors_find(w.model.tensors->copies[0].tensors, "layers.1.running_var")->data)[0] = -1;
    assert_fails(model_beside_apply(MODEL_BESIDE_UNLEARN, w.method, &w.context, w.params, weights, "out.pt", &w.model),
                 BASE_EFORMAT, "model_ema, a copy beside the weights, too (--beside drop leaves it out)");
    close_work(&w);
}

/* Under a wrapper too, the message says whose tensors they are. */
static void another_architecture(void **state)
{
    (void)state;
    SessionData data = {0};
    SessionModel model = {0};
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_fails(session_model_open("resnet18", support_fixture("pytorch_legacy.pth"), &data, &model), BASE_ESHAPE,
                 "its tensors are those of mlp (--arch auto)");
    session_data_free(&data);
    /* and so before there are images */
    const char *wrapped = support_fixture("pytorch_legacy.pth");
    assert_ok(session_weights_check("mlp", wrapped));
    assert_ok(session_weights_check("auto", wrapped));
    assert_fails(session_weights_check("resnet18", wrapped), BASE_ESHAPE, "its tensors are those of mlp (--arch auto)");
}

/* ---- networks that normalise their images themselves ---- */

static void make_data(const char *path)
{
    static uint8_t pixels[8 * 3 * 4 * 4];
    static const int64_t SHAPE[4] = {8, 3, 4, 4}, LABELS[8] = {0, 1, 2, 3, 0, 1, 2, 3}, COUNT[1] = {8};
    IoHdf5 *file;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 37);
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/train/images", IO_H5_U8, 4, SHAPE, pixels));
    assert_ok(io_hdf5_write(file, "/train/labels", IO_H5_I64, 1, COUNT, LABELS));
    assert_ok(io_hdf5_write(file, "/test/images", IO_H5_U8, 4, SHAPE, pixels));
    assert_ok(io_hdf5_write(file, "/test/labels", IO_H5_I64, 1, COUNT, LABELS));
    assert_ok(io_hdf5_save_take(file, path));
}

/* mean, std: [count], or NULL: no such tensor */
static void make_weights(const char *path, const float *mean, const float *std, int64_t count)
{
    const NnArch *arch;
    NnNet *net;
    IoTensors *plain, *t;
    assert_ok(nn_arch_find("mlp", &arch));
    assert_ok(nn_arch_build_at(arch, (int64_t[]){3, 4, 4}, 4, true, &net));
    nn_net_init(net, 3);
    assert_ok(nn_weights_export(net, &plain));
    assert_ok(io_tensors_create(&t));
    if (mean) assert_ok(io_tensors_add(t, "normalize.mean", IO_F32, 1, &count, mean));
    for (size_t i = 0; i < plain->count; i++) {
        const IoTensor *one = &plain->items[i];
        char name[256];
        snprintf(name, sizeof name, "model.%s", one->name);
        assert_ok(io_tensors_add(t, name, one->dtype, one->ndim, one->shape, one->data));
    }
    if (std) assert_ok(io_tensors_add(t, "normalize.std", IO_F32, 1, &count, std));
    assert_ok(io_tensors_write(t, path));
    io_tensors_free(plain);
    io_tensors_free(t);
    nn_net_free(net);
}

static BaseStatus logits_of(const char *weights, const char *spec, const DataOptions *options, SessionPredictions *out,
                            char prep[200])
{
    SessionData data = {0};
    SessionModel model = {0};
    BaseStatus st = session_data_open(spec, options, &data);
    if (st == BASE_OK) st = session_model_open("auto", weights, &data, &model);
    if (st == BASE_OK) {
        DataView view = data_view_all(data.test);
        st = session_predict(model.net, &view, NN_F32, "test", out);
        snprintf(prep, 200, "%s", data.prep);
    }
    session_model_free(&model);
    session_data_free(&data);
    return st;
}

static void normalising_inside(void **state)
{
    (void)state;
    static const float MEAN[3] = {0.5f, 0.25f, 0.125f}, STD[3] = {0.25f, 0.5f, 1}, BYTES[3] = {125, 123, 114};
    char spec[4300], prep[2][200];
    SessionPredictions with = {0}, inside = {0};
    make_data(support_at("data.h5"));
    snprintf(spec, sizeof spec, "hdf5:%s", support_at("data.h5"));
    make_weights(support_at("plain.safetensors"), NULL, NULL, 0);
    make_weights(support_at("inside.safetensors"), MEAN, STD, 3);
    const DataOptions options = {.mean = "0.5,0.25,0.125", .std = "0.25,0.5,1"}, none = {.mean = "none"};
    assert_ok(logits_of(support_at("plain.safetensors"), spec, &options, &with, prep[0]));
    const DataOptions *given[] = {NULL, &none, &options};
    for (int i = 0; i < 3; i++) {
        assert_ok(logits_of(support_at("inside.safetensors"), spec, given[i], &inside, prep[1]));
        assert_string_equal(prep[0], prep[1]);
        assert_memory_equal(with.logits, inside.logits, (size_t)(with.p.n * with.p.K) * sizeof(float));
        session_predictions_free(&inside);
    }
    session_predictions_free(&with);
    /* checked as the options are */
    make_weights(support_at("bytes.safetensors"), BYTES, STD, 3);
    assert_fails(logits_of(support_at("bytes.safetensors"), spec, NULL, &inside, prep[1]), BASE_EUSAGE,
                 "normalize.mean");
    make_weights(support_at("half.safetensors"), MEAN, NULL, 3);
    assert_fails(logits_of(support_at("half.safetensors"), spec, NULL, &inside, prep[1]), BASE_ESHAPE,
                 "no normalize.std");
    make_weights(support_at("two.safetensors"), MEAN, STD, 2);
    assert_fails(logits_of(support_at("two.safetensors"), spec, NULL, &inside, prep[1]), BASE_EUSAGE, "3 channels");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(copies),
    cmocka_unit_test(other_format),
    cmocka_unit_test(broken_copy),
    cmocka_unit_test(another_architecture),
    cmocka_unit_test(normalising_inside),
};
SUPPORT_MAIN(tests)
