/* unlearn/last_layer.c - control: svd's edit of the classifier alone. The features stay as they are, with everything that
 * they know of the forgotten classes; what a metric sees of this edit, a change of the last layer can fake. Formula, data
 * and parameters: unlearn/svd/svd.c.
 */
#include <stdio.h>

#include "unlearn/svd/pairs.h"

static const BaseParam PARAMS[] = {UNLEARN_SPACE_PLAIN_ROWS};
static const char *const TUNABLE[] = {"alpha_r", "alpha_f", NULL};

static UnlearnSpaceParams of_classifier(const void *values)
{
    UnlearnSpaceParams own = *(const UnlearnSpaceParams *)values;
    own.spectra = false; /* no rows of the table set these two */
    snprintf(own.layers.s, sizeof own.layers.s, "last");
    return own;
}

static BaseStatus check(const UnlearnContext *context, const void *values)
{
    const UnlearnSpaceParams own = of_classifier(values);
    return unlearn_svd.check(context, &own);
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    const UnlearnSpaceParams own = of_classifier(values);
    return unlearn_svd.prepare(context, &own, state);
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    const UnlearnSpaceParams own = of_classifier(values);
    return unlearn_svd.apply(context, state, &own, net, report);
}

const UnlearnMethod unlearn_last_layer = {
    .entry = BASE_ENTRY("last_layer", "control: applies svd to the classifier alone", "", UnlearnSpaceParams, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_SHARES | UNLEARN_CONTROL,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = unlearn_pairs_release,
    .check = check,
};
