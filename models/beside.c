/* models/beside.c - each copy of the weights is unlearned by the same method, dropped or kept, and warnings say which. */
#include "models/beside.h"

#include <string.h>

#include "base/log.h"
#include "nn/weights.h"

static const char *const NAMES[] = {"unlearn", "drop", "keep"}, *const DONE[] = {"unlearned", "dropped", "kept"};

BaseStatus model_beside_parse(const char *text, ModelBeside *out)
{
    *out = MODEL_BESIDE_UNLEARN;
    for (int i = 0; text && i < 3; i++)
        if (strcmp(text, NAMES[i]) == 0) return *out = (ModelBeside)i, BASE_OK;
    return text ? base_error_set(BASE_EUSAGE, "--beside '%.100s': must be unlearn, drop or keep", text) : BASE_OK;
}

const char *model_beside_done(ModelBeside how) { return DONE[how]; }

static BaseStatus unlearn_copy(const UnlearnMethod *method, const UnlearnContext *context, const void *params,
                               const char *weights, const SessionModel *model, IoTensorsCopy *copy)
{
    BaseStatus st = BASE_OK;
    NnNet *original = NULL, *net = NULL;
    UnlearnReport report = {0};
    UnlearnContext own = *context;
    BASE_TRY(nn_net_clone(model->net, &original));
    BASE_TRY(nn_weights_load_part(original, copy->tensors, weights));
    BASE_TRY(nn_net_clone(original, &net));
    own.original = original;
    BASE_TRY(unlearn_run(method, &own, params, net, &report));
    BASE_TRY(nn_weights_update_part(net, copy->tensors));
out:
    base_error_prefix(st, "%s: unlearning %s, a copy beside the weights, too (--beside drop leaves it out)", weights,
                      copy->where);
    unlearn_report_free(&report);
    nn_net_free(net);
    nn_net_free(original);
    return st;
}

BaseStatus model_beside_apply(ModelBeside how, const UnlearnMethod *method, const UnlearnContext *context,
                              const void *params, const char *weights, const char *out, SessionModel *model)
{
    BaseStatus st = BASE_OK;
    IoTensors *t = model->tensors;
    if (out && !io_tensors_keeps_beside(t, out)) return BASE_OK;
    if (!out) out = "the unlearned model";
    t->keep_strange = how == MODEL_BESIDE_KEEP;
    for (size_t i = 0; i < t->copy_count; i++) {
        IoTensorsCopy *copy = &t->copies[i];
        copy->dropped = how == MODEL_BESIDE_DROP;
        if (how == MODEL_BESIDE_UNLEARN) BASE_TRY(unlearn_copy(method, context, params, weights, model, copy));
        if (how == MODEL_BESIDE_KEEP)
            base_warning("%s: %s is a copy of the weights that has not been unlearned; it goes into %s unchanged",
                         weights, copy->where, out);
    }
    if (t->strange)
        base_warning(t->keep_strange ? "%s: objects made with %s go into %s as they are, and will run when it is loaded"
                                     : "%s: objects made with %s are left out of %s (--beside keep keeps them)",
                     weights, t->strange, out);
    if (t->stale)
        base_warning("%s: tensors of the weights' shapes, made from the forgotten data too, go into %s unchanged: %s",
                     weights, out, t->stale);
out:
    return st;
}
