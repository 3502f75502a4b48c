/* unlearn/layers/sample.h - which training images a method looks at. */
#ifndef UNLEARN_LAYERS_SAMPLE_H
#define UNLEARN_LAYERS_SAMPLE_H

#include "unlearn/unlearn.h"

/** @p per_class images (0: all) of each class among what is retained; no forgotten one, nor of @p without (NULL: none).
 * Streams (seed, "retain_sample", class). Positions in the set, ascending. BASE_EUSAGE where there is none. */
BaseStatus unlearn_sample_retain(const UnlearnContext *context, int64_t per_class, const DataClasses *without,
                                 DataIndex *out);
/** @p total images (0: all) of the forgotten ones, split evenly between their classes (the remainder to the first), of each at
 * most what exists. Streams (seed, "forget_sample", class). BASE_EUSAGE where a class that is forgotten whole has none, or total is less than
 * one each. */
BaseStatus unlearn_sample_forget(const UnlearnContext *context, int64_t total, DataIndex *out);

#endif
