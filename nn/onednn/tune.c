/* nn/onednn/tune.c - times the candidates of every convolution between its own neighbours: the whole network is
 * compiled once with each algorithm wherever it can run, and the steps that serve one convolution and pass (its
 * reorders, patches and weight copies too) are timed one by one. */
#include <math.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/onednn/compile.h"
#include "nn/onednn/ops/conv/conv.h"
#include "nn/tuning.h"

/* What one tuning works on. */
typedef struct {
    NnNet *net; /* a copy with random numbers */
    NnPrecision precision;
    NnMode mode;
    int64_t n;
    int repeats;
    NnDevice device;
    uint8_t *keep; /* [layers] 0 */
    float *grads;
    double *now, *least; /* [nodes][NN_PASSES] seconds of this and of the fastest run */
    NnTuned *rows;
    int count;
    int first; /* rows of the mode at work start here */
} Tuner;

static void tuner_free(Tuner *t)
{
    nn_net_free(t->net);
    nn_device_close(&t->device);
    base_free(t->keep);
    base_free(t->grads);
    base_free(t->now);
    base_free(t->least);
    base_free(t->rows);
}

/* ---- timing a compiled network ---- */

static NnNode conv_of(const NnProgram *p, const char *name)
{
    for (NnNode x = 0; x < p->size; x++) {
        const NnNodeInfo *node = nn_prog_node(p, x);
        if (node->kind == NN_NODE_CONV && node->name == name) return x;
    }
    return -1;
}

static NnPass pass_of(const NnProgram *p, const NnSteps *steps, NnNode x, int step)
{
    if (steps == &p->backward) return step < p->state[x].data_step ? NN_PASS_WEIGHTS : NN_PASS_DATA;
    if (steps == &p->load && step >= p->load_forward) return NN_PASS_DATA;
    return nn_conv_forward_pass(p);
}

static BaseStatus run_steps(Tuner *t, NnProgram *p, const NnSteps *steps)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < steps->count; i++) {
        const NnSteps one = {.items = &steps->items[i], .count = 1};
        NnNode x = conv_of(p, steps->items[i].name);
        double start = base_clock_wall();
        BASE_TRY(nn_program_run(p, &one, t->device.stream));
        if (x >= 0) t->now[x * NN_PASSES + (int)pass_of(p, steps, x, i)] += base_clock_wall() - start;
    }
out:
    return st;
}

static void fill(float *x, int64_t count, double scale)
{
    BaseRandom r = base_random_make(1, "tune", 0);
    for (int64_t i = 0; i < count; i++) x[i] = (float)(scale * base_random_normal(&r));
}

static int64_t floats_of(const NnTensor *tensor) { return (int64_t)(nn_md_bytes(&tensor->md) / sizeof(float)); }

/* t->least: per convolution and pass, the fastest of the repeats after one that warms up. */
static BaseStatus time_program(Tuner *t, NnProgram *p)
{
    BaseStatus st = BASE_OK;
    int cells = p->size * NN_PASSES;
    fill(p->state[0].value.buf->data, floats_of(&p->state[0].value), 1);
    if (p->mode == NN_MODE_TRAIN) fill(p->dlogits.buf->data, floats_of(&p->dlogits), 1e-3);
    for (int i = 0; i < p->grad_count; i++)
        NN_DNNL(dnnl_memory_set_data_handle(p->grad_views[i].mem, t->grads + p->grad_views[i].offset), "gradients",
                "the network");
    p->grads = t->grads;
    for (int run = 0; run <= t->repeats; run++) {
        for (int i = 0; i < cells; i++) t->now[i] = 0;
        BASE_TRY(run_steps(t, p, &p->load));
        BASE_TRY(run_steps(t, p, &p->forward));
        BASE_TRY(run_steps(t, p, &p->backward));
        for (int i = 0; i < cells; i++) t->least[i] = run <= 1 ? t->now[i] : fmin(t->least[i], t->now[i]);
    }
out:
    return st;
}

/* ---- rows ---- */

static bool same_shape(const NnTuningRow *a, const NnTuningRow *b)
{
    return a->pass == b->pass && a->n == b->n && a->C == b->C && a->H == b->H && a->W == b->W && a->K == b->K &&
           a->kernel == b->kernel && a->stride == b->stride && a->pad == b->pad;
}

static NnTuned *row_of(Tuner *t, const NnTuningRow *row)
{
    for (int i = t->first; i < t->count; i++)
        if (same_shape(&t->rows[i].row, row)) return &t->rows[i];
    return NULL;
}

static BaseStatus add_row(Tuner *t, const NnTuningRow *row, NnConvAlgorithm rule)
{
    BaseStatus st = BASE_OK;
    NnTuned *known = row_of(t, row);
    if (known) {
        known->layers++;
        goto out;
    }
    BASE_TRY(BASE_GROW_BY_ONE(&t->rows, t->count));
    t->rows[t->count] = (NnTuned){.row = *row, .layers = 1, .rule = rule};
    for (int i = 0; i < NN_CONV_ALGORITHMS; i++) t->rows[t->count].seconds[i] = (double)NAN;
    t->count++;
out:
    return st;
}

static BaseStatus compile(Tuner *t, const NnTuning *tuning, NnProgram **out)
{
    nn_net_set_tuning(t->net, tuning);
    return nn_compile(t->net, t->mode, t->precision, t->n, t->mode == NN_MODE_EVAL ? t->keep : NULL, false, 0,
                      t->device.engine, out);
}

/* One row per distinct convolution and pass of the network as the fixed rules compile it. */
static BaseStatus list_rows(Tuner *t)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = NULL;
    BASE_TRY(compile(t, NULL, &p));
    t->first = t->count;
    for (NnNode x = 0; x < p->size; x++)
        for (int pass = 0; pass < NN_PASSES; pass++) {
            if (!p->state[x].used[pass]) continue;
            NnTuningRow row = nn_conv_row(p, x, (NnPass)pass);
            BASE_TRY(add_row(t, &row, (NnConvAlgorithm)(p->state[x].used[pass] - 1)));
        }
out:
    nn_program_free(p);
    return st;
}

static BaseStatus time_algorithm(Tuner *t, NnConvAlgorithm algorithm)
{
    BaseStatus st = BASE_OK;
    NnTuning *trial = NULL;
    NnProgram *p = NULL;
    BASE_TRY(nn_tuning_create(&trial));
    for (int i = t->first; i < t->count; i++) {
        NnTuningRow row = t->rows[i].row;
        row.algorithm = algorithm;
        if (nn_backend_possible(&row)) BASE_TRY(nn_tuning_add(trial, &row));
    }
    BASE_TRY(compile(t, trial, &p));
    BASE_TRY(time_program(t, p));
    for (NnNode x = 0; x < p->size; x++)
        for (int pass = 0; pass < NN_PASSES; pass++) {
            if (p->state[x].used[pass] != 1 + algorithm) continue;
            NnTuningRow row = nn_conv_row(p, x, (NnPass)pass);
            double *sum = &row_of(t, &row)->seconds[algorithm];
            *sum = (isnan(*sum) ? 0 : *sum) + t->least[x * NN_PASSES + pass];
        }
out:
    nn_net_set_tuning(t->net, NULL);
    nn_program_free(p);
    nn_tuning_free(trial);
    return st;
}

static const double WORTH = 0.97; /* a time below this share of the rule's is no accident */

static BaseStatus choose(Tuner *t, NnTuning *tuning)
{
    BaseStatus st = BASE_OK;
    for (int i = t->first; i < t->count; i++) {
        NnTuned *row = &t->rows[i];
        NnConvAlgorithm best = row->rule;
        for (int a = 0; a < NN_CONV_ALGORITHMS; a++) {
            double limit = best == row->rule ? WORTH * row->seconds[best] : row->seconds[best];
            if (row->seconds[a] < limit) best = (NnConvAlgorithm)a;
        }
        row->row.algorithm = best;
        BASE_TRY(nn_tuning_add(tuning, &row->row));
    }
out:
    return st;
}

static BaseStatus tune_mode(Tuner *t, NnMode mode, int64_t n, NnTuning *tuning)
{
    BaseStatus st = BASE_OK;
    t->mode = mode;
    t->n = n;
    BASE_TRY(list_rows(t));
    for (int a = 0; a < NN_CONV_ALGORITHMS; a++) BASE_TRY(time_algorithm(t, (NnConvAlgorithm)a));
    BASE_TRY(choose(t, tuning));
out:
    return st;
}

BaseStatus nn_tune(const NnNet *net, NnPrecision precision, int64_t train_batch, int64_t infer_batch, int repeats,
                   NnTuning *tuning, NnTuned **rows, int *count)
{
    BaseStatus st = BASE_OK;
    int layers, nodes = nn_graph_size(nn_net_graph(net));
    Tuner t = {.precision = precision, .repeats = repeats};
    *rows = NULL;
    *count = 0;
    nn_net_layers(net, &layers);
    BASE_TRY(nn_net_clone(net, &t.net));
    nn_net_init(t.net, 1);
    BASE_TRY(BASE_ALLOC(layers, &t.keep));
    BASE_TRY(BASE_ALLOC(nn_net_param_count(net), &t.grads));
    BASE_TRY(BASE_ALLOC(nodes * NN_PASSES, &t.now));
    BASE_TRY(BASE_ALLOC(nodes * NN_PASSES, &t.least));
    BASE_TRY(nn_device_open(&t.device));
    BASE_TRY(tune_mode(&t, NN_MODE_TRAIN, train_batch, tuning));
    BASE_TRY(tune_mode(&t, NN_MODE_EVAL, infer_batch, tuning));
    *rows = t.rows;
    *count = t.count;
    t.rows = NULL;
out:
    tuner_free(&t);
    return st;
}
