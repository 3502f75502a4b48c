/* nn/schedule.c - the rate as a closed form of the step, plateau's counter of bad epochs apart. */
#include <math.h>

#include "nn/train.h"

static const double PI = 3.14159265358979323846, RISE_FROM = 25, FALL_TO = 1e4;

NnSchedule nn_schedule_make(const NnTrainConfig *config, int64_t steps_per_epoch)
{
    return (NnSchedule){config, steps_per_epoch, 1, INFINITY, 0};
}

static double one_cycle(double lr, double warmup, int64_t t, int64_t T)
{
    int64_t top = (int64_t)round(warmup * (double)T); /* the step at which lr is reached */
    if (top > T - 1) top = T - 1;
    if (t < top) return lr / RISE_FROM + (lr - lr / RISE_FROM) * (double)t / (double)top;
    double low = lr / FALL_TO, along = T - 1 > top ? (double)(t - top) / (double)(T - 1 - top) : 0;
    return low + (lr - low) * (1 + cos(PI * along)) / 2;
}

double nn_schedule_lr(const NnSchedule *s, int64_t epoch, int64_t step)
{
    const NnTrainConfig *c = s->config;
    int64_t t = epoch * s->steps + step, T = c->epochs * s->steps;
    switch (c->schedule) {
    case NN_SCHEDULE_STEP: return c->lr * pow(c->gamma, (double)(epoch / c->step_epochs));
    case NN_SCHEDULE_COSINE: return c->lr * (1 + cos(PI * (double)t / (double)T)) / 2;
    case NN_SCHEDULE_ONE_CYCLE: return one_cycle(c->lr, c->warmup, t, T);
    case NN_SCHEDULE_PLATEAU: return c->lr * s->factor;
    default: return c->lr;
    }
}

void nn_schedule_epoch_end(NnSchedule *s, double loss)
{
    if (loss < s->best) {
        s->best = loss;
        s->bad = 0;
    } else if (++s->bad >= s->config->patience) {
        s->factor *= s->config->gamma;
        s->bad = 0;
    }
}
