/* unlearn/gradient/refine.h - training on from the network's present numbers, on retained images alone. */
#ifndef UNLEARN_GRADIENT_REFINE_H
#define UNLEARN_GRADIENT_REFINE_H

#include "unlearn/gradient/learner.h"

typedef struct {
    const UnlearnSteps *steps; /* all but forget_samples; layers only where last is 0 */
    int64_t last;              /* layers that move, counted from the classifier; 0: those of steps->layers */
    bool renew;                /* what moves is initialised first: nn_net_init with the run's seed */
    double l1;
    const char *label; /* of the progress bar */
} UnlearnRefine;

/** Minimises mean cross-entropy + l1 (1 - e / E) ||w||_1 in epoch e = 0, 1, ... of E. Fills the counts of @p report. */
BaseStatus unlearn_refine(const UnlearnContext *context, const UnlearnRefine *refine, NnNet *net,
                          UnlearnReport *report);

/** Parameters of the methods that train the last k layers. */
typedef struct {
    UnlearnSteps steps;
    int64_t k;
} UnlearnLast;
#define UNLEARN_LAST_ROWS                                                                                              \
    BASE_PARAM_I64(UnlearnLast, k, 1, 1, 10000, "number of layers that are trained, counted from the classifier"),     \
        UNLEARN_STEP_ROWS(10, 256, 0.01, 0.9, 5e-4, NN_SGD), UNLEARN_RETAIN_ROW(0)
/** For UnlearnMethod.check: BASE_EUSAGE where the network has fewer than k layers. */
BaseStatus unlearn_last_check(const UnlearnContext *context, const void *last);

#endif
