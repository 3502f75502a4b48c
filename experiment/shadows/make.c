/* experiment/shadows/make.c - networks are made one by one under a lock, skipped where they exist, listed at the end. */
#include "experiment/shadows/make.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/prepare/prepare.h"
#include "io/file.h"
#include "io/json.h"
#include "io/lock.h"
#include "session/classes.h"
#include "session/params.h"

/* One network as shadows.json describes it. */
typedef struct {
    const char *role; /* static */
    int64_t half;     /* MODEL_HALF_TARGET: of the experiment's own */
    char *file;       /* relative to the folder */
    char sha256[BASE_HASH_HEX];
    const DataForget *forget; /* NULL where it is an original */
    char *method;             /* "" there */
    uint64_t seed;
    ModelCost cost; /* without its history */
    size_t order;   /* in which they were made */
} Row;

typedef struct {
    const ExperimentSetting *s; /* its design must be there */
    ModelHalf half;             /* at work */
    Row *rows;
    size_t count;
    double wall, images; /* of all rows' making */
} Maker;

static void maker_free(Maker *m)
{
    for (size_t i = 0; i < m->count; i++) {
        base_free(m->rows[i].file);
        base_free(m->rows[i].method);
    }
    base_free(m->rows);
}

static void half_file(int64_t half, bool in, char out[40])
{
    if (half == MODEL_HALF_TARGET)
        snprintf(out, 40, "target-%s.txt", in ? "in" : "out");
    else
        snprintf(out, 40, "half-%02lld.txt", (long long)half);
}

/* ------------------------------------------------------------ networks */

/* Takes the path of a file in the folder, or in the one of the experiment's own networks beside it. */
static BaseStatus add_row(Maker *m, const char *role, const char *path, const DataForget *forget, const char *method,
                          uint64_t seed, const ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    const char *folder = m->s->shadows, *slash = strrchr(path, '/');
    bool inside = strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
    BASE_TRY(BASE_GROW(&m->rows, m->count, m->count + 1));
    Row *row = &m->rows[m->count++];
    *row = (Row){.role = role, .half = m->half.number, .seed = seed, .cost = *cost, .order = m->count};
    row->forget = forget;
    row->cost.history = NULL;
    BASE_TRY(base_format(&row->file, "%s%s", inside ? "" : "../models/", slash ? slash + 1 : path));
    BASE_TRY(base_strdup(method, &row->method));
    BASE_TRY(base_hash_file(path, row->sha256));
    m->wall += cost->wall_seconds;
    if (isfinite(cost->passes)) m->images += cost->passes;
out:
    return st;
}

/* What one network of a half comes from. */
typedef struct {
    const SessionSplit *split;
    uint64_t seed;
    NnNet *original;
} Half;

/* The experiment's own networks stay where the cache of its jobs has them; what that does not keep is kept here. */
static const char *folder_of(const Maker *m, const ModelMaking *making)
{
    bool own = m->half.number == MODEL_HALF_TARGET;
    return own && (!making || model_kept(making)) ? m->s->models : m->s->shadows;
}

static ModelRecipe recipe_of(const Maker *m, uint64_t seed)
{
    ModelRecipe recipe = experiment_config_recipe(m->s->e, m->s->data, seed);
    recipe.half = &m->half;
    return recipe;
}

static ModelMaking making_of(const Maker *m, const ExperimentMethod *method, const UnlearnContext *context,
                             const char *forget)
{
    ModelMaking making = experiment_making(m->s, method, method->params, context, forget);
    making.recipe = recipe_of(m, context->seed);
    making.folder = folder_of(m, &making);
    making.keep = true;
    return making;
}

static BaseStatus make_one(Maker *m, const Half *half, const DataForget *forget, const ExperimentMethod *method)
{
    BaseStatus st = BASE_OK;
    NnNet *net = NULL;
    UnlearnReport report = {0};
    ModelCost cost = {0};
    BaseText text = {0};
    char *path = NULL;
    bool reference = method == experiment_config_reference(m->s->e);
    UnlearnContext context = experiment_context(m->s, half->split, half->original, half->seed, forget);
    data_forget_text(forget, &text);
    BASE_TRY(text.st);
    const ModelMaking making = making_of(m, method, &context, text.data);
    BASE_TRY(nn_net_clone(half->original, &net));
    BASE_TRY(model_unlearned(&making, net, &report, &cost, &path));
    BASE_TRY(add_row(m, reference ? "retrained" : "unlearned", path, forget, method->label, half->seed, &cost));
out:
    base_error_prefix(st, "%s", method->label);
    unlearn_report_free(&report);
    model_cost_free(&cost);
    base_text_free(&text);
    base_free(path);
    nn_net_free(net);
    return st;
}

static BaseStatus make_half(Maker *m, int64_t number, uint64_t seed)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = m->s;
    SessionSplit split = {0};
    SessionModel model = {0};
    ModelCost cost = {0};
    char *path = NULL;
    m->half.number = number;
    BASE_TRY(experiment_design_split(s->design, s->data, number, s->e->validation, seed, &split));
    BASE_TRY(experiment_net_create(s, &model));
    const ModelRecipe recipe = recipe_of(m, seed);
    BASE_TRY(model_original(&recipe, &split.train, folder_of(m, NULL), model.net, &cost, &path));
    BASE_TRY(add_row(m, "original", path, NULL, "", seed, &cost));
    const Half half = {&split, seed, model.net};
    for (size_t f = 0; f < m->s->forget_count; f++) {
        const ExperimentMethod *reference = experiment_config_reference(s->e);
        for (const ExperimentMethod *method = s->e->methods; method < s->e->methods + s->e->method_count; method++)
            if (method->shadows || method == reference) BASE_TRY(make_one(m, &half, &m->s->forget[f], method));
    }
out:
    session_split_free(&split);
    session_model_free(&model);
    model_cost_free(&cost);
    base_free(path);
    return st;
}

/* ------------------------------------------------------------ files */

/* What is right already is not written again: another process may hold its lock. */
static BaseStatus holds(const char *path, const BaseText *text, bool *same)
{
    char *bytes = NULL;
    size_t size = 0;
    *same = false;
    if (!io_path_exists(path)) return BASE_OK;
    BaseStatus st = io_file_read(path, text->size + 1, &bytes, &size);
    *same = st == BASE_OK && size == text->size && memcmp(bytes, text->data, size) == 0;
    base_free(bytes);
    return st == BASE_ENOMEM ? st : BASE_OK;
}

/* An image as the data set itself counts it, whatever index file the experiment names. */
static void add_image(const DataRequest *request, int64_t at, BaseText *out)
{
    const DataPicks *picks = &request->picks[DATA_TRAIN];
    bool test = false;
    if (picks->file) at = data_picks_at(picks, at, &test);
    base_text_add(out, "%s %lld\n", test ? "test" : "train", (long long)at);
}

static BaseStatus write_text(const Maker *m, const char *name, const BaseText *text)
{
    char *path = NULL;
    bool same;
    BaseStatus st = text->st;
    if (st == BASE_OK) st = base_format(&path, "%s/%s", m->s->shadows, name);
    if (st == BASE_OK) st = holds(path, text, &same);
    if (st == BASE_OK && !same) st = io_file_write(path, text->data, text->size);
    base_free(path);
    return st;
}

static BaseStatus write_index(const Maker *m, const DataRequest *request, int64_t half, bool in)
{
    BaseStatus st = BASE_OK;
    const ExperimentDesign *d = m->s->design;
    const uint8_t *keep = half == MODEL_HALF_TARGET ? d->target : d->keep + half * d->pool.n;
    BaseText text = {0};
    char name[40];
    for (int64_t i = 0; i < d->pool.n; i++)
        if ((keep[i] != 0) == in) add_image(request, d->pool.at[i], &text);
    half_file(half, in, name);
    st = write_text(m, name, &text);
    base_text_free(&text);
    return st;
}

/* "forget-images-600-<hash>.txt" of listed images, or those of them that are in the target's half: what an audit of the
 * target has to name. */
static BaseStatus forget_file(const DataForget *forget, bool target, BaseText *out)
{
    base_text_add(out, target ? "target-forget-" : "forget-");
    data_forget_text(forget, out);
    base_text_add(out, ".txt");
    return out->st;
}

static BaseStatus write_forget(const Maker *m, const DataRequest *request, const DataForget *forget, bool target)
{
    BaseStatus st = BASE_OK;
    const ExperimentDesign *d = m->s->design;
    BaseText text = {0}, name = {0};
    int64_t next = 0; /* both ascend */
    for (int64_t i = 0; i < forget->images.n; i++) {
        while (next < d->pool.n && d->pool.at[next] < forget->images.at[i]) next++;
        const bool inside = next < d->pool.n && d->pool.at[next] == forget->images.at[i] && d->target[next];
        if (inside || !target) add_image(request, forget->images.at[i], &text);
    }
    BASE_TRY(forget_file(forget, target, &name));
    BASE_CHECK(text.size, BASE_EUSAGE, "none of the %lld images to be forgotten is in the target's half of the pool",
               (long long)forget->images.n);
    BASE_TRY(write_text(m, name.data, &text));
out:
    base_text_free(&text);
    base_text_free(&name);
    return st;
}

static BaseStatus write_indices(const Maker *m)
{
    BaseStatus st = BASE_OK;
    DataRequest request = {0};
    const ExperimentConfig *e = m->s->e;
    BASE_TRY(data_request_read(&e->prepare, &request));
    for (int64_t half = 0; half < e->shadows.pairs; half++) BASE_TRY(write_index(m, &request, half, true));
    BASE_TRY(write_index(m, &request, MODEL_HALF_TARGET, true));
    BASE_TRY(write_index(m, &request, MODEL_HALF_TARGET, false));
    for (size_t f = 0; f < m->s->forget_count; f++)
        for (int target = 0; target < 2 && data_forget_by_image(&m->s->forget[f]); target++)
            BASE_TRY(write_forget(m, &request, &m->s->forget[f], target == 1));
out:
    data_request_free(&request);
    return st;
}

static IoJson *row_json(const Maker *m, const Row *row, BaseStatus *st)
{
    const DataSet *set = m->s->data->train;
    BaseText words = {0};
    char members[40];
    IoJson *json = io_json_object();
    half_file(row->half, true, members);
    io_json_set_take(json, "role", io_json_text_value(row->role));
    if (row->half != MODEL_HALF_TARGET) io_json_set_take(json, "pair", io_json_integer(row->half));
    io_json_set_take(json, "file", io_json_text_value(row->file));
    io_json_set_take(json, "sha256", io_json_text_value(row->sha256));
    io_json_set_take(json, "members", io_json_text_value(members));
    if (row->forget && data_forget_by_image(row->forget)) {
        forget_file(row->forget, false, &words);
        io_json_set_take(json, "forget_index", io_json_text_value(words.data));
    } else if (row->forget) {
        session_classes_words(&row->forget->classes, set, &words);
        io_json_set_take(json, "forget", io_json_text_value(words.data));
        io_json_set_take(json, "forget_names", session_classes_names_json(&row->forget->classes, set));
    }
    if (*row->method) io_json_set_take(json, "method", io_json_text_value(row->method));
    io_json_set_take(json, "seed", io_json_integer((int64_t)row->seed));
    io_json_set_take(json, "seconds", io_json_number(row->cost.wall_seconds));
    io_json_set_take(json, "images", io_json_number(isfinite(row->cost.passes) ? row->cost.passes : 0));
    if (*st == BASE_OK) *st = words.st;
    base_text_free(&words);
    return json;
}

static BaseStatus write_json(const Maker *m)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = m->s;
    BaseText train = {0};
    char *text = NULL, *path = NULL;
    IoJson *json = io_json_object(), *models = io_json_array(), *targets = io_json_array(), *cost = io_json_object();
    session_params_text(nn_train_params, nn_train_param_count, &s->e->train, &train);
    for (size_t i = 0; i < m->count; i++)
        io_json_add_take(m->rows[i].half == MODEL_HALF_TARGET ? targets : models, row_json(m, &m->rows[i], &train.st));
    io_json_set_take(cost, "networks", io_json_integer((int64_t)m->count));
    io_json_set_take(cost, "seconds", io_json_number(m->wall));
    io_json_set_take(cost, "images", io_json_number(m->images));
    io_json_set_take(json, "format", io_json_integer(MODEL_SHADOWS_FORMAT));
    io_json_set_take(json, "data", io_json_text_value(s->e->data));
    io_json_set_take(json, "preparation", io_json_text_value(s->data->prep));
    io_json_set_take(json, "arch", io_json_text_value(s->e->arch));
    io_json_set_take(json, "precision", io_json_text_value(nn_precision_name(s->e->precision)));
    io_json_set_take(json, "train", io_json_text_value(train.data));
    io_json_set_take(json, "pool", io_json_integer(s->design->pool.n));
    io_json_set_take(json, "seed", io_json_integer(s->e->shadows.seed));
    io_json_set_take(json, "cost", cost);
    io_json_set_take(json, "models", models);
    io_json_set_take(json, "targets", targets);
    BASE_TRY(train.st);
    BASE_TRY(io_json_text(json, &text));
    BASE_TRY(base_format(&path, "%s/%s", m->s->shadows, MODEL_SHADOWS_FILE));
    BASE_TRY(io_file_write(path, text, strlen(text)));
out:
    io_json_free(json);
    base_text_free(&train);
    base_free(text);
    base_free(path);
    return st;
}

/* The experiment's own networks, and others retrained on the same images. */
static BaseStatus make_target(Maker *m)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = m->s;
    SessionSplit split = {0};
    SessionModel model = {0};
    for (size_t i = 0; i < s->e->seed_count; i++) BASE_TRY(make_half(m, MODEL_HALF_TARGET, s->e->seeds[i]));
    BASE_TRY(experiment_design_split(s->design, s->data, MODEL_HALF_TARGET, 0, 0, &split));
    BASE_TRY(experiment_net_create(s, &model)); /* of which retraining takes the shape */
    for (int64_t i = 0; i < s->e->shadows.retrained; i++) {
        const Half half = {&split, experiment_design_seed(&s->e->shadows, EXPERIMENT_HALVES_MAX + i), model.net};
        for (size_t f = 0; f < m->s->forget_count; f++)
            BASE_TRY(make_one(m, &half, &m->s->forget[f], experiment_config_reference(s->e)));
    }
out:
    session_split_free(&split);
    session_model_free(&model);
    return st;
}

/* One half, under the lock of its index file; not *done where another process is at it and @p wait is false. */
static BaseStatus make_locked(Maker *m, int64_t half, bool wait, bool *done)
{
    BaseStatus st = BASE_OK;
    char name[40], *path = NULL;
    IoLock *lock = NULL;
    *done = true;
    size_t before = m->count;
    const ExperimentShadows *config = &m->s->e->shadows;
    half_file(half, true, name);
    BASE_TRY(base_format(&path, "%s/%s", m->s->shadows, name));
    BASE_TRY(io_lock_open(path, &lock));
    if (wait)
        BASE_TRY(io_lock_wait(lock, 0, IO_LOCK_EXCLUSIVE));
    else
        BASE_TRY(io_lock_try(lock, 0, IO_LOCK_EXCLUSIVE, done));
    if (!*done) goto out;
    m->half.number = half;
    BASE_TRY(half == MODEL_HALF_TARGET ? make_target(m) : make_half(m, half, experiment_design_seed(config, half)));
    base_notice("[%lld/%lld] shadow models, %s: %zu networks", (long long)(half + 2), (long long)(config->pairs + 1),
                half == MODEL_HALF_TARGET ? "target" : name, m->count - before);
out:
    io_lock_close(lock);
    base_free(path);
    return st;
}

/* Two rounds: in the first, halves that other processes are at are left to them. */
static BaseStatus make_halves(Maker *m)
{
    BaseStatus st = BASE_OK;
    int64_t n = 1 + m->s->e->shadows.pairs;
    bool *done = NULL;
    BASE_TRY(BASE_ALLOC(n, &done));
    for (int round = 0; round < 2; round++)
        for (int64_t i = 0; i < n; i++)
            if (!done[i]) BASE_TRY(make_locked(m, MODEL_HALF_TARGET + i, round == 1, &done[i]));
out:
    base_free(done);
    return st;
}

static int by_half(const void *a, const void *b)
{
    const Row *x = a, *y = b;
    if (x->half != y->half) return x->half < y->half ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

BaseStatus experiment_shadows_make(const ExperimentSetting *s)
{
    BaseStatus st = BASE_OK;
    Maker m = {.s = s, .half = s->e->target};
    double started = base_clock_wall();
    BASE_TRY(io_folder_make(s->shadows));
    io_folder_sweep(s->shadows);
    BASE_TRY(write_indices(&m));
    BASE_TRY(make_halves(&m));
    qsort(m.rows, m.count, sizeof *m.rows, by_half); /* whichever process made what */
    BASE_TRY(write_json(&m));
    base_notice("shadow models: %zu networks with the targets, %.0f images through them in %.1f s of training and "
                "unlearning (%.1f s now); %s/%s",
                m.count, m.images, m.wall, base_clock_wall() - started, s->shadows, MODEL_SHADOWS_FILE);
out:
    base_error_prefix(st, "shadow models");
    maker_free(&m);
    return st;
}

/* ------------------------------------------------------------ a dry run */

static BaseStatus count_one(const Maker *m, uint64_t seed, const ExperimentMethod *method, const DataForget *forget,
                            int networks[2])
{
    BaseStatus st = BASE_OK;
    char key[BASE_HASH_HEX], *path = NULL;
    BaseText text = {0};
    const ModelRecipe recipe = recipe_of(m, seed);
    UnlearnContext context = experiment_context(m->s, &(SessionSplit){0}, NULL, seed, forget);
    if (method) {
        data_forget_text(forget, &text);
        BASE_TRY(text.st);
        const ModelMaking making = making_of(m, method, &context, text.data);
        BASE_TRY(model_unlearned_path(&making, key, &path));
    } else {
        BASE_TRY(model_original_path(&recipe, folder_of(m, NULL), key, &path));
    }
    networks[io_path_exists(path)]++;
out:
    base_text_free(&text);
    base_free(path);
    return st;
}

BaseStatus experiment_shadows_count(const ExperimentSetting *s, const ExperimentMethod *method, int networks[2])
{
    BaseStatus st = BASE_OK;
    const ExperimentShadows *config = &s->e->shadows;
    bool reference = method && method == experiment_config_reference(s->e);
    int64_t more = reference ? config->retrained : 0; /* of the target, from other seeds */
    Maker m = {.s = s, .half = s->e->target};
    if (method && !method->shadows && !reference) return BASE_OK;
    for (int64_t i = -more; i < config->pairs; i++) {
        uint64_t seed = experiment_design_seed(config, i < 0 ? EXPERIMENT_HALVES_MAX - 1 - i : i);
        m.half.number = i < 0 ? MODEL_HALF_TARGET : i;
        for (size_t f = 0; f < (method ? s->forget_count : 1); f++)
            BASE_TRY(count_one(&m, seed, method, &s->forget[f], networks));
    }
out:
    return st;
}
