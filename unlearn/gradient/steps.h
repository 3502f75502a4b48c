/* unlearn/gradient/steps.h - what methods that take optimiser steps have in common: their parameters, the images they
 * look at, and which of the network's numbers may move. */
#ifndef UNLEARN_GRADIENT_STEPS_H
#define UNLEARN_GRADIENT_STEPS_H

#include "unlearn/gradient/watch.h"

/** First member of such a method's parameter struct. A field without a row in the method's table is not set. */
typedef struct {
    int64_t epochs, batch_size;
    double lr, momentum, weight_decay;
    int64_t optimizer; /* NnOptimizerKind */
    int64_t augment;
    BaseParamText layers;
    int64_t retain_per_class, forget_samples;
    double stop; /* unlearn/gradient/watch.h */
    BaseParamPreset preset;
} UnlearnSteps;

extern const char *const unlearn_optimizer_names[], *const unlearn_augment_names[];
enum { UNLEARN_AUGMENT_NONE, UNLEARN_AUGMENT_AS_TRAINING };

/** For every table whose method opens a loader (unlearn_loader); part of UNLEARN_STEP_ROWS. */
#define UNLEARN_AUGMENT_ROW                                                                                            \
    BASE_PARAM_CHOICE(UnlearnSteps, augment, UNLEARN_AUGMENT_NONE, unlearn_augment_names,                              \
                      "flips and crops of the images that are trained on: none, or those of the original's training, " \
                      "where it is known")

#define UNLEARN_STEP_ROWS(EPOCHS, BATCH, LR, MOMENTUM, DECAY, OPTIMIZER)                                               \
    BASE_PARAM_I64(UnlearnSteps, epochs, EPOCHS, 1, 100000, "passes over the images"),                                 \
        UNLEARN_STEP_PLAIN_ROWS(BATCH, LR, MOMENTUM, DECAY, OPTIMIZER)
/** Without the epochs. */
#define UNLEARN_STEP_PLAIN_ROWS(BATCH, LR, MOMENTUM, DECAY, OPTIMIZER)                                                 \
    BASE_PARAM_I64(UnlearnSteps, batch_size, BATCH, 1, 65536, "images per step"),                                      \
        BASE_PARAM_F64(UnlearnSteps, lr, LR, 0, 100, "learning rate"),                                                 \
        BASE_PARAM_F64(UnlearnSteps, momentum, MOMENTUM, 0, 0.9999, "sgd: fraction of the last update carried over"),  \
        BASE_PARAM_F64(UnlearnSteps, weight_decay, DECAY, 0, 10, "multiple of a parameter added to its gradient"),     \
        BASE_PARAM_CHOICE(UnlearnSteps, optimizer, OPTIMIZER, unlearn_optimizer_names, "optimiser"),                   \
        UNLEARN_AUGMENT_ROW
#define UNLEARN_LAYERS_ROW                                                                                             \
    BASE_PARAM_TEXT(                                                                                                   \
        UnlearnSteps, layers, "all",                                                                                   \
        "layers that may move: all, last, first K, last K, only K, or a list of names; norms go with the layer before")
#define UNLEARN_RETAIN_ROW(DEFAULT)                                                                                    \
    BASE_PARAM_I64(UnlearnSteps, retain_per_class, DEFAULT, 0, 1e12, "number of images of each retained class; 0: all")
#define UNLEARN_FORGET_ROW                                                                                             \
    BASE_PARAM_I64(UnlearnSteps, forget_samples, 0, 0, 1e12, "images of all forgotten classes together; 0: all")

#define UNLEARN_STOP_ROW                                                                                               \
    BASE_PARAM_F64(                                                                                                    \
        UnlearnSteps, stop, UNLEARN_STOP, -1, 1,                                                                       \
        "share of forgotten images still recognised at which the method stops; below 0: it never does; 0.01 "          \
        "with listed images: the share of held-out images of their classes that is recognised, of a class without "    \
        "retained images none")

/** First row of a baseline's table. @p PUBLISHED: what the authors' code has otherwise, "key=value key=value";
 *  docs/deviations.md says why, and tests/peers holds what that code computed. */
#define UNLEARN_PRESET_ROW(PUBLISHED) BASE_PARAM_PRESET(UnlearnSteps, preset, PUBLISHED)

/** For UnlearnMethod.check, where the table has UNLEARN_LAYERS_ROW: BASE_EUSAGE on a layer that does not exist. */
BaseStatus unlearn_steps_check(const UnlearnContext *context, const void *steps);

/** The images a method looks at. The views borrow the indices. */
typedef struct {
    DataIndex retain_index, forget_index;
    DataView retain, forget;
} UnlearnSides;
enum { UNLEARN_NO_IMAGES = -1 };
/** As unlearn_sample_retain and unlearn_sample_forget; UNLEARN_NO_IMAGES leaves a side empty. */
BaseStatus unlearn_sides_open(const UnlearnContext *context, int64_t retain_per_class, int64_t forget_samples,
                              UnlearnSides *out);
/** All retained images, cut to @p retain_share of each class (data_split's draw), and as above the forgotten ones.
 *  BASE_EUSAGE where no retained image is left. */
BaseStatus unlearn_sides_open_share(const UnlearnContext *context, double retain_share, int64_t forget_samples,
                                    UnlearnSides *out);
/** Both sides as one view in the set's order; *index by data_index_free. */
BaseStatus unlearn_sides_merge(const UnlearnSides *sides, DataIndex *index);
/** Both as one, or where @p retain is false the forgotten alone: retained classes first, then forgotten ones, each as one
 *  stretch, ascending, in the set's order. */
BaseStatus unlearn_sides_by_class(const UnlearnContext *context, const UnlearnSides *sides, bool retain,
                                  DataIndex *index);
void unlearn_sides_free(UnlearnSides *sides);
void unlearn_sides_report(const UnlearnSides *sides, double passes, UnlearnReport *report);

/** The numbers that belong to the selected layers: @p params [param_count], @p buffers [buffer_count] become 0 or 1. A
 *  norm, and any parameter that is not a layer's, goes with the layer before it in state_dict order. */
void unlearn_steps_mask(const NnNet *net, const uint8_t *selected, uint8_t *params, uint8_t *buffers);

#endif
