#include "tests/support/support.h"

#include <stdlib.h>

#include "nn/arch/arch.h"
#include "nn/recognise.h"
#include "nn/weights.h"
#include "tests/nn/formula.h"

static const int64_t PLANE[3] = {2, 1, 1}, PICTURE[3] = {1, 28, 28};

static void small_forms_are_torchvisions(void **state)
{
    (void)state;
    formula_check("vgg11_bn", "vgg11_bn_cifar");
    formula_check("vgg16_bn", "vgg16_bn_cifar");
    formula_check("resnet18", "resnet18_cifar");
    formula_check("resnet50", "resnet50_cifar");
}

static void large_forms_are_torchvisions(void **state)
{
    (void)state;
    if (!getenv("EXPUNGE_LONG")) skip();
    formula_check("resnet18_imagenet", "resnet18_imagenet");
    formula_check("resnet50_imagenet", "resnet50_imagenet");
    formula_check("vgg11_bn_imagenet", "vgg11_bn_imagenet");
}

static void every_row_builds(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const BaseEntry *entry = base_registry_at(&nn_arch_registry, i);
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

/* What torchvision's documentation says of its networks of 1000 classes ("num_params"). */
static void sizes_are_published(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t parameters;
    } ROWS[] = {
        {"alexnet", 61100840},
        {"vgg16_imagenet", 138357544},
        {"resnet50_imagenet", 25557032},
        {"resnext50_32x4d", 25028904},
        {"resnext101_32x8d", 88791336},
        {"resnext101_64x4d", 83455272},
        {"wide_resnet50_2", 68883240},
        {"wide_resnet101_2", 126886696},
        {"densenet121", 7978856},
        {"densenet161", 28681000},
        {"densenet169", 14149480},
        {"densenet201", 20013928},
        {"mobilenet_v2", 3504872},
        {"mobilenet_v3_small", 2542856},
        {"mobilenet_v3_large", 5483032},
        {"efficientnet_b0", 5288548},
        {"efficientnet_b1", 7794184},
        {"efficientnet_b2", 9109994},
        {"efficientnet_b3", 12233232},
        {"efficientnet_b4", 19341616},
        {"efficientnet_b5", 30389784},
        {"efficientnet_b6", 43040704},
        {"efficientnet_b7", 66347960},
        {"regnet_x_400mf", 5495976},
        {"regnet_x_800mf", 7259656},
        {"regnet_x_1_6gf", 9190136},
        {"regnet_x_3_2gf", 15296552},
        {"regnet_x_8gf", 39572648},
        {"regnet_x_16gf", 54278536},
        {"regnet_x_32gf", 107811560},
        {"regnet_y_400mf", 4344144},
        {"regnet_y_800mf", 6432512},
        {"regnet_y_1_6gf", 11202430},
        {"regnet_y_3_2gf", 19436338},
        {"regnet_y_8gf", 39381472},
        {"regnet_y_16gf", 83590140},
        {"regnet_y_32gf", 145046770},
        {"regnet_y_128gf", 644812894},
        {"convnext_tiny", 28589128},
        {"convnext_small", 50223688},
        {"convnext_base", 88591464},
        {"convnext_large", 197767336},
        {"squeezenet1_0", 1248424},
        {"squeezenet1_1", 1235496},
        {"swin_t", 28288354},
        {"swin_s", 49606258},
        {"swin_b", 87768224},
    };
    const int64_t shape[3] = {3, 224, 224};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const NnArch *arch = NULL;
        NnNet *net = NULL;
        assert_ok(nn_arch_find(ROWS[i].name, &arch));
        assert_ok(nn_arch_build_at(arch, shape, 1000, false, &net));
        if (nn_net_param_count(net) != ROWS[i].parameters)
            fail_msg("%s has %lld parameters, not %lld", ROWS[i].name, (long long)nn_net_param_count(net),
                     (long long)ROWS[i].parameters);
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

/* Smaller images are padded to the form's size, but by the ImageNet ResNets, which take them as they are; larger ones
 * change the network where it pools globally, and no other. */
static void sizes_follow_data_and_checkpoint(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t data, want;
    } ROWS[] = {{"resnet18", 28, 32},          {"resnet18", 64, 64},       {"allcnn", 64, 64},
                {"vgg11_bn", 64, 32},          {"convnet", 64, 64},        {"vit_b_16", 256, 224},
                {"resnet18_imagenet", 64, 64}, {"vit_b_16", 28, 224},      {"resnet50_imagenet", 28, 28},
                {"vgg11_imagenet", 64, 64},    {"vgg11_imagenet", 28, 32}, {"alexnet", 28, 63},
                {"mobilenet_v2", 28, 28},      {"resnet18", 32, 32},       {"resnet18_imagenet", 320, 320}};
    const NnArch *arch = NULL;
    IoTensors *tensors = NULL;
    int64_t shape[3], positions[3] = {1, 577, 768};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const int64_t data[3] = {3, ROWS[i].data, ROWS[i].data};
        assert_ok(nn_arch_find(ROWS[i].name, &arch));
        assert_ok(nn_arch_shape(arch, data, NULL, shape));
        assert_true(shape[0] == 3 && shape[1] == ROWS[i].want && shape[2] == ROWS[i].want);
    }
    const int64_t large[3] = {3, 64, 64};
    memcpy(shape, large, sizeof shape);
    assert_ok(nn_arch_find("resnet18", &arch));
    assert_ok(nn_arch_shape(arch, shape, NULL, shape)); /* in place */
    assert_memory_equal(shape, large, sizeof shape);
    assert_ok(io_tensors_create(&tensors));
    assert_ok(io_tensors_add(tensors, "encoder.pos_embedding", IO_F32, 3, positions, NULL));
    assert_ok(nn_arch_find("vit_b_16", &arch));
    assert_ok(nn_arch_shape(arch, PICTURE, tensors, shape));
    assert_int_equal(shape[1], 384); /* (577 - 1) = 24^2 patches of 16 */
    tensors->items[0].shape[1] = 500;
    assert_ok(nn_arch_shape(arch, PICTURE, tensors, shape));
    assert_int_equal(shape[1], 224); /* no square: the loader will say what does not fit */
    io_tensors_free(tensors);
}

/* A first convolution for grey images says so; without a checkpoint one channel is repeated. */
static void channels_come_from_the_checkpoint(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    IoTensors *tensors = NULL;
    NnNet *net = NULL;
    NnRecognised got;
    int64_t shape[3] = {1, 28, 28};
    assert_ok(nn_arch_find("resnet18_imagenet", &arch));
    assert_ok(nn_arch_build_at(arch, shape, 4, true, &net));
    assert_ok(nn_weights_export(net, &tensors));
    assert_ok(nn_arch_shape(arch, shape, NULL, shape));
    assert_int_equal(shape[0], 3);
    assert_ok(nn_arch_shape(arch, shape, tensors, shape));
    assert_int_equal(shape[0], 1);
    assert_ok(nn_recognise(tensors, NULL, "file", &got));
    assert_ptr_equal(got.arch, arch);
    assert_true(got.shape[0] == 1 && got.K == 4);
    io_tensors_free(tensors);
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

typedef struct {
    const NnArch *arch;
    const IoTensors *tensors;
} Checkpoint;

/* What fails for want of memory must not be taken for another input, or for no classifier. */
static BaseStatus recognise_once(void *user)
{
    const Checkpoint *c = user;
    NnNet *net = NULL;
    int64_t shape[3];
    BaseStatus st = nn_arch_shape(c->arch, PICTURE, c->tensors, shape);
    if (st == BASE_OK) assert_int_equal(shape[0], 1);
    if (st == BASE_OK) st = nn_recognise_outline(c->arch, c->tensors, &net);
    if (st == BASE_OK) st = nn_weights_fit(net, c->tensors, "the file");
    nn_net_free(net);
    return st;
}

static void a_checkpoint_without_memory(void **state)
{
    (void)state;
    Checkpoint c;
    IoTensors *tensors = NULL;
    NnNet *net = NULL;
    assert_ok(nn_arch_find("resnet18_imagenet", &c.arch));
    assert_ok(nn_arch_build_at(c.arch, (const int64_t[3]){1, 28, 28}, 4, true, &net));
    assert_ok(nn_weights_export(net, &tensors));
    c.tensors = tensors;
    support_fail_allocations(recognise_once, &c, 2000);
    io_tensors_free(tensors);
    nn_net_free(net);
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
    cmocka_unit_test(sizes_are_published),
    cmocka_unit_test(a_checkpoint_without_memory),
    cmocka_unit_test(mlp_is_the_papers_toy),
    cmocka_unit_test(sizes_follow_data_and_checkpoint),
    cmocka_unit_test(channels_come_from_the_checkpoint),
    cmocka_unit_test(class_count_comes_from_the_checkpoint),
    cmocka_unit_test(bad_input_is_refused),
};

SUPPORT_MAIN(tests)
