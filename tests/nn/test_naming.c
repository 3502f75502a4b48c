#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "io/hub.h"
#include "nn/naming.h"
#include "nn/recognise.h"
#include "nn/weights.h"

static const int64_t PICTURE[3] = {1, 28, 28};

static void names_are_translated(void **state)
{
    (void)state;
    static const struct {
        const char *other, *ours; /* NULL: no rule */
    } ROWS[] = {
        {"layer1.0.shortcut.0.weight", "layer1.0.downsample.0.weight"},
        {"layer3.22.shortcut.1.num_batches_tracked", "layer3.22.downsample.1.num_batches_tracked"},
        {"linear.bias", "fc.bias"},
        {"cls_token", "class_token"},
        {"pos_embed", "encoder.pos_embedding"},
        {"patch_embed.proj.weight", "conv_proj.weight"},
        {"blocks.11.norm1.bias", "encoder.layers.encoder_layer_11.ln_1.bias"},
        {"blocks.0.attn.qkv.weight", "encoder.layers.encoder_layer_0.self_attention.in_proj_weight"},
        {"blocks.0.attn.qkv.bias", "encoder.layers.encoder_layer_0.self_attention.in_proj_bias"},
        {"blocks.7.attn.proj.weight", "encoder.layers.encoder_layer_7.self_attention.out_proj.weight"},
        {"blocks.7.norm2.weight", "encoder.layers.encoder_layer_7.ln_2.weight"},
        {"blocks.7.mlp.fc1.weight", "encoder.layers.encoder_layer_7.mlp.0.weight"},
        {"blocks.7.mlp.fc2.bias", "encoder.layers.encoder_layer_7.mlp.3.bias"},
        {"norm.weight", "encoder.ln.weight"},
        {"head.weight", "heads.head.weight"},
        {"encoder.layers.encoder_layer_3.mlp.linear_2.bias", "encoder.layers.encoder_layer_3.mlp.3.bias"},
        {"features.denseblock4.denselayer16.norm.2.running_var", "features.denseblock4.denselayer16.norm2.running_var"},
        {"features.denseblock1.denselayer1.conv.1.weight", "features.denseblock1.denselayer1.conv1.weight"},
        {"conv1.0.weight", "conv1.weight"},
        {"conv1.1.running_mean", "bn1.running_mean"},
        {"conv2_x.0.residual_function.0.weight", "layer1.0.conv1.weight"},
        {"conv3_x.1.residual_function.4.bias", "layer2.1.bn2.bias"},
        {"conv4_x.22.residual_function.6.weight", "layer3.22.conv3.weight"},
        {"conv5_x.2.residual_function.7.running_var", "layer4.2.bn3.running_var"},
        {"conv5_x.0.shortcut.0.weight", "layer4.0.downsample.0.weight"},
        {"vit.embeddings.cls_token", ":0:class_token"},
        {"deit.embeddings.distillation_token", ":1:class_token"},
        {"vit.embeddings.position_embeddings", "encoder.pos_embedding"},
        {"vit.embeddings.patch_embeddings.projection.bias", "conv_proj.bias"},
        {"vit.encoder.layer.11.attention.attention.query.weight",
         ":0:encoder.layers.encoder_layer_11.self_attention.in_proj_weight"},
        {"deit.encoder.layer.0.attention.attention.key.bias",
         ":1:encoder.layers.encoder_layer_0.self_attention.in_proj_bias"},
        {"vit.layers.3.attention.v_proj.weight", ":2:encoder.layers.encoder_layer_3.self_attention.in_proj_weight"},
        {"vit.layers.3.attention.o_proj.bias", "encoder.layers.encoder_layer_3.self_attention.out_proj.bias"},
        {"vit.encoder.layer.3.attention.output.dense.bias",
         "encoder.layers.encoder_layer_3.self_attention.out_proj.bias"},
        {"vit.encoder.layer.3.output.dense.bias", "encoder.layers.encoder_layer_3.mlp.3.bias"},
        {"vit.layers.3.mlp.fc1.weight", "encoder.layers.encoder_layer_3.mlp.0.weight"},
        {"deit.layernorm.weight", "encoder.ln.weight"},
        {"classifier.weight", "heads.head.weight"},
        {"classifier.1.bias", "fc.bias"},
        {"resnet.embedder.embedder.convolution.weight", "conv1.weight"},
        {"resnet.embedder.embedder.normalization.running_var", "bn1.running_var"},
        {"resnet.encoder.stages.0.layers.2.layer.0.convolution.weight", "layer1.2.conv1.weight"},
        {"resnet.encoder.stages.3.layers.0.layer.2.normalization.bias", "layer4.0.bn3.bias"},
        {"resnet.encoder.stages.1.layers.0.shortcut.convolution.weight", "layer2.0.downsample.0.weight"},
        {"resnet.encoder.stages.1.layers.0.shortcut.normalization.running_mean", "layer2.0.downsample.1.running_mean"},
        {"vit.pooler.dense.weight", NULL},
        {"conv6_x.0.shortcut.0.weight", NULL},
        {"conv2_x.0.residual_function.2.weight", NULL},
        {"layer1.0.conv1.weight", NULL},
        {"layer1.x.shortcut.0.weight", NULL},
        {"linear.", NULL},
        {"linear", NULL},
        {"cls_token.weight", NULL},
        {"blocks.12345.norm1.bias", NULL},
        {"", NULL},
    };
    char out[NN_NAMING_SIZE], longest[1024] = "linear.";
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        assert_int_equal(nn_naming_canonical(ROWS[i].other, out), ROWS[i].ours != NULL);
        if (ROWS[i].ours) assert_string_equal(out, ROWS[i].ours);
    }
    memset(longest + 7, 'x', sizeof longest - 8);
    assert_false(nn_naming_canonical(longest, out));
}

/* An exported checkpoint of @p arch with parameters from a seed; each (from, to) renames what starts or contains it. */
typedef struct {
    const char *from, *to;
} Rename;

static IoTensors *renamed(const NnNet *source, const Rename *renames, size_t count)
{
    IoTensors *tensors = NULL;
    NnNet *net = NULL;
    assert_ok(nn_net_clone(source, &net));
    assert_ok(nn_weights_export(net, &tensors));
    nn_net_free(net);
    for (size_t i = 0; i < tensors->count; i++)
        for (size_t r = 0; r < count; r++) {
            char *old = tensors->items[i].name, *at = strstr(old, renames[r].from), fresh[512];
            if (!at) continue;
            snprintf(fresh, sizeof fresh, "%.*s%s%s", (int)(at - old), old, renames[r].to,
                     at + strlen(renames[r].from));
            base_free(old);
            assert_ok(base_strdup(fresh, &tensors->items[i].name));
        }
    return tensors;
}

/* A checkpoint under other names is recognised, loads, and is written back under its own names, edits and all. */
static void check_round_trip(const char *name, const int64_t shape[3], const Rename *renames, size_t count,
                             const char *edited)
{
    const NnArch *arch = NULL;
    NnNet *net = NULL, *back = NULL;
    NnRecognised got;
    assert_ok(nn_arch_find(name, &arch));
    assert_ok(nn_arch_build_at(arch, shape, 3, true, &net));
    assert_ok(nn_arch_build_at(arch, shape, 3, true, &back));
    nn_net_init(net, 5);
    IoTensors *tensors = renamed(net, renames, count), *before = renamed(net, renames, count);
    assert_true(nn_weights_load(back, tensors, "file") == BASE_ESHAPE); /* not without translation */
    assert_ok(nn_naming_apply(tensors));
    assert_ok(nn_recognise(tensors, PICTURE, "file", &got));
    assert_string_equal(got.arch->entry.name, name);
    assert_int_equal(got.K, 3);
    assert_int_equal(got.shape[1], shape[1]);
    assert_ok(nn_weights_load(back, tensors, "file"));
    assert_memory_equal(nn_net_params(net), nn_net_params(back), (size_t)nn_net_param_count(net) * sizeof(float));
    assert_memory_equal(nn_net_buffers(net), nn_net_buffers(back), (size_t)nn_net_buffer_count(net) * sizeof(float));
    int layers;
    int64_t last = nn_net_param_slices(back, &layers)[nn_net_layers(back, &layers)[0].weight].offset;
    nn_net_edit_params(back)[last] += 1;
    assert_ok(nn_weights_update(back, tensors));
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *a = &tensors->items[i], *b = &before->items[i];
        assert_string_equal(a->name, b->name);
        bool same = !memcmp(a->data, b->data, (size_t)a->count * io_dtype_size(a->dtype));
        assert_int_equal(same, strcmp(a->name, edited) != 0);
    }
    io_tensors_free(tensors);
    io_tensors_free(before);
    nn_net_free(net);
    nn_net_free(back);
}

/* Of a whole network of timm, since a name alone does not tell its family. */
static void timm_names_are_translated(void **state)
{
    (void)state;
    static const struct {
        const char *has[2], *other, *ours; /* NULL: no rule */
    } ROWS[] = {
#define EFFICIENTNET {"conv_head.weight", "blocks.0.0.se.conv_reduce.weight"}
        {EFFICIENTNET, "conv_stem.weight", "features.0.0.weight"},
        {EFFICIENTNET, "bn1.running_var", "features.0.1.running_var"},
        {EFFICIENTNET, "blocks.0.1.conv_dw.weight", "features.1.1.block.0.0.weight"},
        {EFFICIENTNET, "blocks.0.0.se.conv_expand.bias", "features.1.0.block.1.fc2.bias"},
        {EFFICIENTNET, "blocks.0.0.bn2.weight", "features.1.0.block.2.1.weight"},
        {EFFICIENTNET, "blocks.3.2.conv_pw.weight", "features.4.2.block.0.0.weight"},
        {EFFICIENTNET, "blocks.3.2.bn2.bias", "features.4.2.block.1.1.bias"},
        {EFFICIENTNET, "blocks.6.0.se.conv_reduce.weight", "features.7.0.block.2.fc1.weight"},
        {EFFICIENTNET, "blocks.6.0.bn3.running_mean", "features.7.0.block.3.1.running_mean"},
        {EFFICIENTNET, "bn2.weight", "features.8.1.weight"},
        {EFFICIENTNET, "classifier.bias", "classifier.1.bias"},
        {EFFICIENTNET, "layer1.0.conv1.weight", NULL},
        {{"dist_token"}, "cls_token", ":0:class_token"},
        {{"dist_token"}, "dist_token", ":1:class_token"},
        {{"dist_token"}, "head_dist.bias", "heads.head_dist.bias"},
        {{"dist_token"}, "blocks.7.norm2.weight", "encoder.layers.encoder_layer_7.ln_2.weight"},
        {{"conv_head.weight"}, "blocks.0.0.bn2.weight", "features.1.conv.2.weight"},
        {{"conv_head.weight"}, "blocks.1.0.conv_pw.weight", "features.2.conv.0.0.weight"},
        {{"conv_head.weight"}, "blocks.3.3.bn2.weight", "features.10.conv.1.1.weight"},
        {{"conv_head.weight"}, "blocks.6.0.conv_pwl.weight", "features.17.conv.2.weight"},
        {{"conv_head.weight"}, "conv_head.weight", "features.18.0.weight"},
        {{"conv_head.weight", "conv_head.bias"}, "blocks.0.0.bn2.weight", NULL},
        {{"s1.b1.conv1.conv.weight"}, "s3.b12.conv2.bn.weight", "trunk_output.block3.block3-11.f.b.1.weight"},
        {{"s1.b1.conv1.conv.weight"}, "s1.b1.downsample.conv.weight", "trunk_output.block1.block1-0.proj.0.weight"},
        {{"s1.b1.conv1.conv.weight"}, "s4.b2.se.fc2.bias", "trunk_output.block4.block4-1.f.se.fc2.bias"},
        {{"stages.0.blocks.0.conv_dw.weight"}, "stages.2.blocks.8.gamma", "features.5.8.layer_scale"},
        {{"stages.0.blocks.0.conv_dw.weight"}, "stages.3.downsample.1.bias", "features.6.1.bias"},
        {{"stages.0.blocks.0.conv_dw.weight"}, "stages.0.blocks.2.mlp.fc2.weight", "features.1.2.block.5.weight"},
        {{"stages.0.blocks.0.conv_dw.weight"}, "head.norm.weight", "classifier.0.weight"},
#define HUB_REGNET {"regnet.embedder.embedder.convolution.weight"}
#define HUB_CONVNEXT                                                                                                   \
    {                                                                                                                  \
        "convnext.embeddings.patch_embeddings.weight"                                                                  \
    }
        {HUB_REGNET, "regnet.embedder.embedder.normalization.running_var", "stem.1.running_var"},
        {HUB_REGNET, "regnet.encoder.stages.0.layers.11.layer.2.attention.2.bias",
         "trunk_output.block1.block1-11.f.se.fc2.bias"},
        {HUB_REGNET, "regnet.encoder.stages.2.layers.1.layer.3.normalization.bias",
         "trunk_output.block3.block3-1.f.c.1.bias"},
        {HUB_REGNET, "regnet.encoder.stages.2.layers.0.shortcut.convolution.weight",
         "trunk_output.block3.block3-0.proj.0.weight"},
        {HUB_REGNET, "classifier.1.weight", "fc.weight"},
        {HUB_CONVNEXT, "convnext.encoder.stages.2.downsampling_layer.1.bias", "features.4.1.bias"},
        {HUB_CONVNEXT, "convnext.encoder.stages.2.layers.8.layer_scale_parameter", "features.5.8.layer_scale"},
        {HUB_CONVNEXT, "convnext.encoder.stages.0.layers.1.pwconv2.bias", "features.1.1.block.5.bias"},
        {HUB_CONVNEXT, "classifier.bias", "classifier.2.bias"},
        {{"layers.1.downsample.reduction.weight"}, "layers.1.downsample.norm.bias", "features.2.norm.bias"},
        {{"layers.1.downsample.reduction.weight"}, "layers.2.blocks.5.mlp.fc1.weight", "features.5.5.mlp.0.weight"},
        {{"layers.1.downsample.reduction.weight"}, "layers.2.blocks.5.attn.qkv.bias", "features.5.5.attn.qkv.bias"},
        {{"layers.1.downsample.reduction.weight"}, "patch_embed.norm.weight", "features.0.2.weight"},
        {{"layers.1.downsample.reduction.weight"}, "head.fc.weight", "head.weight"},
        {{"layers.0.downsample.reduction.weight"},
         "layers.0.downsample.reduction.weight",
         "features.2.reduction.weight"},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        IoTensors *tensors = NULL;
        assert_ok(io_tensors_create(&tensors));
        for (int k = 0; k < 2 && ROWS[i].has[k]; k++)
            assert_ok(io_tensors_add(tensors, ROWS[i].has[k], IO_F32, 1, (int64_t[]){1280}, NULL));
        if (!io_tensors_find(tensors, ROWS[i].other))
            assert_ok(io_tensors_add(tensors, ROWS[i].other, IO_F32, 1, (int64_t[]){1}, NULL));
        assert_ok(nn_naming_apply(tensors));
        const IoTensor *tensor = io_tensors_find(tensors, ROWS[i].other);
        if (ROWS[i].ours)
            assert_string_equal(tensor->alias, ROWS[i].ours);
        else
            assert_null(tensor->alias);
        io_tensors_free(tensors);
    }
}

/* The next network of timm_names.txt, filled with numbers; NULL: there is none. @p ours: its name here. */
static IoTensors *read_timm(FILE *file, char ours[64])
{
    char line[256], theirs[64], name[128];
    IoTensors *tensors = NULL;
    if (!fgets(line, sizeof line, file) || sscanf(line, "%63s %63s", theirs, ours) != 2) return NULL;
    assert_ok(io_tensors_create(&tensors));
    for (;;) {
        long at = ftell(file);
        bool more = fgets(line, sizeof line, file) != NULL;
        if (!more || line[0] != ' ') {
            if (more) assert_int_equal(fseek(file, at, SEEK_SET), 0);
            return tensors;
        }
        int64_t shape[4];
        int used, ndim = 0;
        assert_int_equal(sscanf(line, "%127s%n", name, &used), 1);
        char *end = line + used;
        while (*end && *end != '\n') shape[ndim++] = strtoll(end, &end, 10);
        assert_ok(io_tensors_add(tensors, name, IO_F32, ndim, shape, NULL));
        float *values = tensors->items[tensors->count - 1].data;
        for (int64_t i = 0; i < tensors->items[tensors->count - 1].count; i++) values[i] = 1 + (float)(i % 7);
    }
}

/* All of a network's tensors find their place under timm's names, and go back under these with their bits. */
static void timm_networks_load(void **state)
{
    (void)state;
    int seen = 0;
    char ours[64];
    FILE *file = fopen(support_fixture("timm_names.txt"), "r");
    assert_non_null(file);
    for (IoTensors *tensors; (tensors = read_timm(file, ours)) != NULL; seen++) {
        NnRecognised got;
        NnNet *net = NULL;
        int layers, slices;
        assert_ok(nn_naming_apply(tensors));
        assert_ok(nn_recognise(tensors, PICTURE, ours, &got));
        assert_string_equal(got.arch->entry.name, ours);
        assert_int_equal(got.K, 10);
        assert_ok(nn_arch_build_at(got.arch, got.shape, got.K, true, &net));
        assert_ok(nn_weights_load(net, tensors, ours));
        const NnSlice *first = &nn_net_param_slices(net, &slices)[nn_net_layers(net, &layers)[0].weight];
        nn_net_edit_params(net)[first->offset] = 99;
        assert_ok(nn_weights_update(net, tensors));
        for (size_t i = 0; i < tensors->count; i++) {
            const IoTensor *t = &tensors->items[i];
            const float *values = t->data;
            bool edited = strcmp(t->alias ? t->alias : t->name, first->name) == 0;
            for (int64_t j = 0; j < t->count; j++)
                if (values[j] != (edited && j == 0 ? 99 : 1 + (float)(j % 7))) fail_msg("%s: %s", ours, t->name);
        }
        io_tensors_free(tensors);
        nn_net_free(net);
    }
    fclose(file);
    assert_int_equal(seen, 7);
}

/* TensorFlow's networks have the tensors of others: a folder's word decides, and without one the others are taken, with a word. */
static void a_folder_tells_like_from_like(void **state)
{
    (void)state;
    static const struct {
        const char *model, *arch; /* NULL: not known here */
    } FOLDERS[] = {{"tf_efficientnet_b0", "tf_efficientnet_b0"},
                   {"efficientnet_b0", "efficientnet_b0"},
                   {"something", "efficientnet_b0"},
                   {"tf_efficientnet_lite0", NULL}};
    const int64_t shape[] = {3, 64, 64};
    const NnArch *arch, *like;
    NnNet *net = NULL;
    IoTensors *tensors = NULL;
    NnRecognised got;
    IoHub hub = {.timm = true, .config = "config.json"};
    assert_ok(nn_arch_find("tf_efficientnet_b0", &arch));
    assert_ok(nn_arch_build_at(arch, shape, 3, true, &net));
    assert_ok(nn_weights_export(net, &tensors));
    assert_ok(nn_recognise_names(tensors, NULL, PICTURE));
    assert_ok(nn_recognise(tensors, PICTURE, "file", &got));
    assert_string_equal(got.arch->entry.name, "efficientnet_b0");
    assert_ok(nn_recognise_like(got.arch, tensors, &like));
    assert_ptr_equal(like, arch);
    assert_ok(nn_weights_load(net, tensors, "file")); /* under either name */
    for (size_t i = 0; i < BASE_COUNT(FOLDERS); i++) {
        char model[64];
        snprintf(model, sizeof model, "%s", FOLDERS[i].model);
        hub.model = model;
        tensors->hub = &hub;
        if (FOLDERS[i].arch) {
            assert_ok(nn_recognise(tensors, PICTURE, "file", &got));
            assert_string_equal(got.arch->entry.name, FOLDERS[i].arch);
        } else {
            assert_fails(nn_recognise(tensors, PICTURE, "file", &got), BASE_EFORMAT,
                         "config.json: tf_efficientnet_lite0 pads and normalises as TensorFlow does");
        }
        tensors->hub = NULL;
    }
    io_tensors_free(tensors);
    nn_net_free(net);
}

static void kuangliu_resnet_loads(void **state)
{
    (void)state;
    static const Rename RENAMES[] = {{"downsample", "shortcut"}, {"fc.", "linear."}};
    check_round_trip("resnet18", (const int64_t[3]){3, 32, 32}, RENAMES, 2, "conv1.weight");
}

static const Rename NUMBERED[] = {{"layer1.", "conv2_x."},
                                  {"layer2.", "conv3_x."},
                                  {"layer3.", "conv4_x."},
                                  {"layer4.", "conv5_x."},
                                  {".conv1.", ".residual_function.0."},
                                  {".bn1.", ".residual_function.1."},
                                  {".conv2.", ".residual_function.3."},
                                  {".bn2.", ".residual_function.4."},
                                  {"downsample", "shortcut"},
                                  {"conv1.weight", "conv1.0.weight"},
                                  {"bn1.", "conv1.1."}};

static void weiaicunzai_resnet_loads(void **state)
{
    (void)state;
    check_round_trip("resnet18", (const int64_t[3]){3, 32, 32}, NUMBERED, sizeof NUMBERED / sizeof *NUMBERED,
                     "conv1.0.weight");
}

/* Any wrappers come off, as few as an architecture needs ("layers." is the network's own), go back at writing, and
 * leave what is no part of the network where it is. */
static void wrappers_come_off(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        bool named; /* the architecture is given */
    } CASES[] = {{"model.", true}, {"net.backbone.", false}, {"a.b.c.", true}, {"", true}};
    const NnArch *arch = NULL;
    NnNet *net = NULL, *back = NULL;
    assert_ok(nn_arch_find("mlp", &arch));
    assert_ok(nn_arch_build_at(arch, PICTURE, 3, true, &net));
    assert_ok(nn_arch_build_at(arch, PICTURE, 3, true, &back));
    nn_net_init(net, 5);
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        IoTensors *plain, *tensors;
        char name[256], *full;
        assert_ok(nn_weights_export(net, &plain));
        assert_ok(io_tensors_create(&tensors));
        assert_ok(io_tensors_add(tensors, "n_averaged", IO_I64, 0, NULL, NULL));
        assert_ok(io_tensors_add(tensors, "normalize.mean", IO_F32, 1, (int64_t[]){1}, NULL));
        tensors->items[0].aside = tensors->items[1].aside = true;
        for (size_t i = 0; i < plain->count; i++) {
            const IoTensor *t = &plain->items[i];
            snprintf(name, sizeof name, "%s%s", CASES[c].before, t->name);
            assert_ok(io_tensors_add(tensors, name, t->dtype, t->ndim, t->shape, t->data));
        }
        assert_ok(nn_recognise_names(tensors, CASES[c].named ? arch : NULL, PICTURE));
        assert_ok(nn_weights_load(back, tensors, "file"));
        assert_memory_equal(nn_net_params(net), nn_net_params(back), (size_t)nn_net_param_count(net) * sizeof(float));
        assert_string_equal(tensors->prefix ? tensors->prefix : "", CASES[c].before);
        assert_string_equal(tensors->items[2].name, plain->items[0].name);
        for (size_t i = 0; i < tensors->count; i++) {
            assert_ok(io_tensors_full_name(tensors, &tensors->items[i], &full));
            snprintf(name, sizeof name, "%s%s", CASES[c].before, i < 2 ? "" : plain->items[i - 2].name);
            assert_string_equal(full, i == 0 ? "n_averaged" : i == 1 ? "normalize.mean" : name);
            base_free(full);
        }
        io_tensors_free(plain);
        io_tensors_free(tensors);
    }
    nn_net_free(net);
    nn_net_free(back);
}

/* What no architecture has under any prefix keeps its names, for the message. */
static void strangers_keep_their_names(void **state)
{
    (void)state;
    IoTensors *tensors;
    assert_ok(io_tensors_create(&tensors));
    assert_ok(io_tensors_add(tensors, "model.net.a.weight", IO_F32, 1, (int64_t[]){1}, NULL));
    assert_ok(io_tensors_add(tensors, "model.net.b.weight", IO_F32, 1, (int64_t[]){1}, NULL));
    assert_ok(nn_recognise_names(tensors, NULL, PICTURE));
    assert_string_equal(tensors->items[0].name, "model.net.a.weight");
    assert_null(tensors->prefix);
    io_tensors_free(tensors);
}

/* Some of a network's tensors over those it has: loaded, and written back, without the others. */
static void a_part_loads(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    NnNet *net = NULL, *other = NULL;
    IoTensors *all, *part;
    assert_ok(nn_arch_find("mlp", &arch));
    assert_ok(nn_arch_build_at(arch, PICTURE, 3, true, &net));
    assert_ok(nn_arch_build_at(arch, PICTURE, 3, true, &other));
    nn_net_init(net, 5);
    nn_net_init(other, 6);
    assert_ok(nn_weights_export(other, &all));
    assert_ok(io_tensors_create(&part));
    const IoTensor *t = &all->items[0];
    assert_ok(io_tensors_add(part, t->name, t->dtype, t->ndim, t->shape, t->data));
    float second = nn_net_params(net)[t->count];
    assert_fails(nn_weights_load(net, part, "file"), BASE_ESHAPE, "missing");
    assert_ok(nn_weights_load_part(net, part, "file"));
    assert_memory_equal(nn_net_params(net), t->data, (size_t)t->count * sizeof(float));
    assert_true(nn_net_params(net)[t->count] == second);
    nn_net_edit_params(net)[0] = 7;
    assert_ok(nn_weights_update_part(net, part));
    assert_true(((float *)part->items[0].data)[0] == 7);
    io_tensors_free(part);
    assert_ok(io_tensors_create(&part));
    assert_ok(io_tensors_add(part, t->name, IO_F32, 1, (int64_t[]){1}, NULL));
    assert_fails(nn_weights_load_part(net, part, "file"), BASE_ESHAPE, "does not have the network's shape");
    io_tensors_free(part);
    io_tensors_free(all);
    nn_net_free(net);
    nn_net_free(other);
}

/* The last layer replaced by Sequential(Dropout, Linear), as fine-tuned networks have it. */
static void sequential_head_loads(void **state)
{
    (void)state;
    static const Rename RENAMES[] = {{"fc.", "fc.1."}};
    check_round_trip("resnet18", (const int64_t[3]){3, 32, 32}, RENAMES, 1, "conv1.weight");
}

static const Rename TIMM[] = {{"class_token", "cls_token"},
                              {"encoder.pos_embedding", "pos_embed"},
                              {"conv_proj", "patch_embed.proj"},
                              {"encoder.layers.encoder_layer_", "blocks."},
                              {"ln_1", "norm1"},
                              {"self_attention.in_proj_", "attn.qkv."},
                              {"self_attention.out_proj", "attn.proj"},
                              {"ln_2", "norm2"},
                              {"mlp.0", "mlp.fc1"},
                              {"mlp.3", "mlp.fc2"},
                              {"encoder.ln", "norm"},
                              {"heads.head", "head"}};

/* 160 x 160: its positions say so, where the form's own size is 224 x 224 */
static void timm_transformer_loads(void **state)
{
    (void)state;
    check_round_trip("vit_b_32", (const int64_t[3]){3, 160, 160}, TIMM, sizeof TIMM / sizeof *TIMM,
                     "patch_embed.proj.weight");
}

/* A name that is taken keeps its meaning: the second tensor is unexpected, not silently left out. */
static void taken_names_stay(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    NnNet *net = NULL;
    IoTensors *tensors = NULL;
    const int64_t one[1] = {3};
    assert_ok(nn_arch_find("resnet18", &arch));
    assert_ok(nn_arch_build_at(arch, (const int64_t[3]){3, 32, 32}, 3, true, &net));
    nn_net_init(net, 5);
    assert_ok(nn_weights_export(net, &tensors));
    assert_ok(io_tensors_add(tensors, "linear.bias", IO_F32, 1, one, NULL));
    assert_ok(nn_naming_apply(tensors));
    assert_fails(nn_weights_load(net, tensors, "file"), BASE_ESHAPE, "unexpected: linear.bias");
    io_tensors_free(tensors);
    nn_net_free(net);
}

static void strangers_are_told_the_nearest(void **state)
{
    (void)state;
    const NnArch *arch = NULL;
    NnNet *net = NULL;
    IoTensors *tensors = NULL;
    NnRecognised got;
    assert_ok(nn_arch_find("vgg11_bn", &arch));
    assert_ok(nn_arch_build_at(arch, (const int64_t[3]){3, 32, 32}, 3, true, &net));
    assert_ok(nn_weights_export(net, &tensors));
    IoTensor *bias = io_tensors_find(tensors, "features.0.bias");
    base_free(bias->name);
    assert_ok(base_strdup("features.0.offset", &bias->name));
    assert_fails(nn_recognise(tensors, PICTURE, "file", &got), BASE_ESHAPE, "nearest is vgg11_bn");
    assert_non_null(strstr(base_error_text(), "missing: features.0.bias"));
    assert_null(got.arch);
    io_tensors_free(tensors);
    assert_ok(io_tensors_create(&tensors));
    assert_fails(nn_recognise(tensors, NULL, "file", &got), BASE_ESHAPE, "any of its tensors");
    io_tensors_free(tensors);
    nn_net_free(net);
}

static BaseStatus apply_once(void *user)
{
    IoTensors *tensors = NULL;
    BaseStatus st = BASE_OK;
    (void)user;
    const int64_t shape[2] = {3, 5};
    BASE_TRY(io_tensors_create(&tensors));
    BASE_TRY(io_tensors_add(tensors, "linear.weight", IO_F32, 2, shape, NULL));
    BASE_TRY(nn_naming_apply(tensors));
out:
    io_tensors_free(tensors);
    return st;
}

static void failed_allocations(void **state)
{
    (void)state;
    support_fail_allocations(apply_once, NULL, 100);
}

/* As many as a file may hold, all under other names: minutes where each is compared with all. */
static void many_names(void **state)
{
    (void)state;
    IoTensors many = {.count = IO_TENSORS_MOST};
    char name[NN_NAMING_SIZE];
    double start = base_clock_wall();
    assert_ok(BASE_ALLOC(many.count, &many.items));
    for (size_t i = 0; i < many.count; i++) {
        snprintf(name, sizeof name, "%s.%zu", i == 7 ? "fc" : "linear", i == 9 ? (size_t)7 : i);
        assert_ok(base_strdup(name, &many.items[i].name));
    }
    assert_ok(nn_naming_apply(&many));
    assert_null(many.items[7].alias);
    assert_null(many.items[9].alias);
    assert_string_equal(many.items[8].alias, "fc.8");
    assert_string_equal(many.items[many.count - 1].alias, "fc.65535");
    for (size_t i = 0; i < many.count; i++) {
        base_free(many.items[i].name);
        base_free(many.items[i].alias);
    }
    base_free(many.items);
    assert_true(base_clock_wall() - start < 5);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_are_translated),
    cmocka_unit_test(timm_names_are_translated),
    cmocka_unit_test(timm_networks_load),
    cmocka_unit_test(a_folder_tells_like_from_like),
    cmocka_unit_test(kuangliu_resnet_loads),
    cmocka_unit_test(sequential_head_loads),
    cmocka_unit_test(timm_transformer_loads),
    cmocka_unit_test(taken_names_stay),
    cmocka_unit_test(strangers_are_told_the_nearest),
    cmocka_unit_test(failed_allocations),
    cmocka_unit_test(weiaicunzai_resnet_loads),
    cmocka_unit_test(wrappers_come_off),
    cmocka_unit_test(strangers_keep_their_names),
    cmocka_unit_test(a_part_loads),
    cmocka_unit_test(many_names),
};
SUPPORT_MAIN(tests)
