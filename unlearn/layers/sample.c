/* unlearn/layers/sample.c - a partition by class, then a seeded sample; a total is shared evenly between classes. */
#include "unlearn/layers/sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"

BaseStatus unlearn_sample_retain(const UnlearnContext *context, int64_t per_class, const DataClasses *without,
                                 DataIndex *out)
{
    BaseStatus st = BASE_OK;
    DataIndex inside = {0}, outside = {0}, left = {0};
    *out = (DataIndex){0};
    BASE_TRY(data_forget_partition(&context->train, context->forget, &inside, &outside));
    DataView view = data_view_of(context->train.set, &outside);
    if (without) {
        data_index_free(&inside);
        BASE_TRY(data_partition(&view, without, &inside, &left));
        view = data_view_of(context->train.set, &left);
    }
    BASE_CHECK(view.n > 0, BASE_EUSAGE, "the training split holds no retained image%s",
               without ? " that retain_without leaves" : "");
    BASE_TRY(data_sample(&view, per_class, context->seed, "retain_sample", out));
out:
    data_index_free(&left);
    data_index_free(&inside);
    data_index_free(&outside);
    return st;
}

/* @p of: the forgotten images. A class of listed images may have none of them in this part of the training split. */
static BaseStatus sample_class(const UnlearnContext *context, const DataView *of, int64_t c, int64_t most,
                               DataIndex *out)
{
    BaseStatus st = BASE_OK;
    DataClasses one = {.K = context->forget->classes.K, .count = 1};
    DataIndex inside = {0}, outside = {0};
    *out = (DataIndex){0};
    BASE_TRY(BASE_ALLOC(one.K, &one.in));
    one.in[c] = 1;
    BASE_TRY(data_partition(of, &one, &inside, &outside));
    BASE_CHECK(inside.n > 0 || data_forget_by_image(context->forget), BASE_EUSAGE,
               "the training split holds no image of class %lld (%.100s), which is to be forgotten", (long long)c,
               context->train.set->class_names[c]);
    DataView view = data_view_of(context->train.set, &inside);
    BASE_TRY(data_sample(&view, most, context->seed, "forget_sample", out));
out:
    base_free(one.in);
    data_index_free(&inside);
    data_index_free(&outside);
    return st;
}

BaseStatus unlearn_sample_forget(const UnlearnContext *context, int64_t total, DataIndex *out)
{
    BaseStatus st = BASE_OK;
    const DataClasses *forget = &context->forget->classes;
    DataIndex part = {0}, all = {0}, gone = {0}, kept = {0};
    int64_t rank = 0;
    *out = (DataIndex){0};
    BASE_CHECK(total == 0 || total >= forget->count, BASE_EUSAGE,
               "forget_samples = %lld is less than one image for each of the %lld forgotten classes", (long long)total,
               (long long)forget->count);
    BASE_TRY(data_forget_partition(&context->train, context->forget, &gone, &kept));
    const DataView view = data_view_of(context->train.set, &gone);
    BASE_CHECK(gone.n > 0 || !data_forget_by_image(context->forget), BASE_EUSAGE,
               "none of the %lld images to be forgotten is in the part of the training split that is trained on",
               (long long)context->forget->images.n);
    BASE_TRY(BASE_ALLOC(gone.n, &all.at));
    for (int64_t c = 0; c < forget->K; c++) {
        if (!forget->in[c]) continue;
        int64_t most = total == 0 ? 0 : total / forget->count + (rank++ < total % forget->count);
        BASE_TRY(sample_class(context, &view, c, most, &part));
        memcpy(all.at + all.n, part.at, (size_t)part.n * sizeof *part.at);
        all.n += part.n;
        data_index_free(&part);
    }
    qsort(all.at, (size_t)all.n, sizeof *all.at, base_ascending_i64);
    *out = all;
    all = (DataIndex){0};
out:
    data_index_free(&part);
    data_index_free(&all);
    data_index_free(&gone);
    data_index_free(&kept);
    return st;
}
