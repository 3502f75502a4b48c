/* cli/bench.c - `expunge bench`: rates of plain kernels beside those of networks, and the writing of a tuning table. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "io/file.h"
#include "math/threads.h"
#include "nn/rate.h"
#include "nn/train.h"
#include "session/data.h"
#include "session/model.h"

enum { TRAIN, INFER, TASKS };
enum { PRECISIONS = 2, REPEATS = 5, SIDE = 32, CHANNELS = 3, CLASSES = 10, BATCH = 128 };
static const double SECONDS = 1;
static const char *const TASK_NAMES[TASKS] = {"train", "infer"};
static const char DEFAULT_ARCH[] = "vgg11_bn";

typedef struct {
    SessionData data; /* empty without --data */
    SessionModel model;
    int64_t batch[TASKS];
    bool wanted[PRECISIONS];
    double product[PRECISIONS], copy;     /* FLOP/s, bytes/s */
    double rate[PRECISIONS][TASKS];       /* images per second */
    double tuned_rate[PRECISIONS][TASKS]; /* with the new table; NaN: none made */
    NnTuning *table;                      /* --tune */
    NnTuned *rows[PRECISIONS];
    int row_count[PRECISIONS];
} Work;

static void work_free(Work *w)
{
    for (int p = 0; p < PRECISIONS; p++) base_free(w->rows[p]);
    session_model_free(&w->model);
    nn_tuning_free(w->table);
    session_data_free(&w->data);
}

static BaseStatus build(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    const char *arch = o->arch ? o->arch : DEFAULT_ARCH;
    if (o->data) {
        BASE_TRY(session_data_open(o->data, &o->prepare, &w->data));
        BASE_TRY(session_model_create(arch, &w->data, &w->model));
    } else {
        const int64_t shape[3] = {CHANNELS, SIDE, SIDE};
        BASE_TRY(nn_arch_find(arch, &w->model.arch));
        BASE_TRY(nn_arch_build(w->model.arch, shape, CLASSES, &w->model.net));
    }
    nn_net_init(w->model.net, (uint64_t)o->seed);
    BASE_TRY(session_model_tune(&w->model, o->tuning));
    w->batch[TRAIN] = o->batch ? o->batch : BATCH;
    w->batch[INFER] = nn_predict_batch(w->model.net, INT64_MAX);
out:
    return st;
}

static BaseStatus prepare(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!o->out || o->tune, BASE_EUSAGE, "bench: --out %s is for the table of --tune, which is not given",
               o->out);
    BASE_CHECK(!o->tune || !o->tuning, BASE_EUSAGE,
               "bench: --tune times every algorithm, whatever --tuning %s says: give only one of them", o->tuning);
    if (o->out) BASE_TRY(io_path_writable(o->out));
    for (int p = 0; p < PRECISIONS; p++) {
        if (o->precision && (int)o->use != p) continue;
        w->wanted[p] = nn_precision_available((NnPrecision)p) == (NnPrecision)p;
        w->wanted[NN_F32] = w->wanted[NN_F32] || !w->wanted[p]; /* as every command does without bf16 */
    }
    BASE_TRY(build(o, w));
out:
    return st;
}

static BaseStatus measure_rates(Work *w, double rates[PRECISIONS][TASKS])
{
    BaseStatus st = BASE_OK;
    for (int p = 0; p < PRECISIONS; p++)
        for (int task = 0; w->wanted[p] && task < TASKS && st == BASE_OK; task++)
            st = nn_rate_measure(w->model.net, (NnPrecision)p, task == TRAIN, w->batch[task], SECONDS, &rates[p][task]);
    return st;
}

static BaseStatus tune(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    BASE_TRY(nn_tuning_create(&w->table));
    for (int p = 0; p < PRECISIONS; p++)
        if (w->wanted[p])
            BASE_TRY(nn_tune(w->model.net, (NnPrecision)p, w->batch[TRAIN], w->batch[INFER], REPEATS, w->table,
                             &w->rows[p], &w->row_count[p]));
    nn_net_set_tuning(w->model.net, w->table);
    BASE_TRY(measure_rates(w, w->tuned_rate));
    BASE_TRY(nn_tuning_text(w->table, &text));
    if (o->out) BASE_TRY(io_file_write(o->out, text.data, text.size));
out:
    base_text_free(&text);
    return st;
}

static BaseStatus work(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < PRECISIONS * TASKS; i++)
        w->rate[i / TASKS][i % TASKS] = w->tuned_rate[i / TASKS][i % TASKS] = (double)NAN;
    for (int p = 0; p < PRECISIONS; p++)
        if (w->wanted[p]) BASE_TRY(nn_rate_product((NnPrecision)p, SECONDS / 2, &w->product[p]));
    BASE_TRY(nn_rate_copy(SECONDS / 2, &w->copy));
    BASE_TRY(measure_rates(w, w->rate));
    if (o->tune) BASE_TRY(tune(o, w));
out:
    return st;
}

/* ---- what is printed ---- */

static IoJson *row_json(const NnTuned *row)
{
    const NnTuningRow *r = &row->row;
    const struct {
        const char *key;
        int64_t value;
    } NUMBERS[] = {{"images", r->n},      {"channels", r->C}, {"height", r->H},
                   {"width", r->W},       {"filters", r->K},  {"kernel", r->kernel},
                   {"stride", r->stride}, {"pad", r->pad},    {"layers", row->layers}};
    IoJson *json = io_json_object(), *seconds = io_json_object();
    io_json_set_take(json, "precision", io_json_text_value(nn_precision_name(r->precision)));
    io_json_set_take(json, "pass", io_json_text_value(nn_pass_name(r->pass)));
    for (size_t i = 0; i < BASE_COUNT(NUMBERS); i++)
        io_json_set_take(json, NUMBERS[i].key, io_json_integer(NUMBERS[i].value));
    for (int a = 0; a < NN_CONV_ALGORITHMS; a++)
        io_json_set_take(seconds, nn_conv_algorithm_name((NnConvAlgorithm)a), io_json_number(row->seconds[a]));
    io_json_set_take(json, "seconds", seconds);
    io_json_set_take(json, "algorithm", io_json_text_value(nn_conv_algorithm_name(r->algorithm)));
    io_json_set_take(json, "rule", io_json_text_value(nn_conv_algorithm_name(row->rule)));
    return json;
}

static BaseStatus print_json(const CliOptions *o, const Work *w)
{
    char cpu[256];
    int64_t shape[3];
    IoJson *json = io_json_object(), *rates = io_json_array(), *input = io_json_array();
    nn_net_input_shape(w->model.net, shape);
    base_clock_cpu_name(cpu, sizeof cpu);
    io_json_set_take(json, "cpu", io_json_text_value(cpu));
    io_json_set_take(json, "isa", io_json_text_value(nn_backend_isa()));
    io_json_set_take(json, "threads", io_json_integer(math_threads_get()));
    for (int p = 0; p < PRECISIONS; p++)
        io_json_set_take(json, p == NN_BF16 ? "product_bf16" : "product_f32",
                         w->wanted[p] ? io_json_number(w->product[p]) : io_json_null());
    io_json_set_take(json, "copy", io_json_number(w->copy));
    io_json_set_take(json, "arch", io_json_text_value(w->model.arch->entry.name));
    for (int i = 0; i < 3; i++) io_json_add_take(input, io_json_integer(shape[i]));
    io_json_set_take(json, "input", input);
    for (int p = 0; p < PRECISIONS; p++)
        for (int task = 0; w->wanted[p] && task < TASKS; task++) {
            IoJson *row = io_json_object();
            io_json_set_take(row, "task", io_json_text_value(TASK_NAMES[task]));
            io_json_set_take(row, "precision", io_json_text_value(nn_precision_name((NnPrecision)p)));
            io_json_set_take(row, "batch", io_json_integer(w->batch[task]));
            io_json_set_take(row, "images_per_second", io_json_number(w->rate[p][task]));
            io_json_set_take(row, "images_per_second_tuned", io_json_number(w->tuned_rate[p][task]));
            io_json_add_take(rates, row);
        }
    io_json_set_take(json, "rates", rates);
    const NnTuning *table = w->table ? w->table : w->model.tuning;
    io_json_set_take(json, "tuning_hash", io_json_text_value(table ? nn_tuning_hash(table) : NULL));
    if (o->tune) {
        IoJson *rows = io_json_array();
        for (int p = 0; p < PRECISIONS; p++)
            for (int i = 0; i < w->row_count[p]; i++) io_json_add_take(rows, row_json(&w->rows[p][i]));
        io_json_set_take(json, "tuned", rows);
    }
    return cli_print_json_take(json);
}

static void add_rows(BaseText *text, const NnTuned *rows, int count)
{
    for (int i = 0; i < count; i++) {
        const NnTuningRow *r = &rows[i].row;
        char shape[96];
        snprintf(shape, sizeof shape, "%lldx%lldx%lldx%lld by %lld of %lldx%lld/%lld", (long long)r->n, (long long)r->C,
                 (long long)r->H, (long long)r->W, (long long)r->K, (long long)r->kernel, (long long)r->kernel,
                 (long long)r->stride);
        base_text_add(text, "%-4s %-8s %-34s %2d", nn_precision_name(r->precision), nn_pass_name(r->pass), shape,
                      rows[i].layers);
        for (int a = 0; a < NN_CONV_ALGORITHMS; a++)
            if (isnan(rows[i].seconds[a]))
                base_text_add(text, " %9s", "-");
            else
                base_text_add(text, " %9.3f", 1e3 * rows[i].seconds[a]);
        base_text_add(text, "  %s%s\n", nn_conv_algorithm_name(r->algorithm), r->algorithm == rows[i].rule ? "" : " *");
    }
}

static void add_rates(BaseText *text, const Work *w)
{
    int64_t shape[3];
    nn_net_input_shape(w->model.net, shape);
    base_text_add(text, "%s on %lldx%lldx%lld, %lld classes%s\n", w->model.arch->entry.name, (long long)shape[0],
                  (long long)shape[1], (long long)shape[2], (long long)nn_net_classes(w->model.net),
                  w->table ? "; with the program's rules, and with the new table" : "");
    for (int p = 0; p < PRECISIONS; p++)
        for (int task = 0; w->wanted[p] && task < TASKS; task++) {
            base_text_add(text, "  %s %-4s  batches of %-5lld %9.1f images/s", TASK_NAMES[task],
                          nn_precision_name((NnPrecision)p), (long long)w->batch[task], w->rate[p][task]);
            if (w->table) base_text_add(text, " %9.1f", w->tuned_rate[p][task]);
            base_text_add(text, "\n");
        }
}

static BaseStatus print_table(const CliOptions *o, const Work *w)
{
    BaseText text = {0};
    char cpu[256];
    base_clock_cpu_name(cpu, sizeof cpu);
    base_text_add(&text, "%s, %s, %d thread%s\n", cpu, nn_backend_isa(), math_threads_get(),
                  math_threads_get() == 1 ? "" : "s");
    for (int p = 0; p < PRECISIONS; p++)
        if (w->wanted[p])
            base_text_add(&text, "  products %-4s %9.1f GFLOP/s\n", nn_precision_name((NnPrecision)p),
                          w->product[p] / 1e9);
    base_text_add(&text, "  copy          %9.1f GB/s\n", w->copy / 1e9);
    add_rates(&text, w);
    if (w->table) {
        base_text_add(&text, "\n%-4s %-8s %-34s %2s %9s %9s %9s  taken (milliseconds; *: not what the rules take)\n",
                      "", "pass", "convolution", "", "direct", "winograd", "unfold");
        for (int p = 0; p < PRECISIONS; p++) add_rows(&text, w->rows[p], w->row_count[p]);
        base_text_add(&text, "table %s%s%s\n", nn_tuning_hash(w->table), o->out ? " in " : "", o->out ? o->out : "");
    }
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    Work w = {.copy = 0};
    BASE_TRY(prepare(o, &w));
    BASE_TRY(work(o, &w));
    BASE_TRY(o->json ? print_json(o, &w) : print_table(o, &w));
out:
    work_free(&w);
    return st;
}

const CliCommand cli_bench = {
    .name = "bench",
    .summary = "measure what this machine reaches; make tuning tables",
    .purpose =
        {
#include "cli/help/bench.txt.inc"
        },
    .usage = {"[--arch A] [--data D] [--batch-size N] [--precision P] [--tuning FILE | --tune [-o FILE]]"},
    .takes = "arch data batch-size precision tuning memory tune json out",
    .examples = {"expunge bench --arch resnet18",
                 "expunge bench --tune --arch vgg11_bn --batch-size 128 --precision f32 -o tuning.txt"},
    .run = run,
};
