/* unlearn/gradient/refine.h - training on from the network's present numbers, on retained images alone. */
#ifndef UNLEARN_GRADIENT_REFINE_H
#define UNLEARN_GRADIENT_REFINE_H

#include "unlearn/gradient/learner.h"

/** What is initialised before the first step, of what moves. */
typedef enum {
    UNLEARN_RENEW_NOTHING,
    UNLEARN_RENEW_ALL,    /* nn_net_init with the run's seed */
    UNLEARN_RENEW_LAYERS, /* weights of layers N(0, 2 / fan-in) of stream (seed, "kaiming", name), biases 0; norms stay */
} UnlearnRenew;
/** How the learning rate goes over the epochs: unlearn_refine_rate. */
typedef enum { UNLEARN_RATE_CONSTANT, UNLEARN_RATE_RESTARTS, UNLEARN_RATE_COSINE, UNLEARN_RATE_TENT } UnlearnRate;

typedef struct {
    const UnlearnSteps *steps; /* all but forget_samples; layers only where last is 0 */
    int64_t last;              /* layers that move, counted from the classifier; 0: those of steps->layers */
    UnlearnRenew renew;
    UnlearnRate rate;
    double lr_min;   /* of UNLEARN_RATE_RESTARTS */
    double clip;     /* largest norm of a gradient; 0: any */
    bool statistics; /* running statistics of frozen norms follow the data, too */
    double l1;
    const float *scale; /* [param_count] multiples of the gradient; NULL: 1 */
    const char *label;  /* of the progress bar */
} UnlearnRefine;

/** The rate of epoch @p e = 0, 1, .. of E:
 *   constant   lr
 *   restarts   lr_min + (lr - lr_min) (1 + cos(pi t / T)) / 2 at epoch t of a cycle of T = 1, 2, 4, .. epochs (SGDR,
 *              Loshchilov and Hutter 2017, eq. 5 with T_0 = 1, T_mult = 2)
 *   cosine     lr (1 + cos(pi e / E)) / 2
 *   tent       in equal steps up to lr in the middle, then down */
double unlearn_refine_rate(const UnlearnRefine *refine, int64_t e);

/** Minimises mean cross-entropy + l1 (1 - e / E) ||w||_1 in epoch e = 0, 1, ... of E. Fills the counts of @p report. */
BaseStatus unlearn_refine(const UnlearnContext *context, const UnlearnRefine *refine, NnNet *net,
                          UnlearnReport *report);

/** Parameters of the methods that train the last k layers. */
typedef struct {
    UnlearnSteps steps;
    int64_t k, schedule, statistics;
    double lr_min, clip;
} UnlearnLast;
extern const char *const unlearn_rate_names[], *const unlearn_statistics_names[];
#define UNLEARN_LAST_ROWS                                                                                              \
    BASE_PARAM_I64(UnlearnLast, k, 1, 1, 10000, "number of layers that are trained, counted from the classifier"),     \
        BASE_PARAM_CHOICE(                                                                                             \
            UnlearnLast, schedule, UNLEARN_RATE_CONSTANT, unlearn_rate_names,                                          \
            "learning rate by epoch: constant, restarts of a cosine after 1, 2, 4, .. epochs, one cosine, or a tent"), \
        BASE_PARAM_F64(UnlearnLast, lr_min, 0.005, 0, 100, "restarts: learning rate that the cosine falls to"),        \
        BASE_PARAM_F64(UnlearnLast, clip, 0, 0, 1e12, "largest norm of a step's gradient; 0: any"),                    \
        BASE_PARAM_CHOICE(UnlearnLast, statistics, 0, unlearn_statistics_names,                                        \
                          "running statistics of frozen norms: frozen with them, or moving with the data"),            \
        UNLEARN_STEP_ROWS(10, 256, 0.01, 0.9, 5e-4, NN_SGD), UNLEARN_RETAIN_ROW(0)
/** What the authors' code does, in the preset's words. */
#define UNLEARN_LAST_PUBLISHED                                                                                         \
    "epochs=62 batch_size=64 lr=0.1 schedule=restarts weight_decay=5e-05 clip=10 statistics=moving augment=as_training"
UnlearnRefine unlearn_last_refine(const UnlearnLast *last, UnlearnRenew renew, const char *label);
/** For UnlearnMethod.check: BASE_EUSAGE where the network has fewer than k layers. */
BaseStatus unlearn_last_check(const UnlearnContext *context, const void *last);

#endif
