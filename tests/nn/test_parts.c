/* Vision transformers of any size, and tensors of the network that lie in several of the file: transformers' queries, keys
 * and values. tests/cli/hub.sh compares the logits. */
#include "tests/support/support.h"

#include <stdio.h>

#include "base/f16.h"
#include "io/hub.h"
#include "nn/naming.h"
#include "nn/recognise.h"
#include "nn/weights.h"

static void names_hold_all_sizes(void **state)
{
    (void)state;
    static const char *const RIGHT[] = {"vit_patch4_8_w12_d1_h2_m20", "vit_patch4_8x16_w12_d2_h3_m20_eps1e-12",
                                        "vit_patch4_8_w12_d1_h2_m20_relu_dist", "vit_patch4_8_w12_d1_h2_m20_teacher"};
    static const char *const WRONG[] = {"vit_patch",
                                        "vit_patch4_9_w12_d1_h2_m20",
                                        "vit_patch4_8x9_w12_d1_h2_m20",
                                        "vit_patch4_8_w12_d1_h5_m20",
                                        "vit_patch4_8_w12_d1_h0_m20",
                                        "vit_patch4_8_w12_d1_h2",
                                        "vit_patch4_8_w12_d1_h2_m20_",
                                        "vit_patch4_8_w12_d1_h2_m20_eps2",
                                        "vit_patch4_8_w12_d1_h2_m20_epsx",
                                        "vit_patch4_8_w99999999999999999999_d1_h2_m20",
                                        "vit_patch-4_8_w12_d1_h2_m20"};
    const NnArch *arch, *again;
    for (size_t i = 0; i < sizeof RIGHT / sizeof *RIGHT; i++) {
        assert_ok(nn_arch_find(RIGHT[i], &arch));
        assert_string_equal(arch->entry.name, RIGHT[i]);
        assert_ok(nn_arch_find(RIGHT[i], &again));
        assert_ptr_equal(arch, again);
    }
    assert_ok(nn_arch_find("vit_patch4_8x8_w12_d1_h2_m20_eps1e-6", &again)); /* another spelling of the first */
    assert_string_equal(again->entry.name, RIGHT[0]);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        assert_fails(nn_arch_find(WRONG[i], &arch), BASE_EUSAGE, "must be like vit_patch16_224_w384");
    assert_fails(nn_arch_find("vit_b_17", &arch), BASE_ENOTFOUND, "vit_b_16");
}

static void give(IoTensors *to, const char *name, IoDtype dtype, int ndim, const int64_t *shape, const float *values)
{
    assert_ok(io_tensors_add(to, name, dtype, ndim, shape, NULL));
    assert_ok(io_tensor_from_f32(&to->items[to->count - 1], values));
}

/* Lists made here have no origin that would free the folder: free_said does. */
static void say(IoTensors *tensors, int64_t heads, double epsilon)
{
    IoHub *hub;
    assert_ok(BASE_ALLOC(1, &hub));
    assert_ok(base_strdup("in/config.json", &hub->config));
    hub->heads = heads, hub->epsilon = epsilon;
    tensors->hub = hub;
}

static void free_said(IoTensors *tensors)
{
    io_hub_free(tensors->hub);
    io_tensors_free(tensors);
}

/* "encoder.layers.encoder_layer_1.mlp.0.bias" as transformers' files have it; in_proj: the place of its three. */
static void others_name(const char *ours, char out[256])
{
    static const char *const ROWS[][2] = {{"class_token", "vit.embeddings.cls_token"},
                                          {"encoder.pos_embedding", "vit.embeddings.position_embeddings"},
                                          {"conv_proj.", "vit.embeddings.patch_embeddings.projection."},
                                          {"encoder.ln.", "vit.layernorm."},
                                          {"heads.head.", "classifier."},
                                          {"ln_1.", "layernorm_before."},
                                          {"ln_2.", "layernorm_after."},
                                          {"self_attention.in_proj_", "attention.attention.%s."},
                                          {"self_attention.out_proj.", "attention.output.dense."},
                                          {"mlp.0.", "intermediate.dense."},
                                          {"mlp.3.", "output.dense."}};
    static const char BLOCK[] = "encoder.layers.encoder_layer_";
    size_t used = 0;
    if (strncmp(ours, BLOCK, strlen(BLOCK)) == 0) {
        used = (size_t)snprintf(out, 256, "vit.encoder.layer.%c.", ours[strlen(BLOCK)]);
        ours += strlen(BLOCK) + 2;
    }
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (strncmp(ours, ROWS[i][0], strlen(ROWS[i][0])) == 0)
            snprintf(out + used, 256 - used, "%s%s", ROWS[i][1], ours + strlen(ROWS[i][0]));
}

/* A network of two blocks, and it as transformers would write it, keys in half precision, which hold them exactly. */
static NnNet *make_net(const NnArch **arch)
{
    NnNet *net;
    int count;
    assert_ok(nn_arch_find("vit_patch4_8_w12_d2_h2_m20_eps0.001", arch));
    assert_ok(nn_arch_build_at(*arch, (const int64_t[3]){3, 8, 8}, 3, true, &net));
    nn_net_init(net, 5);
    const NnSlice *slices = nn_net_param_slices(net, &count);
    for (int i = 0; i < count; i++) {
        if (!strstr(slices[i].name, "in_proj_")) continue;
        float *keys = nn_net_edit_params(net) + slices[i].offset + slices[i].count / 3;
        for (int64_t j = 0; j < slices[i].count / 3; j++) keys[j] = base_f16_to_f32(base_f16_from_f32(keys[j]));
    }
    return net;
}

static IoTensors *as_others(const NnNet *net)
{
    static const char *const PARTS[] = {"query", "key", "value"};
    IoTensors *out;
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    assert_ok(io_tensors_create(&out));
    for (int i = count - 1; i >= 0; i--) { /* in no order that could help */
        const NnSlice *s = &slices[i];
        const float *values = nn_net_params(net) + s->offset;
        char name[256], part[300];
        others_name(s->name, name);
        if (!strstr(name, "%s")) {
            give(out, name, IO_F32, s->ndim, s->shape, values);
            continue;
        }
        int64_t shape[2] = {s->shape[0] / 3, s->ndim > 1 ? s->shape[1] : 0};
        for (int k = 0; k < 3; k++) {
            char *at = strstr(name, "%s");
            snprintf(part, sizeof part, "%.*s%s%s", (int)(at - name), name, PARTS[k], at + 2);
            give(out, part, k == 1 ? IO_F16 : IO_F32, s->ndim, shape, values + k * s->count / 3);
        }
    }
    return out;
}

static void parts_are_joined_and_split(void **state)
{
    (void)state;
    const NnArch *arch;
    NnRecognised got;
    NnNet *net = make_net(&arch), *back;
    IoTensors *tensors = as_others(net), *before = as_others(net);
    int count;
    say(tensors, 2, 1e-3);
    assert_ok(nn_recognise_names(tensors, NULL, NULL));
    assert_ok(nn_recognise(tensors, NULL, "file", &got));
    assert_ptr_equal(got.arch, arch);
    assert_true(got.K == 3 && got.shape[0] == 3 && got.shape[1] == 8 && got.shape[2] == 8);
    assert_ok(nn_arch_build_at(arch, got.shape, 3, true, &back));
    assert_ok(nn_weights_load(back, tensors, "file"));
    assert_memory_equal(nn_net_params(net), nn_net_params(back), (size_t)nn_net_param_count(net) * sizeof(float));
    assert_ok(nn_weights_update(back, tensors)); /* nothing changed: no bit does */
    const NnSlice *slices = nn_net_param_slices(back, &count);
    for (int i = 0; i < count; i++) /* the first number of the keys of block 1 */
        if (strcmp(slices[i].name, "encoder.layers.encoder_layer_1.self_attention.in_proj_weight") == 0)
            nn_net_edit_params(back)[slices[i].offset + 12 * 12] = 0.5f;
    for (int round = 0; round < 2; round++) {
        if (round) assert_ok(nn_weights_update(back, tensors));
        for (size_t i = 0; i < tensors->count; i++) {
            const IoTensor *a = &tensors->items[i], *b = &before->items[i];
            bool edited = round && strcmp(a->name, "vit.encoder.layer.1.attention.attention.key.weight") == 0;
            assert_string_equal(a->name, b->name);
            assert_int_equal(a->dtype, b->dtype);
            assert_int_equal(memcmp(a->data, b->data, (size_t)a->count * io_dtype_size(a->dtype)) == 0, !edited);
            if (edited) assert_int_equal(*(uint16_t *)a->data, 0x3800);
        }
    }
    nn_net_free(net);
    nn_net_free(back);
    free_said(tensors);
    io_tensors_free(before);
}

static IoTensor *find(IoTensors *tensors, const char *name)
{
    IoTensor *found = io_tensors_find(tensors, name);
    assert_non_null(found);
    return found;
}

static void parts_that_do_not_fit(void **state)
{
    (void)state;
    const NnArch *arch;
    NnNet *net = make_net(&arch);
    static const char KEY[] = "vit.encoder.layer.0.attention.attention.key.bias",
                      VALUE[] = "vit.encoder.layer.0.attention.attention.value.bias";
    IoTensors *tensors = as_others(net);
    assert_ok(nn_naming_apply(tensors));
    assert_ok(nn_weights_fit(net, tensors, "file"));
    find(tensors, KEY)->shape[0] = 11;
    assert_fails(nn_weights_fit(net, tensors, "file"), BASE_ESHAPE,
                 "self_attention.in_proj_bias ([12] and its other parts");
    find(tensors, KEY)->shape[0] = 12;
    find(tensors, KEY)->dtype = IO_I16;
    assert_fails(nn_weights_fit(net, tensors, "file"), BASE_ESHAPE, "in_proj_bias (I16 in the file");
    find(tensors, KEY)->dtype = IO_F16;
    find(tensors, VALUE)->name[0] = 'x';
    base_free(find(tensors, "xit.encoder.layer.0.attention.attention.value.bias")->alias);
    find(tensors, "xit.encoder.layer.0.attention.attention.value.bias")->alias = NULL;
    assert_fails(nn_weights_fit(net, tensors, "file"), BASE_ESHAPE, "unexpected: xit.encoder.layer.0");
    assert_fails(nn_weights_update(net, tensors), BASE_ESHAPE, "cannot write");
    io_tensors_free(tensors);
    nn_net_free(net);
}

/* No tensor says how many heads there are: a folder's config.json does, or the width is one that papers have. */
static void heads_must_be_told(void **state)
{
    (void)state;
    const NnArch *arch;
    NnRecognised got;
    NnNet *net = make_net(&arch);
    IoTensors *tensors = as_others(net);
    assert_ok(nn_recognise_names(tensors, NULL, NULL));
    assert_fails(nn_arch_of(tensors, &arch), BASE_ESHAPE,
                 "nothing says in how many heads: name it as --arch vit_patch4_");
    assert_fails(nn_recognise(tensors, NULL, "file", &got), BASE_ESHAPE, "file: a vision transformer of 12 features");
    say(tensors, 5, 1e-3);
    assert_fails(nn_arch_of(tensors, &arch), BASE_ESHAPE, "12 features in 5 heads");
    tensors->hub->heads = 3, tensors->hub->epsilon = 0;
    assert_ok(nn_arch_of(tensors, &arch));
    assert_string_equal(arch->entry.name, "vit_patch4_8_w12_d2_h3_m20");
    tensors->hub->height = 4, tensors->hub->width = 16;
    assert_ok(nn_arch_of(tensors, &arch));
    assert_string_equal(arch->entry.name, "vit_patch4_4x16_w12_d2_h3_m20");
    tensors->hub->width = 15;
    assert_ok(nn_arch_of(tensors, &arch));
    assert_null(arch);
    tensors->hub->height = 0;
    assert_ok(base_strdup("quick_gelu", &tensors->hub->activation));
    assert_fails(nn_arch_of(tensors, &arch), BASE_ESHAPE, "activation is quick_gelu");
    free_said(tensors);
    nn_net_free(net);
}

static void many_sizes_are_refused(void **state)
{
    (void)state;
    const NnArch *arch;
    BaseStatus st = BASE_OK;
    char name[80];
    for (int i = 1; i < 100 && st == BASE_OK; i++) {
        snprintf(name, sizeof name, "vit_patch4_8_w8_d1_h2_m%d", i);
        st = nn_arch_find(name, &arch);
    }
    assert_fails(st, BASE_ELIMIT, "more than 64 different vision transformers");
    assert_ok(nn_arch_find("vit_patch4_8_w8_d1_h2_m1", &arch)); /* those that are there stay */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_hold_all_sizes),   cmocka_unit_test(parts_are_joined_and_split),
    cmocka_unit_test(parts_that_do_not_fit),  cmocka_unit_test(heads_must_be_told),
    cmocka_unit_test(many_sizes_are_refused),
};
SUPPORT_MAIN(tests)
