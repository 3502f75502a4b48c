/* Folders of the hub: what config.json and preprocessor_config.json say in our words, which of them are refused, and what
 * a folder that is written has. tests/cli/hub.sh has folders that transformers writes. */
#include "tests/support/support.h"

#include <stdio.h>
#include <unistd.h>

#include "io/file.h"
#include "io/hub_read.h"
#include "io/tensors.h"

static void write_text(const char *name, const char *text)
{
    assert_ok(io_file_write(support_at(name), text, strlen(text)));
}

static void make_weights(const char *name)
{
    IoTensors *t;
    assert_ok(io_tensors_create(&t));
    assert_ok(io_tensors_add(t, "vit.a", IO_F16, 1, (int64_t[]){3}, (uint16_t[]){0x3c00, 0x7c01, 0x0001}));
    assert_ok(io_tensors_add(t, "b", IO_F32, 2, (int64_t[]){1, 2}, (float[]){1, -2}));
    assert_ok(io_tensors_set_meta(t, "format", "pt"));
    assert_ok(io_tensors_write(t, support_at(name)));
    io_tensors_free(t);
}

static const char CONFIG[] =
    "{\"model_type\": \"vit\", \"hidden_act\": \"gelu\", \"image_size\": 32, \"num_attention_heads\": 2, "
    "\"layer_norm_eps\": 1e-12, \"id2label\": {\"1\": \"dog\", \"0\": \"cat\"}}";

static int setup(void **state)
{
    (void)state;
    assert_ok(io_folder_make(support_at("in")));
    make_weights("in/model.safetensors");
    return 0;
}

static void forget(const char *name) { unlink(support_at(name)); }

/* What the two texts make of it; @p prepared NULL: there is none. */
static IoHub *read_hub(const char *config, const char *prepared)
{
    IoHub *hub;
    write_text("in/config.json", config);
    forget("in/preprocessor_config.json");
    if (prepared) write_text("in/preprocessor_config.json", prepared);
    assert_ok(io_hub_read(support_at("in"), &hub));
    return hub;
}

static void test_network(void **state)
{
    (void)state;
    IoHub *hub = read_hub(CONFIG, NULL);
    assert_string_equal(hub->model, "vit");
    assert_string_equal(hub->activation, "gelu");
    assert_false(hub->timm);
    assert_int_equal(hub->heads, 2);
    assert_true(hub->height == 32 && hub->width == 32 && hub->epsilon == 1e-12);
    assert_int_equal(hub->label_count, 2);
    assert_string_equal(hub->labels[0], "cat");
    assert_string_equal(hub->labels[1], "dog");
    assert_null(hub->preparation);
    io_hub_free(hub);
    /* defaults of ViTConfig; names that were made up are none */
    hub = read_hub("{\"model_type\": \"vit\", \"image_size\": [32, 48], \"id2label\": {\"0\": \"LABEL_0\"}}", NULL);
    assert_true(hub->heads == 12 && hub->epsilon == 1e-12 && hub->height == 32 && hub->width == 48);
    assert_int_equal(hub->label_count, 0);
    io_hub_free(hub);
    hub = read_hub("{\"architecture\": \"vit_tiny_patch16_224\", \"global_pool\": \"token\", \"model_args\": "
                   "{\"num_heads\": 4}, \"label_names\": [\"x\", \"y\", \"z\"]}",
                   NULL);
    assert_true(hub->timm && hub->heads == 4 && hub->epsilon == 0 && hub->label_count == 3);
    assert_string_equal(hub->labels[2], "z");
    io_hub_free(hub);
}

typedef struct {
    const char *config, *prepared, *mean, *std, *resize, *crop, *interpolation, *crop_start;
} Prepared;

#define HALF "0.5,0.5,0.5"
#define NET  "0.485,0.456,0.406"
#define DEV  "0.229,0.224,0.225"
static void test_preparation(void **state)
{
    (void)state;
    static const Prepared ROWS[] = {
        /* transformers: as written, then by the defaults of the class */
        {CONFIG,
         "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"height\": 30, \"width\": 40}, \"resample\": 3, "
         "\"image_mean\": [0.1, 0.2, 0.3], \"image_std\": [0.4, 0.5, 0.6], \"rescale_factor\": 0.00392156862745098}",
         "0.1,0.2,0.3", "0.4,0.5,0.6", "30x40", "none", "bicubic", "below"},
        {CONFIG, "{\"feature_extractor_type\": \"ViTFeatureExtractor\", \"size\": 224}", HALF, HALF, "224x224", "none",
         "bilinear", "below"},
        {CONFIG, "{\"image_processor_type\": \"DeiTImageProcessorFast\"}", HALF, HALF, "256x256", "224x224", "bicubic",
         "below"},
        {CONFIG, "{\"image_processor_type\": \"DeiTImageProcessor\", \"do_resize\": false, \"crop_size\": 20}", HALF,
         HALF, "none", "20x20", "bicubic", "below"},
        /* ConvNext's: 224 / 0.875 = 256, and from 384 on no crop */
        {CONFIG, "{\"image_processor_type\": \"ConvNextImageProcessor\", \"size\": {\"shortest_edge\": 224}}", HALF,
         HALF, "256", "224x224", "bicubic", "below"},
        {CONFIG, "{\"image_processor_type\": \"ConvNextImageProcessor\", \"crop_pct\": 0.95, \"size\": 100}", HALF,
         HALF, "105", "100x100", "bicubic", "below"},
        {CONFIG, "{\"image_processor_type\": \"ConvNextImageProcessor\"}", HALF, HALF, "384x384", "none", "bicubic",
         "below"},
        {CONFIG, "{\"image_processor_type\": \"BitImageProcessor\", \"size\": {\"shortest_edge\": 256}}", HALF, HALF,
         "256", "224x224", "bicubic", "below"},
        /* (x / 127.5 - 1) / 0.5 = (x / 255 - 0.5) / 0.25; without scaling, numbers of 0 to 255 */
        {CONFIG,
         "{\"image_processor_type\": \"ViTImageProcessor\", \"rescale_factor\": 0.00784313725490196, \"image_mean\": "
         "[1], \"image_std\": [0.5]}",
         "0.5", "0.25", "224x224", "none", "bilinear", "below"},
        {CONFIG,
         "{\"image_processor_type\": \"ViTImageProcessor\", \"do_rescale\": false, \"image_mean\": [127.5], \"image_std\": "
         "[51]}",
         "0.5", "0.2", "224x224", "none", "bilinear", "below"},
        {CONFIG, "{\"image_processor_type\": \"ViTImageProcessor\", \"do_normalize\": false}", "none", "none",
         "224x224", "none", "bilinear", "below"},
        /* timm: floor(224 / 0.875) = 256, floor(32 / 0.9) = 35 */
        {"{\"architecture\": \"resnet18\", \"pretrained_cfg\": {}}", NULL, NET, DEV, "256", "224x224", "bicubic",
         "nearest"},
        {"{\"architecture\": \"vit_x\", \"pretrained_cfg\": {\"input_size\": [3, 32, 32], \"crop_pct\": 0.9, "
         "\"interpolation\": \"bilinear\", \"mean\": [0.5, 0.5, 0.5], \"std\": [0.5, 0.5, 0.5]}}",
         NULL, HALF, HALF, "35", "32x32", "bilinear", "nearest"},
        {"{\"architecture\": \"vit_x\", \"pretrained_cfg\": {\"input_size\": [3, 32, 48], \"crop_pct\": 1.0, "
         "\"crop_mode\": \"squash\"}}",
         NULL, NET, DEV, "32x48", "32x48", "bicubic", "nearest"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        IoHub *hub = read_hub(ROWS[i].config, ROWS[i].prepared);
        assert_non_null(hub->preparation);
        assert_null(hub->unknown);
        assert_string_equal(hub->mean, ROWS[i].mean);
        assert_string_equal(hub->std, ROWS[i].std);
        assert_string_equal(hub->resize, ROWS[i].resize);
        assert_string_equal(hub->crop, ROWS[i].crop);
        assert_string_equal(hub->interpolation, ROWS[i].interpolation);
        assert_string_equal(hub->crop_start, ROWS[i].crop_start);
        io_hub_free(hub);
    }
}

static void test_unknown_preparation(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"{\"image_processor_type\": \"SamImageProcessor\"}", "image_processor_type is SamImageProcessor"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"do_pad\": true}", "do_pad is true"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"resample\": 1}", "resample is neither 2"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"longest_edge\": 9}}", "size is neither"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"size\": 0}", "size is neither"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"do_center_crop\": true}", "crop_size is missing"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"image_mean\": [\"a\"]}", "image_mean is no list"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"image_std\": []}", "image_std is no list"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"rescale_factor\": 0}", "rescale_factor is not above 0"},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"rescale_factor\": 1, \"do_normalize\": false}",
         "rescale_factor is not 1/255"},
        {"{\"image_processor_type\": \"ConvNextImageProcessor\", \"size\": 9, \"crop_pct\": 2}", "crop_pct is not"},
    };
    static const char *const TIMM[][2] = {
        {"\"crop_mode\": \"border\"", "crop_mode is border"},
        {"\"input_size\": [3, 32, 48]", "input_size is no square"},
        {"\"input_size\": [3]", "input_size is not [channels"},
        {"\"interpolation\": \"lanczos\"", "interpolation is lanczos"},
        {"\"crop_pct\": 0", "crop_pct is not"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        IoHub *hub = read_hub(CONFIG, ROWS[i][0]);
        assert_non_null(hub->unknown);
        assert_memory_equal(hub->unknown, ROWS[i][1], strlen(ROWS[i][1]));
        io_hub_free(hub);
    }
    for (size_t i = 0; i < sizeof TIMM / sizeof *TIMM; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"architecture\": \"x\", \"pretrained_cfg\": {%s}}", TIMM[i][0]);
        IoHub *hub = read_hub(text, NULL);
        assert_non_null(hub->unknown);
        assert_memory_equal(hub->unknown, TIMM[i][1], strlen(TIMM[i][1]));
        io_hub_free(hub);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        BaseStatus status;
        const char *part;
    } ROWS[] = {
        {"{", BASE_EFORMAT, "is not JSON"},
        {"[1]", BASE_EFORMAT, "must be a JSON object"},
        {"{\"model_type\": \"vit\", \"image_size\": 0}", BASE_EFORMAT, "image_size must be"},
        {"{\"model_type\": \"vit\", \"num_attention_heads\": -1}", BASE_EFORMAT, "num_attention_heads -1"},
        {"{\"model_type\": \"vit\", \"layer_norm_eps\": 2}", BASE_EFORMAT, "layer_norm_eps 2"},
        {"{\"id2label\": {\"0\": \"a\", \"2\": \"b\"}}", BASE_EFORMAT, "no name of class 1"},
        {"{\"model_type\": \"resnet\", \"downsample_in_bottleneck\": true}", BASE_EFORMAT, "other strides"},
        {"{\"model_type\": \"resnet\", \"hidden_act\": \"gelu\"}", BASE_EFORMAT, "has relu here"},
        {"{\"model_type\": \"convnext\", \"hidden_act\": \"relu\"}", BASE_EFORMAT, "a convnext has gelu here"},
        {"{\"model_type\": \"regnet\", \"hidden_act\": \"silu\"}", BASE_EFORMAT, "a regnet has relu here"},
        {"{\"architecture\": \"vit_x\", \"global_pool\": \"avg\"}", BASE_EFORMAT, "global_pool is avg"},
        {"{\"architecture\": \"resnet18\", \"global_pool\": \"max\"}", BASE_EFORMAT, "must have avg here"},
        {"{\"architecture\": \"vit_x\", \"model_args\": {\"act_layer\": \"relu\"}}", BASE_EFORMAT, "act_layer"},
        {"{\"architecture\": \"vit_x\", \"label_names\": [\"a\", 1]}", BASE_EFORMAT, "no name of class 1"},
    };
    IoHub *hub;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        write_text("in/config.json", ROWS[i].config);
        assert_fails(io_hub_read(support_at("in"), &hub), ROWS[i].status, ROWS[i].part);
        assert_null(hub);
    }
    forget("in/config.json");
    assert_fails(io_hub_read(support_at("in"), &hub), BASE_EFORMAT, "has no config.json");
    assert_ok(io_folder_make(support_at("empty")));
    assert_fails(io_hub_read(support_at("empty"), &hub), BASE_EFORMAT, "a folder without weights");
}

static void same_tensors(const IoTensors *a, const IoTensors *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->items[i].name, b->items[i].name);
        assert_int_equal(a->items[i].dtype, b->items[i].dtype);
        assert_memory_equal(a->items[i].data, b->items[i].data,
                            (size_t)a->items[i].count * io_dtype_size(a->items[i].dtype));
    }
}

/* Texts go along, bit for bit; weights in another format do not, since nothing was removed from them. */
static void test_folder_is_written(void **state)
{
    (void)state;
    IoTensors *a, *b;
    char *text;
    size_t size;
    static const char *const TEXTS[] = {"config.json", "README.md", "LICENSE"};
    io_hub_free(read_hub(CONFIG, NULL));
    write_text("in/README.md", "a card\n");
    write_text("in/LICENSE", "a licence");
    write_text("in/.hidden.json", "{}");
    write_text("in/model.onnx", "weights too");
    write_text("in/pytorch_model.bin.index.json", "{}");
    assert_ok(io_tensors_read(support_at("in"), &a));
    assert_non_null(a->hub);
    assert_ok(io_tensors_writable(support_at("out"), support_at("in")));
    assert_true(io_tensors_folder(support_at("out"), support_at("in")));
    assert_false(io_tensors_folder(support_at("out.pt"), support_at("in")));
    assert_false(io_tensors_folder(support_at("out"), support_at("in/model.safetensors")));
    assert_true(io_tensors_keeps_beside(a, support_at("out")));
    for (int round = 0; round < 2; round++) { /* the second replaces the first */
        assert_ok(io_tensors_write(a, support_at(round ? "out" : "out/")));
        assert_ok(io_tensors_read(support_at("out"), &b));
        same_tensors(a, b);
        io_tensors_free(b);
        for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
            char name[60], *want;
            size_t wanted;
            snprintf(name, sizeof name, "in/%s", TEXTS[i]);
            assert_ok(io_file_read(support_at(name), 0, &want, &wanted));
            snprintf(name, sizeof name, "out/%s", TEXTS[i]);
            assert_ok(io_file_read(support_at(name), 0, &text, &size));
            assert_int_equal(size, wanted);
            assert_memory_equal(text, want, size);
            base_free(text);
            base_free(want);
        }
        assert_false(io_path_exists(support_at("out/model.onnx")));
        assert_false(io_path_exists(support_at("out/.hidden.json")));
        assert_false(io_path_exists(support_at("out/pytorch_model.bin.index.json")));
    }
    assert_fails(io_tensors_write(a, support_at("in")), BASE_EUSAGE, "is the input");
    assert_ok(io_folder_make(support_at("busy")));
    write_text("busy/x", "precious");
    assert_fails(io_tensors_writable(support_at("busy"), support_at("in")), BASE_EUSAGE, "other files in it");
    assert_fails(io_tensors_write(a, support_at("busy")), BASE_EUSAGE, "other files in it");
    write_text("file", "precious");
    assert_fails(io_tensors_writable(support_at("file"), support_at("in")), BASE_EUSAGE, "is a file");
    assert_fails(io_tensors_writable(support_at("out"), NULL), BASE_EUSAGE, "must end in");
    assert_ok(io_tensors_write(a, support_at("out.safetensors"))); /* the weights alone */
    assert_ok(io_tensors_read(support_at("out.safetensors"), &b));
    same_tensors(a, b);
    assert_null(b->hub);
    io_tensors_free(b);
    io_tensors_free(a);
    for (size_t i = 0; i < 2; i++) forget(i ? "in/model.onnx" : "in/pytorch_model.bin.index.json");
}

static void test_which_weights(void **state)
{
    (void)state;
    char *path;
    assert_ok(io_hub_weights(support_at("in"), &path));
    assert_string_equal(strrchr(path, '/'), "/model.safetensors");
    base_free(path);
    assert_ok(io_hub_weights(support_at("in/model.safetensors"), &path)); /* a file is itself */
    assert_string_equal(strrchr(path, '/'), "/model.safetensors");
    base_free(path);
    assert_ok(io_folder_make(support_at("other")));
    make_weights("other/x.pt");
    assert_int_equal(rename(support_at("other/x.pt"), support_at("other/pytorch_model.bin")), 0);
    write_text("other/config.json", CONFIG);
    IoTensors *t;
    assert_ok(io_tensors_read(support_at("other"), &t));
    assert_string_equal(io_tensors_container(t), "pytorch");
    assert_ok(io_tensors_write(t, support_at("again")));
    assert_true(io_path_exists(support_at("again/pytorch_model.bin")));
    io_tensors_free(t);
}

static BaseStatus rewrite(void *user)
{
    (void)user;
    return support_rewrite(support_at("in"), support_at("memory"));
}

static void test_failed_allocations(void **state)
{
    (void)state;
    io_hub_free(read_hub(CONFIG, "{\"image_processor_type\": \"ViTImageProcessor\"}"));
    support_fail_allocations(rewrite, NULL, 1000);
    io_hub_free(read_hub("{\"architecture\": \"vit_x\", \"label_names\": [\"x\"], \"pretrained_cfg\": {}}", NULL));
    support_fail_allocations(rewrite, NULL, 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_network, setup), cmocka_unit_test(test_preparation),
    cmocka_unit_test(test_unknown_preparation),  cmocka_unit_test(test_refused),
    cmocka_unit_test(test_folder_is_written),    cmocka_unit_test(test_which_weights),
    cmocka_unit_test(test_failed_allocations),
};
SUPPORT_MAIN(tests)
