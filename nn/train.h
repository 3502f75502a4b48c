/* nn/train.h - the training loop and its parts. */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "base/param.h"
#include "data/data.h"
#include "data/pipeline/loader.h"
#include "nn/backend.h"

typedef enum { NN_SGD, NN_ADAM } NnOptimizerKind;
typedef enum {
    NN_SCHEDULE_CONSTANT,
    NN_SCHEDULE_STEP,
    NN_SCHEDULE_COSINE,
    NN_SCHEDULE_ONE_CYCLE,
    NN_SCHEDULE_PLATEAU
} NnScheduleKind; /* formulas: nn_schedule_lr */

/** Everything that decides a training; one table (nn_train_params) reads it from configs and --set. */
typedef struct {
    int64_t epochs, batch_size;
    double lr, momentum, weight_decay;
    bool nesterov;
    int64_t optimizer; /* NnOptimizerKind */
    int64_t schedule;  /* NnScheduleKind */
    double gamma;      /* step, plateau: factor */
    int64_t step_epochs;
    double warmup;    /* one_cycle: share of all steps that rise */
    int64_t patience; /* plateau: epochs without a lower training loss */
    bool augment;     /* flip and padded crop (4 pixels at 32x32: side / 8); nothing to do where H or W is 1 */
    double label_smoothing;
} NnTrainConfig;
extern const BaseParam nn_train_params[];
extern const size_t nn_train_param_count;

typedef struct {
    int64_t epoch;         /* from 1 */
    double loss, accuracy; /* of the training batches in the course of the epoch; accuracy 0..1 */
    double lr, seconds;    /* lr: of the epoch's last step */
} NnTrainEpoch;

/** Shuffled batches in the network's shape; with @p augment flipped, and moved by an eighth of the shorter side at most
 *  (images of one pixel are not). *out by data_loader_free. */
BaseStatus nn_train_loader(const NnNet *net, const DataView *view, int64_t batch, bool augment, uint64_t seed,
                           DataLoader **out);
/**
 * Trains @p net on @p view from its present parameters. A last batch of one image is left out (batch norm has no
 * variance to divide by) unless it is the only one.
 * @param seed     streams "order", "augment", "dropout" derive from it.
 * @param label    of the progress bar.
 * @param history  [config->epochs] out, or NULL.
 * @return BASE_OK; BASE_EARG where there is no image; BASE_ESHAPE where the data has more classes than the network;
 *         BASE_ENUMERIC where loss or gradient is not finite (epoch, step and lr in the text), or the callees'. After
 *         an error the parameters are those of the last good step.
 */
BaseStatus nn_train(NnNet *net, const DataView *view, const NnTrainConfig *config, NnPrecision precision, uint64_t seed,
                    const char *label, NnTrainEpoch *history);

/** Logits [view->n, K] of every image, in order, in eval mode without augmentation. */
BaseStatus nn_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label, float *logits);

/** How many images nn_predict runs at once of @p images. */
int64_t nn_predict_batch(const NnNet *net, int64_t images);

/** Mean softmax cross-entropy; @p dlogits [n, K] (or NULL) is its gradient. Computed in double, log domain. n >= 1. */
double nn_loss_cross_entropy(const float *logits, const int32_t *labels, int64_t n, int64_t K, double smoothing,
                             float *dlogits);

/* ---- the learning rate at each step ---- */

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
/** Takes the mean training loss of the epoch that ended. */
void nn_schedule_epoch_end(NnSchedule *schedule, double loss);

typedef struct NnOptimizer NnOptimizer;
/** Over @p count parameters. SGD as PyTorch: g += wd*w; v = momentum*v + g; w -= lr*(nesterov ? g + momentum*v : v).
 *  Adam: beta 0.9, 0.999, eps 1e-8, wd added to g. BASE_EARG, BASE_ENOMEM. */
BaseStatus nn_optimizer_create(NnOptimizerKind kind, int64_t count, double momentum, double weight_decay, bool nesterov,
                               NnOptimizer **out);
/** @p mask [count] or NULL: where 0 the parameter does not move at all, and its momentum does not either. */
void nn_optimizer_step(NnOptimizer *optimizer, float *params, const float *grads, const uint8_t *mask, double lr);
/** What it remembers, to be read or filled in: [count] each, NULL where this kind has none, and the steps so far. */
void nn_optimizer_memory(NnOptimizer *optimizer, float **first, float **second, int64_t **steps);
void nn_optimizer_free(NnOptimizer *optimizer);

/* ---- the position of a training in a file, so that one that was killed goes on where it was ---- */

/** How the file's name ends, which otherwise is that of the file that the training will give. */
#define NN_KEEP_ENDING ".training.safetensors"
/** How many seconds of a training a kill may cost. */
#define NN_KEEP_SECONDS 60

typedef struct NnTrainKeep {
    const char *path; /* the file, with NN_KEEP_ENDING; NULL: nothing is kept */
    const char *key;  /* everything that decides the training: a file with another key is not taken */
    double seconds;   /* between two writes; more, where they would take over a twentieth of the time; 0: each step */
    /* out: */
    int64_t steps;                    /* that earlier processes did, which are not done again */
    double wall_seconds, cpu_seconds; /* what they cost up to there */
    int64_t peak_memory;              /* the highest of theirs, bytes */
    bool ours;                        /* the file holds a position of this training */
    bool foreign;                     /* it holds something else, which is left alone: no position is kept */
} NnTrainKeep;

/** nn_train, with its position kept in a file (NULL: it is not): if one is there the training goes on from
 *  it, to the bits that it would have had without the interruption. A position that cannot be written is a notice. The
 *  file stays; its owner removes it once the network is safe. */
BaseStatus nn_train_kept(NnNet *net, const DataView *view, const NnTrainConfig *config, NnPrecision precision,
                         uint64_t seed, const char *label, NnTrainEpoch *history, NnTrainKeep *keep);

/** Where a training stands: after `step` steps of `epoch`. */
typedef struct {
    int64_t epoch, step;
    double loss, right; /* sums over the epoch's images so far */
    int64_t seen;
    NnSchedule *schedule;
    NnOptimizer *optimizer;
    NnTrainEpoch *history;            /* [epoch] */
    double wall_seconds, cpu_seconds; /* of all processes so far */
} NnTrainPosition;

/**
 * Takes @p net and @p position out of the file, where it is there, whole and of the same key; else they stay as they are
 * and @p found is false (a notice says of a file what is wrong with it). All is as after the step, to the bit; a warning says
 * where other threads did it, whose sums round differently. BASE_ENOMEM.
 */
BaseStatus nn_keep_read(NnTrainKeep *keep, NnNet *net, NnTrainPosition *position, bool *found);
/** Writes them, atomically: parameters, running statistics, and what the optimiser remembers, float32 each. BASE_EIO. */
BaseStatus nn_keep_write(NnTrainKeep *keep, NnNet *net, const NnTrainPosition *position);
/** Once the training's own file is written: removes what this training wrote. */
void nn_keep_remove(const NnTrainKeep *keep);

#endif
