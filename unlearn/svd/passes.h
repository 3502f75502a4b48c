/* unlearn/svd/passes.h - the budget of memory, divided: which layers' spaces are made in one pass over the images, so that
 * what a pass holds fits. No bit of any space depends on it. */
#ifndef UNLEARN_SVD_PASSES_H
#define UNLEARN_SVD_PASSES_H

#include "unlearn/svd/inputs.h"
#include "unlearn/svd/params.h"
#include "unlearn/unlearn.h"

typedef struct {
    int count;
    int *of;                /* [layers] number of the pass that makes a layer's spaces; -1: it is not wanted */
    UnlearnHolding holding; /* of all passes */
    bool keeps;             /* what a grid shares between its points fits, too */
} UnlearnPasses;

/** Layers in order, as many in a pass as fit what is left of the budget (base_memory_make_room); all processes of a shared
 *  work get the same passes. More than one is told in a notice.
 *  @param selected [layers] 1 where a layer is wanted.
 *  All of them fail where one does (unlearn/svd/agree.h).
 *  @return BASE_OK; BASE_ELIMIT where a layer does not fit a budget that was set, with the one that would do; where none was
 *          set, such a layer has a pass of its own. BASE_ENOMEM, and what compiling the network gives. */
BaseStatus unlearn_passes_plan(const UnlearnContext *context, const UnlearnSpaceParams *params, const uint8_t *selected,
                               int64_t retain, int64_t forget, UnlearnPasses *out);
void unlearn_passes_free(UnlearnPasses *passes);

/** BASE_ELIMIT: @p what needs @p need bytes, beside the @p held ones that are not left of the budget; with one that would
 *  do. */
BaseStatus unlearn_passes_refuse(const char *what, int64_t need, int64_t held);

#endif
