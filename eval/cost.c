/* eval/cost.c - what the unlearning cost, loading and measuring not counted. Lower is better, and no interval is drawn
 * about one measurement. */
#include <math.h>

#include "eval/score/score.h"

/* From the method's start to its edited weights. */
static double wall_seconds(const EvalContext *c) { return c->wall_seconds; }
/* Of all threads: does not shrink with more cores. */
static double cpu_seconds(const EvalContext *c) { return c->cpu_seconds; }
/* The highest resident set of the process while the method ran, in units of 2^20 bytes. */
static double peak_memory(const EvalContext *c)
{
    return c->peak_memory > 0 ? (double)c->peak_memory / (1 << 20) : (double)NAN;
}
/* Distinct training images: what must still exist when a class is to be forgotten. */
static double samples(const EvalContext *c) { return (double)c->samples; }
/* Images passed through the network, each as often as it was passed: a cost that is free of the machine. */
static double passes(const EvalContext *c) { return c->passes; }

/* Floating-point operations of those passes, 10^9: nn_net_flops for a forward pass, three times that for each pass of a
 * method that needs gradients (a backward pass costs two forward ones). An upper bound where such a method has forward
 * passes without a backward one (a teacher's). A method's own linear algebra is not in it. */
static double flops(const EvalContext *c)
{
    double each = c->net ? (double)nn_net_flops(c->net) : (double)NAN;
    return c->passes * each * (c->gradients ? 3 : 1) / 1e9;
}

/* Those operations over those of one training epoch on the whole training split. 1: as dear as one epoch of the
 * original's training; a pass without gradients counts a third. */
static double epochs(const EvalContext *c)
{
    return c->train_images > 0 ? c->passes / (double)c->train_images / (c->gradients ? 1 : 3) : (double)NAN;
}

static MathEstimate estimate(const EvalContext *context, double value)
{
    return context->wall_seconds > 0 && value >= 0 ? math_estimate(value, 1) : math_estimate(NAN, 0);
}

#define COST(name, unit_of, column, summary, ...)                                                                      \
    static BaseStatus compute_##name(const EvalContext *context, EvalSplit split, MathEstimate *out)                   \
    {                                                                                                                  \
        (void)split;                                                                                                   \
        *out = estimate(context, name(context));                                                                       \
        return BASE_OK;                                                                                                \
    }
#define ABOVE_0 .range = {0, INFINITY}
#define COSTS                                                                                                          \
    COST(wall_seconds, "s", "wall", "wall-clock time of the unlearning", ABOVE_0, .decimals = -1, .in_results = 50,    \
         .in_scores = 70)                                                                                              \
    COST(cpu_seconds, "s", "CPU", "processor time of the unlearning, all threads", .decimals = -1,                     \
         .role = EVAL_ROLE_COST)                                                                                       \
    COST(peak_memory, "MiB", "memory", "largest resident memory during the unlearning", .decimals = -1,                \
         .in_scores = 40)                                                                                              \
    COST(samples, "1", "samples", "number of distinct training images that the method used", ABOVE_0,                  \
         .in_results = 45)                                                                                             \
    COST(passes, "1", "passes", "number of images passed through the network during the unlearning", ABOVE_0,          \
         .in_scores = 50)                                                                                              \
    COST(flops, "GFLOP", "FLOPs", "floating-point operations of all network passes of the unlearning", ABOVE_0,        \
         .decimals = -1, .in_scores = 60)                                                                              \
    COST(epochs, "1", "epochs", "cost of the unlearning in equivalent training epochs", ABOVE_0, .decimals = -1,       \
         .in_scores = 69)
COSTS
#undef COST

static const EvalMetric TABLE[] = {
#define COST(name, unit_of, column, summary, ...)                                                                      \
    {.entry = BASE_ENTRY_PLAIN(#name, summary, ""),                                                                    \
     .unit = unit_of,                                                                                                  \
     .title = column,                                                                                                  \
     .ideal = EVAL_IDEAL_LOW,                                                                                          \
     .direction = EVAL_DOWN,                                                                                           \
     .compute = compute_##name,                                                                                        \
     __VA_ARGS__},
    COSTS
#undef COST
};
const BaseRows eval_cost = BASE_ROWS(TABLE);
