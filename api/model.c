/* api/model.c - networks with their weights: opened, asked, unlearned, written, by the rooms that the program's commands use. */
#include <string.h>

#include "api/call.h"
#include "api/data.h"
#include "api/files.h"
#include "api/options.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"
#include "models/unlearning.h"
#include "session/evaluation.h"
#include "session/hub.h"

struct expunge_model {
    const expunge_data *images; /* one of its holders; `data` borrows the images */
    SessionData data;           /* classes, labels and normalisation as this network has them */
    SessionModel model;
    char *weights; /* the file's name */
    NnPrecision precision;
};

static void model_free(expunge_model *m)
{
    if (!m) return;
    session_model_free(&m->model);
    session_data_free(&m->data);
    api_data_drop(m->images);
    base_free(m->weights);
    base_free(m);
}

void expunge_model_free(expunge_model *model)
{
    ApiFiles files;
    if (!model) return;
    api_files_begin(&files); /* weights of an HDF5 file hold an object of libhdf5 */
    model_free(model);
    api_files_end(&files);
}

static BaseStatus create(const expunge_data *images, const SessionData *data, const char *weights,
                         NnPrecision precision, expunge_model **out)
{
    BaseStatus st = BASE_OK;
    expunge_model *m = NULL;
    BASE_TRY(BASE_ALLOC(1, &m));
    m->images = images;
    api_data_hold(images);
    m->precision = precision;
    BASE_TRY(base_strdup(weights, &m->weights));
    BASE_TRY(session_data_share(data, &m->data));
    *out = m;
    m = NULL;
out:
    model_free(m);
    return st;
}

/* As a graph file says, where the host has said nothing else. Float32 images come as the network takes them. */
static BaseStatus normalise(const char *arch, const expunge_data *images, SessionData *data)
{
    BaseStatus st = BASE_OK;
    DataOptions options = {.mean = images->mean, .std = images->std};
    BASE_TRY(session_graph_open(arch, false, &options));
    if (options.mean == images->mean && options.std == images->std) goto out;
    if (data->train->type == DATA_U8)
        BASE_TRY(session_data_normalise(data, options.mean, options.std));
    else
        base_notice("%s: holds float32, which is taken as it is, not normalised as %s says", data->spec, arch);
out:
    return st;
}

static BaseStatus open_model(const char *weights, const char *arch, const expunge_data *data, NnPrecision precision,
                             const char *tuning, expunge_model **out)
{
    BaseStatus st = BASE_OK;
    expunge_model *m = NULL;
    BASE_TRY(create(data, &data->data, weights, precision, &m));
    BASE_TRY(normalise(arch, data, &m->data));
    BASE_TRY(session_model_open(arch, weights, &m->data, &m->model));
    BASE_TRY(session_model_tune(&m->model, tuning));
    *out = m;
    m = NULL;
out:
    model_free(m);
    return st;
}

expunge_status expunge_model_open(const char *weights, const char *arch, const expunge_data *data,
                                  const char *const *options, size_t option_count, expunge_model **model)
{
    static const char *const KEYS[] = {"precision", "tuning"};
    ApiCall call;
    ApiFiles files;
    BaseStatus st = BASE_OK;
    NnPrecision precision = NN_F32;
    const char *tuning = NULL, *value;
    api_enter(&call);
    API_GIVEN(model);
    *model = NULL;
    API_GIVEN(weights);
    API_GIVEN(data);
    BASE_TRY(api_options_check(options, option_count));
    for (size_t i = 0; i < option_count; i++)
        if ((value = api_option_value(options[i], "precision")))
            BASE_TRY(nn_precision_parse(value, &precision));
        else if ((value = api_option_value(options[i], "tuning")))
            tuning = value;
        else
            BASE_TRY(api_option_unknown(options[i], KEYS, BASE_COUNT(KEYS), false));
    api_files_begin(&files);
    st = open_model(weights, arch ? arch : "auto", data, precision, tuning, model);
    api_files_end(&files);
out:
    return api_leave(&call, st);
}

const char *expunge_model_arch(const expunge_model *model) { return model ? model->model.arch->entry.name : NULL; }
int64_t expunge_model_classes(const expunge_model *model) { return model ? nn_net_classes(model->model.net) : 0; }

expunge_status expunge_model_logits(expunge_model *model, const char *split, float *logits, int64_t count,
                                    int64_t classes)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    DataView view;
    const char *name;
    api_enter(&call);
    API_GIVEN(model);
    API_GIVEN(split);
    API_GIVEN(logits);
    BASE_TRY(session_data_view(&model->data, split, &view, &name));
    BASE_CHECK(count == view.n && classes == expunge_model_classes(model), BASE_ESHAPE,
               "logits [%lld, %lld]: the network has %lld classes, and the split %s %lld images", (long long)count,
               (long long)classes, (long long)expunge_model_classes(model), name, (long long)view.n);
    BASE_TRY(nn_predict(model->model.net, &view, nn_precision_available(model->precision), "predict", logits));
out:
    return api_leave(&call, st);
}

/* As a text, which is the host's. */
static BaseStatus text_of(IoJson *json, char **out)
{
    BaseStatus st = io_json_text(json, out);
    io_json_free(json);
    return st;
}

static BaseStatus evaluate(expunge_model *model, const char *split, const DataForgetWish *forget, char **json)
{
    BaseStatus st = BASE_OK;
    SessionEvaluation evaluation = {0};
    const SessionQuestion question = {.split = split, .forget = *forget, .precision = model->precision};
    BASE_TRY(session_evaluate(&model->data, &model->model, &question, &evaluation));
    BASE_TRY(text_of(session_evaluation_json(&evaluation, &model->data, &model->model), json));
out:
    session_evaluation_free(&evaluation);
    return st;
}

expunge_status expunge_model_evaluate(expunge_model *model, const char *split, const char *forget, char **json)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(json);
    *json = NULL;
    API_GIVEN(model);
    API_GIVEN(split);
    BASE_TRY(evaluate(model, split, &(DataForgetWish){.classes = forget}, json));
out:
    return api_leave(&call, st);
}

expunge_status expunge_model_evaluate_images(expunge_model *model, const int64_t *images, int64_t count, char **json)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(json);
    *json = NULL;
    API_GIVEN(model);
    API_GIVEN(images);
    BASE_CHECK(count >= 0, BASE_EARG, "count = %lld: must be at least 0", (long long)count);
    BASE_TRY(evaluate(model, "train", &(DataForgetWish){.images = images, .count = count}, json));
out:
    return api_leave(&call, st);
}

/* ---- unlearning ---- */

/* Beside the host's own, as `--set` has them: those that are options of the command. */
typedef struct {
    int64_t seed;
    const char *beside, **set;
    size_t set_count;
} Wishes;

static BaseStatus read_wishes(const char *const *options, size_t count, Wishes *out)
{
    BaseStatus st = BASE_OK;
    const char *value;
    BASE_TRY(api_options_check(options, count));
    BASE_TRY(BASE_ALLOC(count, &out->set));
    for (size_t i = 0; i < count; i++)
        if ((value = api_option_value(options[i], "seed")))
            BASE_TRY(api_option_number(options[i], value, 0, INT64_MAX, &out->seed));
        else if ((value = api_option_value(options[i], "beside")))
            out->beside = value;
        else
            out->set[out->set_count++] = options[i];
out:
    return st;
}

/* The new model: the unlearned network, and the tensors that it is written into. */
static BaseStatus give(const expunge_model *original, ModelUnlearning *u, IoTensors **tensors, expunge_model **out)
{
    BaseStatus st = BASE_OK;
    expunge_model *m = NULL;
    BASE_TRY(create(original->images, &original->data, original->weights, original->precision, &m));
    m->model = (SessionModel){.arch = original->model.arch, .net = u->net, .tensors = *tensors};
    u->net = NULL;
    *tensors = NULL;
    if (original->model.tuning) BASE_TRY(nn_tuning_copy(original->model.tuning, &m->model.tuning));
    nn_net_set_tuning(m->model.net, m->model.tuning);
    BASE_TRY(nn_net_hash(m->model.net, m->model.hash));
    *out = m;
    m = NULL;
out:
    model_free(m);
    return st;
}

static BaseStatus unlearn(const expunge_model *original, const char *method, const DataForgetWish *forget,
                          const Wishes *wishes, expunge_model **out, char **json)
{
    BaseStatus st = BASE_OK;
    ModelUnlearning u = {0};
    SessionData data = {0}; /* whose labels become those that the network was trained with */
    SessionModel work = original->model;
    work.tensors = NULL;
    BASE_TRY(model_unlearning_choose(method, wishes->set, wishes->set_count, wishes->beside, &u));
    BASE_TRY(session_data_share(&original->data, &data));
    BASE_TRY(io_tensors_copy(original->model.tensors, &work.tensors));
    BASE_TRY(model_unlearning_prepare(&u, &data, &work, original->weights, forget, NULL, original->precision,
                                      (uint64_t)wishes->seed));
    BASE_TRY(model_unlearning_check(&u));
    BASE_TRY(model_unlearning_run(&u, NULL, json != NULL));
    BASE_TRY(model_unlearning_keep(&u, work.tensors));
    if (json) BASE_TRY(model_unlearning_warn(&u));
    if (json) BASE_TRY(text_of(model_unlearning_json(&u), json));
    BASE_TRY(give(original, &u, &work.tensors, out));
out:
    if (st != BASE_OK && json) {
        base_free(*json);
        *json = NULL;
    }
    io_tensors_free(work.tensors);
    session_data_free(&data);
    model_unlearning_free(&u);
    return st;
}

expunge_status expunge_unlearn(expunge_model *original, const char *method, const char *forget,
                               const char *const *options, size_t option_count, expunge_model **unlearned, char **json)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    Wishes wishes = {.set = NULL};
    api_enter(&call);
    API_GIVEN(unlearned);
    *unlearned = NULL;
    if (json) *json = NULL;
    API_GIVEN(original);
    API_GIVEN(method);
    API_GIVEN(forget);
    BASE_TRY(read_wishes(options, option_count, &wishes));
    BASE_TRY(unlearn(original, method, &(DataForgetWish){.classes = forget}, &wishes, unlearned, json));
out:
    base_free(wishes.set);
    return api_leave(&call, st);
}

expunge_status expunge_unlearn_images(expunge_model *original, const char *method, const int64_t *images, int64_t count,
                                      const char *const *options, size_t option_count, expunge_model **unlearned,
                                      char **json)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    Wishes wishes = {.set = NULL};
    api_enter(&call);
    API_GIVEN(unlearned);
    *unlearned = NULL;
    if (json) *json = NULL;
    API_GIVEN(original);
    API_GIVEN(method);
    API_GIVEN(images);
    BASE_CHECK(count >= 0, BASE_EARG, "count = %lld: must be at least 0", (long long)count);
    BASE_TRY(read_wishes(options, option_count, &wishes));
    BASE_TRY(unlearn(original, method, &(DataForgetWish){.images = images, .count = count}, &wishes, unlearned, json));
out:
    base_free(wishes.set);
    return api_leave(&call, st);
}

static BaseStatus save(const expunge_model *model, const char *path)
{
    BaseStatus st = BASE_OK;
    char *target = NULL; /* a link is written through */
    BASE_TRY(io_path_target(path, &target));
    if (target) path = target;
    BASE_TRY(io_tensors_writable(path, NULL));
    BASE_TRY(session_output_check(path, model->data.spec, model->weights));
    BASE_TRY(io_tensors_write(model->model.tensors, path));
out:
    base_free(target);
    return st;
}

expunge_status expunge_model_save(const expunge_model *model, const char *path)
{
    ApiCall call;
    ApiFiles files;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(model);
    API_GIVEN(path);
    api_files_begin(&files);
    st = save(model, path);
    api_files_end(&files);
out:
    return api_leave(&call, st);
}
