/* models/turn.c - every turn sees the images that are left and the network as it is now; costs are added up. */
#include "models/turn.h"

#include "base/memory.h"
#include "base/order.h"

/* @p step [context of one class]; @p gone: classes removed before. */
static BaseStatus one_turn(const UnlearnMethod *method, const UnlearnContext *context, const DataClasses *gone,
                           int64_t c, const void *params, NnNet *net, UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    UnlearnContext step = *context;
    DataClasses one = {.K = gone->K, .count = 1};
    DataIndex inside = {0}, train = {0}, validation = {0};
    NnNet *before = NULL;
    BASE_TRY(BASE_ALLOC(one.K, &one.in));
    one.in[c] = 1;
    const DataForget only = {.classes = one};
    BASE_TRY(data_partition(&context->train, gone, &inside, &train));
    data_index_free(&inside);
    step.train = data_view_of(context->train.set, &train);
    if (context->validation.n > 0) {
        BASE_TRY(data_partition(&context->validation, gone, &inside, &validation));
        step.validation = data_view_of(context->validation.set, &validation);
    }
    BASE_TRY(nn_net_clone(net, &before));
    step.original = before;
    step.forget = &only;
    BASE_TRY(unlearn_run(method, &step, params, net, report));
out:
    nn_net_free(before);
    base_free(one.in);
    data_index_free(&inside);
    data_index_free(&train);
    data_index_free(&validation);
    return st;
}

BaseStatus model_turn(const UnlearnMethod *method, const UnlearnContext *context, const void *params, NnNet *net,
                      UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    UnlearnReport sum = {0};
    const DataClasses *forget = &context->forget->classes;
    DataClasses gone = {.K = forget->K};
    BASE_CHECK(!data_forget_by_image(context->forget), BASE_EUSAGE,
               "in_turn takes classes one after another, and listed images are one set");
    BASE_TRY(BASE_ALLOC(gone.K, &gone.in));
    for (int64_t c = 0; c < gone.K; c++) {
        if (!forget->in[c]) continue;
        UnlearnReport step = {0};
        st = one_turn(method, context, &gone, c, params, net, &step);
        step.samples_retain += sum.samples_retain;
        step.samples_forget += sum.samples_forget;
        step.passes += sum.passes;
        step.prepare_seconds += sum.prepare_seconds;
        step.apply_seconds += sum.apply_seconds;
        step.own_wall_seconds += sum.own_wall_seconds;
        step.own_cpu_seconds += sum.own_cpu_seconds;
        step.own_peak_memory = base_larger(step.own_peak_memory, sum.own_peak_memory);
        unlearn_report_free(&sum);
        sum = step;
        BASE_TRY(st);
        gone.in[c] = 1;
        gone.count++;
    }
    *report = sum;
    sum = (UnlearnReport){0};
out:
    unlearn_report_free(&sum);
    base_free(gone.in);
    return st;
}
