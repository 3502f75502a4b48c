/* models/make.c - loads what is there if its key agrees, trains or unlearns otherwise, and keeps what gradients made. */
#include "models/make.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "models/turn.h"
#include "nn/weights.h"
#include "session/forget.h"
#include "session/params.h"

/* "original-s0"; "shadow-03-original" of one that a shadow's half names. */
static BaseStatus path_of(const ModelRecipe *r, const char *what, const char *folder, const char *key, char **out)
{
    BaseStatus st = BASE_OK;
    char *name = NULL;
    *out = NULL;
    if (r->half && r->half->number != MODEL_HALF_TARGET)
        BASE_TRY(base_format(&name, "shadow-%02lld-%s", (long long)r->half->number, what));
    else
        BASE_TRY(base_format(&name, "%s-s%llu", what, (unsigned long long)r->seed));
    BASE_TRY(model_path(folder, name, key, out));
out:
    base_free(name);
    return st;
}

/* "original-s0-<key>.training.safetensors", beside the file that the training will give; *out owned. */
static BaseStatus keep_path(const char *file, char **out)
{
    return base_format(out, "%.*s" NN_KEEP_ENDING, (int)(strlen(file) - strlen(".safetensors")), file);
}

/* What the training cost, in this process and in those before that were stopped. */
static void add_earlier(const NnTrainKeep *keep, ModelCost *cost)
{
    cost->wall_seconds += keep->wall_seconds;
    cost->cpu_seconds += keep->cpu_seconds;
    if (cost->peak_memory < keep->peak_memory) cost->peak_memory = keep->peak_memory;
}

BaseStatus model_original_path(const ModelRecipe *r, const char *folder, char key[BASE_HASH_HEX], char **path)
{
    BaseStatus st = model_key(r, "original", key);
    *path = NULL;
    return st == BASE_OK ? path_of(r, "original", folder, key, path) : st;
}

BaseStatus model_original(const ModelRecipe *r, const DataView *train, const char *folder, NnNet *net, ModelCost *cost,
                          char **path)
{
    BaseStatus st = BASE_OK;
    char key[BASE_HASH_HEX], *kept = NULL;
    BaseText made = {0};
    bool found = false;
    *path = NULL;
    *cost = (ModelCost){0};
    BASE_TRY(model_original_path(r, folder, key, path));
    BASE_TRY(model_load(*path, key, net, cost, &found));
    if (found) goto out;
    base_text_add(&made, "original, seed %llu, data %s\n", (unsigned long long)r->seed, r->data->spec);
    model_recipe_text(r, &made);
    BASE_TRY(made.st);
    if (r->weights) { /* what its training cost is not known */
        BASE_TRY(nn_weights_read(net, r->weights));
        BASE_TRY(model_save(*path, key, made.data, r->data->prep, net, cost));
        goto out;
    }
    BASE_TRY(BASE_ALLOC(r->training->epochs, &cost->history));
    cost->epochs = r->training->epochs;
    base_clock_reset_peak();
    double wall = base_clock_wall(), cpu = base_clock_cpu();
    nn_net_init(net, r->seed);
    BASE_TRY(keep_path(*path, &kept));
    NnTrainKeep keep = {.path = kept, .key = key, .seconds = NN_KEEP_SECONDS};
    BASE_TRY(nn_train_kept(net, train, r->training, r->precision, r->seed, "train original", cost->history, &keep));
    cost->wall_seconds = base_clock_wall() - wall;
    cost->cpu_seconds = base_clock_cpu() - cpu;
    cost->peak_memory = base_clock_peak_memory();
    add_earlier(&keep, cost);
    cost->samples_retain = train->n;
    cost->passes = (double)r->training->epochs * (double)train->n;
    BASE_TRY(model_save(*path, key, made.data, r->data->prep, net, cost));
    nn_keep_remove(&keep);
out:
    base_text_free(&made);
    base_free(kept);
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
    return m->keep || is_retrain(m) || (m->keep_trained && (m->method->needs & UNLEARN_NEEDS_GRADIENT));
}

/* "scrub without [3] {lr: 0.01}" */
static void describe(const ModelMaking *m, BaseText *out)
{
    if (m->what) {
        base_text_add(out, "%s", m->what);
        return;
    }
    base_text_add(out, "%s without [%s] ", m->method->entry.name, m->forget);
    session_params_text(m->method->entry.params, m->method->entry.param_count, m->params, out);
    if (m->in_turn) base_text_add(out, ", one class after another");
    if (m->context->seed != m->recipe.seed)
        base_text_add(out, ", drawn with %llu", (unsigned long long)m->context->seed);
    if (m->method->identify && out->st == BASE_OK) out->st = m->method->identify(m->context, m->params, out);
}

BaseStatus model_unlearned_path(const ModelMaking *m, char key[BASE_HASH_HEX], char **path)
{
    BaseStatus st = BASE_OK;
    BaseText what = {0};
    char *name = NULL;
    *path = NULL;
    describe(m, &what);
    BASE_TRY(what.st);
    BASE_TRY(model_key(&m->recipe, what.data, key));
    BASE_TRY(base_format(&name, "%s-%s", m->method->entry.name, m->forget));
    BASE_TRY(m->name ? model_path(m->folder, m->name, key, path) : path_of(&m->recipe, name, m->folder, key, path));
out:
    base_text_free(&what);
    base_free(name);
    return st;
}

/* @p keep: of a method that trains anew, in one go. */
static BaseStatus unlearn_timed(const ModelMaking *m, NnTrainKeep *keep, NnNet *net, UnlearnReport *report,
                                ModelCost *cost)
{
    UnlearnContext context = *m->context;
    context.keep = keep;
    base_clock_reset_peak();
    double cpu = base_clock_cpu();
    BaseStatus st = m->in_turn ? model_turn(m->method, m->context, m->params, net, report)
                               : unlearn_run(m->method, &context, m->params, net, report);
    cost->cpu_seconds = base_clock_cpu() - cpu;
    cost->wall_seconds = report->prepare_seconds + report->apply_seconds;
    cost->peak_memory = base_clock_peak_memory();
    cost->samples_retain = report->samples_retain;
    cost->samples_forget = report->samples_forget;
    cost->passes = report->passes;
    add_earlier(keep, cost);
    if (report->cost == UNLEARN_COST_HERE) return st;
    bool known = report->cost == UNLEARN_COST_ITS_OWN;
    cost->wall_seconds = known ? report->own_wall_seconds : 0;
    cost->cpu_seconds = known ? report->own_cpu_seconds : 0;
    cost->peak_memory = known ? report->own_peak_memory : 0;
    return st;
}

BaseStatus model_unlearned(const ModelMaking *m, NnNet *net, UnlearnReport *report, ModelCost *cost, char **path)
{
    BaseStatus st = BASE_OK;
    BaseText made = {0};
    char key[BASE_HASH_HEX], *file = NULL, *kept = NULL;
    NnTrainKeep position = {.key = key, .seconds = NN_KEEP_SECONDS};
    bool found = false;
    *path = NULL;
    *report = (UnlearnReport){0};
    *cost = (ModelCost){0};
    if (model_kept(m)) {
        BASE_TRY(model_unlearned_path(m, key, &file));
        BASE_TRY(keep_path(file, &kept));
        position.path = kept;
        BASE_TRY(model_load(file, key, net, cost, &found));
    }
    if (!found) BASE_TRY(unlearn_timed(m, &position, net, report, cost));
    /* a file has no room for layers: who wants them does not ask to keep it */
    bool keep = file && !found && (m->keep || is_retrain(m) || report->layer_count == 0);
    if (keep) {
        describe(m, &made);
        base_text_add(&made, data_forget_by_image(m->context->forget) ? ", " : ", classes ");
        session_forget_both(m->context->forget, m->recipe.data->train, &made);
        if (m->what) base_text_add(&made, ", seed %llu", (unsigned long long)m->recipe.seed);
        base_text_add(&made, ", data %s\n", m->recipe.data->spec);
        model_recipe_text(&m->recipe, &made);
        BASE_TRY(made.st);
        BASE_TRY(model_save(file, key, made.data, m->recipe.data->prep, net, cost));
        nn_keep_remove(&position);
    }
    if (found || keep) {
        *path = file;
        file = NULL;
    }
out:
    base_text_free(&made);
    base_free(file);
    base_free(kept);
    return st;
}
