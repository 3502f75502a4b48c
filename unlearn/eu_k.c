/* unlearn/eu_k.c - exact unlearning of the last k layers (EU-k; Goel et al. 2022, arXiv 2201.06640): all layers but the
 * last k are frozen, those are freshly initialised and trained from scratch on retained images alone. What the frozen
 * layers know of the forgotten classes stays.
 * Layers, frozen numbers and data as in cf_k.c. renew = all: nn_net_init with the run's seed, of the norms too; layers:
 * Kaiming's normal weights and biases of 0, and norms behind a layer are trained on from what they are.
 */
#include "unlearn/gradient/refine.h"

typedef struct {
    UnlearnLast last;
    int64_t renew;
} Params;
static const char *const RENEW[] = {"all", "layers", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("renew=layers " UNLEARN_LAST_PUBLISHED),
    BASE_PARAM_CHOICE(Params, renew, 0, RENEW, "what is initialised: all that is trained, or its layers without norms"),
    UNLEARN_LAST_ROWS,
};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    const Params *p = values;
    const UnlearnRefine refine =
        unlearn_last_refine(&p->last, p->renew ? UNLEARN_RENEW_LAYERS : UNLEARN_RENEW_ALL, "eu_k");
    return unlearn_refine(context, &refine, net, report);
}

const UnlearnMethod unlearn_eu_k = {
    .entry = BASE_ENTRY("eu_k", "trains the last k layers from scratch on the retained classes", "Goel, EU-k", Params,
                        PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_last_check,
};
