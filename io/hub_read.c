/* io/hub_read.c - config.json and preprocessor_config.json in our words. What is not said has the default of the class that
 * wrote the file, as transformers 5.24 and timm 1.0 have it. */
#include "io/hub_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json_read.h"

enum { LABELS_MOST = 100000, SIDE_MOST = 1 << 14, CHANNELS_MOST = 16 };

/* *out NULL where there is no such file. */
static BaseStatus read_object(const char *folder, const char *name, char **path, json_t **out)
{
    BaseStatus st = BASE_OK;
    char *bytes = NULL;
    size_t size;
    *out = NULL;
    BASE_TRY(base_format(path, "%s/%s", folder, name));
    if (!io_path_exists(*path)) goto out;
    BASE_TRY(io_file_read(*path, IO_HUB_TEXT_MOST, &bytes, &size));
    BASE_TRY(io_json_read(*path, "the file", bytes, size, out));
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        BASE_FAIL(BASE_EFORMAT, "%s: must be a JSON object", *path);
    }
out:
    base_free(bytes);
    return st;
}

/* ---- values ---- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool flag_of(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static double number_of(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static bool is_side(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 1 && json_integer_value(value) <= SIDE_MOST;
}

/* 224, [224, 192] or {"height": 224, "width": 192}; false: it is neither. */
static bool sides_of(const json_t *value, int64_t *h, int64_t *w)
{
    const json_t *first = value, *second = value;
    if (json_is_array(value))
        first = json_array_get(value, 0), second = json_array_get(value, json_array_size(value) - 1);
    if (json_is_object(value)) first = json_object_get(value, "height"), second = json_object_get(value, "width");
    if (!is_side(first) || !is_side(second)) return false;
    *h = json_integer_value(first);
    *w = json_integer_value(second);
    return true;
}

static BaseStatus size_text(int64_t h, int64_t w, char **out)
{
    return w ? base_format(out, "%lldx%lld", (long long)h, (long long)w) : base_format(out, "%lld", (long long)h);
}

/* The first reason stays. */
static BaseStatus unknown(IoHub *hub, const char *what, const char *value)
{
    return hub->unknown ? BASE_OK : base_format(&hub->unknown, "%s is %.100s", what, value);
}

/* "0.485,0.456,0.406" of numbers divided by @p scale. */
static BaseStatus numbers_text(IoHub *hub, const char *what, const json_t *value, double scale, char **out)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    bool good = n >= 1 && n <= CHANNELS_MOST;
    for (size_t i = 0; i < n && good; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        good = json_is_number(one);
        base_text_add(&text, "%s%.9g", i ? "," : "", json_number_value(one) / scale);
    }
    if (good)
        BASE_TRY(base_text_take(&text, out));
    else
        BASE_TRY(unknown(hub, what, "no list of numbers"));
out:
    base_text_free(&text);
    return st;
}

/* ---- how transformers prepares images ---- */

/* Classes that resize, crop, scale and normalise, in this order, and their defaults. */
typedef struct {
    const char *name;
    int resample;        /* as Pillow numbers them */
    int64_t size, crop;  /* crop 0: none */
    bool shorter, warps; /* size is the shorter side; ConvNext's own rule */
} Processor;
static const Processor PROCESSORS[] = {
    {"ViT", 2, 224, 0, false, false},         {"DeiT", 3, 256, 224, false, false},
    {"ConvNext", 3, 384, 0, true, true},      {"Bit", 3, 224, 224, true, false},
    {"CLIP", 3, 224, 224, true, false},       {"MobileNetV1", 2, 256, 224, true, false},
    {"MobileNetV2", 2, 256, 224, true, false}};

static const Processor *find_processor(const char *name)
{
    static const char *const ENDS[] = {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"};
    for (size_t i = 0; name && i < BASE_COUNT(PROCESSORS); i++) {
        size_t n = strlen(PROCESSORS[i].name);
        if (strncmp(name, PROCESSORS[i].name, n) != 0) continue;
        for (size_t e = 0; e < BASE_COUNT(ENDS); e++)
            if (strcmp(name + n, ENDS[e]) == 0) return &PROCESSORS[i];
    }
    return NULL;
}

/* ConvNext below 384: the shorter side becomes size / crop_pct, and the centre is cut out; from there on warped. */
static BaseStatus warped_sizes(IoHub *hub, const json_t *json, int64_t side)
{
    BaseStatus st = BASE_OK;
    double share = number_of(json, "crop_pct", 224.0 / 256);
    if (side >= 384) return size_text(side, side, &hub->resize);
    if (!(share > 0 && share <= 1)) return unknown(hub, "crop_pct", "not from 0 to 1");
    BASE_TRY(size_text((int64_t)((double)side / share), 0, &hub->resize));
    BASE_TRY(size_text(side, side, &hub->crop));
out:
    return st;
}

static BaseStatus take_sizes(IoHub *hub, const Processor *p, const json_t *json)
{
    BaseStatus st = BASE_OK;
    const json_t *size = json_object_get(json, "size"), *shortest = json_object_get(size, "shortest_edge"),
                 *crop = json_object_get(json, "crop_size");
    int64_t h = p->size, w = p->shorter ? 0 : p->size;
    if (is_side(shortest) && !json_object_get(size, "longest_edge"))
        h = json_integer_value(shortest), w = 0;
    else if (size && !sides_of(size, &h, &w))
        BASE_TRY(unknown(hub, "size", "neither a height and a width nor a shortest edge"));
    else if (p->shorter && json_is_integer(size))
        w = 0; /* as the first versions wrote it */
    if (p->warps && flag_of(json, "do_resize", true))
        BASE_TRY(warped_sizes(hub, json, h));
    else if (flag_of(json, "do_resize", true))
        BASE_TRY(size_text(h, w, &hub->resize));
    if (flag_of(json, "do_center_crop", p->crop > 0)) {
        h = w = p->crop;
        if (crop && !sides_of(crop, &h, &w)) BASE_TRY(unknown(hub, "crop_size", "no height and width"));
        if (!h) BASE_TRY(unknown(hub, "crop_size", "missing"));
        if (hub->crop) BASE_TRY(unknown(hub, "do_center_crop", "true after a crop by crop_pct"));
        base_free(hub->crop);
        hub->crop = NULL;
        BASE_TRY(size_text(h, w, &hub->crop));
    }
    if (!hub->resize) BASE_TRY(base_strdup("none", &hub->resize));
    if (!hub->crop) BASE_TRY(base_strdup("none", &hub->crop));
out:
    return st;
}

/* (f x - mean) / std of 8-bit x is (x / 255 - mean / (255 f)) / (std / (255 f)). */
static BaseStatus take_scale(IoHub *hub, const json_t *json)
{
    BaseStatus st = BASE_OK;
    double factor = flag_of(json, "do_rescale", true) ? number_of(json, "rescale_factor", 1.0 / 255) : 1;
    double scale = 255 * factor;
    json_t *half = json_pack("[f,f,f]", 0.5, 0.5, 0.5);
    const json_t *mean = json_object_get(json, "image_mean"), *std = json_object_get(json, "image_std");
    BASE_CHECK(half, BASE_ENOMEM, "no memory for a mean");
    if (fabs(scale - 1) < 1e-6) scale = 1; /* 1/255 in seven digits */
    if (!(factor > 0)) {
        BASE_TRY(unknown(hub, "rescale_factor", "not above 0"));
    } else if (flag_of(json, "do_normalize", true)) {
        BASE_TRY(numbers_text(hub, "image_mean", mean ? mean : half, scale, &hub->mean));
        BASE_TRY(numbers_text(hub, "image_std", std ? std : half, scale, &hub->std));
    } else {
        if (scale != 1) BASE_TRY(unknown(hub, "rescale_factor", "not 1/255, with do_normalize false"));
        BASE_TRY(base_strdup("none", &hub->mean));
        BASE_TRY(base_strdup("none", &hub->std));
    }
out:
    json_decref(half);
    return st;
}

static BaseStatus take_preparation(IoHub *hub, const json_t *json)
{
    static const char *const REFUSED[] = {"do_pad",       "do_flip_channel_order", "rescale_offset",
                                          "do_thumbnail", "do_align_long_axis",    "do_reduce_labels"};
    BaseStatus st = BASE_OK;
    const char *name = text_of(json, "image_processor_type");
    if (!name) name = text_of(json, "feature_extractor_type");
    const Processor *p = find_processor(name);
    if (!p) return unknown(hub, "image_processor_type", name ? name : "missing");
    for (size_t i = 0; i < BASE_COUNT(REFUSED); i++)
        if (flag_of(json, REFUSED[i], false)) BASE_TRY(unknown(hub, REFUSED[i], "true"));
    BASE_TRY(take_sizes(hub, p, json));
    BASE_TRY(take_scale(hub, json));
    int resample = (int)number_of(json, "resample", p->resample);
    if (strcmp(hub->resize, "none") != 0 && resample != 2 && resample != 3)
        BASE_TRY(unknown(hub, "resample", "neither 2 (bilinear) nor 3 (bicubic)"));
    BASE_TRY(base_strdup(resample == 3 ? "bicubic" : "bilinear", &hub->interpolation));
    BASE_TRY(base_strdup("below", &hub->crop_start));
out:
    return st;
}

/* preprocessor_config.json, or what processor_config.json holds of it. */
static BaseStatus read_preparation(IoHub *hub)
{
    BaseStatus st = BASE_OK;
    json_t *json = NULL, *inner = NULL;
    BASE_TRY(read_object(hub->folder, "preprocessor_config.json", &hub->preparation, &json));
    if (!json) {
        base_free(hub->preparation);
        hub->preparation = NULL;
        BASE_TRY(read_object(hub->folder, "processor_config.json", &hub->preparation, &json));
        inner = json_object_get(json, "image_processor");
    }
    if (json && (inner || text_of(json, "image_processor_type") || text_of(json, "feature_extractor_type"))) {
        BASE_TRY(take_preparation(hub, inner ? inner : json));
    } else {
        base_free(hub->preparation);
        hub->preparation = NULL;
    }
out:
    json_decref(json);
    return st;
}

/* ---- config.json of transformers ---- */

/* id2label as a list; none where a number is missing or every name is made up. */
static BaseStatus take_id2label(IoHub *hub, const json_t *map)
{
    BaseStatus st = BASE_OK;
    IoNames names = {0};
    size_t n = json_object_size(map), made_up = 0;
    BASE_CHECK(n <= LABELS_MOST, BASE_ELIMIT, "%s: names %zu classes; at most %d", hub->config, n, LABELS_MOST);
    for (size_t i = 0; i < n; i++) {
        char key[24], usual[40];
        snprintf(key, sizeof key, "%zu", i);
        snprintf(usual, sizeof usual, "LABEL_%zu", i);
        const char *name = text_of(map, key);
        BASE_CHECK(name && *name, BASE_EFORMAT, "%s: id2label has %zu classes but no name of class %zu", hub->config, n,
                   i);
        made_up += strcmp(name, usual) == 0;
        BASE_TRY(io_names_add(&names, name));
    }
    if (n && made_up < n) BASE_TRY(io_names_give(&names, &hub->labels, &hub->label_count));
out:
    io_names_drop(&names);
    return st;
}

/* What names and shapes do not tell of a ResNet, and torchvision's has in one way. */
static BaseStatus check_resnet(const IoHub *hub, const json_t *json)
{
    BaseStatus st = BASE_OK;
    static const char *const STRIDES[] = {"downsample_in_first_stage", "downsample_in_bottleneck"};
    for (size_t i = 0; i < BASE_COUNT(STRIDES); i++)
        BASE_CHECK(!flag_of(json, STRIDES[i], false), BASE_EFORMAT,
                   "%s: %s is true; a ResNet with other strides than torchvision's cannot be built", hub->config,
                   STRIDES[i]);
    BASE_CHECK(!hub->activation || strcmp(hub->activation, "relu") == 0, BASE_EFORMAT,
               "%s: hidden_act is %.60s; a ResNet has relu here", hub->config, hub->activation);
out:
    return st;
}

/* As these networks have it here, which no tensor tells. */
static BaseStatus check_function(const IoHub *hub, const char *model, const char *wanted)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(strcmp(hub->model, model) != 0 || !hub->activation || strcmp(hub->activation, wanted) == 0, BASE_EFORMAT,
               "%s: hidden_act is %.60s; a %s has %s here", hub->config, hub->activation, model, wanted);
out:
    return st;
}

static BaseStatus take_transformers(IoHub *hub, const json_t *json)
{
    BaseStatus st = BASE_OK;
    const char *model = text_of(json, "model_type"), *activation = text_of(json, "hidden_act");
    const json_t *image = json_object_get(json, "image_size");
    BASE_TRY(base_strdup(model ? model : "", &hub->model));
    bool vit = strcmp(hub->model, "vit") == 0 || strcmp(hub->model, "deit") == 0;
    if (activation) BASE_TRY(base_strdup(activation, &hub->activation));
    hub->heads = (int64_t)number_of(json, "num_attention_heads", vit ? 12 : 0);
    hub->epsilon = number_of(json, "layer_norm_eps", vit ? 1e-12 : 0);
    BASE_CHECK(hub->heads >= 0 && hub->heads <= SIDE_MOST && hub->epsilon >= 0 && hub->epsilon < 1, BASE_EFORMAT,
               "%s: num_attention_heads %lld, layer_norm_eps %g: must be at least 1, and in (0, 1)", hub->config,
               (long long)hub->heads, hub->epsilon);
    BASE_CHECK(!image || sides_of(image, &hub->height, &hub->width), BASE_EFORMAT,
               "%s: image_size must be a number of pixels from 1 to %d, or two", hub->config, SIDE_MOST);
    if (strcmp(hub->model, "resnet") == 0) BASE_TRY(check_resnet(hub, json));
    BASE_TRY(check_function(hub, "regnet", "relu"));
    BASE_TRY(check_function(hub, "convnext", "gelu"));
    BASE_TRY(take_id2label(hub, json_object_get(json, "id2label")));
    BASE_TRY(read_preparation(hub));
out:
    return st;
}

/* ---- config.json of timm ---- */

static BaseStatus take_timm_sizes(IoHub *hub, const json_t *cfg)
{
    BaseStatus st = BASE_OK;
    const json_t *input = json_object_get(cfg, "input_size");
    const char *mode = text_of(cfg, "crop_mode"), *filter = text_of(cfg, "interpolation");
    double share = number_of(cfg, "crop_pct", 0.875);
    int64_t h = 224, w = 224;
    if (input) {
        const json_t *height = json_array_get(input, 1), *width = json_array_get(input, 2);
        if (!is_side(height) || !is_side(width)) return unknown(hub, "input_size", "not [channels, height, width]");
        h = json_integer_value(height), w = json_integer_value(width);
    }
    bool squash = mode && strcmp(mode, "squash") == 0;
    if (mode && !squash && strcmp(mode, "center") != 0) BASE_TRY(unknown(hub, "crop_mode", mode));
    if (!squash && h != w) BASE_TRY(unknown(hub, "input_size", "no square"));
    if (!(share > 0 && share <= 1)) return unknown(hub, "crop_pct", "not from 0 to 1");
    int64_t tall = (int64_t)floor((double)h / share), wide = (int64_t)floor((double)w / share);
    BASE_TRY(size_text(tall, squash ? wide : 0, &hub->resize));
    BASE_TRY(size_text(h, w, &hub->crop));
    bool bilinear = filter && strcmp(filter, "bilinear") == 0;
    if (filter && !bilinear && strcmp(filter, "bicubic") != 0) BASE_TRY(unknown(hub, "interpolation", filter));
    BASE_TRY(base_strdup(bilinear ? "bilinear" : "bicubic", &hub->interpolation));
    BASE_TRY(base_strdup("nearest", &hub->crop_start)); /* torchvision's CenterCrop */
out:
    return st;
}

static BaseStatus take_timm_labels(IoHub *hub, const json_t *names)
{
    BaseStatus st = BASE_OK;
    IoNames list = {0};
    size_t n = json_array_size(names);
    BASE_CHECK(n <= LABELS_MOST, BASE_ELIMIT, "%s: names %zu classes; at most %d", hub->config, n, LABELS_MOST);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        BASE_CHECK(name && *name, BASE_EFORMAT, "%s: label_names has no name of class %zu", hub->config, i);
        BASE_TRY(io_names_add(&list, name));
    }
    if (n) BASE_TRY(io_names_give(&list, &hub->labels, &hub->label_count));
out:
    io_names_drop(&list);
    return st;
}

static BaseStatus take_timm(IoHub *hub, const json_t *json)
{
    BaseStatus st = BASE_OK;
    const json_t *cfg = json_object_get(json, "pretrained_cfg"), *args = json_object_get(json, "model_args"),
                 *mean = json_object_get(cfg, "mean"), *std = json_object_get(cfg, "std"),
                 *names = json_object_get(json, "label_names");
    const char *model = text_of(json, "architecture"), *pool = text_of(json, "global_pool");
    json_t *usual = json_pack("[[f,f,f],[f,f,f]]", 0.485, 0.456, 0.406, 0.229, 0.224, 0.225);
    BASE_CHECK(usual, BASE_ENOMEM, "no memory for a mean");
    if (!model) model = text_of(cfg, "architecture");
    BASE_TRY(base_strdup(model ? model : "", &hub->model));
    hub->timm = true;
    bool vit = strncmp(hub->model, "vit_", 4) == 0 || strncmp(hub->model, "deit", 4) == 0;
    hub->heads = (int64_t)number_of(args, "num_heads", 0);
    BASE_CHECK(hub->heads >= 0 && hub->heads <= SIDE_MOST, BASE_EFORMAT, "%s: num_heads %lld: must be at least 1",
               hub->config, (long long)hub->heads);
    BASE_CHECK(!pool || strcmp(pool, vit ? "token" : "avg") == 0, BASE_EFORMAT,
               "%s: global_pool is %.60s; %s must have %s here", hub->config, pool, hub->model, vit ? "token" : "avg");
    BASE_CHECK(!json_object_get(args, "act_layer") && !json_object_get(args, "norm_layer"), BASE_EFORMAT,
               "%s: model_args changes act_layer or norm_layer, which no tensor tells", hub->config);
    BASE_TRY(take_timm_labels(hub, names ? names : json_object_get(cfg, "label_names")));
    BASE_TRY(base_strdup(hub->config, &hub->preparation));
    BASE_TRY(take_timm_sizes(hub, cfg));
    BASE_TRY(numbers_text(hub, "mean", mean ? mean : json_array_get(usual, 0), 1, &hub->mean));
    BASE_TRY(numbers_text(hub, "std", std ? std : json_array_get(usual, 1), 1, &hub->std));
out:
    json_decref(usual);
    return st;
}

BaseStatus io_hub_read(const char *folder, IoHub **out)
{
    BaseStatus st = BASE_OK;
    IoHub *hub = NULL;
    json_t *json = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &hub));
    BASE_TRY(base_strdup(folder, &hub->folder));
    for (size_t n = strlen(hub->folder); n > 1 && hub->folder[n - 1] == '/'; n--) hub->folder[n - 1] = '\0';
    BASE_TRY(io_hub_weights(hub->folder, &hub->weights));
    BASE_TRY(read_object(hub->folder, "config.json", &hub->config, &json));
    BASE_CHECK(json, BASE_EFORMAT, "%s: has no config.json; name the file %s to read it without one", folder,
               hub->weights);
    bool timm = json_object_get(json, "pretrained_cfg") || json_object_get(json, "architecture");
    BASE_TRY(timm ? take_timm(hub, json) : take_transformers(hub, json));
    *out = hub;
    hub = NULL;
out:
    json_decref(json);
    io_hub_free(hub);
    return st;
}
