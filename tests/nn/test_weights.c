#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "nn/weights.h"
#include "tests/nn/small.h"

/* A seeded small network with statistics of its own. */
static NnNet *filled_net(uint64_t seed)
{
    NnNet *net = small_net();
    nn_net_init(net, seed);
    float *buffers = nn_net_edit_buffers(net);
    for (int64_t i = 0; i < nn_net_buffer_count(net); i++) buffers[i] = 0.25f + (float)i;
    *nn_net_batches_tracked(net) = 1234567890123;
    return net;
}

static void assert_same_numbers(const NnNet *a, const NnNet *b)
{
    assert_memory_equal(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float));
    assert_memory_equal(nn_net_buffers(a), nn_net_buffers(b), (size_t)nn_net_buffer_count(a) * sizeof(float));
}

static void round_trip_is_bit_exact(void **state)
{
    (void)state;
    NnNet *net = filled_net(1), *back = small_net();
    IoTensors *tensors = NULL, *read = NULL;
    char path[4200];
    snprintf(path, sizeof path, "%s/net.safetensors", support_scratch());
    assert_ok(nn_weights_export(net, &tensors));
    assert_ok(io_tensors_write(tensors, path));
    assert_ok(io_tensors_read(path, &read));
    assert_ok(nn_weights_load(back, read, path));
    assert_same_numbers(net, back);
    assert_int_equal(*nn_net_batches_tracked(back), 1234567890123);
    io_tensors_free(tensors);
    io_tensors_free(read);
    nn_net_free(net);
    nn_net_free(back);
}

static void export_is_in_state_dict_order(void **state)
{
    (void)state;
    static const char *const WANT[] = {"conv1.weight",
                                       "conv1.bias",
                                       "bn1.weight",
                                       "bn1.bias",
                                       "bn1.running_mean",
                                       "bn1.running_var",
                                       "bn1.num_batches_tracked",
                                       "conv2.weight",
                                       "conv2.bias",
                                       "bn2.weight",
                                       "bn2.bias",
                                       "bn2.running_mean",
                                       "bn2.running_var",
                                       "bn2.num_batches_tracked",
                                       "fc1.weight",
                                       "fc1.bias",
                                       "fc2.weight",
                                       "fc2.bias"};
    NnNet *net = filled_net(1);
    IoTensors *tensors = NULL;
    assert_ok(nn_weights_export(net, &tensors));
    assert_int_equal(tensors->count, sizeof WANT / sizeof *WANT);
    for (size_t i = 0; i < tensors->count; i++) assert_string_equal(tensors->items[i].name, WANT[i]);
    assert_int_equal(tensors->items[6].dtype, IO_I64);
    assert_int_equal(tensors->items[6].ndim, 0);
    io_tensors_free(tensors);
    nn_net_free(net);
}

static void fixture_checkpoint_loads(void **state)
{
    (void)state;
    NnNet *net = small_net();
    IoTensors *tensors = NULL;
    IoHdf5 *file = NULL;
    assert_ok(io_tensors_read(support_fixture("small.safetensors"), &tensors));
    assert_ok(nn_weights_load(net, tensors, "small.safetensors"));
    assert_ok(io_hdf5_open(support_fixture("network.h5"), &file));
    double *params = small_params(file, "params", net), *buffers = small_buffers(file, "params", net);
    for (int64_t i = 0; i < nn_net_param_count(net); i++) assert_true(nn_net_params(net)[i] == (float)params[i]);
    for (int64_t i = 0; i < nn_net_buffer_count(net); i++) assert_true(nn_net_buffers(net)[i] == (float)buffers[i]);
    base_free(params);
    base_free(buffers);
    io_hdf5_close(file);
    io_tensors_free(tensors);
    nn_net_free(net);
}

/* A checkpoint of a filled network in which one thing can be spoilt. */
static IoTensors *exported(void)
{
    NnNet *net = filled_net(2);
    IoTensors *tensors = NULL;
    assert_ok(nn_weights_export(net, &tensors));
    nn_net_free(net);
    return tensors;
}

static void rename_tensor(IoTensors *tensors, const char *from, const char *to)
{
    IoTensor *tensor = io_tensors_find(tensors, from);
    assert_non_null(tensor);
    base_free(tensor->name);
    assert_ok(base_strdup(to, &tensor->name));
}

static void mismatches_are_listed(void **state)
{
    (void)state;
    NnNet *net = filled_net(3), *before = NULL;
    assert_ok(nn_net_clone(net, &before));

    IoTensors *tensors = exported();
    rename_tensor(tensors, "fc1.weight", "fc_1.weight");
    IoTensor *last = io_tensors_find(tensors, "fc2.weight");
    last->shape[0] = 4, last->shape[1] = 25;
    assert_fails(nn_weights_load(net, tensors, "a.safetensors"), BASE_ESHAPE, "a.safetensors does not fit");
    assert_non_null(strstr(base_error_text(), "missing: fc1.weight (the file has fc_1.weight)"));
    assert_non_null(strstr(base_error_text(), "unexpected: fc_1.weight"));
    assert_non_null(strstr(base_error_text(), "fc2.weight ([4, 25] in the file, [5, 20] in the network)"));
    assert_same_numbers(net, before);
    io_tensors_free(tensors);

    tensors = exported(); /* long lists are cut: 12 parameters and 4 statistics, five are named */
    for (size_t i = 0; i < tensors->count; i++) {
        char name[128];
        snprintf(name, sizeof name, "module.%s", tensors->items[i].name);
        base_free(tensors->items[i].name);
        assert_ok(base_strdup(name, &tensors->items[i].name));
    }
    assert_fails(nn_weights_load(net, tensors, "b"), BASE_ESHAPE, "and 11 more");
    io_tensors_free(tensors);

    tensors = exported();
    io_tensors_find(tensors, "fc2.bias")->dtype = IO_I32;
    assert_fails(nn_weights_load(net, tensors, "c"), BASE_ESHAPE, "fc2.bias (I32 in the file, a float type is needed)");
    io_tensors_free(tensors);
    assert_same_numbers(net, before);
    nn_net_free(net);
    nn_net_free(before);
}

static void numbers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    NnNet *net = filled_net(3), *before = NULL;
    assert_ok(nn_net_clone(net, &before));
    IoTensors *tensors = exported();
    float *bias = io_tensors_find(tensors, "fc2.bias")->data,
          *variance = io_tensors_find(tensors, "bn2.running_var")->data;
    float keep = bias[3];
    bias[3] = NAN;
    assert_fails(nn_weights_load(net, tensors, "f"), BASE_EFORMAT, "tensor fc2.bias holds nan at element 3");
    bias[3] = -INFINITY;
    assert_fails(nn_weights_load(net, tensors, "f"), BASE_EFORMAT, "tensor fc2.bias holds -inf at element 3");
    bias[3] = keep;
    variance[1] = -1;
    assert_fails(nn_weights_load(net, tensors, "f"), BASE_EFORMAT, "bn2.running_var holds -1 at element 1: a variance");
    assert_same_numbers(net, before);
    io_tensors_free(tensors);
    nn_net_free(net);
    nn_net_free(before);
}

/* A checkpoint with other dtypes: an edit of one layer must leave the bytes of every other tensor alone. */
static void update_touches_what_changed(void **state)
{
    (void)state;
    NnNet *net = filled_net(4);
    IoTensors *source = NULL, *tensors = NULL;
    assert_ok(nn_weights_export(net, &source));
    assert_ok(io_tensors_create(&tensors));
    static const IoDtype DTYPES[] = {IO_F16, IO_BF16, IO_F64, IO_F32};
    for (size_t i = 0; i < source->count; i++) {
        const IoTensor *from = &source->items[i];
        bool number = io_dtype_is_float(from->dtype);
        assert_ok(io_tensors_add(tensors, from->name, number ? DTYPES[i % 4] : from->dtype, from->ndim, from->shape,
                                 number ? NULL : from->data));
        IoTensor *to = &tensors->items[i];
        if (number) assert_ok(io_tensor_from_f32(to, from->data));
        for (int64_t j = 0; to->dtype == IO_F64 && j < to->count; j++)
            ((double *)to->data)[j] *= 1 + 0x1p-40; /* more digits than the network's */
    }
    assert_ok(nn_weights_load(net, tensors, "mixed"));
    int count = 0;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    const NnSlice *edited = NULL;
    for (int i = 0; i < count; i++)
        if (!strcmp(slices[i].name, "fc1.weight")) edited = &slices[i];
    assert_non_null(edited);
    nn_net_edit_params(net)[edited->offset + 5] += 0.5f;

    void *bytes[32];
    assert_true(tensors->count <= 32);
    for (size_t i = 0; i < tensors->count; i++) {
        size_t size = (size_t)tensors->items[i].count * io_dtype_size(tensors->items[i].dtype);
        assert_ok(base_alloc_raw(size, 1, &bytes[i]));
        memcpy(bytes[i], tensors->items[i].data, size);
    }
    assert_ok(nn_weights_update(net, tensors));
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *tensor = &tensors->items[i];
        size_t size = (size_t)tensor->count * io_dtype_size(tensor->dtype);
        bool same = !memcmp(bytes[i], tensor->data, size);
        assert_int_equal(same, strcmp(tensor->name, "fc1.weight") != 0);
        assert_string_equal(tensor->name, source->items[i].name);
        base_free(bytes[i]);
    }
    nn_net_edit_params(net)[slices[0].offset] = 1e38f; /* conv1.weight is F16 here */
    assert_fails(nn_weights_update(net, tensors), BASE_ENUMERIC, "conv1.weight");
    rename_tensor(tensors, "bn1.bias", "other");
    nn_net_edit_params(net)[slices[0].offset] = 0;
    assert_fails(nn_weights_update(net, tensors), BASE_ESHAPE, "bn1.bias");
    io_tensors_free(source);
    io_tensors_free(tensors);
    nn_net_free(net);
}

static BaseStatus everything_once(void *user)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    NnNet *net = user;
    BASE_TRY(nn_weights_export(net, &tensors));
    BASE_TRY(nn_weights_load(net, tensors, "x"));
    BASE_TRY(nn_weights_update(net, tensors));
out:
    io_tensors_free(tensors);
    return st;
}

static void allocation_failures_are_clean(void **state)
{
    (void)state;
    NnNet *net = filled_net(5);
    support_fail_allocations(everything_once, net, 1000);
    nn_net_free(net);
}

/* torchvision writes which row of a table of position biases serves each pair of a window's pixels; another rule than ours
 * would give wrong answers. */
static void indices_of_windows(void **state)
{
    (void)state;
    NnGraph *g = NULL;
    NnNet *net = NULL;
    IoTensors *tensors = NULL;
    static const int64_t PAIRS[16] = {4, 3, 1, 0, 5, 4, 2, 1,
                                      7, 6, 4, 3, 8, 7, 5, 4}; /* torchvision's for 2x2 pixels */
    assert_ok(nn_graph_create(3, 4, 4, &g));
    NnNode x = nn_window_attention(g, nn_input(g), "attn", 1, 2, 1);
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, x), "head", 2, true), &net));
    nn_net_init(net, 1);
    assert_ok(nn_weights_export(net, &tensors));
    assert_string_equal(tensors->items[0].name, "attn.relative_position_bias_table");
    const IoTensor *index = &tensors->items[1];
    assert_string_equal(index->name, "attn.relative_position_index");
    assert_true(index->dtype == IO_I64 && index->ndim == 1 && index->count == 16);
    assert_memory_equal(index->data, PAIRS, sizeof PAIRS);
    assert_ok(nn_weights_load(net, tensors, "a"));
    ((int64_t *)index->data)[3] = 1;
    assert_fails(nn_weights_load(net, tensors, "a"), BASE_EFORMAT,
                 "a: tensor attn.relative_position_index is not the index of 2x2 windows");
    rename_tensor(tensors, "attn.relative_position_index", "attn.relative_index");
    assert_fails(nn_weights_load(net, tensors, "a"), BASE_ESHAPE, "unexpected: attn.relative_index");
    io_tensors_free(tensors);
    nn_net_free(net);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(round_trip_is_bit_exact),     cmocka_unit_test(export_is_in_state_dict_order),
    cmocka_unit_test(fixture_checkpoint_loads),    cmocka_unit_test(mismatches_are_listed),
    cmocka_unit_test(indices_of_windows),          cmocka_unit_test(numbers_that_cannot_be_are_refused),
    cmocka_unit_test(update_touches_what_changed), cmocka_unit_test(allocation_failures_are_clean),
};

SUPPORT_MAIN(tests)
