/* session/model.c - a wrong pairing of weights and data is one sentence before any work. */
#include "session/model.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/pipeline/loader.h"
#include "data/set/build.h"
#include "io/hub.h"
#include "nn/positions.h"
#include "nn/recognise.h"
#include "nn/weights.h"

static void data_shape(const SessionData *data, int64_t shape[3])
{
    shape[0] = data->train->C, shape[1] = data->train->H, shape[2] = data->train->W;
}

/* One image through the loader's own rules, so that a wrong pairing is told before hours of work. */
static BaseStatus feed_check(const SessionModel *model, const SessionData *data)
{
    BaseStatus st = BASE_OK;
    float *image = NULL;
    int64_t shape[3];
    nn_net_input_shape(model->net, shape);
    BASE_TRY(BASE_ALLOC_RAW(shape[0] * shape[1] * shape[2], &image));
    st = data_image(data->train, 0, shape[0], shape[1], shape[2], image);
    base_error_prefix(st, "%s with %s", data->spec, model->arch->entry.name);
out:
    base_free(image);
    return st;
}

static const char AUTO[] = "auto";

static BaseStatus recognise(const IoTensors *tensors, const int64_t shape[3], const char *weights, const NnArch **out)
{
    BaseStatus st = BASE_OK;
    NnRecognised r;
    const NnArch *like;
    BASE_TRY(nn_recognise(tensors, shape, weights, &r));
    *out = r.arch;
    base_notice("%s: recognised as %s, %lld classes, images of %lldx%lldx%lld", weights, r.arch->entry.name,
                (long long)r.K, (long long)r.shape[0], (long long)r.shape[1], (long long)r.shape[2]);
    if (tensors->hub) goto out; /* which names it */
    BASE_TRY(nn_recognise_like(r.arch, tensors, &like));
    if (like)
        base_warning(
            "%s: %s has the same tensors and computes something else: name it with --arch if that is what it is",
            weights, like->entry.name);
out:
    return st;
}

BaseStatus session_model_create(const char *arch, const SessionData *data, SessionModel *out)
{
    BaseStatus st = BASE_OK;
    int64_t shape[3];
    *out = (SessionModel){0};
    data_shape(data, shape);
    BASE_CHECK(
        strcmp(arch, AUTO) != 0, BASE_EUSAGE,
        "architecture auto is recognised from a weights file, and a fresh network has none: give a name from `expunge "
        "list archs`");
    BASE_TRY(nn_arch_find(arch, &out->arch));
    BASE_TRY(nn_arch_build(out->arch, shape, data->train->K, &out->net));
    BASE_TRY(feed_check(out, data));
out:
    if (st != BASE_OK) session_model_free(out);
    return st;
}

/* A wrong mean or size ruins every number without a word. */
static void compare_prep(const IoTensors *tensors, const char *weights, const SessionData *data)
{
    const char *then = io_tensors_meta(tensors, SESSION_META_PREP);
    bool told = tensors->hub && tensors->hub->preparation && !tensors->hub->unknown; /* and it is done: session/hub.h */
    if (!then && !told && data->train->type == DATA_U8)
        base_notice("%s does not say how its images were prepared; those of %s are prepared with %s", weights,
                    data->spec, data->prep);
    if (then && strcmp(then, data->prep) != 0)
        base_warning("%s: its images were prepared with %s, but those of %s are now prepared with %s; --mean, --std, "
                     "--resize, --crop and --interpolation change this",
                     weights, then, data->spec, data->prep);
}

/* What `expunge train` or `run` made was trained on padded images too; other frameworks may have pooled them instead.
 */
static void tell_padding(const SessionModel *model, const char *weights, const SessionData *data)
{
    int64_t shape[3];
    nn_net_input_shape(model->net, shape);
    bool ours = io_tensors_meta(model->tensors, "expunge.arch") || io_tensors_meta(model->tensors, "expunge.key");
    if (ours || (data->train->H == shape[1] && data->train->W == shape[2])) return;
    base_warning("%s: images of %lldx%lld are padded with zeros to the %lldx%lld that %s takes; if %s was trained on "
                 "images of another size, its outputs differ: set that size with --resize and --crop",
                 data->spec, (long long)data->train->H, (long long)data->train->W, (long long)shape[1],
                 (long long)shape[2], model->arch->entry.name, weights);
}

/* "0.4914,0.4822,0.4465", as the option has it. */
static BaseStatus numbers_text(const IoTensor *t, const char *weights, BaseText *out)
{
    BaseStatus st = BASE_OK;
    float values[DATA_CHANNELS_MAX];
    BASE_CHECK(t->count >= 1 && t->count <= DATA_CHANNELS_MAX, BASE_ESHAPE,
               "%s: tensor %s has %lld numbers; it must have one, or one per channel", weights, t->name,
               (long long)t->count);
    BASE_TRY(io_tensor_to_f32(t, values));
    for (int64_t i = 0; i < t->count; i++) base_text_add(out, "%s%.9g", i ? "," : "", (double)values[i]);
    BASE_TRY(out->st);
out:
    return st;
}

/* A network that normalises its images itself takes them as they are: its numbers stand in the place of --mean and
 * --std, and are checked like them. */
static BaseStatus take_normalising(const IoTensors *tensors, const char *weights, SessionData *data)
{
    BaseStatus st = BASE_OK;
    BaseText mean = {0}, std = {0};
    char *was = NULL;
    const IoTensor *m = io_tensors_find(tensors, IO_TENSORS_MEAN), *s = io_tensors_find(tensors, IO_TENSORS_STD);
    if (!m && !s) goto out;
    BASE_CHECK(m && s, BASE_ESHAPE, "%s: holds %s but no %s", weights, m ? IO_TENSORS_MEAN : IO_TENSORS_STD,
               m ? IO_TENSORS_STD : IO_TENSORS_MEAN);
    BASE_TRY(numbers_text(m, weights, &mean));
    BASE_TRY(numbers_text(s, weights, &std));
    bool told = data->train->normalise;
    BASE_TRY(base_strdup(data->prep, &was));
    BASE_TRY(base_error_prefix(session_data_normalise(data, mean.data, std.data),
                               "%s: its own " IO_TENSORS_MEAN " and " IO_TENSORS_STD, weights));
    if (told && strcmp(was, data->prep) != 0)
        base_warning("%s: the network normalises its images itself: %s in place of %s", weights, data->prep, was);
    else
        base_notice("%s: the network normalises its images itself, with mean %s and std %s", weights, mean.data,
                    std.data);
out:
    base_text_free(&mean);
    base_text_free(&std);
    base_free(was);
    return st;
}

/* Class count and input of the checkpoint as the named architecture. */
static BaseStatus fit(const char *weights, const int64_t data[3], SessionModel *out, int64_t *K)
{
    BaseStatus st = nn_arch_classes(out->arch, data, out->tensors, K);
    if (st != BASE_OK) return base_error_prefix(st, "%s", weights), st;
    int64_t shape[3];
    st = nn_arch_shape(out->arch, data, out->tensors, shape);
    if (st == BASE_OK) st = nn_arch_build_at(out->arch, shape, *K, true, &out->net);
    return st == BASE_OK ? nn_weights_load(out->net, out->tensors, weights) : st;
}

/* A folder's network is the one that was named. */
static BaseStatus agree(const IoTensors *tensors, const int64_t shape[3], const char *weights, const NnArch *named,
                        bool override)
{
    BaseStatus st = BASE_OK;
    NnRecognised r;
    if (!tensors->hub || override || named->file) return BASE_OK; /* a graph file is more than the folder's own word */
    st = nn_recognise(tensors, shape, weights, &r);
    if (st == BASE_ESHAPE) return BASE_OK; /* the fit has the better words */
    if (st == BASE_OK && r.arch != named)
        st = base_error_set(
            BASE_EUSAGE,
            "--arch %s is not what %s says, which is %s: leave the option out (the program's --override lets it count)",
            named->entry.name, tensors->hub->config, r.arch->entry.name);
    return st;
}

/* Appends which architecture the checkpoint is, where it is one. */
static BaseStatus misfit(BaseStatus st, IoTensors *tensors, const int64_t data[3], const char *weights)
{
    NnRecognised r;
    char text[2048];
    snprintf(text, sizeof text, "%s", base_error_text());
    BaseStatus other = nn_recognise_names(tensors, NULL, data);
    if (other == BASE_OK) other = nn_recognise(tensors, data, weights, &r);
    if (other == BASE_ENOMEM) return other;
    if (other != BASE_OK) return base_error_set(st, "%s", text);
    return base_error_set(st, "%.1900s; its tensors are those of %s (--arch auto)", text, r.arch->entry.name);
}

/* Whether the checkpoint names all tensors of an architecture; their shapes may be those of other images. */
static BaseStatus names_all(const NnArch *arch, const IoTensors *tensors, const char *weights, bool *named)
{
    NnNet *net = NULL;
    *named = true;
    BaseStatus st = nn_recognise_outline(arch, tensors, &net);
    if (st == BASE_OK) st = nn_weights_named(net, tensors, named);
    if (st == BASE_OK && !*named)
        st = nn_weights_fit(net, tensors, weights); /* its sentence names them */
    else if (st == BASE_ESHAPE || st == BASE_EARG)
        st = BASE_OK; /* the images tell */
    nn_net_free(net);
    return st;
}

BaseStatus session_weights_check(const char *arch, const char *weights)
{
    BaseStatus st = BASE_OK;
    const NnArch *found = NULL;
    IoTensors *tensors = NULL;
    NnRecognised r;
    char text[2048] = "";
    bool named = false, automatic = strcmp(arch, AUTO) == 0;
    if (!automatic) BASE_TRY(nn_arch_find(arch, &found));
    BASE_TRY(io_tensors_read(weights, &tensors));
    if (!automatic) {
        BASE_TRY(nn_recognise_names(tensors, found, NULL));
        st = names_all(found, tensors, weights, &named);
        if (st != BASE_ESHAPE) goto out;
        snprintf(text, sizeof text, "%s", base_error_text());
    }
    BASE_TRY(nn_recognise_names(tensors, NULL, NULL));
    const BaseEntry *other = NULL; /* the architecture that it is */
    const NnArch *member;
    st = nn_arch_of(tensors, &member);
    if (st != BASE_OK && st != BASE_ESHAPE) goto out;
    st = BASE_OK;
    if (member) {
        other = &member->entry;
        st = names_all(member, tensors, weights, &named);
        if (st != BASE_OK && st != BASE_ESHAPE) goto out;
        st = BASE_OK;
    }
    for (size_t i = 0; !named && i < base_registry_count(&nn_arch_registry); i++) {
        other = base_registry_at(&nn_arch_registry, i);
        st = names_all((const NnArch *)other, tensors, weights, &named);
        if (st != BASE_OK && st != BASE_ESHAPE) goto out;
        st = BASE_OK;
    }
    if (!automatic && named)
        st = base_error_set(BASE_ESHAPE, "%.1900s; its tensors are those of %s (--arch auto)", text, other->name);
    else if (!automatic)
        st = base_error_set(BASE_ESHAPE, "%s", text);
    else if (!named)
        st = nn_recognise(tensors, NULL, weights, &r);
out:
    io_tensors_free(tensors);
    return st;
}

BaseStatus session_model_open(const char *arch, const char *weights, SessionData *data, SessionModel *out)
{
    BaseStatus st = BASE_OK;
    int64_t shape[3], K = 0;
    *out = (SessionModel){0};
    data_shape(data, shape);
    bool automatic = strcmp(arch, AUTO) == 0;
    if (!automatic) BASE_TRY(nn_arch_find(arch, &out->arch));
    BASE_CHECK(automatic || !out->arch->file || !data->image_h, BASE_EUSAGE,
               "--image-size: %s says the size of its images itself: change it there", out->arch->entry.name);
    BASE_TRY(io_tensors_read(weights, &out->tensors));
    if (out->tensors->strange)
        base_notice("%s: beside the weights, the file refers to %s; none of this is run", weights,
                    out->tensors->strange);
    BASE_TRY(nn_recognise_names(out->tensors, data->image_h ? NULL : out->arch, data->image_h ? NULL : shape));
    if (data->image_h) BASE_TRY(nn_positions_resize(out->tensors, data->image_h, data->image_w, weights));
    BASE_TRY(take_normalising(out->tensors, weights, data));
    if (automatic) BASE_TRY(recognise(out->tensors, shape, weights, &out->arch));
    BASE_TRY(agree(out->tensors, shape, weights, out->arch, automatic || data->override));
    st = fit(weights, shape, out, &K);
    if (st == BASE_ESHAPE) st = misfit(st, out->tensors, shape, weights);
    BASE_TRY(st);
    if (K > data->train->K && data->train->classes_counted) {
        BASE_TRY(data_set_widen(data->train, K));
        BASE_TRY(data_set_widen(data->test, K));
    }
    BASE_CHECK(K == data->train->K, BASE_ESHAPE, "%s: the classifier has %lld classes, but the data %s has %lld%s",
               weights, (long long)K, data->spec, (long long)data->train->K,
               K > data->train->K ? "; if these are some of the classifier's classes, --class-map FILE names all of "
                                    "its classes in its order, one per line"
                                  : "");
    BASE_TRY(feed_check(out, data));
    BASE_TRY(nn_net_hash(out->net, out->hash));
    compare_prep(out->tensors, weights, data);
    tell_padding(out, weights, data);
out:
    if (st != BASE_OK) session_model_free(out);
    return st;
}

BaseStatus session_model_tune(SessionModel *model, const char *path)
{
    BaseStatus st = path ? nn_tuning_read(path, &model->tuning) : BASE_OK;
    if (st == BASE_OK) nn_net_set_tuning(model->net, model->tuning);
    return st;
}

const char *session_model_tuning(const SessionModel *model)
{
    return model->tuning ? nn_tuning_hash(model->tuning) : "";
}

void session_model_free(SessionModel *model)
{
    nn_net_free(model->net);
    nn_tuning_free(model->tuning);
    io_tensors_free(model->tensors);
    *model = (SessionModel){0};
}
