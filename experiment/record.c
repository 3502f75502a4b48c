/* experiment/record.c - one function per part of the schema, each of which only translates structs into paths. */
#include "experiment/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/blas.h"
#include "nn/tuning.h"
#include "session/answers.h"
#include "session/forget.h"
#include "session/params.h"
#include "session/program.h"
#include "unlearn/stored/stored.h"

static void record_meta(const ExperimentSetting *s, const ExperimentJob *job, StoreRun *run)
{
    char text[256], hash[BASE_HASH_HEX];
    BaseText libraries = {0};
    store_run_set_text(run, "/meta", "config", job->config);
    base_hash_bytes(job->config, strlen(job->config), hash);
    store_run_set_text(run, "/meta", "config_hash", hash);
    store_run_set_text(run, "/meta", "command", s->command);
    store_run_set_text(run, "/meta", "program", "expunge " SESSION_PROGRAM_VERSION);
    session_libraries(&libraries);
    store_run_set_text_of(run, "/meta", "libraries", &libraries);
    base_text_free(&libraries);
    store_run_set_text(run, "/meta", "blas_core", math_blas_core());
    base_clock_cpu_name(text, sizeof text);
    store_run_set_text(run, "/meta", "cpu", text);
    store_run_set_i64(run, "/meta", "threads", s->threads);
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    store_run_set_text(run, "/meta", "started", text);
    store_run_set_text(run, "/meta", "precision", nn_precision_name(s->e->precision));
    store_run_set_text(run, "/meta", "tuning_hash", s->e->tuning ? nn_tuning_hash(s->e->tuning) : "");
    store_run_set_text(run, "/meta", "data_hash", s->data->hash);
    store_run_set_text(run, "/meta", "preprocessing", s->data->prep);
    store_run_set_f64(run, "/meta", "validation", s->e->validation);
}

static const char *rank_of(const UnlearnMethod *m)
{
    if (!m || (m->needs & UNLEARN_ORIGINAL)) return "original";
    if (m->needs & UNLEARN_RETRAINED) return "retrained";
    if (m->needs & UNLEARN_CONTROL) return "control";
    return m->needs & UNLEARN_FEATURED ? "featured" : "method";
}

void experiment_record_identity(const ExperimentSetting *s, const ExperimentJob *job, StoreRun *run)
{
    const ExperimentMethod *m = job->method;
    BaseText names = {0};
    if (job->forget) session_forget_names(job->forget, s->data->train, &names);
    store_run_set_i64(run, "/", "schema", STORE_SCHEMA);
    store_run_set_text(run, "/", "id", job->id);
    store_run_set_text(run, "/", "status", "ok");
    store_run_set_text(run, "/", "reason", "");
    store_run_set_text(run, "/", "experiment", s->e->name);
    store_run_set_text(run, "/", "title", s->e->title);
    store_run_set_text(run, "/", "kind", m ? "unlearn" : "original");
    store_run_set_text(run, "/", "method", m ? m->method->entry.name : "original");
    store_run_set_text(run, "/", "label", m ? m->label : "original");
    store_run_set_text(run, "/", "arch", s->e->arch);
    store_run_set_text(run, "/", "data", s->e->data);
    store_run_set_i64(run, "/", "seed", (int64_t)job->seed);
    if (m && s->e->unlearn_seeds > 1) store_run_set_i64(run, "/", "unlearn_seed", job->unlearn);
    store_run_set_text(run, "/", "forget", job->forget_text);
    store_run_set_text_of(run, "/", "forget_names", &names);
    if (*job->forget_map) store_run_set_text(run, "/", "forget_map", job->forget_map);
    if (m && m->in_turn) store_run_set_i64(run, "/", "in_turn", 1);
    store_run_set_i64(run, "/", "order", m ? m - s->e->methods : (int64_t)s->e->method_count);
    store_run_set_i64(run, "/", "control", m && (m->method->needs & UNLEARN_CONTROL) != 0);
    store_run_set_text(run, "/", "rank", rank_of(m ? m->method : NULL));
    record_meta(s, job, run);
    base_text_free(&names);
}

void experiment_record_params(const BaseEntry *entry, const void *params, StoreRun *run)
{
    for (const BaseParam *p = entry->params; p < entry->params + entry->param_count; p++) {
        BaseText text = {0};
        base_param_format(p, params, &text);
        store_run_set_text_of(run, "/params", p->name, &text);
        base_text_free(&text);
    }
}

/* Of a list of files those of this row, as an attribute. */
static BaseStatus record_picked(const char *weights, const int64_t *numbers, size_t count, const char *group,
                                const char *name, StoreRun *run)
{
    BaseText text = {0};
    BaseStatus st = BASE_OK;
    if (!weights) return BASE_OK;
    BASE_TRY(unlearn_stored_pick(weights, numbers, count, &text));
    store_run_set_text_of(run, group, name, &text);
out:
    base_text_free(&text);
    return st;
}

BaseStatus experiment_record_files(const ExperimentConfig *e, const ExperimentJob *job, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const int64_t numbers[] = {(int64_t)experiment_config_number(e, job->seed),
                               (int64_t)experiment_config_number(e, job->peer)};
    const size_t count = job->has_peer ? 2 : 1;
    static const char *const KEYS[][2] = {{"original", "original_weights"}, {"retrained", "retrained_weights"}};
    for (size_t i = 0; i < BASE_COUNT(KEYS); i++) {
        const BaseYaml *node = base_yaml_get(e->root, KEYS[i][0]);
        char *list = NULL;
        if (!node) continue;
        BASE_TRY(base_yaml_flow_text(base_yaml_get(node, "weights"), &list));
        st = record_picked(list, numbers, count, "/meta", KEYS[i][1], run);
        base_free(list);
        BASE_TRY(st);
    }
    static const char *const OWN[] = {"weights", "logits"};
    for (size_t i = 0; i < BASE_COUNT(OWN); i++)
        BASE_TRY(record_picked(store_run_text(run, "/params", OWN[i]), numbers, count, "/params", OWN[i], run));
out:
    return st;
}

void experiment_record_each(const ExperimentMethod *m, StoreRun *run)
{
    if (!m->family) return;
    store_run_set_text(run, "/each", "family", m->family);
    for (size_t i = 0; i < m->each_count; i++) store_run_set_text(run, "/each", m->each[i].name, m->each[i].value);
}

/* What a metric says of its numbers on the split of @p out, but for the ideal; @p images: single ones are forgotten. */
static void describe(const EvalMetric *m, bool images, StoreMetric *out)
{
    static const char *const DIRECTIONS[] = {"", "up", "down"}, *const ROLES[EVAL_ROLES] = {"", "retained", "forgotten",
                                                                                            "score", "cost"};
    bool of_images = images && m->of_forgotten;
    bool shown = strcmp(out->split, eval_split_name(m->on_train || of_images ? EVAL_TRAIN : EVAL_TEST)) == 0;
    out->direction = DIRECTIONS[of_images && m->ideal == EVAL_IDEAL_RETRAINED ? EVAL_UNDIRECTED : m->direction];
    out->role = ROLES[m->role];
    bool cut = m->range[0] < m->range[1];
    out->least = cut ? m->range[0] : -INFINITY;
    out->most = cut ? m->range[1] : INFINITY;
    out->decimals = m->decimals;
    out->in_results = shown ? m->in_results : 0;
    out->in_scores = shown ? m->in_scores : 0;
}

BaseStatus experiment_record_metrics(const EvalContext *context, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    EvalRow *rows = NULL;
    int count = 0;
    BASE_TRY(eval_all(context, &rows, &count));
    for (int i = 0; i < count; i++) {
        const EvalMetric *m = rows[i].metric;
        char number[40];
        StoreMetric stored = {.name = m->entry.name,
                              .split = eval_split_name(rows[i].split),
                              .title = m->title,
                              .unit = m->unit,
                              .ideal = ""};
        if (m->ideal == EVAL_IDEAL_RETRAINED) stored.ideal = "retrained";
        if (m->ideal == EVAL_IDEAL_LOW) stored.ideal = "low";
        if (m->ideal == EVAL_IDEAL_NUMBER) {
            snprintf(number, sizeof number, "%g", m->ideal_value);
            stored.ideal = number;
        }
        describe(m, context->forget && data_forget_by_image(context->forget), &stored);
        BASE_TRY(store_run_add_metric(run, &stored, rows[i].value));
    }
out:
    base_free(rows);
    return st;
}

static void describe_stored(StoreMetric *metric)
{
    const BaseEntry *entry;
    if (base_registry_find(&eval_registry, metric->name, &entry) == BASE_OK)
        describe((const EvalMetric *)entry, false, metric); /* the entry is the plug-in's first member */
}

BaseStatus experiment_record_complete(StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const char *kind = store_run_text(run, "/", "kind"), *method = store_run_text(run, "/", "method");
    const char *rank = store_run_f64(run, "/", "control") == 1 ? "control" : "method", *const * attacks;
    const UnlearnMethod *known;
    size_t count;
    if (store_run_text(run, "/", "rank")) return BASE_OK;
    if (kind && strcmp(kind, "original") == 0)
        rank = rank_of(NULL);
    else if (method && unlearn_find(method, &known) == BASE_OK)
        rank = rank_of(known);
    BASE_TRY(store_run_set_text(run, "/", "rank", rank));
    BASE_TRY(store_run_describe_metrics(run, describe_stored));
    store_run_members(run, "/attacks", &attacks, &count);
    for (size_t i = 0; i < count; i++) {
        char group[512];
        const MiaAttack *attack;
        const MiaWiring *wiring;
        snprintf(group, sizeof group, "/attacks/%s", attacks[i]);
        const char *made = store_run_text(run, group, "attack"), *wired = store_run_text(run, group, "wiring");
        if (made && wired && mia_find(made, &attack) == BASE_OK && mia_wiring_find(wired, &wiring) == BASE_OK)
            BASE_TRY(store_run_set_i64(run, group, "headline", attack->headline && wiring->headline));
    }
out:
    return st;
}

void experiment_record_relearned(const EvalRelearned *r, StoreRun *run)
{
    uint8_t reached[EVAL_REPEATS_MAX];
    if (r->retain_repeats > 0) {
        store_run_set_i64(run, "/relearn", "judged", r->judged);
        store_run_set_i64(run, "/relearn", "retain_steps", r->retain_steps);
        store_run_set_array(run, "/relearn/recovered", STORE_I64, 1, &r->retain_repeats, r->recovered);
    }
    if (r->repeats == 0) return;
    for (int64_t i = 0; i < r->repeats; i++) reached[i] = r->reached[i];
    store_run_set_i64(run, "/relearn", "limit", r->limit);
    store_run_set_array(run, "/relearn/steps", STORE_I64, 1, &r->repeats, r->steps);
    store_run_set_array(run, "/relearn/reached", STORE_U8, 1, &r->repeats, reached);
}

BaseStatus experiment_record_confusion(const EvalPredictions *predictions, const char *name, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    int64_t *confusion = NULL, shape[2] = {predictions->K, predictions->K};
    char path[64];
    BASE_TRY(BASE_ALLOC(shape[0] * shape[1], &confusion));
    eval_confusion(predictions, confusion);
    snprintf(path, sizeof path, "/confusion/%s", name);
    store_run_set_array(run, path, STORE_I64, 2, shape, confusion);
out:
    base_free(confusion);
    return st;
}

void experiment_record_range(const ExperimentConfusion *range, StoreRun *run)
{
    if (range->last < 0) return;
    store_run_set_i64(run, "/confusion", "first", range->first);
    store_run_set_i64(run, "/confusion", "last", range->last);
}

BaseStatus experiment_record_weights(const NnNet *original, const NnNet *net, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const char **names = NULL;
    double *change = NULL;
    int layers;
    const NnLayer *layer = nn_net_layers(net, &layers);
    BASE_TRY(BASE_ALLOC(layers, &names));
    BASE_TRY(BASE_ALLOC(layers, &change));
    for (int l = 0; l < layers; l++) names[l] = layer[l].name;
    eval_weight_changes(original, net, change);
    store_run_set_texts(run, "/weights/names", names, (size_t)layers);
    store_run_set_column(run, "/weights", "change", STORE_F64, layers, change);
out:
    base_free(names);
    base_free(change);
    return st;
}

/* A column of the numbers that follow @p first, each @p stride bytes behind the one before. */
static void record_strided(StoreRun *run, const char *group, const char *name, const double *first, size_t stride,
                           int64_t n, double *column)
{
    for (int64_t i = 0; i < n; i++) memcpy(&column[i], (const char *)first + (size_t)i * stride, sizeof *column);
    store_run_set_column(run, group, name, STORE_F64, n, column);
}

static void record_spectra(const UnlearnReport *report, StoreRun *run)
{
    char group[192];
    for (int i = 0; i < report->layer_count; i++) {
        const UnlearnLayer *layer = &report->layers[i];
        if (!layer->spectrum_retain || !layer->spectrum_forget) continue;
        snprintf(group, sizeof group, "/spectra/%s", layer->name);
        store_run_set_column(run, group, "retain", STORE_F64, layer->spectrum_count, layer->spectrum_retain);
        store_run_set_column(run, group, "forget", STORE_F64, layer->spectrum_count, layer->spectrum_forget);
        store_run_set_f64(run, group, "alpha_retain", report->alpha_retain);
        store_run_set_f64(run, group, "alpha_forget", report->alpha_forget);
    }
}

BaseStatus experiment_record_report(const UnlearnReport *report, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const UnlearnLayer *l = report->layers;
    const char **names = NULL;
    double *column = NULL;
    int n = report->layer_count;
    if (report->said) store_run_set_text(run, "/command", "said", report->said);
    if (n == 0) return BASE_OK;
    const struct {
        const char *name;
        const double *first;
    } COLUMNS[] = {{"trace_retain", &l->trace_retain},     {"trace_forget", &l->trace_forget},
                   {"rank_retain", &l->rank_retain},       {"rank_forget", &l->rank_forget},
                   {"forget_removed", &l->forget_removed}, {"retain_removed", &l->retain_removed},
                   {"weight_change", &l->weight_change},   {"shared", &l->shared}};
    BASE_TRY(BASE_ALLOC(n, &names));
    BASE_TRY(BASE_ALLOC(n, &column));
    for (int i = 0; i < n; i++) names[i] = l[i].name;
    store_run_set_texts(run, "/layers/names", names, (size_t)n);
    for (size_t c = 0; c < BASE_COUNT(COLUMNS); c++)
        record_strided(run, "/layers", COLUMNS[c].name, COLUMNS[c].first, sizeof *l, n, column);
    for (int i = 0; i < n; i++) column[i] = (double)l[i].features;
    store_run_set_column(run, "/layers", "features", STORE_F64, n, column);
    for (int i = 0; i < n; i++) column[i] = (double)l[i].n_retain;
    store_run_set_column(run, "/layers", "n_retain", STORE_F64, n, column);
    for (int i = 0; i < n; i++) column[i] = (double)l[i].n_forget;
    store_run_set_column(run, "/layers", "n_forget", STORE_F64, n, column);
    record_spectra(report, run);
out:
    base_free(names);
    base_free(column);
    return st;
}

/* Each trial's values as text, which a word or a list keeps better than a number. */
static BaseStatus record_settings(const ExperimentMethod *m, const ExperimentSearch *s, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    BaseText *texts = NULL;
    const char **lines = NULL;
    BASE_TRY(BASE_ALLOC(s->points, &texts));
    BASE_TRY(BASE_ALLOC(s->points, &lines));
    for (size_t i = 0; i < s->points; i++) {
        experiment_search_text(m, s, i, &texts[i]);
        BASE_TRY(texts[i].st);
        lines[i] = texts[i].data;
    }
    store_run_set_texts(run, "/search/settings", lines, s->points);
out:
    for (size_t i = 0; texts && i < s->points; i++) base_text_free(&texts[i]);
    base_free(texts);
    base_free(lines);
    return st;
}

BaseStatus experiment_record_search(const ExperimentMethod *m, const ExperimentSearch *s, StoreRun *run)
{
    int64_t points = (int64_t)s->points;
    for (size_t a = 0; a < s->axis_count; a++)
        store_run_set_column(run, "/search", m->axes[a].param->name, STORE_F64, points, s->value + a * s->points);
    store_run_set_array(run, "/search/score", STORE_F64, 1, &points, s->score);
    store_run_set_array(run, "/search/acc_retain", STORE_F64, 1, &points, s->acc_retain);
    store_run_set_array(run, "/search/acc_forget", STORE_F64, 1, &points, s->acc_forget);
    store_run_set_array(run, "/search/trial_seconds", STORE_F64, 1, &points, s->cost);
    store_run_set_array(run, "/search/point", STORE_I64, 1, &points, s->at);
    store_run_set_i64(run, "/search", "chosen", s->chosen);
    store_run_set_i64(run, "/search", "grid", (int64_t)experiment_search_grid(m));
    store_run_set_text(run, "/search", "objective", EXPERIMENT_OBJECTIVE);
    store_run_set_i64(run, "/search", "n", s->n);
    store_run_set_f64(run, "/search", "seconds", s->seconds);
    store_run_set_f64(run, "/search", "passes", s->passes);
    if (!isnan(s->evaluations)) store_run_set_f64(run, "/search", "evaluations", s->evaluations);
    return record_settings(m, s, run);
}

void experiment_record_budget(const ExperimentSetting *s, const ExperimentJob *job, const char *key, StoreRun *run)
{
    const ExperimentConfig *e = s->e;
    BaseText budget = {0}, sets = {0}, named = {0};
    session_params_text(experiment_budget_params, experiment_budget_param_count, &e->budget, &budget);
    for (size_t i = 0; i < s->search_set_count; i++) {
        base_text_add(&sets, "%s%s", i ? "; " : "", e->search_forget[i].text);
        if (i) base_text_add(&named, "; ");
        session_forget_both(&s->search_sets[i], s->data->train, &named);
    }
    if (s->search_set_count == 0) {
        base_text_add(&sets, "%s", job->forget_text);
        base_text_add(&named, "%s", job->forget_both);
    }
    store_run_set_text(run, "/search", "objective",
                       s->search_set_count ? experiment_search_objective(s->search_sets, s->search_set_count)
                                           : experiment_search_objective(job->forget, 1));
    store_run_set_text_of(run, "/search", "budget", &budget);
    store_run_set_text_of(run, "/search", "sets", &sets);
    store_run_set_text_of(run, "/search", "sets_named", &named);
    store_run_set_text(run, "/search", "method", job->method->method->entry.name);
    store_run_set_text(run, "/search", "key", key);
    base_text_free(&budget);
    base_text_free(&sets);
    base_text_free(&named);
}

BaseStatus experiment_record_history(const ModelCost *cost, StoreRun *run)
{
    const NnTrainEpoch *first = cost->history;
    double *column = NULL;
    if (!first || cost->epochs == 0) return BASE_OK;
    BaseStatus st = BASE_ALLOC(cost->epochs, &column);
    if (st != BASE_OK) return st;
    record_strided(run, "/history", "loss", &first->loss, sizeof *first, cost->epochs, column);
    record_strided(run, "/history", "accuracy", &first->accuracy, sizeof *first, cost->epochs, column);
    record_strided(run, "/history", "lr", &first->lr, sizeof *first, cost->epochs, column);
    record_strided(run, "/history", "seconds", &first->seconds, sizeof *first, cost->epochs, column);
    base_free(column);
    return BASE_OK;
}

/* Cross-entropy of one row in the log domain: log sum exp(z - max) - (z_y - max). */
static double row_loss(const float *z, int64_t K, int32_t y)
{
    double top = z[0], sum = 0;
    for (int64_t k = 1; k < K; k++) top = z[k] > top ? (double)z[k] : top;
    for (int64_t k = 0; k < K; k++) sum += exp((double)z[k] - top);
    return log(sum) - ((double)z[y] - top);
}

bool experiment_in_set(const EvalPredictions *p, const DataForget *forget, bool forgotten, int64_t i)
{
    int64_t at = eval_position(p, i);
    if (at < 0 && data_forget_by_image(forget)) return !forgotten || forget->classes.in[p->labels[i]];
    return data_forget_holds(forget, p->labels[i], at) == forgotten;
}

static BaseStatus record_signal_set(const EvalPredictions *p, const DataForget *forget, bool forgotten,
                                    const char *group, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    double *confidence = NULL, *loss = NULL;
    int64_t n = 0;
    BASE_TRY(BASE_ALLOC(p->n, &confidence));
    BASE_TRY(BASE_ALLOC(p->n, &loss));
    for (int64_t i = 0; i < p->n; i++) {
        if (!experiment_in_set(p, forget, forgotten, i)) continue;
        loss[n] = row_loss(p->logits + i * p->K, p->K, p->labels[i]);
        confidence[n] = exp(-loss[n]);
        n++;
    }
    store_run_set_column(run, group, "confidence", STORE_F64, n, confidence);
    store_run_set_column(run, group, "loss", STORE_F64, n, loss);
out:
    base_free(confidence);
    base_free(loss);
    return st;
}

BaseStatus experiment_record_signals(const EvalPredictions *train, const EvalPredictions *test,
                                     const DataForget *forget, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(record_signal_set(train, forget, false, "/signals/retain_train", run));
    BASE_TRY(record_signal_set(test, forget, false, "/signals/retain_test", run));
    BASE_TRY(record_signal_set(train, forget, true, "/signals/forget_train", run));
    BASE_TRY(record_signal_set(test, forget, true, "/signals/forget_test", run));
out:
    return st;
}

/* ------------------------------------------------------------ where the network looks, before and after */

static void record_maps(const EvalSaliency *s, const char *suffix, StoreRun *run)
{
    int64_t maps[] = {s->n, s->h, s->w};
    char path[64];
    snprintf(path, sizeof path, "/saliency/maps%s", suffix);
    store_run_set_array(run, path, STORE_F32, 3, maps, s->maps);
    snprintf(path, sizeof path, "/saliency/predicted%s", suffix);
    store_run_set_array(run, path, STORE_I32, 1, &s->n, s->predicted);
    snprintf(path, sizeof path, "/saliency/confidence%s", suffix);
    store_run_set_array(run, path, STORE_F64, 1, &s->n, s->confidence);
}

BaseStatus experiment_record_saliency(const EvalSubject *subject, const EvalSaliencyConfig *config, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    EvalSaliency before = {0}, after = {0};
    BASE_TRY(eval_saliency(subject, subject->original, config, &before));
    BASE_TRY(eval_saliency(subject, subject->net, config, &after));
    if (after.n == 0) goto out;
    int64_t pictures[] = {after.n, after.C, after.H, after.W};
    store_run_set_array(run, "/saliency/pictures", STORE_F32, 4, pictures, after.pictures);
    store_run_set_array(run, "/saliency/labels", STORE_I32, 1, &after.n, after.labels);
    store_run_set_array(run, "/saliency/forgotten", STORE_U8, 1, &after.n, after.forgotten);
    record_maps(&after, "", run);
    record_maps(&before, "_original", run);
out:
    eval_saliency_free(&before);
    eval_saliency_free(&after);
    return st;
}

/* ------------------------------------------------------------ decision regions, of images that are two numbers */

enum { GRID = 161, POINTS = 600 };

static void record_axis(const char *path, double lo, double hi, float *images, int64_t channel, StoreRun *run)
{
    double axis[GRID];
    int64_t n = GRID;
    for (int64_t i = 0; i < GRID; i++) axis[i] = lo + (hi - lo) * (double)i / (GRID - 1);
    for (int64_t i = 0; i < GRID * GRID; i++) images[2 * i + channel] = (float)axis[channel == 0 ? i % GRID : i / GRID];
    store_run_set_array(run, path, STORE_F64, 1, &n, axis);
}

/* Some test points, drawn at random (classes may alternate in the file), to lay over the regions. */
static BaseStatus record_points(const DataSet *test, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    double *points = NULL;
    int32_t *labels = NULL;
    int64_t *chosen = NULL, n = test->N < POINTS ? test->N : POINTS, shape[2] = {n, 2};
    float x[2];
    BaseRandom random = base_random_make(0, "region_points", 0);
    BASE_TRY(BASE_ALLOC(n, &chosen));
    base_random_choose(&random, test->N, n, chosen);
    BASE_TRY(BASE_ALLOC(n * 2, &points));
    BASE_TRY(BASE_ALLOC(n, &labels));
    for (int64_t i = 0; i < n; i++) {
        BASE_TRY(data_fetch(test, &chosen[i], 1, x));
        points[2 * i] = (double)x[0];
        points[2 * i + 1] = (double)x[1];
        labels[i] = test->labels[chosen[i]];
    }
    store_run_set_array(run, "/regions/points", STORE_F64, 2, shape, points);
    store_run_set_array(run, "/regions/point_label", STORE_I32, 1, &n, labels);
out:
    base_free(chosen);
    base_free(points);
    base_free(labels);
    return st;
}

BaseStatus experiment_record_regions(const SessionData *data, NnNet *net, NnPrecision precision, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const DataSet *train = data->train;
    SessionPredictions predictions = {0};
    float *images = NULL;
    int32_t *labels = NULL;
    if (train->C * train->H * train->W != 2 || train->type != DATA_F32) return BASE_OK;
    int64_t n = GRID * GRID, shape[2] = {GRID, GRID};
    BASE_TRY(BASE_ALLOC(2 * n, &images));
    BASE_TRY(BASE_ALLOC(n, &labels));
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    for (int64_t i = 0; i < data->test->N; i++) {
        float x[2];
        BASE_TRY(data_fetch(data->test, &i, 1, x));
        for (int d = 0; d < 2; d++) {
            lo[d] = fmin(lo[d], (double)x[d]);
            hi[d] = fmax(hi[d], (double)x[d]);
        }
    }
    record_axis("/regions/x", lo[0], hi[0], images, 0, run);
    record_axis("/regions/y", lo[1], hi[1], images, 1, run);
    DataSet grid = *train; /* borrows its class names; never freed as a set */
    grid.N = n;
    grid.images = images;
    grid.reader = NULL;
    grid.labels = labels;
    DataView view = data_view_all(&grid);
    BASE_TRY(session_predict(net, &view, precision, "decision regions", &predictions));
    eval_predicted(&predictions.p, labels);
    store_run_set_array(run, "/regions/label", STORE_I32, 2, shape, labels);
    BASE_TRY(record_points(data->test, run));
out:
    session_predictions_free(&predictions);
    base_free(images);
    base_free(labels);
    return st;
}
