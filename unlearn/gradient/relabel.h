/* unlearn/gradient/relabel.h - training on forgotten images under other labels, with or without retained images. */
#ifndef UNLEARN_GRADIENT_RELABEL_H
#define UNLEARN_GRADIENT_RELABEL_H

#include "unlearn/gradient/learner.h"

/** A label for each image of @p view, by position in the set (*out [set->N] by base_free; elsewhere the images' own):
 *  uniform over the retained classes (of listed images: over all but the true one), so never the true one; stream (seed, "random_label", position). */
BaseStatus unlearn_random_labels(const UnlearnContext *context, const DataView *view, int32_t **out);

/** Labels of one epoch: uniform over ALL classes, so that the true one may come; stream (seed, "random_label_again",
 *  epoch N + position). Writes @p labels [set->N] where @p view has images. */
void unlearn_random_labels_again(const UnlearnContext *context, const DataView *view, int64_t epoch, int32_t *labels);

/** What the methods that train on random labels have beside their steps. */
typedef struct {
    UnlearnSteps steps;
    int64_t labels, batches;
} UnlearnRandom;
enum { UNLEARN_RANDOM_ONCE, UNLEARN_RANDOM_AGAIN };
enum { UNLEARN_BATCHES_APART, UNLEARN_BATCHES_MIXED };
extern const char *const unlearn_random_names[], *const unlearn_batches_names[];
#define UNLEARN_RANDOM_ROW                                                                                             \
    BASE_PARAM_CHOICE(UnlearnRandom, labels, UNLEARN_RANDOM_ONCE, unlearn_random_names,                                \
                      "draws of the wrong labels: once, of the retained classes, or again in each epoch, of all")
#define UNLEARN_BATCHES_ROW                                                                                            \
    BASE_PARAM_CHOICE(UnlearnRandom, batches, UNLEARN_BATCHES_APART, unlearn_batches_names,                            \
                      "batches of an epoch: apart, the forgotten images before the retained ones, or mixed of both")
/** The labels that these parameters ask for; NULL where they are drawn again and again, by unlearn_relabel. */
BaseStatus unlearn_random_first(const UnlearnContext *context, const UnlearnRandom *random, const DataView *view,
                                int32_t **out);

typedef struct {
    double bound; /* counts in raw pixels of 0..1, where the set is normalised; elsewhere in the input's own units */
    bool all;     /* the class may be any, the image's own one too; else a retained one */
    bool round;   /* raw pixels of the moved image are rounded to 1/255 */
} UnlearnNearest;
/** The nearest class of each image of @p view, in the same form: that with the highest logit at
 *  x + bound * sign(dCE(x, y)/dx) (FGSM) in the ORIGINAL network; raw pixels stay within 0..1. */
BaseStatus unlearn_nearest_labels(const UnlearnContext *context, const DataView *view, const UnlearnNearest *nearest,
                                  int32_t **out);

typedef struct {
    const int32_t *labels; /* by position in the set; NULL: unlearn_random_labels_again in each epoch */
    const uint8_t *mask;   /* [param_count] or NULL, beside steps->layers */
    bool mixed;            /* one shuffled pass over both sides in place of two */
    const char *label;     /* of the progress bar */
} UnlearnRelabel;
/** Each epoch: a pass over the forgotten images of @p t under their labels, then, where its sides have any, one over the
 *  retained. @p t comes with its sides open. */
BaseStatus unlearn_relabel(const UnlearnContext *context, const UnlearnSteps *steps, const UnlearnRelabel *relabel,
                           NnNet *net, UnlearnTraining *t);

#endif
