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
    DataIndex inside = {0}, outside = {0};
    DataClasses left = {.K = context->forget->K};
    *out = (DataIndex){0};
    BASE_TRY(BASE_ALLOC(left.K, &left.in));
    for (int64_t c = 0; c < left.K; c++)
        left.count += left.in[c] = context->forget->in[c] || (without && without->in[c]);
    BASE_TRY(data_partition(&context->train, &left, &inside, &outside));
    BASE_CHECK(outside.n > 0, BASE_EUSAGE, "the training split holds no image of a retained class%s",
               without ? " that retain_without leaves" : "");
    DataView view = data_view_of(context->train.set, &outside);
    BASE_TRY(data_sample(&view, per_class, context->seed, "retain_sample", out));
out:
    base_free(left.in);
    data_index_free(&inside);
    data_index_free(&outside);
    return st;
}

static BaseStatus sample_class(const UnlearnContext *context, int64_t c, int64_t most, DataIndex *out)
{
    BaseStatus st = BASE_OK;
    DataClasses one = {.K = context->forget->K, .count = 1};
    DataIndex inside = {0}, outside = {0};
    *out = (DataIndex){0};
    BASE_TRY(BASE_ALLOC(one.K, &one.in));
    one.in[c] = 1;
    BASE_TRY(data_partition(&context->train, &one, &inside, &outside));
    BASE_CHECK(inside.n > 0, BASE_EUSAGE,
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
    const DataClasses *forget = context->forget;
    DataIndex part = {0}, all = {0};
    int64_t rank = 0;
    *out = (DataIndex){0};
    BASE_CHECK(total == 0 || total >= forget->count, BASE_EUSAGE,
               "forget_samples = %lld is less than one image for each of the %lld forgotten classes", (long long)total,
               (long long)forget->count);
    BASE_TRY(BASE_ALLOC(context->train.n, &all.at));
    for (int64_t c = 0; c < forget->K; c++) {
        if (!forget->in[c]) continue;
        int64_t most = total == 0 ? 0 : total / forget->count + (rank++ < total % forget->count);
        BASE_TRY(sample_class(context, c, most, &part));
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
    return st;
}
