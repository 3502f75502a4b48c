/* nn/schedule.h - the learning rate at each step of a training. */
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include "nn/train.h"

typedef struct {
    const NnTrainConfig *config; /* borrowed */
    int64_t steps;               /* per epoch */
    double factor, best;         /* plateau: what lr is multiplied by; lowest epoch loss so far */
    int64_t bad;                 /* plateau: epochs since then */
} NnSchedule;

NnSchedule nn_schedule_make(const NnTrainConfig *config, int64_t steps_per_epoch);
/**
 * Learning rate at @p epoch, @p step (both from 0). With t = epoch * steps + step of T steps in all:
 *   constant   lr
 *   step       lr gamma^floor(epoch / step_epochs)
 *   cosine     lr (1 + cos(pi t / T)) / 2
 *   one_cycle  from lr/25 straight up to lr over the first warmup * T steps, then half a cosine down to lr/10^4 at the
 *              last step (Super-Convergence, arXiv 1708.07120; momentum stays as it is)
 *   plateau    lr gamma^k, k = how often `patience` epochs in a row brought no lower training loss
 */
double nn_schedule_lr(const NnSchedule *schedule, int64_t epoch, int64_t step);
/** Tells the mean training loss of the epoch that ended. */
void nn_schedule_epoch_end(NnSchedule *schedule, double loss);

#endif
