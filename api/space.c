/* api/space.c - spaces and edits: the rows of a host as the float32 rows of unlearn/svd. */
#include <math.h>
#include <string.h>

#include "api/call.h"
#include "api/values.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/text.h"
#include "unlearn/svd/edit.h"
#include "unlearn/svd/space.h"

/* Rows gather here before they are multiplied, so that sums are the same however the host divides its rows into calls. */
enum { BLOCK = 512 };

struct expunge_space {
    UnlearnSpace *space;
    int64_t features, announced, seen; /* announced: 0 where not known; seen: rows, also those that wait */
    int64_t waiting;
    bool finished;
    float *block; /* [BLOCK, features], of which `waiting` rows are still to be added */
};

static BaseStatus route_of(const char *name, UnlearnRouteChoice *out)
{
    size_t count = 0;
    *out = UNLEARN_ROUTE_AUTO;
    if (!name) return BASE_OK;
    for (; unlearn_route_names[count]; count++) {
        if (strcmp(name, unlearn_route_names[count]) != 0) continue;
        *out = (UnlearnRouteChoice)count;
        return BASE_OK;
    }
    const char *near = base_text_nearest(name, unlearn_route_names, count);
    return base_error_set(BASE_ENOTFOUND, "route '%.40s': must be auto, svd, eigen, closed or reference%s%s%s", name,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void expunge_space_free(expunge_space *space)
{
    if (!space) return;
    unlearn_space_free(space->space);
    base_free(space->block);
    base_free(space);
}

static BaseStatus create(int64_t features, int64_t rows, const char *route, expunge_space **out)
{
    BaseStatus st = BASE_OK;
    expunge_space *space = NULL;
    UnlearnRouteChoice choice;
    BASE_CHECK(features >= 1 && features <= INT32_MAX, BASE_EARG, "features = %lld: must be 1 to %d",
               (long long)features, INT32_MAX);
    BASE_CHECK(rows >= 0 && rows <= INT64_MAX / features / 8, BASE_EARG,
               "rows = %lld: must be the number of rows that will be added, or 0 where it is not known",
               (long long)rows);
    BASE_TRY(route_of(route, &choice));
    BASE_TRY(BASE_ALLOC(1, &space));
    space->features = features;
    space->announced = rows;
    BASE_TRY(unlearn_space_create(rows ? rows : UNLEARN_ROWS_OPEN, features, choice, false, &space->space));
    BASE_TRY(BASE_ALLOC_RAW(BLOCK * features, &space->block));
    *out = space;
    space = NULL;
out:
    expunge_space_free(space);
    return st;
}

expunge_status expunge_space_create(int64_t features, int64_t rows, const char *route, expunge_space **space)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(space);
    *space = NULL;
    BASE_TRY(create(features, rows, route, space));
out:
    return api_leave(&call, st);
}

static BaseStatus flush(expunge_space *space)
{
    BaseStatus st = unlearn_space_add(space->space, space->block, space->waiting);
    space->waiting = 0;
    return st;
}

static BaseStatus add(expunge_space *space, const ApiRows *rows, int64_t count)
{
    BaseStatus st = BASE_OK;
    for (int64_t at = 0, n; at < count; at += n) {
        const float *whole = api_values_f32(rows, at);
        n = base_smaller(BLOCK - space->waiting, count - at);
        if (whole && n == BLOCK) { /* where it lies */
            BASE_TRY(unlearn_space_add(space->space, whole, n));
            continue;
        }
        api_values_read(rows, at, n, space->block + space->waiting * space->features);
        space->waiting += n;
        if (space->waiting == BLOCK) BASE_TRY(flush(space));
    }
out:
    return st;
}

static BaseStatus check_open(const expunge_space *space, int64_t more)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!space->finished, BASE_EARG, "the space is finished: nothing can be added to it");
    BASE_CHECK(!space->announced || more <= space->announced - space->seen, BASE_EARG,
               "%lld rows more than the %lld announced", (long long)(more - (space->announced - space->seen)),
               (long long)space->announced);
out:
    return st;
}

expunge_status expunge_space_add(expunge_space *space, const void *rows, int64_t count, int64_t stride,
                                 expunge_type type)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(space);
    BASE_CHECK(count >= 0, BASE_EARG, "count = %lld: must not be negative", (long long)count);
    BASE_TRY(api_values_check_type(type));
    BASE_TRY(check_open(space, count));
    if (count > 0) API_GIVEN(rows);
    BASE_TRY(add(space, &(ApiRows){rows, space->features, stride, type}, count));
    space->seen += count;
out:
    return api_leave(&call, st);
}

/* first[i], width[i] as what unlearn/svd takes; *wide: columns in all. */
static BaseStatus read_spans(const int64_t *first, const int64_t *width, int count, int64_t features,
                             UnlearnColumns *out, int64_t *wide)
{
    BaseStatus st = BASE_OK;
    int64_t end = 0;
    *out = (UnlearnColumns){.count = count};
    *wide = 0;
    BASE_CHECK(count >= 0 && count <= UNLEARN_SPANS, BASE_ESHAPE, "span_count = %d: must be 0 to %d", count,
               UNLEARN_SPANS);
    if (count > 0) {
        API_GIVEN(first);
        API_GIVEN(width);
    }
    for (int i = 0; i < count; i++) {
        BASE_CHECK(first[i] >= end && first[i] < features && width[i] >= 1 && width[i] <= features - first[i],
                   BASE_ESHAPE,
                   "span %d has %lld columns from %lld on: spans must be ascending, apart, and within %lld", i,
                   (long long)width[i], (long long)first[i], (long long)features);
        out->at[i] = (UnlearnSpan){first[i], width[i]};
        end = first[i] + width[i];
        *wide += width[i];
    }
out:
    return st;
}

static double entry(const void *gram, bool wide, int64_t at)
{
    return wide ? ((const double *)gram)[at] : (double)((const float *)gram)[at];
}

/* What every X^T X is like: sums of squares in the diagonal, and beside it nothing beyond what Cauchy and Schwarz allow. Sums
 * of float32 products are off by some 1e-4 of that at most. */
static BaseStatus check_gram(const void *gram, bool wide, int64_t stride, int64_t features)
{
    const double ROUNDING = 1.01;
    for (int64_t i = 0; i < features; i++) {
        double own = entry(gram, wide, i * stride + i);
        if (!(own >= 0 && isfinite(own)))
            return base_error_set(
                BASE_EARG,
                "the Gram matrix has %g in row %lld of its diagonal: sums of squares are 0 or more, and "
                "finite",
                own, (long long)i);
        for (int64_t j = 0; j < i; j++) {
            double value = entry(gram, wide, i * stride + j);
            if (fabs(value) > ROUNDING * sqrt(own) * sqrt(entry(gram, wide, j * stride + j)))
                return base_error_set(BASE_EARG,
                                      "the Gram matrix has %g in row %lld, column %lld, more than the diagonal allows: "
                                      "it is not of the form X^T X",
                                      value, (long long)i, (long long)j);
        }
    }
    return BASE_OK;
}

expunge_status expunge_space_add_columns(expunge_space *space, const void *rows, int64_t count, int64_t stride,
                                         expunge_type type, const int64_t *first, const int64_t *width, int span_count)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    UnlearnColumns columns;
    int64_t wide;
    api_enter(&call);
    API_GIVEN(space);
    BASE_CHECK(count >= 0, BASE_EARG, "count = %lld: must not be negative", (long long)count);
    BASE_TRY(api_values_check_type(type));
    BASE_TRY(check_open(space, count));
    BASE_TRY(read_spans(first, width, span_count, space->features, &columns, &wide));
    if (count > 0 && wide > 0) API_GIVEN(rows);
    if (space->waiting) BASE_TRY(flush(space));
    const ApiRows given = {rows, wide, stride, type};
    const float *whole = api_values_f32(&given, 0);
    for (int64_t at = 0, n; at < count; at += n) {
        n = whole ? count : base_smaller(BLOCK, count - at);
        if (!whole && wide > 0) api_values_read(&given, at, n, space->block);
        BASE_TRY(unlearn_space_add_columns(space->space, whole ? whole : space->block, n, &columns));
    }
    space->seen += count;
out:
    return api_leave(&call, st);
}

expunge_status expunge_space_add_gram(expunge_space *space, const void *gram, int64_t stride, expunge_type type,
                                      int64_t rows)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    bool wide = type == EXPUNGE_F64;
    api_enter(&call);
    API_GIVEN(space);
    API_GIVEN(gram);
    BASE_CHECK(type == EXPUNGE_F32 || wide, BASE_EARG, "type %d: a Gram matrix is EXPUNGE_F32 or EXPUNGE_F64",
               (int)type);
    BASE_CHECK(rows >= 1, BASE_EARG, "rows = %lld: must be the number of rows that the Gram matrix is of",
               (long long)rows);
    BASE_TRY(check_open(space, rows));
    BASE_TRY(check_gram(gram, wide, stride, space->features));
    BASE_TRY(unlearn_space_add_gram(space->space, gram, wide, stride, rows));
    space->seen += rows;
out:
    return api_leave(&call, st);
}

expunge_status expunge_space_finish(expunge_space *space)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(space);
    BASE_CHECK(!space->finished, BASE_EARG, "the space is finished already");
    if (space->waiting) BASE_TRY(flush(space));
    BASE_TRY(unlearn_space_finish(space->space, NULL, NULL));
    base_free(space->block);
    space->block = NULL;
    space->finished = true;
out:
    return api_leave(&call, st);
}

/* ---- what a finished space answers ---- */

int64_t expunge_space_rows(const expunge_space *space)
{
    return space && space->finished ? unlearn_space_rows(space->space) : 0;
}

double expunge_space_trace(const expunge_space *space)
{
    return space && space->finished ? unlearn_space_trace(space->space) : NAN;
}

double expunge_space_rank(const expunge_space *space)
{
    return space && space->finished ? unlearn_space_rank(space->space) : NAN;
}

static BaseStatus check_finished(const expunge_space *space, const char *name)
{
    if (space->finished) return BASE_OK;
    return base_error_set(BASE_EARG, "%s is not finished: call expunge_space_finish after its last row", name);
}

expunge_status expunge_space_spectrum(const expunge_space *space, double *s, int64_t room, int64_t *count)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(space);
    API_GIVEN(count);
    *count = 0;
    BASE_CHECK(room >= 0, BASE_EARG, "room = %lld: must not be negative", (long long)room);
    if (room > 0) API_GIVEN(s);
    BASE_TRY(check_finished(space, "space"));
    const double *all = unlearn_space_spectrum(space->space, count);
    BASE_CHECK(all, BASE_EUSAGE, "the route closed does not know the spectrum: create the space with route eigen");
    for (int64_t i = 0; i < base_smaller(room, *count); i++) s[i] = all[i];
out:
    return api_leave(&call, st);
}

/* The weights as float32: where they lie, or in *room, owned by the caller. */
static BaseStatus read_weights(const ApiRows *weight, int64_t outputs, float **room, const float **out)
{
    BaseStatus st = BASE_OK;
    *out = api_values_f32(weight, 0);
    if (*out) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(outputs * weight->width, room));
    api_values_read(weight, 0, outputs, *room);
    *out = *room;
out:
    return st;
}

static BaseStatus check_weights(int64_t outputs, int64_t features, expunge_type type, int64_t result_stride)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(api_values_check_type(type));
    BASE_CHECK(outputs >= 1 && outputs <= INT32_MAX, BASE_EARG, "outputs = %lld: must be 1 to %d", (long long)outputs,
               INT32_MAX);
    BASE_CHECK(result_stride >= features || result_stride <= -features, BASE_EARG,
               "result_stride = %lld: rows of %lld features would overlap", (long long)result_stride,
               (long long)features);
out:
    return st;
}

expunge_status expunge_space_project(const expunge_space *space, double alpha, const void *weight, int64_t outputs,
                                     int64_t stride, expunge_type type, void *result, int64_t result_stride)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    float *room = NULL, *projected = NULL;
    const float *w;
    api_enter(&call);
    API_GIVEN(space);
    API_GIVEN(weight);
    API_GIVEN(result);
    const int64_t features = space->features;
    BASE_TRY(check_finished(space, "space"));
    BASE_TRY(check_weights(outputs, features, type, result_stride));
    BASE_TRY(read_weights(&(ApiRows){weight, features, stride, type}, outputs, &room, &w));
    BASE_TRY(BASE_ALLOC_RAW(outputs * features, &projected));
    BASE_TRY(unlearn_space_project(space->space, alpha, w, outputs, projected));
    BASE_TRY(api_values_store(projected, outputs, features, type, result, result_stride));
out:
    base_free(room);
    base_free(projected);
    return api_leave(&call, st);
}

expunge_status expunge_edit(const expunge_space *retain, const expunge_space *forget, const void *weight,
                            int64_t outputs, int64_t stride, expunge_type type, double alpha_retain,
                            double alpha_forget, void *result, int64_t result_stride, expunge_edit_info *info)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    UnlearnEdit *edit = NULL;
    UnlearnShares shares;
    float *room = NULL, *d = NULL;
    const float *w;
    double changed;
    api_enter(&call);
    API_GIVEN(retain);
    API_GIVEN(forget);
    API_GIVEN(weight);
    API_GIVEN(result);
    const int64_t features = retain->features;
    const ApiRows rows = {weight, features, stride, type};
    BASE_TRY(check_finished(retain, "retain"));
    BASE_TRY(check_finished(forget, "forget"));
    BASE_TRY(check_weights(outputs, features, type, result_stride));
    BASE_TRY(unlearn_edit_create(retain->space, forget->space, outputs, 0, false, &edit));
    BASE_TRY(read_weights(&rows, outputs, &room, &w));
    BASE_TRY(BASE_ALLOC_RAW(outputs * features, &d));
    BASE_TRY(unlearn_edit_make(edit, NULL, alpha_retain, alpha_forget, w, false, d, info ? &shares : NULL, &changed));
    BASE_TRY(api_values_subtract(&rows, d, outputs, result, result_stride));
    if (info) *info = (expunge_edit_info){shares.retain, shares.forget, changed};
out:
    unlearn_edit_free(edit);
    base_free(room);
    base_free(d);
    return api_leave(&call, st);
}
