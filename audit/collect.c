/* audit/collect.c - from models and images to signals. */
#include "audit/collect.h"

#include <stdio.h>
#include <string.h>

#include "audit/copies.h"
#include "audit/points.h"
#include "audit/settings.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "io/file.h"
#include "io/hub.h"
#include "models/retrained.h"
#include "session/answers.h"
#include "session/canaries.h"
#include "session/forget.h"

void audit_collected_free(AuditCollected *c)
{
    audit_signals_free(&c->signals);
    session_data_free(&c->data);
    data_forget_free(&c->forget);
    for (size_t i = 0; i < c->input_count; i++) {
        base_free(c->input[i].role);
        base_free(c->input[i].path);
        base_free(c->input[i].training);
    }
    base_free(c->input);
    base_free(c->arch);
    base_free(c->forget_numbers);
    base_free(c->forget_names);
    base_free(c->meta);
    io_names_free(c->forget_name, c->forget_count);
    *c = (AuditCollected){0};
}

static const char *weights_of(const AuditCollected *c, const char *role)
{
    for (size_t i = 0; i < c->input_count; i++)
        if (strcmp(c->input[i].role, role) == 0) return c->input[i].weights;
    return "";
}

bool audit_unlearned_nothing(const AuditCollected *c)
{
    const AuditSignals *s = &c->signals;
    const char *original = weights_of(c, "original"), *unlearned = weights_of(c, "unlearned");
    if (*original || *unlearned) return strcmp(original, unlearned) == 0;
    return s->original && memcmp(s->original, s->unlearned, (size_t)(s->N * s->K) * sizeof *s->original) == 0;
}

/* @p tensors: of a network, else NULL. @p arrays: what stands in for a file; NULL: @p path is one. */
static BaseStatus add_input_of(AuditCollected *c, const char *role, const char *path, const SessionSource *arrays,
                               const char *weights, const IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    AuditInput input = {0};
    BaseText training = {0};
    if (tensors) BASE_TRY(audit_settings_of(tensors, &training));
    BASE_TRY(base_strdup(training.size ? training.data : "", &input.training));
    BASE_TRY(base_strdup(role, &input.role));
    BASE_TRY(arrays ? base_strdup(path, &input.path) : io_hub_weights(path, &input.path));
    BASE_TRY(arrays ? session_source_hash(arrays, input.file) : base_hash_file(input.path, input.file));
    snprintf(input.weights, sizeof input.weights, "%s", weights);
    BASE_TRY(BASE_GROW(&c->input, c->input_count, c->input_count + 1));
    c->input[c->input_count++] = input;
    input = (AuditInput){0};
out:
    base_free(input.role);
    base_free(input.path);
    base_free(input.training);
    base_text_free(&training);
    return st;
}

static BaseStatus add_input(AuditCollected *c, const char *role, const char *path, const char *weights,
                            const IoTensors *tensors)
{
    return add_input_of(c, role, path, NULL, weights, tensors);
}

/* A target among its references always looks like what it is compared with. The original is another matter: then
 * nothing was unlearned, and the audit says so. */
static BaseStatus check_weights(const AuditCollected *c, const char *role, const char *path, const char *hash)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < c->input_count; i++) {
        const AuditInput *other = &c->input[i];
        if (strcmp(other->weights, hash) != 0) continue;
        if (strcmp(role, "original") == 0 && strcmp(other->role, "unlearned") == 0) {
            base_warning("%s holds the same numbers as the original %s: nothing was unlearned", other->path, path);
            continue;
        }
        BASE_FAIL(BASE_EARG,
                  "%s (%s) and %s (%s) hold the same numbers: comparing a model with itself says nothing; give "
                  "separately trained models",
                  other->path, other->role, path, role);
    }
out:
    return st;
}

bool audit_of_images(const AuditCollected *c) { return strncmp(c->forget_numbers, "images-", 7) == 0; }

void audit_forget_words(const AuditCollected *c, BaseText *out)
{
    if (audit_of_images(c))
        base_text_add(out, "%s", c->forget_names);
    else
        base_text_add(out, "class %s (%s)", c->forget_numbers, c->forget_names);
}

static BaseStatus classes_text(AuditCollected *c)
{
    BaseStatus st = BASE_OK;
    BaseText numbers = {0}, names = {0};
    data_forget_text(&c->forget, &numbers);
    session_forget_names(&c->forget, c->data.train, &names);
    BASE_TRY(numbers.st);
    BASE_TRY(names.st);
    BASE_TRY(base_strdup(numbers.data, &c->forget_numbers));
    BASE_TRY(base_strdup(names.data, &c->forget_names));
    BASE_TRY(BASE_ALLOC(c->data.train->K, &c->signals.class_name));
    c->signals.K = c->data.train->K;
    for (int64_t k = 0; k < c->signals.K; k++)
        BASE_TRY(base_strdup(c->data.train->class_names[k], &c->signals.class_name[k]));
    BASE_TRY(BASE_ALLOC(c->forget.classes.count, &c->forget_name));
    if (audit_of_images(c)) BASE_TRY(base_strdup(names.data, &c->forget_name[c->forget_count++]));
    for (int64_t k = 0; k < c->forget.classes.K; k++) {
        if (!c->forget.classes.in[k] || audit_of_images(c)) continue;
        BASE_TRY(base_strdup(c->data.train->class_names[k], &c->forget_name[c->forget_count]));
        c->forget_count++;
    }
out:
    base_text_free(&numbers);
    base_text_free(&names);
    return st;
}

static BaseStatus choose_points(const AuditTask *t, const SessionCanaries *canaries, AuditCollected *c,
                                ModelPoints *points)
{
    BaseStatus st = BASE_OK;
    const AuditSignals *s = &c->signals;
    BASE_TRY(audit_points_choose(&c->data, &c->forget, canaries, &c->signals, points));
    BASE_CHECK(s->N > 0 && s->group[0] == AUDIT_FORGET_TRAIN, BASE_EARG,
               "the training split of %s has no image of the forgotten class %s (%s): there is nothing to audit",
               t->data, c->forget_numbers, c->forget_names);
out:
    return st;
}

/* The model's answers on the held-out points: hardly better than guessing means wrong images or classes, mostly. */
static BaseStatus warn_of_chance(const AuditCollected *c, const double *logits)
{
    BaseStatus st = BASE_OK;
    const AuditSignals *s = &c->signals;
    SessionPredictions p = {0};
    int64_t n = 0;
    BASE_TRY(BASE_ALLOC_RAW(s->N * s->K, &p.logits));
    BASE_TRY(BASE_ALLOC_RAW(s->N, &p.labels));
    for (int64_t i = 0; i < s->N; i++) {
        if (s->group[i] != AUDIT_RETAIN_TEST) continue;
        for (int64_t k = 0; k < s->K; k++) p.logits[n * s->K + k] = (float)logits[i * s->K + k];
        p.labels[n++] = s->labels[i];
    }
    p.p = (EvalPredictions){.logits = p.logits, .labels = p.labels, .n = n, .K = s->K};
    BASE_TRY(session_chance_warn(&p, &c->data));
out:
    session_predictions_free(&p);
    return st;
}

/* Opens a model, holds its weights against those before it, and fills @p logits [N, K]. */
static BaseStatus add_model(const ModelLogitsTask *how, AuditCollected *c, const SessionModel *model, const char *role,
                            const char *path, double *logits)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(check_weights(c, role, path, model->hash));
    BASE_TRY(add_input(c, role, path, model->hash, model->tensors));
    BASE_TRY(model_logits(how, model, role, logits, NULL));
    BASE_TRY(warn_of_chance(c, logits));
out:
    return st;
}

static BaseStatus add_file(const ModelLogitsTask *how, AuditCollected *c, const char *role, const char *path,
                           double *logits)
{
    SessionModel model = {0};
    BaseStatus st = session_model_open(c->arch, path, &c->data, &model);
    if (st == BASE_OK) st = add_model(how, c, &model, role, path, logits);
    session_model_free(&model);
    return st;
}

/* to = part * original + (1 - part) * unlearned, running statistics too. */
static void mix(NnNet *to, const NnNet *original, const NnNet *unlearned, double part)
{
    float *w = nn_net_edit_params(to), *b = nn_net_edit_buffers(to);
    const float *ow = nn_net_params(original), *uw = nn_net_params(unlearned), *ob = nn_net_buffers(original),
                *ub = nn_net_buffers(unlearned);
    for (int64_t i = 0; i < nn_net_param_count(to); i++) w[i] = (float)(part * ow[i] + (1 - part) * uw[i]);
    for (int64_t i = 0; i < nn_net_buffer_count(to); i++) b[i] = (float)(part * ob[i] + (1 - part) * ub[i]);
}

/* Right answers on the kept, held-out points. */
static int64_t right_on_kept(const AuditSignals *s, const double *logits)
{
    int64_t right = 0;
    for (int64_t i = 0; i < s->N; i++) right += s->group[i] == AUDIT_RETAIN_TEST && audit_is_right(s, logits, i);
    return right;
}

/* Networks on the line between the unlearned weights and the original's. Where one of them answers worse than both ends,
 * by more than a point in a hundred, the line leads through a network that nobody would keep, and what an attack sees
 * there says nothing: none is taken then. */
static BaseStatus add_graded(const ModelLogitsTask *how, AuditCollected *c, const SessionModel *original,
                             const SessionModel *unlearned)
{
    BaseStatus st = BASE_OK;
    AuditSignals *s = &c->signals;
    SessionModel between = {.arch = original->arch};
    int64_t size = s->N * s->K, kept = 0, least;
    if (c->unlearned_nothing) return BASE_OK;
    for (int64_t i = 0; i < s->N; i++) kept += s->group[i] == AUDIT_RETAIN_TEST;
    least = base_smaller(right_on_kept(s, s->unlearned), right_on_kept(s, s->original)) - kept / 100;
    BASE_TRY(nn_net_clone(original->net, &between.net));
    BASE_TRY(BASE_ALLOC_RAW(AUDIT_GRADES * size, &s->graded));
    for (int g = 0; g < AUDIT_GRADES && s->graded; g++) {
        double *logits = s->graded + g * size;
        mix(between.net, original->net, unlearned->net, audit_grades[g]);
        BASE_TRY(nn_net_hash(between.net, between.hash));
        BASE_TRY(model_logits(how, &between, "graded", logits, NULL));
        if (right_on_kept(s, logits) >= least) continue;
        base_free(s->graded);
        s->graded = NULL;
    }
    s->G = s->graded ? AUDIT_GRADES : 0;
out:
    session_model_free(&between);
    return st;
}

/* Trains what is asked for beside --retrained. */
static BaseStatus make_retrained(const AuditTask *t, const SessionCanaries *canaries, AuditCollected *c,
                                 const char *folder, char **paths)
{
    BaseStatus st = BASE_OK;
    ModelCost *costs = NULL;
    DataIndex trained = {0};
    DataView view = data_view_all(c->data.train);
    ModelRetrainTask task = {.recipe = {.arch = c->arch,
                                        .data = &c->data,
                                        .training = t->training,
                                        .precision = t->precision,
                                        .tuning = t->tuning,
                                        .seed = t->seed},
                             .train = &view,
                             .forget = &c->forget,
                             .count = t->make_retrained,
                             .folder = folder};
    if (canaries->n) {
        BASE_TRY(BASE_ALLOC_RAW(view.n, &trained.at));
        for (; trained.n < view.n; trained.n++) trained.at[trained.n] = trained.n;
        session_canaries_leave_out(canaries, &trained);
        view = data_view_of(c->data.train, &trained);
    }
    BASE_TRY(BASE_ALLOC(t->make_retrained, &costs));
    BASE_TRY(model_retrained_make(&task, paths, costs));
    for (int64_t i = 0; i < t->make_retrained; i++) {
        c->made_seconds += costs[i].wall_seconds;
        model_cost_free(&costs[i]);
    }
out:
    data_index_free(&trained);
    base_free(costs);
    return st;
}

static BaseStatus add_retrained(const AuditTask *t, const ModelLogitsTask *how, const SessionCanaries *canaries,
                                AuditCollected *c, const char *folder)
{
    BaseStatus st = BASE_OK;
    AuditSignals *s = &c->signals;
    char **made = NULL;
    int64_t R = (int64_t)t->retrained_count + t->make_retrained;
    if (R == 0) return BASE_OK;
    BASE_TRY(BASE_ALLOC(t->make_retrained, &made));
    BASE_TRY(BASE_ALLOC_RAW(R * s->N * s->K, &s->retrained));
    for (size_t i = 0; i < t->retrained_count; i++)
        BASE_TRY(add_file(how, c, "retrained", t->retrained[i], s->retrained + s->R++ * s->N * s->K));
    if (t->make_retrained) BASE_TRY(make_retrained(t, canaries, c, folder, made));
    for (int64_t i = 0; i < t->make_retrained; i++)
        BASE_TRY(add_file(how, c, "retrained", made[i], s->retrained + s->R++ * s->N * s->K));
out:
    for (int64_t i = 0; made && i < t->make_retrained; i++) base_free(made[i]);
    base_free(made);
    return st;
}

static BaseStatus add_shadows(const AuditTask *t, AuditCollected *c, const ModelShadows *shadows,
                              const ModelPoints *points, const char *cache)
{
    BaseStatus st = BASE_OK;
    const char **targets = NULL;
    size_t count = 0;
    if (!shadows) return BASE_OK;
    BASE_TRY(BASE_ALLOC(c->input_count, &targets));
    for (size_t i = 0; i < c->input_count; i++) targets[count++] = c->input[i].weights;
    const char *method = t->options.shadow_method.s;
    ModelShadowTask task = {.shadows = shadows,
                            .data = &c->data,
                            .arch = c->arch,
                            .method = strcmp(method, "auto") == 0 ? NULL : method,
                            .options = t->prepare,
                            .points = points,
                            .forget = &c->forget,
                            .queries = t->options.queries,
                            .precision = t->precision,
                            .tuning = t->tuning,
                            .cache = cache,
                            .targets = targets,
                            .target_count = count};
    BASE_TRY(model_shadows_gather(&task, &c->signals.shadow));
    c->shadows = shadows->count;
    BASE_TRY(add_input(c, "shadows", shadows->path, "", NULL));
out:
    base_free(targets);
    return st;
}

/* ------------------------------------------------------------ canaries */

/* The design stays with the weights when they are unlearned; where another program dropped it, the original has it.
 * *trained: the original was trained with it. */
static BaseStatus read_canaries(const AuditTask *t, const SessionModel *model, SessionData *data, SessionCanaries *out,
                                bool *trained)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    SessionCanaries original = {0};
    BASE_TRY(session_canaries_read(model->tensors, t->weights, out));
    if (t->original) BASE_TRY(io_tensors_read(t->original, &tensors));
    if (t->original) BASE_TRY(session_canaries_read(tensors, t->original, &original));
    *trained = original.n > 0;
    BASE_CHECK(out->n == 0 || original.n == 0 || session_canaries_same(out, &original), BASE_EARG,
               "%s and %s were trained with different canaries: the one was not unlearned from the other", t->weights,
               t->original);
    if (out->n == 0) {
        *out = original;
        original = (SessionCanaries){0};
    }
    BASE_TRY(session_canaries_apply(out, data));
out:
    session_canaries_free(&original);
    io_tensors_free(tensors);
    return st;
}

/* Wrong labels are part of what the folder's files were made of. */
static BaseStatus cache_folder(const AuditTask *t, const SessionCanaries *canaries, char **out)
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    char hex[BASE_HASH_HEX];
    if (canaries->n == 0 || canaries->kind != SESSION_CANARY_LABEL) return base_format(out, "%s.cache", t->out);
    BASE_TRY(base_hash_create(&hash));
    base_hash_add(hash, canaries->at, (size_t)canaries->n * sizeof *canaries->at);
    base_hash_add(hash, canaries->label, (size_t)canaries->n * sizeof *canaries->label);
    base_hash_finish(hash, hex);
    BASE_TRY(base_format(out, "%s.cache/canaries-%.12s", t->out, hex));
out:
    base_hash_free(hash);
    return st;
}

/* What the model says of the canaries; nothing where there are none. */
static BaseStatus canary_logits(const ModelLogitsTask *how, const SessionCanaries *canaries, const char *role,
                                const SessionModel *model, int64_t K, double **out)
{
    BaseStatus st = BASE_OK;
    ModelPoints points = {.n = canaries->n};
    ModelLogitsTask task = *how;
    task.points = &points;
    if (canaries->n == 0) return BASE_OK;
    BASE_TRY(BASE_ALLOC(canaries->n, &points.item));
    for (int64_t i = 0; i < canaries->n; i++) points.item[i] = (ModelPoint){canaries->at[i], false};
    BASE_TRY(BASE_ALLOC_RAW(canaries->n * K, out));
    BASE_TRY(model_logits(&task, model, role, *out, NULL));
out:
    model_points_free(&points);
    return st;
}

/* The original's answers, opened once: on the points, on the canaries where it was trained with them, and of networks
 * between it and the unlearned one. */
static BaseStatus add_original(const AuditTask *t, const ModelLogitsTask *how, const SessionCanaries *canaries,
                               bool trained, AuditCollected *c, const SessionModel *unlearned)
{
    BaseStatus st = BASE_OK;
    AuditSignals *s = &c->signals;
    SessionModel original = {0};
    if (!t->original) return BASE_OK;
    BASE_TRY(session_model_open(c->arch, t->original, &c->data, &original));
    BASE_TRY(BASE_ALLOC_RAW(s->N * s->K, &s->original));
    BASE_TRY(add_model(how, c, &original, "original", t->original, s->original));
    c->unlearned_nothing = audit_unlearned_nothing(c);
    if (trained) BASE_TRY(canary_logits(how, canaries, "original", &original, s->K, &s->canaries.original));
    if ((int64_t)t->retrained_count + t->make_retrained >= 2) BASE_TRY(add_graded(how, c, &original, unlearned));
out:
    session_model_free(&original);
    return st;
}

static BaseStatus open_all(const AuditTask *t, AuditCollected *c, SessionModel *model)
{
    BaseStatus st = BASE_OK;
    AuditSignals *s = &c->signals;
    s->options = t->options;
    s->seed = t->seed;
    BASE_TRY(audit_choose(t->attacks, t->shadow != NULL, t->set, t->set_count, &s->choice, &s->choice_count));
    BASE_TRY(session_weights_check(t->arch, t->weights));
    BASE_TRY(session_data_open(t->data, t->prepare, &c->data));
    BASE_TRY(session_model_open(t->arch, t->weights, &c->data, model));
    BASE_TRY(base_strdup(model->arch->entry.name, &c->arch));
    const DataForgetWish wish = {.classes = t->forget, .index = t->forget_index};
    BASE_TRY(data_forget_open(c->data.train, &wish, t->prepare, &c->forget));
    BASE_TRY(classes_text(c));
out:
    return st;
}

/* ------------------------------------------------------------ from a file of logits */

/* The classes of the forgotten points, which --forget must name if it is given. */
static BaseStatus classes_of_points(const AuditTask *t, AuditCollected *c)
{
    BaseStatus st = BASE_OK;
    const AuditSignals *s = &c->signals;
    BaseText numbers = {0}, names = {0};
    bool *in = NULL;
    int64_t forgotten = 0;
    BASE_TRY(BASE_ALLOC(s->K, &in));
    for (int64_t i = 0; i < s->N; i++) {
        if (s->group[i] > AUDIT_FORGET_TEST) continue;
        in[s->labels[i]] = true;
        forgotten += s->group[i] == AUDIT_FORGET_TRAIN;
    }
    BASE_CHECK(forgotten > 0, BASE_EARG,
               "%s: /points/group has no 0: without forgotten points that were trained on there is nothing to audit",
               t->signals);
    for (int64_t k = 0; k < s->K; k++)
        if (in[k]) {
            base_text_add(&numbers, "%s%lld", numbers.size ? "," : "", (long long)k);
            base_text_add(&names, "%s", names.size ? ", " : "");
            if (s->class_name)
                base_text_add(&names, "%s", s->class_name[k]);
            else
                base_text_add(&names, "%lld", (long long)k);
        }
    BASE_TRY(numbers.st);
    BASE_TRY(names.st);
    BASE_CHECK(!t->forget || strcmp(t->forget, numbers.data) == 0, BASE_EARG,
               "--forget %.100s: the forgotten points of %s are of class %s", t->forget, t->signals, numbers.data);
    BASE_TRY(base_strdup(numbers.data, &c->forget_numbers));
    BASE_TRY(base_strdup(names.data, &c->forget_names));
    BASE_TRY(BASE_ALLOC(s->K, &c->forget_name));
    for (int64_t k = 0; k < s->K; k++) {
        if (!in[k]) continue;
        if (s->class_name)
            BASE_TRY(base_strdup(s->class_name[k], &c->forget_name[c->forget_count]));
        else
            BASE_TRY(base_format(&c->forget_name[c->forget_count], "%lld", (long long)k));
        c->forget_count++;
    }
out:
    base_free(in);
    base_text_free(&numbers);
    base_text_free(&names);
    return st;
}

/* A model among its own references looks like what it is compared with, and copies hide how models vary. */
static BaseStatus check_models(const AuditTask *t, const AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    size_t size = (size_t)(s->N * s->K) * sizeof(double);
    for (int64_t r = 0; r < s->R; r++) {
        const double *own = s->retrained + r * s->N * s->K;
        BASE_CHECK(
            memcmp(own, s->unlearned, size) != 0, BASE_EARG,
            "%s: retrained model %lld has the unlearned model's logits: comparing a model with itself says nothing",
            t->signals, (long long)r + 1);
        BASE_CHECK(!s->original || memcmp(own, s->original, size) != 0, BASE_EARG,
                   "%s: retrained model %lld has the original model's logits", t->signals, (long long)r + 1);
        for (int64_t other = 0; other < r; other++)
            BASE_CHECK(memcmp(own, s->retrained + other * s->N * s->K, size) != 0, BASE_EARG,
                       "%s: retrained models %lld and %lld have the same logits: give separately trained models",
                       t->signals, (long long)other + 1, (long long)r + 1);
    }
out:
    return st;
}

static BaseStatus collect_signals(const AuditTask *t, AuditCollected *out)
{
    BaseStatus st = BASE_OK;
    AuditCollected c = {0};
    AuditSignals *s = &c.signals;
    BASE_TRY(t->arrays ? audit_signals_of(t->arrays, t->signals, s) : audit_signals_open(t->signals, s));
    BASE_TRY(check_models(t, s));
    s->options = t->options;
    s->seed = t->seed;
    BASE_TRY(audit_choose(t->attacks, s->shadow.S > 0, t->set, t->set_count, &s->choice, &s->choice_count));
    c.unlearned_nothing = audit_unlearned_nothing(&c);
    if (c.unlearned_nothing)
        base_warning("%s: the unlearned model's logits are the original's: nothing was unlearned", t->signals);
    BASE_TRY(classes_of_points(t, &c));
    BASE_TRY(base_strdup("unknown", &c.arch));
    BASE_TRY(base_strdup("as the logits were computed", &c.data.prep));
    BASE_TRY(add_input_of(&c, "signals", t->signals, t->arrays, "", NULL));
    audit_set_population_apart(s);
    *out = c;
    c = (AuditCollected){0};
out:
    audit_collected_free(&c);
    return st;
}

BaseStatus audit_collect(const AuditTask *t, AuditCollected *out)
{
    BaseStatus st = BASE_OK;
    AuditCollected c = {0};
    SessionModel model = {0};
    ModelPoints points = {0};
    ModelShadows *shadows = NULL;
    SessionCanaries canaries = {0};
    bool trained;
    char *cache = NULL;
    bool keeps = t->shadow || t->make_retrained; /* what takes long is kept beside the report, for a second call */
    *out = (AuditCollected){0};
    if (t->signals) return collect_signals(t, out);
    if (t->shadow) BASE_TRY(model_shadows_read(t->shadow, &shadows)); /* before hours of work */
    BASE_TRY(open_all(t, &c, &model));
    AuditSignals *s = &c.signals;
    BASE_TRY(read_canaries(t, &model, &c.data, &canaries, &trained));
    BASE_TRY(cache_folder(t, &canaries, &cache));
    BASE_TRY(choose_points(t, &canaries, &c, &points));
    BASE_TRY(audit_find_copies(&c.data, s));
    ModelLogitsTask how = {&c.data, &points, t->options.queries, t->precision, t->tuning, keeps ? cache : NULL};
    BASE_TRY(BASE_ALLOC_RAW(s->N * s->K, &s->unlearned));
    BASE_TRY(add_model(&how, &c, &model, "unlearned", t->weights, s->unlearned));
    BASE_TRY(audit_canaries_take(&canaries, &c.forget, &s->canaries));
    BASE_TRY(canary_logits(&how, &canaries, "unlearned", &model, s->K, &s->canaries.unlearned));
    BASE_TRY(add_original(t, &how, &canaries, trained, &c, &model));
    BASE_TRY(add_retrained(t, &how, &canaries, &c, cache));
    BASE_TRY(add_shadows(t, &c, shadows, &points, cache));
    if (t->forget_index) BASE_TRY(add_input(&c, AUDIT_ROLE_IMAGES, t->forget_index, "", NULL));
    audit_set_population_apart(s);
    *out = c;
    c = (AuditCollected){0};
out:
    base_free(cache);
    session_canaries_free(&canaries);
    model_shadows_free(shadows);
    model_points_free(&points);
    session_model_free(&model);
    audit_collected_free(&c);
    return st;
}
