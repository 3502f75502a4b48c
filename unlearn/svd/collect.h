/* unlearn/svd/collect.h - what one side's images show each layer: the retain or the forget spaces of a network. */
#ifndef UNLEARN_SVD_COLLECT_H
#define UNLEARN_SVD_COLLECT_H

#include "unlearn/svd/inputs.h"
#include "unlearn/svd/params.h"
#include "unlearn/svd/space.h"
#include "unlearn/unlearn.h"

/** The route that the parameters ask for: spectra need one that has them. */
UnlearnRouteChoice unlearn_collect_route(const UnlearnSpaceParams *params);
/** What every layer that @p selected names takes of @p images images. @p name: "retain" or "forget", of the random streams.
 *  @p plans [layers] comes in empty and is the caller's, on failure too (unlearn_collect_plans_free). */
BaseStatus unlearn_collect_plans(const UnlearnContext *context, const UnlearnSpaceParams *params,
                                 const uint8_t *selected, int64_t images, const char *name, UnlearnPatches *plans);
void unlearn_collect_plans_free(UnlearnPatches *plans, int count);

/** Some layers' spaces, of one pass over the images. */
typedef struct {
    const uint8_t *selected; /* [layers] 1 where a layer is wanted */
    UnlearnHolding holding;  /* of the layers of all passes */
    int number, count;       /* from 0; of how many */
} UnlearnPass;
/** One forward pass of the original over @p sample, and the end of every stream. Processes that share it fail together
 *  (unlearn/svd/agree.h).
 *  @param out [layers] comes in empty; finished spaces, the caller's (unlearn_collect_free), on failure too. */
BaseStatus unlearn_collect(const UnlearnContext *context, const UnlearnSpaceParams *params, const UnlearnPass *pass,
                           const DataIndex *sample, const char *name, UnlearnSpaces *out);
void unlearn_collect_free(UnlearnSpaces *spaces, int count);

#endif
