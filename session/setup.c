/* session/setup.c - data and weights opened together, so that a wrong pairing is told before any work. */
#include "session/setup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/yaml.h"
#include "data/pipeline/loader.h"
#include "data/prepare/prepare.h"
#include "data/set/build.h"
#include "io/file.h"
#include "math/threads.h"
#include "nn/recognise.h"
#include "nn/weights.h"

BaseStatus session_threads_set(int64_t threads, int *used)
{
    BaseStatus st = math_threads_set(threads > 0 ? (int)threads : math_threads_get());
    if (used) *used = math_threads_get();
    return st;
}

int session_threads_share(int threads, int processes)
{
    return processes < threads ? threads / (processes > 0 ? processes : 1) : 1;
}

static const char *const STEMS[] = {"libdnnl", "libopenblas", "liblapacke", "libgomp", "libsvm", "libhdf5", "libjpeg",
                                    "libpng",  "libjansson",  "libnettle",  "libyaml", "libz.",  "libc."};

static void note_library(void *user, const char *path)
{
    char(*names)[128] = user;
    const char *slash = strrchr(path, '/');
    if (!slash || !strstr(slash, ".so")) return;
    for (size_t i = 0; i < BASE_COUNT(STEMS); i++)
        if (strncmp(slash + 1, STEMS[i], strlen(STEMS[i])) == 0) snprintf(names[i], sizeof names[i], "%s", slash + 1);
}

void session_libraries(BaseText *out)
{
    char names[BASE_COUNT(STEMS)][128] = {{0}};
    base_system_libraries(note_library, names);
    const char *blank = "";
    for (size_t i = 0; i < BASE_COUNT(STEMS);
         i++) { /* in the list's order: where they are loaded changes from run to run */
        if (!names[i][0]) continue;
        base_text_add(out, "%s%s", blank, names[i]);
        blank = " ";
    }
}

BaseStatus session_output_check(const char *out, const char *data, const char *weights)
{
    BaseStatus st = BASE_OK;
    const char *colon = strchr(data, ':'), *inputs[] = {colon ? colon + 1 : NULL, weights};
    for (int i = 0; i < 2; i++)
        BASE_CHECK(!inputs[i] || !io_path_same(out, inputs[i]), BASE_EUSAGE,
                   "--out %s is the input %s: choose another name, or it would be lost", out, inputs[i]);
    BASE_TRY(io_path_writable(out));
out:
    return st;
}

/* How the images are prepared, and the hash of it all. */
static BaseStatus describe_data(SessionData *data)
{
    BaseStatus st = BASE_OK;
    BaseText prep = {0};
    BaseHash *hash = NULL;
    data_prep_text(data->train, &prep);
    BASE_TRY(prep.st);
    base_free(data->prep);
    data->prep = NULL;
    BASE_TRY(base_strdup(prep.data, &data->prep));
    BASE_TRY(base_hash_create(&hash));
    base_hash_add_text(hash, data->train->hash);
    base_hash_add_text(hash, data->test->hash);
    base_hash_finish(hash, data->hash);
out:
    base_text_free(&prep);
    base_hash_free(hash);
    return st;
}

BaseStatus session_data_open(const char *spec, const DataOptions *options, SessionData *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionData){0};
    BASE_TRY(base_strdup(spec, &out->spec));
    BASE_TRY(data_open_with(spec, options, &out->train, &out->test));
    BASE_TRY(describe_data(out));
out:
    if (st != BASE_OK) session_data_free(out);
    return st;
}

void session_data_free(SessionData *data)
{
    base_free(data->spec);
    base_free(data->prep);
    data_set_free(data->train);
    data_set_free(data->test);
    *data = (SessionData){0};
}

BaseStatus session_split_make(const SessionData *data, double fraction, uint64_t seed, SessionSplit *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionSplit){0};
    DataView all = data_view_all(data->train);
    BASE_TRY(data_split(&all, fraction, seed, &out->kept, &out->held));
    out->train = data_view_of(data->train, &out->kept);
    out->validation = data_view_of(data->train, &out->held);
    out->test = data_view_all(data->test);
out:
    if (st != BASE_OK) session_split_free(out);
    return st;
}

void session_split_free(SessionSplit *split)
{
    data_index_free(&split->kept);
    data_index_free(&split->held);
    *split = (SessionSplit){0};
}

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
    if (st != BASE_OK) base_error_prefix(st, "%s with %s", data->spec, model->arch->entry.name);
out:
    base_free(image);
    return st;
}

static const char AUTO[] = "auto";

static BaseStatus recognise(const IoTensors *tensors, const int64_t shape[3], const char *weights, const NnArch **out)
{
    NnRecognised r;
    BaseStatus st = nn_recognise(tensors, shape, weights, &r);
    *out = r.arch;
    if (st == BASE_OK)
        base_notice("%s: recognised as %s, %lld classes, images of %lldx%lldx%lld", weights, r.arch->entry.name,
                    (long long)r.K, (long long)r.shape[0], (long long)r.shape[1], (long long)r.shape[2]);
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
        "architecture auto reads off a weights file, and a fresh network has none: write a name of `expunge list "
        "archs`");
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
    if (!then && data->train->type == DATA_U8)
        base_notice("%s does not say how its images were prepared; those of %s are now with %s", weights, data->spec,
                    data->prep);
    if (then && strcmp(then, data->prep) != 0)
        base_warning("%s: its images were prepared with %s, those of %s now with %s; --mean, --std, --resize, --crop "
                     "and --interpolation set it",
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
    base_warning("%s: images of %lldx%lld are padded with zeros to the %lldx%lld that %s takes; where %s was trained "
                 "on images of another size, its outputs differ: set theirs with --resize and --crop",
                 data->spec, (long long)data->train->H, (long long)data->train->W, (long long)shape[1],
                 (long long)shape[2], model->arch->entry.name, weights);
}

/* "0.4914,0.4822,0.4465", as the option has it. */
static BaseStatus numbers_text(const IoTensor *t, const char *weights, BaseText *out)
{
    BaseStatus st = BASE_OK;
    float values[DATA_CHANNELS_MAX];
    BASE_CHECK(t->count >= 1 && t->count <= DATA_CHANNELS_MAX, BASE_ESHAPE,
               "%s: tensor %s has %lld numbers; must have one, or one a channel", weights, t->name,
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
    BaseText mean = {0}, std = {0}, was = {0};
    DataRequest request = {0};
    const IoTensor *m = io_tensors_find(tensors, IO_TENSORS_MEAN), *s = io_tensors_find(tensors, IO_TENSORS_STD);
    if (!m && !s) goto out;
    BASE_CHECK(m && s, BASE_ESHAPE, "%s: holds %s but no %s", weights, m ? IO_TENSORS_MEAN : IO_TENSORS_STD,
               m ? IO_TENSORS_STD : IO_TENSORS_MEAN);
    BASE_TRY(numbers_text(m, weights, &mean));
    BASE_TRY(numbers_text(s, weights, &std));
    DataOptions options = {.mean = mean.data, .std = std.data};
    bool told = data->train->normalise;
    base_text_add(&was, "%s", data->prep);
    BASE_TRY(was.st);
    st = data_request_read(&options, &request);
    if (st == BASE_OK) st = data_prepare(&request, true, &data->train, &data->test);
    if (st != BASE_OK) base_error_prefix(st, "%s: its own " IO_TENSORS_MEAN " and " IO_TENSORS_STD, weights);
    BASE_TRY(st);
    BASE_TRY(describe_data(data));
    if (told && strcmp(was.data, data->prep) != 0)
        base_warning("%s: the network normalises its images itself: %s in place of %s", weights, data->prep, was.data);
    else
        base_notice("%s: the network normalises its images itself, with mean %s and std %s", weights, mean.data,
                    std.data);
out:
    data_request_free(&request);
    base_text_free(&mean);
    base_text_free(&std);
    base_text_free(&was);
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
    BASE_TRY(nn_recognise_names(tensors, found, NULL));
    if (!automatic) st = names_all(found, tensors, weights, &named);
    if (!automatic && st != BASE_ESHAPE) goto out;
    if (!automatic) snprintf(text, sizeof text, "%s", base_error_text());
    if (!automatic) BASE_TRY(nn_recognise_names(tensors, NULL, NULL));
    const BaseEntry *other = NULL; /* the architecture that it is */
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
    BASE_TRY(io_tensors_read(weights, &out->tensors));
    if (out->tensors->strange)
        base_notice("%s: beside the weights, the file asks for %s: nothing of it is run", weights,
                    out->tensors->strange);
    BASE_TRY(nn_recognise_names(out->tensors, out->arch, shape));
    BASE_TRY(take_normalising(out->tensors, weights, data));
    if (automatic) BASE_TRY(recognise(out->tensors, shape, weights, &out->arch));
    st = fit(weights, shape, out, &K);
    if (st == BASE_ESHAPE) st = misfit(st, out->tensors, shape, weights);
    BASE_TRY(st);
    if (K > data->train->K && data->train->classes_counted) {
        BASE_TRY(data_set_widen(data->train, K));
        BASE_TRY(data_set_widen(data->test, K));
    }
    BASE_CHECK(K == data->train->K, BASE_ESHAPE, "%s: the classifier has %lld classes, but the data %s has %lld%s",
               weights, (long long)K, data->spec, (long long)data->train->K,
               K > data->train->K ? "; where those are some of the classifier's, --class-map FILE names all of its "
                                    "classes in its order, one a line"
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

BaseStatus session_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label,
                           SessionPredictions *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionPredictions){0};
    int64_t K = nn_net_classes(net);
    BASE_TRY(BASE_ALLOC_RAW(view->n * K, &out->logits));
    BASE_TRY(BASE_ALLOC_RAW(view->n, &out->labels));
    for (int64_t i = 0; i < view->n; i++) out->labels[i] = data_view_label(view, i);
    if (view->n > 0) BASE_TRY(nn_predict(net, view, precision, label, out->logits));
    out->p = (EvalPredictions){out->logits, out->labels, view->n, K};
out:
    if (st != BASE_OK) session_predictions_free(out);
    return st;
}

void session_predictions_free(SessionPredictions *predictions)
{
    base_free(predictions->logits);
    base_free(predictions->labels);
    *predictions = (SessionPredictions){0};
}

SessionTally session_tally(const EvalPredictions *p, const DataClasses *forget)
{
    SessionTally tally = {.n = p->n};
    for (int64_t i = 0; i < p->n; i++) {
        const float *row = p->logits + i * p->K;
        int64_t best = 0;
        for (int64_t k = 1; k < p->K; k++)
            if (row[k] > row[best]) best = k;
        bool forgotten = forget && forget->in[p->labels[i]], right = best == p->labels[i];
        tally.right += right;
        *(forgotten ? &tally.n_forget : &tally.n_retain) += 1;
        *(forgotten ? &tally.right_forget : &tally.right_retain) += right;
    }
    return tally;
}

double session_percent(int64_t right, int64_t n) { return n > 0 ? 100.0 * (double)right / (double)n : (double)NAN; }

void session_percent_text(int64_t right, int64_t n, char out[32])
{
    if (n > 0)
        snprintf(out, 32, "%.2f%%", session_percent(right, n));
    else
        snprintf(out, 32, "(no images)");
}

void session_percent_interval_text(int64_t right, int64_t n, char out[48])
{
    char share[32];
    MathEstimate e = math_stats_share(right, n, 0.95);
    session_percent_text(right, n, share);
    if (n > 0)
        snprintf(out, 48, "%s [%.2f, %.2f]", share, 100 * e.lo, 100 * e.hi);
    else
        snprintf(out, 48, "%s", share);
}

void session_classes_text(const DataClasses *classes, BaseText *out)
{
    const char *comma = "";
    for (int64_t c = 0; c < classes->K; c++) {
        if (!classes->in[c]) continue;
        base_text_add(out, "%s%lld", comma, (long long)c);
        comma = ",";
    }
}

void session_classes_names(const DataClasses *classes, const DataSet *set, BaseText *out)
{
    const char *comma = "";
    for (int64_t c = 0; c < classes->K; c++) {
        if (!classes->in[c]) continue;
        base_text_add(out, "%s%s", comma, set->class_names[c]);
        comma = ", ";
    }
}

void session_classes_both(const DataClasses *classes, const DataSet *set, BaseText *out)
{
    session_classes_text(classes, out);
    base_text_add(out, " (");
    session_classes_names(classes, set, out);
    base_text_add(out, ")");
}

void session_classes_words(const DataClasses *classes, const DataSet *set, BaseText *out)
{
    const char *comma = "";
    for (int64_t c = 0; c < classes->K; c++) {
        char word[DATA_CLASS_WORD];
        if (!classes->in[c]) continue;
        data_class_word(set, c, word);
        base_text_add(out, "%s%s", comma, word);
        comma = ",";
    }
}

IoJson *session_classes_json(const DataClasses *classes)
{
    IoJson *array = io_json_array();
    for (int64_t c = 0; c < classes->K; c++)
        if (classes->in[c]) io_json_add_take(array, io_json_integer(c));
    return array;
}

IoJson *session_classes_names_json(const DataClasses *classes, const DataSet *set)
{
    IoJson *array = io_json_array();
    for (int64_t c = 0; c < classes->K; c++)
        if (classes->in[c]) io_json_add_take(array, io_json_text_value(set->class_names[c]));
    return array;
}

BaseStatus session_params_defaults(const BaseEntry *entry, void **out)
{
    BaseStatus st = base_alloc_bytes(1, entry->params_size ? entry->params_size : 1, out);
    if (st == BASE_OK) base_param_defaults(entry->params, entry->param_count, *out);
    return st;
}

void session_params_text(const BaseParam *table, size_t count, const void *values, BaseText *out)
{
    base_text_add(out, "{");
    for (size_t i = 0; i < count; i++) {
        base_text_add(out, "%s%s: ", i ? ", " : "", table[i].name);
        base_param_format(&table[i], values, out);
    }
    base_text_add(out, "}");
}

BaseStatus session_params_read(const BaseParam *table, size_t count, void *values, const char *text, const char *owner,
                               const char *where)
{
    BaseStatus st = BASE_OK;
    BaseYaml *map = NULL;
    BaseText value = {0};
    BASE_TRY(base_yaml_parse(text, strlen(text), where, &map));
    BASE_CHECK(map->kind == BASE_YAML_MAP, BASE_EFORMAT, "%s: '%.80s' is no map of parameters", where, text);
    for (size_t i = 0; i < map->count; i++) {
        base_text_free(&value);
        base_yaml_flow(map->items[i], &value);
        BASE_TRY(value.st);
        BASE_TRY(base_param_set(table, count, values, owner, map->items[i]->key, value.data ? value.data : "", where));
    }
out:
    base_text_free(&value);
    base_yaml_free(map);
    return st;
}

const BaseParam session_common_params[] = {
    BASE_PARAM_F64(SessionCommon, val_fraction, 0, 0, 0.9, "share of the training images held out as validation split"),
};
const size_t session_common_param_count = BASE_COUNT(session_common_params);

BaseStatus session_assign(const char *const *assignments, size_t assignment_count, const BaseParam *table, size_t count,
                          void *values, SessionCommon *common, const char *owner)
{
    base_param_defaults(session_common_params, session_common_param_count, common);
    for (size_t i = 0; i < assignment_count; i++) {
        char key[128];
        const char *equals = strchr(assignments[i], '=');
        size_t length = equals ? (size_t)(equals - assignments[i]) : 0;
        if (length == 0 || length >= sizeof key)
            return base_error_set(BASE_EUSAGE, "--set %.100s: must be key=value", assignments[i]);
        memcpy(key, assignments[i], length);
        key[length] = '\0';
        bool is_common = strcmp(key, session_common_params[0].name) == 0;
        BaseStatus st =
            base_param_set(is_common ? session_common_params : table, is_common ? session_common_param_count : count,
                           is_common ? (void *)common : values, owner, key, equals + 1, "--set");
        if (st != BASE_OK) return st;
    }
    return BASE_OK;
}
