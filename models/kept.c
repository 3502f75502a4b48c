/* models/kept.c - a network as a safetensors file, with what its making cost and its history as metadata. */
#include "models/kept.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "nn/weights.h"

void model_cost_free(ModelCost *cost)
{
    base_free(cost->history);
    *cost = (ModelCost){0};
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
    int64_t lines = 0;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    if (lines == 0) return BASE_OK;
    BaseStatus st = BASE_ALLOC(lines, &cost->history);
    if (st != BASE_OK) return st;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        NnTrainEpoch *epoch = &cost->history[cost->epochs];
        long long number;
        if (sscanf(line, "%lld %lf %lf %lf %lf", &number, &epoch->loss, &epoch->accuracy, &epoch->lr,
                   &epoch->seconds) != 5)
            break;
        epoch->epoch = number;
        cost->epochs++;
    }
    return BASE_OK;
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
        st = base_error_set(BASE_EFORMAT, "%s: holds a different model from what its name says", path);
    if (st == BASE_ENOMEM) goto out;
    if (st != BASE_OK) {
        base_notice("%s; it is trained again", base_error_text());
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
