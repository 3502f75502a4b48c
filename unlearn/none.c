/* unlearn/none.c - leaves the network as it is. The row every other method is measured against. */
#include "unlearn/unlearn.h"

static BaseStatus apply(const UnlearnContext *context, void *state, const void *params, NnNet *net,
                        UnlearnReport *report)
{
    (void)context, (void)state, (void)params, (void)net, (void)report;
    return BASE_OK;
}

const UnlearnMethod unlearn_none = {
    .entry = BASE_ENTRY_PLAIN("none", "control: leaves the original network unchanged", ""),
    .needs = UNLEARN_CONTROL | UNLEARN_ORIGINAL,
    .apply = apply,
};
