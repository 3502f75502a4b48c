/* api/signals.c - named arrays of a host: names are checked when they are set, shapes when they are used. */
#include "api/signals.h"

#include <string.h>

#include "api/call.h"
#include "audit/signals.h"
#include "base/memory.h"
#include "io/file.h"
#include "session/signals.h"

const char *api_signals_name(const expunge_signals *signals)
{
    return signals->path ? signals->path : "arrays of the calling program";
}

void expunge_signals_free(expunge_signals *signals)
{
    if (!signals) return;
    base_free(signals->path);
    session_source_free(&signals->arrays);
    base_free(signals);
}

static BaseStatus create(const char *path, expunge_signals **out)
{
    BaseStatus st = BASE_OK;
    expunge_signals *signals = NULL;
    BASE_TRY(BASE_ALLOC(1, &signals));
    if (path) BASE_TRY(base_strdup(path, &signals->path));
    *out = signals;
    signals = NULL;
out:
    expunge_signals_free(signals);
    return st;
}

expunge_status expunge_signals_create(expunge_signals **signals)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(signals);
    *signals = NULL;
    BASE_TRY(create(NULL, signals));
out:
    return api_leave(&call, st);
}

expunge_status expunge_signals_open(const char *path, expunge_signals **signals)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    int64_t size;
    api_enter(&call);
    API_GIVEN(signals);
    *signals = NULL;
    API_GIVEN(path);
    BASE_TRY(io_file_size(path, &size));
    BASE_TRY(create(path, signals));
out:
    return api_leave(&call, st);
}

/* The name as the readers know it, "/target/logits" of "target/logits", in static storage. */
static BaseStatus find_name(const char *name, const char **out)
{
    enum { MOST = 64 };
    static const char *const *const LISTS[] = {session_signals_names, audit_signals_names};
    const char *names[MOST];
    size_t count = 0;
    for (size_t l = 0; l < BASE_COUNT(LISTS); l++)
        for (size_t i = 0; LISTS[l][i] && count < MOST; i++) {
            *out = LISTS[l][i];
            names[count++] = *out + 1;
            if (strcmp(*out + 1, name) == 0) return BASE_OK;
        }
    const char *near = base_text_nearest(name, names, count);
    return base_error_set(BASE_ENOTFOUND, "'%.60s' is no name of an array of signals%s%s%s", name,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static BaseStatus check_arrays(const expunge_signals *signals)
{
    if (!signals->path) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "the signals are those of the file %.200s: no arrays are set beside it",
                          signals->path);
}

static BaseStatus describe(int ndim, const int64_t *shape, const int64_t *stride, SessionArray *out)
{
    BaseStatus st = BASE_OK;
    int64_t count = 1;
    BASE_CHECK(ndim >= 1 && ndim <= SESSION_ARRAY_DIMS, BASE_EARG, "ndim = %d: must be 1 to %d", ndim,
               SESSION_ARRAY_DIMS);
    out->ndim = ndim;
    for (int d = ndim - 1; d >= 0; d--) {
        BASE_CHECK(shape[d] >= 1 && shape[d] <= INT64_MAX / 8 / count, BASE_EARG,
                   "shape[%d] = %lld: must be 1 or more, and the array fit into memory", d, (long long)shape[d]);
        out->shape[d] = shape[d];
        out->stride[d] = stride ? stride[d] : count;
        count *= shape[d];
    }
out:
    return st;
}

expunge_status expunge_signals_set(expunge_signals *signals, const char *name, const void *data, expunge_type type,
                                   int ndim, const int64_t *shape, const int64_t *stride)
{
    static const IoDtype TYPES[] = {
        [EXPUNGE_F32] = IO_F32, [EXPUNGE_F64] = IO_F64, [EXPUNGE_F16] = IO_F16, [EXPUNGE_BF16] = IO_BF16,
        [EXPUNGE_I32] = IO_I32, [EXPUNGE_I64] = IO_I64, [EXPUNGE_U8] = IO_U8};
    ApiCall call;
    BaseStatus st = BASE_OK;
    SessionArray array = {.data = data};
    api_enter(&call);
    API_GIVEN(signals);
    API_GIVEN(name);
    API_GIVEN(data);
    API_GIVEN(shape);
    BASE_TRY(check_arrays(signals));
    BASE_TRY(find_name(name, &array.path));
    BASE_CHECK((size_t)type < BASE_COUNT(TYPES), BASE_EARG, "type %d: there is no such type", (int)type);
    array.type = TYPES[type];
    BASE_TRY(describe(ndim, shape, stride, &array));
    BASE_TRY(session_source_set_take(&signals->arrays, &array));
out:
    return api_leave(&call, st);
}

expunge_status expunge_signals_set_texts(expunge_signals *signals, const char *name, const char *const *texts,
                                         int64_t count)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    SessionArray array = {.ndim = 1, .shape = {count}};
    api_enter(&call);
    API_GIVEN(signals);
    API_GIVEN(name);
    API_GIVEN(texts);
    BASE_TRY(check_arrays(signals));
    BASE_TRY(find_name(name, &array.path));
    BASE_CHECK(count >= 1, BASE_EARG, "count = %lld: must be 1 or more", (long long)count);
    BASE_TRY(BASE_ALLOC(count, &array.texts));
    for (int64_t i = 0; i < count; i++) {
        BASE_CHECK(texts[i], BASE_EARG, "texts[%lld] is NULL", (long long)i);
        BASE_TRY(base_strdup(texts[i], &array.texts[i]));
    }
    BASE_TRY(session_source_set_take(&signals->arrays, &array));
out:
    if (array.texts) io_names_free(array.texts, (size_t)count);
    return api_leave(&call, st);
}
