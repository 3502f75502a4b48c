/* unlearn/scar/surrogates.h - images that stand in for retained ones: another data set's, or made here. */
#ifndef UNLEARN_SCAR_SURROGATES_H
#define UNLEARN_SCAR_SURROGATES_H

#include "unlearn/unlearn.h"

/** "noise": N(0, 1) for each number that the network takes. "mixtures": of two forgotten images, each moved around the edges by a
 *  random distance, with weights drawn evenly. Anything else names a data set. */
bool unlearn_surrogates_made(const char *text);
/** The training split of "name[:path]"; *out by data_set_free. */
BaseStatus unlearn_surrogates_open(const UnlearnContext *context, const char *text, const DataOptions *options,
                                   DataSet **out);
/** The same, prepared as the images that the network was trained on, where those are of 8 bits: of their size and with
 *  their normalising. */
BaseStatus unlearn_surrogates_alike(const UnlearnContext *context, const char *text, DataSet **out);

/** Images by number: those of a view, or surrogates. Fields are borrowed, but for room. */
typedef struct {
    const UnlearnContext *context;
    const DataSet *set;     /* NULL: they are made */
    const DataView *view;   /* NULL: all of the set */
    const DataView *forget; /* what mixtures are of */
    bool mixtures;
    int64_t n, shape[3]; /* of an image as the network takes it */
    float *room;         /* [pixels] */
} UnlearnImages;
BaseStatus unlearn_images_open(const UnlearnContext *context, const DataView *view, UnlearnImages *out);
/** @p set: of text where it names one, else NULL. @p n: how many, at most the set's. Streams (seed, "scar_surrogate", i). */
BaseStatus unlearn_images_surrogates(const UnlearnContext *context, const char *text, const DataSet *set,
                                     const DataView *forget, int64_t n, UnlearnImages *out);
BaseStatus unlearn_images_get(const UnlearnImages *images, int64_t i, float *out);
void unlearn_images_close(UnlearnImages *images);

#endif
