/* unlearn/unlearn.c - checks the context, times both steps, and refuses a network with a number that is not finite. */
#include "unlearn/unlearn.h"

#include <math.h>

#include "base/clock.h"
#include "base/memory.h"

#define X(name) extern const UnlearnMethod unlearn_##name;
#define F(name) extern const BaseRows unlearn_##name;
#include "unlearn/list.h"
static const BaseRows *const FILES[] = {
#define X(name) BASE_ROW(unlearn_##name),
#define F(name) &unlearn_##name,
#include "unlearn/list.h"
};
const BaseRegistry unlearn_registry = {"method", FILES, BASE_COUNT(FILES), sizeof(UnlearnMethod)};

BaseStatus unlearn_find(const char *name, const UnlearnMethod **out)
{
    return base_registry_find(&unlearn_registry, name, (const BaseEntry **)out); /* the entry is its first member */
}

void unlearn_report_free(UnlearnReport *report)
{
    if (!report) return;
    for (int i = 0; i < report->layer_count; i++) {
        base_free(report->layers[i].spectrum_retain);
        base_free(report->layers[i].spectrum_forget);
    }
    base_free(report->layers);
    base_free(report->said);
    *report = (UnlearnReport){0};
}

BaseStatus unlearn_check_forget(const UnlearnMethod *method, const DataForget *forget)
{
    if (!(method->needs & UNLEARN_ONLY_CLASSES) || !data_forget_by_image(forget)) return BASE_OK;
    return base_error_set(BASE_EUSAGE,
                          "%s removes whole classes only, not single images of them; `expunge list methods` says which "
                          "methods can forget images",
                          method->entry.name);
}

static BaseStatus check_context(const UnlearnContext *context)
{
    BaseStatus st = BASE_OK;
    int64_t K = nn_net_classes(context->original);
    BASE_CHECK(context->train.n > 0, BASE_EUSAGE, "the training split holds no image");
    const DataClasses *classes = &context->forget->classes;
    bool images = data_forget_by_image(context->forget);
    BASE_CHECK(classes->count >= 1 && (images || classes->count < classes->K), BASE_EUSAGE,
               "%lld of %lld classes are to be forgotten: at least one must be, and one must stay",
               (long long)classes->count, (long long)classes->K);
    BASE_CHECK(classes->K <= K, BASE_ESHAPE, "the data have %lld classes, the network only %lld", (long long)classes->K,
               (long long)K);
out:
    return st;
}

static BaseStatus check_finite(const NnNet *net)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    const float *params = nn_net_params(net);
    for (int i = 0; i < count; i++)
        for (int64_t j = slices[i].offset; j < slices[i].offset + slices[i].count; j++)
            BASE_CHECK(isfinite(params[j]), BASE_ENUMERIC, "%s is not finite after unlearning", slices[i].name);
    const float *buffers = nn_net_buffers(net);
    for (int64_t j = 0; j < nn_net_buffer_count(net); j++)
        BASE_CHECK(isfinite(buffers[j]), BASE_ENUMERIC, "a running statistic is not finite after unlearning");
out:
    return st;
}

BaseStatus unlearn_run(const UnlearnMethod *method, const UnlearnContext *context, const void *params, NnNet *net,
                       UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    void *state = NULL;
    *report = (UnlearnReport){.alpha_retain = NAN, .alpha_forget = NAN};
    BASE_TRY(check_context(context));
    BASE_TRY(unlearn_check_forget(method, context->forget));
    if (method->check) BASE_TRY(method->check(context, params));
    double start = base_clock_wall();
    if (method->prepare) BASE_TRY(method->prepare(context, params, &state));
    double prepared = base_clock_wall();
    BASE_TRY(method->apply(context, state, params, net, report));
    BASE_TRY(check_finite(net));
    report->prepare_seconds = prepared - start;
    report->apply_seconds = base_clock_wall() - prepared;
out:
    if (method->release) method->release(state);
    if (st != BASE_OK) {
        unlearn_report_free(report);
        base_error_prefix(st, "method %s", method->entry.name);
    }
    return st;
}
