/* models/models.c - loads what is there if its key agrees, trains otherwise, and stores cost and history as metadata. */
#include "models/models.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "models/turn.h"
#include "nn/weights.h"

void model_cost_free(ModelCost *cost)
{
    base_free(cost->history);
    *cost = (ModelCost){0};
}

BaseStatus model_key(const ExperimentConfig *e, const SessionData *data, uint64_t seed, const char *what,
                     char key[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    experiment_config_canonical(e, NULL, &text);
    base_text_add(&text, "data: %s\nseed: %llu\nmodel: %s\nversion: %d\n", data->hash, (unsigned long long)seed, what,
                  MODEL_VERSION);
    BASE_TRY(text.st);
    base_hash_bytes(text.data, text.size, key);
out:
    base_text_free(&text);
    return st;
}

BaseStatus model_path(const char *folder, const char *name, const char *key, char **out)
{
    return base_format(out, "%s/%s-%.12s.safetensors", folder, name, key);
}

static double meta_number(const IoTensors *tensors, const char *key)
{
    const char *text = io_tensors_meta(tensors, key);
    double value = 0;
    if (text) base_parse_f64(text, &value);
    return value;
}

/* "epoch loss accuracy lr seconds" per line */
static BaseStatus read_history(const char *text, ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    int64_t lines = 0;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    if (lines == 0) return BASE_OK;
    BASE_TRY(BASE_ALLOC(lines, &cost->history));
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        NnTrainEpoch *epoch = &cost->history[cost->epochs];
        long long number;
        if (sscanf(line, "%lld %lf %lf %lf %lf", &number, &epoch->loss, &epoch->accuracy, &epoch->lr,
                   &epoch->seconds) != 5)
            break;
        epoch->epoch = number;
        cost->epochs++;
    }
out:
    return st;
}

BaseStatus model_load(const char *path, const char *key, NnNet *net, ModelCost *cost, bool *found)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    *found = false;
    *cost = (ModelCost){0};
    if (!io_path_exists(path)) return BASE_OK;
    st = io_tensors_read(path, &tensors);
    const char *stored = st == BASE_OK ? io_tensors_meta(tensors, "expunge.key") : NULL;
    if (st == BASE_OK && stored && strcmp(stored, key) == 0)
        st = nn_weights_load(net, tensors, path);
    else if (st == BASE_OK)
        st = base_error_set(BASE_EFORMAT, "%s: holds another model than its name says", path);
    if (st == BASE_ENOMEM) goto out;
    if (st != BASE_OK) {
        base_notice("%s; it is made again", base_error_text());
        st = BASE_OK;
        goto out;
    }
    cost->wall_seconds = meta_number(tensors, "expunge.wall_seconds");
    cost->cpu_seconds = meta_number(tensors, "expunge.cpu_seconds");
    cost->peak_memory = (int64_t)meta_number(tensors, "expunge.peak_memory");
    cost->samples_retain = (int64_t)meta_number(tensors, "expunge.samples_retain");
    cost->samples_forget = (int64_t)meta_number(tensors, "expunge.samples_forget");
    cost->passes = meta_number(tensors, "expunge.passes");
    const char *history = io_tensors_meta(tensors, "expunge.history");
    if (history) BASE_TRY(read_history(history, cost));
    *found = true;
out:
    io_tensors_free(tensors);
    if (st != BASE_OK) model_cost_free(cost);
    return st;
}

static BaseStatus set_number(IoTensors *tensors, const char *key, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    return io_tensors_set_meta(tensors, key, text);
}

BaseStatus model_save(const char *path, const char *key, const char *provenance, const char *prep, NnNet *net,
                      const ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    BaseText history = {0};
    BASE_TRY(nn_weights_export(net, &tensors));
    BASE_TRY(io_tensors_set_meta(tensors, "expunge.key", key));
    BASE_TRY(io_tensors_set_meta(tensors, "expunge.made_by", provenance));
    BASE_TRY(io_tensors_set_meta(tensors, SESSION_META_PREP, prep));
    BASE_TRY(set_number(tensors, "expunge.wall_seconds", cost->wall_seconds));
    BASE_TRY(set_number(tensors, "expunge.cpu_seconds", cost->cpu_seconds));
    BASE_TRY(set_number(tensors, "expunge.peak_memory", (double)cost->peak_memory));
    BASE_TRY(set_number(tensors, "expunge.samples_retain", (double)cost->samples_retain));
    BASE_TRY(set_number(tensors, "expunge.samples_forget", (double)cost->samples_forget));
    BASE_TRY(set_number(tensors, "expunge.passes", cost->passes));
    for (int64_t i = 0; cost->history && i < cost->epochs; i++) {
        const NnTrainEpoch *epoch = &cost->history[i];
        base_text_add(&history, "%lld %.17g %.17g %.17g %.17g\n", (long long)epoch->epoch, epoch->loss, epoch->accuracy,
                      epoch->lr, epoch->seconds);
    }
    BASE_TRY(history.st);
    if (history.data) BASE_TRY(io_tensors_set_meta(tensors, "expunge.history", history.data));
    BASE_TRY(io_tensors_write(tensors, path));
out:
    base_text_free(&history);
    io_tensors_free(tensors);
    return st;
}

/* "original-s0"; "shadow-03-original" of one that its half names. */
static void add_name(const ExperimentConfig *e, const char *what, uint64_t seed, BaseText *out)
{
    if (e->shadows.pairs > 0 && e->shadows.half != EXPERIMENT_HALF_TARGET)
        base_text_add(out, "shadow-%02lld-%s", (long long)e->shadows.half, what);
    else
        base_text_add(out, "%s-s%llu", what, (unsigned long long)seed);
}

BaseStatus model_original_path(const ExperimentConfig *e, const SessionData *data, uint64_t seed, const char *folder,
                               char key[BASE_HASH_HEX], char **path)
{
    BaseStatus st = BASE_OK;
    BaseText name = {0};
    *path = NULL;
    BASE_TRY(model_key(e, data, seed, "original", key));
    add_name(e, "original", seed, &name);
    BASE_TRY(name.st);
    BASE_TRY(model_path(folder, name.data, key, path));
out:
    base_text_free(&name);
    return st;
}

BaseStatus model_original(const ExperimentConfig *e, const SessionData *data, const SessionSplit *split, uint64_t seed,
                          const char *folder, NnNet *net, ModelCost *cost, char **path)
{
    BaseStatus st = BASE_OK;
    char key[BASE_HASH_HEX];
    BaseText made = {0};
    bool found = false;
    *path = NULL;
    *cost = (ModelCost){0};
    BASE_TRY(model_original_path(e, data, seed, folder, key, path));
    BASE_TRY(model_load(*path, key, net, cost, &found));
    if (found) goto out;
    BASE_TRY(BASE_ALLOC(e->train.epochs, &cost->history));
    cost->epochs = e->train.epochs;
    base_clock_reset_peak();
    double wall = base_clock_wall(), cpu = base_clock_cpu();
    nn_net_init(net, seed);
    BASE_TRY(nn_train(net, &split->train, &e->train, e->precision, seed, "train original", cost->history));
    cost->wall_seconds = base_clock_wall() - wall;
    cost->cpu_seconds = base_clock_cpu() - cpu;
    cost->peak_memory = base_clock_peak_memory();
    cost->samples_retain = split->train.n;
    cost->passes = (double)e->train.epochs * (double)split->train.n;
    base_text_add(&made, "original, seed %llu, data %s\n", (unsigned long long)seed, e->data);
    experiment_config_canonical(e, NULL, &made);
    BASE_TRY(made.st);
    BASE_TRY(model_save(*path, key, made.data, data->prep, net, cost));
out:
    base_text_free(&made);
    if (st != BASE_OK) {
        model_cost_free(cost);
        base_free(*path);
        *path = NULL;
    }
    return st;
}

/* ------------------------------------------------------------ networks that methods made */

static bool is_retrain(const ModelMaking *m) { return strcmp(m->method->entry.name, "retrain") == 0; }

bool model_kept(const ModelMaking *m)
{
    return m->keep || is_retrain(m) ||
           (m->e->cache == EXPERIMENT_CACHE_TRAINED && (m->method->needs & UNLEARN_NEEDS_GRADIENT));
}

/* "scrub without [3] {lr: 0.01}" */
static void describe(const ModelMaking *m, BaseText *out)
{
    base_text_add(out, "%s without [%s] ", m->method->entry.name, m->forget);
    session_params_text(m->method->entry.params, m->method->entry.param_count, m->params, out);
    if (m->in_turn) base_text_add(out, ", one class after another");
}

BaseStatus model_unlearned_path(const ModelMaking *m, char key[BASE_HASH_HEX], char **path)
{
    BaseStatus st = BASE_OK;
    BaseText what = {0}, made = {0}, name = {0};
    *path = NULL;
    describe(m, &what);
    BASE_TRY(what.st);
    BASE_TRY(model_key(m->e, m->data, m->context->seed, what.data, key));
    base_text_add(&made, "%s-%s", m->method->entry.name, m->forget);
    BASE_TRY(made.st);
    add_name(m->e, made.data, m->context->seed, &name);
    BASE_TRY(name.st);
    for (char *c = name.data; *c; c++) *c = *c == ',' ? '-' : *c;
    BASE_TRY(model_path(m->folder, name.data, key, path));
out:
    base_text_free(&what);
    base_text_free(&made);
    base_text_free(&name);
    return st;
}

static BaseStatus unlearn_timed(const ModelMaking *m, NnNet *net, UnlearnReport *report, ModelCost *cost)
{
    base_clock_reset_peak();
    double cpu = base_clock_cpu();
    BaseStatus st = m->in_turn ? model_turn(m->method, m->context, m->params, net, report)
                               : unlearn_run(m->method, m->context, m->params, net, report);
    cost->cpu_seconds = base_clock_cpu() - cpu;
    cost->wall_seconds = report->prepare_seconds + report->apply_seconds;
    cost->peak_memory = base_clock_peak_memory();
    cost->samples_retain = report->samples_retain;
    cost->samples_forget = report->samples_forget;
    cost->passes = report->passes;
    return st;
}

BaseStatus model_unlearned(const ModelMaking *m, NnNet *net, UnlearnReport *report, ModelCost *cost, char **path)
{
    BaseStatus st = BASE_OK;
    BaseText made = {0};
    char key[BASE_HASH_HEX], *file = NULL;
    bool found = false;
    *path = NULL;
    *report = (UnlearnReport){0};
    *cost = (ModelCost){0};
    if (model_kept(m)) {
        BASE_TRY(model_unlearned_path(m, key, &file));
        BASE_TRY(model_load(file, key, net, cost, &found));
    }
    if (!found) BASE_TRY(unlearn_timed(m, net, report, cost));
    /* a file has no room for layers: who wants them does not ask to keep it */
    bool keep = file && !found && (m->keep || is_retrain(m) || report->layer_count == 0);
    if (keep) {
        describe(m, &made);
        base_text_add(&made, ", classes ");
        session_classes_both(m->context->forget, m->data->train, &made);
        base_text_add(&made, ", data %s\n", m->e->data);
        experiment_config_canonical(m->e, NULL, &made);
        BASE_TRY(made.st);
        BASE_TRY(model_save(file, key, made.data, m->data->prep, net, cost));
    }
    if (found || keep) {
        *path = file;
        file = NULL;
    }
out:
    base_text_free(&made);
    base_free(file);
    return st;
}
