/* unlearn/retrain.c - the ideal every method is compared with. A network of the same shape, freshly initialised
 * (nn_net_init with the run's seed) and trained as the original was, on the retained classes only. The classifier keeps
 * its K outputs.
 *
 *   epochs   passes over the retained images; 0: as many as the original's training
 *   weights  a network that was retrained elsewhere: it is read */
#include "base/memory.h"
#include "unlearn/stored/stored.h"

typedef struct {
    int64_t epochs;
    BaseParamText weights;
} Params;
static const BaseParam PARAMS[] = {
    BASE_PARAM_I64(Params, epochs, 0, 0, 100000, "passes over the retained images; 0: as for the original"),
    BASE_PARAM_TEXT(
        Params, weights, "",
        "file of a network retrained elsewhere, in which {forget} and {seed} are replaced; empty: it is trained"),
};

static BaseStatus check(const UnlearnContext *context, const void *params)
{
    const char *weights = ((const Params *)params)->weights.s;
    if (*weights) return unlearn_stored_check(context, "weights", weights);
    if (context->training) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "the training settings of the original are not known: give them");
}

static BaseStatus identify(const UnlearnContext *context, const void *params, BaseText *out)
{
    const char *weights = ((const Params *)params)->weights.s;
    return *weights ? unlearn_stored_identify(context, "weights", weights, out) : BASE_OK;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *params = values;
    DataIndex forget = {0}, retain = {0};
    if (*params->weights.s) return unlearn_stored_load(context, params->weights.s, net, report);
    BASE_TRY(check(context, values));
    NnTrainConfig config = *context->training;
    if (params->epochs > 0) config.epochs = params->epochs;
    BASE_TRY(data_forget_partition(&context->train, context->forget, &forget, &retain));
    BASE_CHECK(retain.n > 0, BASE_EUSAGE, "the training split holds no retained image");
    DataView view = data_view_of(context->train.set, &retain);
    nn_net_init(net, context->seed);
    *nn_net_batches_tracked(net) = 0;
    BASE_TRY(nn_train_kept(net, &view, &config, context->precision, context->seed, "retraining", NULL, context->keep));
    report->samples_retain = retain.n;
    report->passes = (double)retain.n * (double)config.epochs;
out:
    data_index_free(&forget);
    data_index_free(&retain);
    return st;
}

const UnlearnMethod unlearn_retrain = {
    .entry =
        BASE_ENTRY("retrain", "trains a new network without the forgotten classes: the reference", "", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT | UNLEARN_RETRAINED,
    .apply = apply,
    .check = check,
    .identify = identify,
};
