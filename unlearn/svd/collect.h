/* unlearn/svd/collect.h - what one side's images show each layer: the retain or the forget spaces of a network. */
#ifndef UNLEARN_SVD_COLLECT_H
#define UNLEARN_SVD_COLLECT_H

#include "unlearn/svd/params.h"
#include "unlearn/svd/space.h"
#include "unlearn/unlearn.h"

/** The plan of every layer, one forward pass of the original over @p sample, and the end of every stream.
 *  @param selected [layers] 1 where a layer is wanted.
 *  @param name     "retain" or "forget": names the random streams, and the progress line.
 *  @param out      [layers] comes in empty; finished spaces, the caller's (unlearn_collect_free), on failure too. */
BaseStatus unlearn_collect(const UnlearnContext *context, const UnlearnSpaceParams *params, const uint8_t *selected,
                           const DataIndex *sample, const char *name, UnlearnSpaces *out);
void unlearn_collect_free(UnlearnSpaces *spaces, int count);

#endif
