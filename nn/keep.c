/* nn/keep.c - a safetensors file of what moves while a network is trained. */
#include "nn/train.h"

#include <math.h>
#include <omp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/tensors.h"

static const char KEY[] = "expunge.training";
enum { VERSION = 1 }; /* grows with what the file holds, so that an older program's is not taken */

/* The numbers of a position, in the order of the file. */
enum {
    EPOCH,
    STEP,
    LOSS,
    RIGHT,
    SEEN,
    FACTOR,
    BEST,
    BAD,
    OPTIMIZER_STEPS,
    TRACKED,
    STEPS,
    WALL,
    CPU,
    PEAK,
    THREADS,
    NUMBERS
};
enum { HISTORY = 4 }; /* loss, accuracy, lr, seconds of an epoch */

/* Where each tensor's elements stand in this process. */
typedef struct {
    const char *name;
    IoDtype dtype;
    int64_t count;
    void *values; /* NULL: this training has none */
} Part;
enum { PARTS = 6 };

static void parts_of(NnNet *net, NnOptimizer *optimizer, double *numbers, double *history, int64_t epochs,
                     Part out[PARTS])
{
    float *first, *second;
    int64_t *steps;
    nn_optimizer_memory(optimizer, &first, &second, &steps);
    const Part parts[PARTS] = {
        {"numbers", IO_F64, NUMBERS, numbers},
        {"history", IO_F64, epochs * HISTORY, history},
        {"parameters", IO_F32, nn_net_param_count(net), nn_net_edit_params(net)},
        {"statistics", IO_F32, nn_net_buffer_count(net), nn_net_edit_buffers(net)},
        {"first", IO_F32, nn_net_param_count(net), first},
        {"second", IO_F32, nn_net_param_count(net), second},
    };
    memcpy(out, parts, sizeof parts);
}

static BaseStatus full_key(const NnTrainKeep *keep, char **out)
{
    return base_format(out, "%d %s", VERSION, keep->key);
}

BaseStatus nn_keep_write(NnTrainKeep *keep, NnNet *net, const NnTrainPosition *p)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    double *history = NULL;
    char *key = NULL;
    float *first, *second;
    int64_t *steps;
    Part parts[PARTS];
    nn_optimizer_memory(p->optimizer, &first, &second, &steps);
    double numbers[NUMBERS] = {[EPOCH] = (double)p->epoch,
                               [STEP] = (double)p->step,
                               [LOSS] = p->loss,
                               [RIGHT] = p->right,
                               [SEEN] = (double)p->seen,
                               [FACTOR] = p->schedule->factor,
                               [BEST] = p->schedule->best,
                               [BAD] = (double)p->schedule->bad,
                               [OPTIMIZER_STEPS] = (double)*steps,
                               [TRACKED] = (double)*nn_net_batches_tracked(net),
                               [STEPS] = (double)(p->epoch * p->schedule->steps + p->step),
                               [WALL] = p->wall_seconds,
                               [CPU] = p->cpu_seconds,
                               [PEAK] = fmax((double)keep->peak_memory, (double)base_clock_peak_memory()),
                               [THREADS] = omp_get_max_threads()};
    BASE_TRY(full_key(keep, &key));
    BASE_TRY(BASE_ALLOC(p->epoch * HISTORY, &history));
    for (int64_t i = 0; i < p->epoch; i++) {
        const NnTrainEpoch *e = &p->history[i];
        const double row[HISTORY] = {e->loss, e->accuracy, e->lr, e->seconds};
        memcpy(history + i * HISTORY, row, sizeof row);
    }
    parts_of(net, p->optimizer, numbers, history, p->epoch, parts);
    BASE_TRY(io_tensors_create(&tensors));
    BASE_TRY(io_tensors_set_meta(tensors, KEY, key));
    for (int i = 0; i < PARTS; i++)
        if (parts[i].values)
            BASE_TRY(io_tensors_add(tensors, parts[i].name, parts[i].dtype, 1, &parts[i].count, parts[i].values));
    BASE_TRY(io_tensors_write(tensors, keep->path));
    keep->ours = true;
out:
    base_error_prefix(st, "the position of the training");
    io_tensors_free(tensors);
    base_free(history);
    base_free(key);
    return st;
}

/* BASE_EFORMAT where a tensor is missing or has another size than this training's. */
static BaseStatus check_parts(const NnTrainKeep *keep, const IoTensors *tensors, const Part parts[PARTS])
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < PARTS; i++) {
        const IoTensor *found = io_tensors_find(tensors, parts[i].name);
        bool fits = found ? found->dtype == parts[i].dtype && found->count == parts[i].count && parts[i].values
                          : !parts[i].values;
        BASE_CHECK(fits, BASE_EFORMAT, "%s: '%s' is not what this training left", keep->path, parts[i].name);
    }
out:
    return st;
}

/* What may stand in a file that this training wrote, whoever has touched it since. */
static bool plausible(const double n[NUMBERS], const NnTrainPosition *p)
{
    for (int i = 0; i < NUMBERS; i++) {
        bool real = i == LOSS || i == FACTOR || i == WALL || i == CPU;
        if (i != BEST && !(isfinite(n[i]) && n[i] >= 0 && n[i] < 1e15 && (real || floor(n[i]) == n[i]))) return false;
    }
    double epochs = (double)p->schedule->config->epochs, steps = (double)p->schedule->steps;
    return n[EPOCH] < epochs && n[STEP] < steps && n[STEPS] == n[EPOCH] * steps + n[STEP] && !isnan(n[BEST]);
}

static void take_numbers(const double n[NUMBERS], NnTrainKeep *keep, NnNet *net, NnTrainPosition *p)
{
    float *first, *second;
    int64_t *steps;
    nn_optimizer_memory(p->optimizer, &first, &second, &steps);
    *steps = (int64_t)n[OPTIMIZER_STEPS];
    *nn_net_batches_tracked(net) = (int64_t)n[TRACKED];
    p->epoch = (int64_t)n[EPOCH];
    p->step = (int64_t)n[STEP];
    p->loss = n[LOSS];
    p->right = n[RIGHT];
    p->seen = (int64_t)n[SEEN];
    p->schedule->factor = n[FACTOR];
    p->schedule->best = n[BEST];
    p->schedule->bad = (int64_t)n[BAD];
    p->wall_seconds = keep->wall_seconds = n[WALL];
    p->cpu_seconds = keep->cpu_seconds = n[CPU];
    keep->peak_memory = (int64_t)n[PEAK];
    keep->steps = (int64_t)n[STEPS];
    if ((int)n[THREADS] != omp_get_max_threads())
        base_warning(
            "%s: the training went so far with %d thread%s and goes on with %d: its digits will be those of neither",
            keep->path, (int)n[THREADS], (int)n[THREADS] == 1 ? "" : "s", omp_get_max_threads());
}

static BaseStatus read_into(NnTrainKeep *keep, const IoTensors *tensors, NnNet *net, NnTrainPosition *p)
{
    BaseStatus st = BASE_OK;
    double *history = NULL;
    Part parts[PARTS];
    const IoTensor *stored = io_tensors_find(tensors, "numbers");
    BASE_CHECK(stored && stored->dtype == IO_F64 && stored->count == NUMBERS, BASE_EFORMAT,
               "%s: it does not say where the training stood", keep->path);
    double numbers[NUMBERS];
    memcpy(numbers, stored->data, sizeof numbers);
    BASE_CHECK(plausible(numbers, p), BASE_EFORMAT, "%s: it names a place that this training does not have",
               keep->path);
    int64_t epochs = (int64_t)numbers[EPOCH];
    BASE_TRY(BASE_ALLOC(epochs * HISTORY, &history));
    parts_of(net, p->optimizer, numbers, history, epochs, parts);
    BASE_TRY(check_parts(keep, tensors, parts));
    for (int i = 0; i < PARTS; i++)
        if (parts[i].values && parts[i].count > 0)
            memcpy(parts[i].values, io_tensors_find(tensors, parts[i].name)->data,
                   (size_t)parts[i].count * io_dtype_size(parts[i].dtype));
    for (int64_t i = 0; i < epochs; i++) {
        const double *row = history + i * HISTORY;
        p->history[i] = (NnTrainEpoch){i + 1, row[0], row[1], row[2], row[3]};
    }
    take_numbers(numbers, keep, net, p);
out:
    base_free(history);
    return st;
}

BaseStatus nn_keep_read(NnTrainKeep *keep, NnNet *net, NnTrainPosition *position, bool *found)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    char *key = NULL;
    *found = false;
    if (!io_path_exists(keep->path)) return BASE_OK;
    BASE_TRY(full_key(keep, &key));
    st = io_tensors_read(keep->path, &tensors);
    const char *stored = st == BASE_OK ? io_tensors_meta(tensors, KEY) : NULL;
    if (st == BASE_OK && (!stored || strcmp(stored, key) != 0))
        st = base_error_set(BASE_EFORMAT, "%s: it is of another training", keep->path);
    if (st == BASE_OK) st = read_into(keep, tensors, net, position);
    *found = keep->ours = st == BASE_OK;
    if (st != BASE_OK && st != BASE_ENOMEM) {
        base_notice("%s; the training begins anew, and leaves the file alone: its own position is not kept",
                    base_error_text());
        keep->foreign = true;
        st = BASE_OK;
    }
out:
    io_tensors_free(tensors);
    base_free(key);
    return st;
}

void nn_keep_remove(const NnTrainKeep *keep)
{
    if (keep->path && keep->ours) unlink(keep->path);
}
