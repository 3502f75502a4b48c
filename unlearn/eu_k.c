/* unlearn/eu_k.c - exact unlearning of the last k layers (EU-k; Goel): all layers but the last k are frozen,
 * those are freshly initialised and trained from scratch on retained images alone. What the frozen layers know of the
 * forgotten classes stays.
 * Layers, frozen numbers and data as in cf_k.c; the initialisation is nn_net_init's with the run's seed. */
#include "unlearn/gradient/refine.h"

static const BaseParam PARAMS[] = {UNLEARN_PRESET_ROW(""), UNLEARN_LAST_ROWS};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    const UnlearnLast *p = values;
    const UnlearnRefine refine = {.steps = &p->steps, .last = p->k, .renew = true, .label = "eu_k"};
    return unlearn_refine(context, &refine, net, report);
}

const UnlearnMethod unlearn_eu_k = {
    .entry = BASE_ENTRY("eu_k", "trains the last k layers from scratch on the retained classes", "Goel, EU-k",
                        UnlearnLast, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_last_check,
};
