/* audit/whole.c - read at their full width first, so that nothing is cut, then narrowed or numbered. */
#include "audit/whole.h"

#include <stdlib.h>

#include "base/memory.h"

BaseStatus audit_whole_shape(const SessionSource *from, const char *file_name, const char *path, int ndim,
                             const int64_t *shape, IoH5Info *info)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(session_source_info(from, path, info));
    bool right = info->ndim == ndim && info->count > 0;
    for (int d = 0; right && d < ndim; d++) right = shape[d] < 0 || info->shape[d] == shape[d];
    BASE_CHECK(right, BASE_EFORMAT, "%s: the shape of %s does not fit the other arrays", file_name, path);
out:
    return st;
}

static BaseStatus read_within(const SessionSource *from, const char *file_name, const char *path, int64_t least,
                              int64_t most, const char *why, int64_t **out, int64_t *n)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BASE_TRY(session_source_info(from, path, &info));
    BASE_TRY(BASE_ALLOC_RAW(info.count, out));
    BASE_TRY(session_source_whole(from, path, *out));
    for (int64_t i = 0; i < info.count; i++)
        BASE_CHECK((*out)[i] >= least && (*out)[i] <= most, BASE_EFORMAT, "%s: %s holds %lld at place %lld; %s",
                   file_name, path, (long long)(*out)[i], (long long)i, why);
    *n = info.count;
out:
    return st;
}

BaseStatus audit_whole_i32(const SessionSource *from, const char *file_name, const char *path, int64_t least,
                           int64_t most, const char *why, int32_t **out)
{
    BaseStatus st = BASE_OK;
    int64_t *whole = NULL, n = 0;
    BASE_TRY(read_within(from, file_name, path, least, most, why, &whole, &n));
    BASE_TRY(BASE_ALLOC_RAW(n, out));
    for (int64_t i = 0; i < n; i++) (*out)[i] = (int32_t)whole[i];
out:
    base_free(whole);
    return st;
}

BaseStatus audit_whole_u8(const SessionSource *from, const char *file_name, const char *path, int64_t least,
                          int64_t most, const char *why, uint8_t **out)
{
    BaseStatus st = BASE_OK;
    int64_t *whole = NULL, n = 0;
    BASE_TRY(read_within(from, file_name, path, least, most, why, &whole, &n));
    BASE_TRY(BASE_ALLOC_RAW(n, out));
    for (int64_t i = 0; i < n; i++) (*out)[i] = (uint8_t)whole[i];
out:
    base_free(whole);
    return st;
}

typedef struct {
    uint64_t id;
    int64_t at;
} Placed;

static int by_id(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

BaseStatus audit_whole_number(const uint64_t *id, int64_t n, int32_t *out)
{
    BaseStatus st = BASE_OK;
    Placed *all = NULL;
    int64_t *first = NULL; /* [n] where the id of a point first appears */
    int32_t count = 0;
    BASE_CHECK(n <= INT32_MAX, BASE_ELIMIT, "%lld points: at most %d can be numbered", (long long)n, INT32_MAX);
    BASE_TRY(BASE_ALLOC(n, &all));
    BASE_TRY(BASE_ALLOC(n, &first));
    for (int64_t i = 0; i < n; i++) all[i] = (Placed){id[i], i};
    qsort(all, (size_t)n, sizeof *all, by_id);
    for (int64_t k = 0; k < n; k++)
        first[all[k].at] = k && all[k].id == all[k - 1].id ? first[all[k - 1].at] : all[k].at;
    for (int64_t i = 0; i < n; i++) out[i] = first[i] == i ? count++ : out[first[i]];
out:
    base_free(all);
    base_free(first);
    return st;
}

BaseStatus audit_whole_ids(const SessionSource *from, const char *path, int32_t **out)
{
    BaseStatus st = BASE_OK;
    uint64_t *id = NULL;
    IoH5Info info;
    BASE_TRY(session_source_info(from, path, &info));
    BASE_TRY(BASE_ALLOC_RAW(info.count, &id));
    BASE_TRY(session_source_ids(from, path, id));
    BASE_TRY(BASE_ALLOC_RAW(info.count, out));
    BASE_TRY(audit_whole_number(id, info.count, *out));
out:
    base_free(id);
    return st;
}
