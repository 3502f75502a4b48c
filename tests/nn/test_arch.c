#include "tests/support/support.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "nn/arch/arch.h"
#include "nn/engine.h"

static const int64_t PLANE[3] = {2, 1, 1}, PICTURE[3] = {1, 28, 28};

/* Parameters from a formula, so that full-size networks can be compared without stored weights: u in [-1, 1) from the
 * SplitMix64 finaliser of (FNV-1a of the name + index + golden ratio). */
static double formula(const char *name, int64_t i)
{
    uint64_t z = base_random_mix(base_hash_fnv1a(name) + (uint64_t)i + 0x9e3779b97f4a7c15u);
    return 2 * ((double)(z >> 11) * 0x1p-53) - 1;
}

static void fill_slice(const NnSlice *slice, float *out)
{
    double scale = sqrt(6 * (double)slice->shape[0] / (double)slice->count);
    for (int64_t i = 0; i < slice->count; i++) {
        double u = formula(slice->name, i);
        switch (slice->role) {
        case NN_NORM_WEIGHT: u = 1 + 0.1 * u; break;
        case NN_RUNNING_VAR: u = 1 + 0.5 * fabs(u); break;
        case NN_WEIGHT: u *= scale; break;
        default: u *= 0.1; break;
        }
        out[i] = (float)u;
    }
}

static void fill(NnNet *net)
{
    int count = 0;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    float *params = nn_net_edit_params(net), *buffers = nn_net_edit_buffers(net);
    for (int i = 0; i < count; i++) fill_slice(&slices[i], params + slices[i].offset);
    slices = nn_net_buffer_slices(net, &count);
    for (int i = 0; i < count; i++) fill_slice(&slices[i], buffers + slices[i].offset);
}

/* Next "name": [d, ...] of a flat JSON object of integer arrays; *at moves behind it. */
static bool next_row(const char **at, char name[128], int *ndim, int64_t shape[8])
{
    const char *p = strchr(*at, '"');
    if (!p) return false;
    const char *end = strchr(p + 1, '"');
    snprintf(name, 128, "%.*s", (int)(end - p - 1), p + 1);
    for (*ndim = 0, p = strchr(end, '['); *p != ']';) {
        p++;
        if (isdigit((unsigned char)*p)) shape[(*ndim)++] = strtoll(p, (char **)(uintptr_t)&p, 10);
    }
    *at = p;
    return true;
}

/* Names, shapes and order of parameters as torchvision's state_dict has them (statistics have their own block). */
static void check_state_dict(const NnNet *net, const char *json)
{
    int counts[2], at[2] = {0, 0}, ndim;
    const NnSlice *const blocks[2] = {nn_net_param_slices(net, &counts[0]), nn_net_buffer_slices(net, &counts[1])};
    char name[128];
    int64_t shape[8];
    while (next_row(&json, name, &ndim, shape)) {
        if (strstr(name, "num_batches_tracked")) continue;
        int b = strstr(name, "running_") ? 1 : 0;
        assert_true(at[b] < counts[b]);
        const NnSlice *slice = &blocks[b][at[b]++];
        assert_string_equal(slice->name, name);
        assert_int_equal(slice->ndim, ndim);
        assert_memory_equal(slice->shape, shape, (size_t)ndim * sizeof *shape);
    }
    assert_int_equal(at[0], counts[0]);
    assert_int_equal(at[1], counts[1]);
}

/* Logits of two images. float32 against PyTorch's float64: rounding grows with depth to about 1e-5 of the largest
 * logit. */
static void check_architecture(const char *name, const char *group)
{
    IoHdf5 *file = NULL;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    const NnArch *arch = NULL;
    IoH5Info info;
    char path[128], *json = NULL;
    float *x = NULL, *logits = NULL;
    assert_ok(io_hdf5_open(support_fixture("architectures.h5"), true, &file));
    snprintf(path, sizeof path, "%s/logits", group);
    assert_ok(io_hdf5_info(file, path, &info));
    double *want = support_read_f64(file, path, NULL);
    assert_ok(nn_arch_find(name, &arch));
    assert_ok(nn_arch_build(arch, PICTURE, info.shape[1], &net));
    assert_int_equal(nn_net_param_count(net), (int64_t)support_attr(file, group, "parameters"));
    assert_ok(io_hdf5_get_text(file, group, "state_dict", &json));
    check_state_dict(net, json);
    fill(net);
    int64_t pixels = 2 * arch->C * arch->H * arch->W;
    assert_ok(BASE_ALLOC(pixels, &x));
    assert_ok(BASE_ALLOC(info.count, &logits));
    for (int64_t i = 0; i < pixels; i++) x[i] = (float)formula("input", i);
    assert_ok(nn_engine_create(net, NN_MODE_EVAL, NN_F32, 2, &engine));
    assert_ok(nn_engine_forward(engine, x, 2, 0, logits));
    assert_close_f32(logits, want, info.count, 1e-4);
    nn_engine_free(engine);
    nn_net_free(net);
    base_free(x);
    base_free(logits);
    base_free(want);
    base_free(json);
    io_hdf5_close(file);
}

static void small_forms_are_torchvisions(void **state)
{
    (void)state;
    check_architecture("vgg11_bn", "vgg11_bn_cifar");
    check_architecture("vgg16_bn", "vgg16_bn_cifar");
    check_architecture("resnet18", "resnet18_cifar");
    check_architecture("resnet50", "resnet50_cifar");
}

static void large_forms_are_torchvisions(void **state)
{
    (void)state;
    if (!getenv("EXPUNGE_LONG")) skip();
    check_architecture("resnet18_imagenet", "resnet18_imagenet");
    check_architecture("resnet50_imagenet", "resnet50_imagenet");
    check_architecture("vgg11_bn_imagenet", "vgg11_bn_imagenet");
}

static void every_row_builds(void **state)
{
    (void)state;
    for (size_t i = 0; i < nn_arch_registry.count; i++) {
        const BaseEntry *entry = nn_arch_registry.entries[i];
        const NnArch *arch = NULL;
        NnNet *net = NULL;
        int layers = 0;
        int64_t shape[3];
        assert_ok(nn_arch_find(entry->name, &arch));
        assert_ptr_equal(&arch->entry, entry);
        assert_true(entry->summary && *entry->summary && entry->source);
        if (arch->H > 32) continue; /* half a gigabyte each: checked against PyTorch in the long tests */
        assert_ok(nn_arch_build(arch, PICTURE, 7, &net));
        assert_int_equal(nn_net_classes(net), 7);
        nn_net_input_shape(net, shape);
        assert_int_equal(shape[1], arch->H ? arch->H : PICTURE[1]);
        const NnLayer *list = nn_net_layers(net, &layers);
        assert_true(layers > 0 && list[layers - 1].kind == NN_LAYER_LINEAR && list[layers - 1].K == 7);
        nn_net_free(net);
    }
}

static void mlp_is_the_papers_toy(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    NnNet *net = NULL;
    int layers = 0;
    assert_ok(nn_arch_find("mlp", &arch));
    assert_ok(nn_arch_build(arch, PLANE, 4, &net));
    const NnLayer *list = nn_net_layers(net, &layers);
    assert_int_equal(layers, 5);
    for (int i = 0; i < 4; i++) assert_int_equal(list[i].K, 5);
    assert_string_equal(list[4].name, "layers.12");
    assert_int_equal(nn_net_param_count(net), (2 * 5 + 5) + 3 * (5 * 5 + 5) + 4 * 10 + (5 * 4 + 4));
    nn_net_free(net);
    assert_ok(nn_arch_build(arch, PICTURE, 10, &net));
    assert_int_equal(nn_net_layers(net, &layers)[0].features, 784);
    assert_int_equal(nn_net_layers(net, &layers)[0].K, 256);
    nn_net_free(net);
}

static void class_count_comes_from_the_checkpoint(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    IoTensors *tensors = NULL;
    const int64_t shape[2] = {7, 5}, flat[1] = {7};
    int64_t K = 0;
    assert_ok(nn_arch_find("mlp", &arch));
    assert_ok(io_tensors_create(&tensors));
    assert_fails(nn_arch_classes(arch, PLANE, tensors, &K), BASE_ESHAPE, "no classifier weight layers.12.weight");
    assert_ok(io_tensors_add(tensors, "layers.12.weight", IO_F32, 2, shape, NULL));
    assert_ok(nn_arch_classes(arch, PLANE, tensors, &K));
    assert_int_equal(K, 7);
    io_tensors_free(tensors);
    assert_ok(io_tensors_create(&tensors));
    assert_ok(io_tensors_add(tensors, "layers.12.weight", IO_F32, 1, flat, NULL));
    assert_fails(nn_arch_classes(arch, PLANE, tensors, &K), BASE_ESHAPE, "layers.12.weight");
    io_tensors_free(tensors);
}

static BaseStatus build_once(void *user)
{
    NnNet *net = NULL;
    BaseStatus st = nn_arch_build(user, PICTURE, 3, &net);
    nn_net_free(net);
    return st;
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    NnNet *net = NULL;
    const int64_t dot[3] = {1, 1, 1};
    assert_fails(nn_arch_find("resnet81", &arch), BASE_ENOTFOUND, "resnet18");
    assert_null(arch);
    assert_ok(nn_arch_find("convnet", &arch));
    assert_fails(nn_arch_build(arch, dot, 3, &net), BASE_ESHAPE, "convnet for images of 1x1x1");
    assert_null(net);
    assert_fails(nn_arch_build(arch, PICTURE, 0, &net), BASE_EARG, "0 classes");
    support_fail_allocations(build_once, (void *)(uintptr_t)arch, 400);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(small_forms_are_torchvisions),
    cmocka_unit_test(large_forms_are_torchvisions),
    cmocka_unit_test(every_row_builds),
    cmocka_unit_test(mlp_is_the_papers_toy),
    cmocka_unit_test(class_count_comes_from_the_checkpoint),
    cmocka_unit_test(bad_input_is_refused),
};

SUPPORT_MAIN(tests)
