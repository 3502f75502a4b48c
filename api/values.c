/* api/values.c - conversions, a row at a time. */
#include "api/values.h"

#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "base/f16.h"
#include "base/param.h"

static const size_t SIZES[] = {[EXPUNGE_F32] = 4, [EXPUNGE_F64] = 8, [EXPUNGE_F16] = 2, [EXPUNGE_BF16] = 2};

BaseStatus api_values_check_type(expunge_type type)
{
    if ((size_t)type < BASE_COUNT(SIZES)) return BASE_OK;
    return base_error_set(BASE_EARG, "type %d: must be EXPUNGE_F32, EXPUNGE_F64, EXPUNGE_F16 or EXPUNGE_BF16",
                          (int)type);
}

static const void *row_of(const ApiRows *rows, int64_t i)
{
    return (const char *)rows->at + i * rows->stride * (int64_t)SIZES[rows->type];
}

const float *api_values_f32(const ApiRows *rows, int64_t first)
{
    return rows->type == EXPUNGE_F32 && rows->stride == rows->width ? row_of(rows, first) : NULL;
}

void api_values_read(const ApiRows *rows, int64_t first, int64_t count, float *out)
{
    const int64_t n = rows->width;
    for (int64_t r = 0; r < count; r++, out += n) {
        const void *at = row_of(rows, first + r);
        const double *wide = at;
        const uint16_t *half = at;
        switch (rows->type) {
        case EXPUNGE_F64:
            for (int64_t i = 0; i < n; i++) out[i] = (float)wide[i];
            break;
        case EXPUNGE_F16:
            for (int64_t i = 0; i < n; i++) out[i] = base_f16_to_f32(half[i]);
            break;
        case EXPUNGE_BF16:
            for (int64_t i = 0; i < n; i++) out[i] = base_bf16_to_f32(half[i]);
            break;
        default: memcpy(out, at, (size_t)n * sizeof *out);
        }
    }
}

static double get(expunge_type type, const void *row, int64_t i)
{
    switch (type) {
    case EXPUNGE_F64: return ((const double *)row)[i];
    case EXPUNGE_F16: return (double)base_f16_to_f32(((const uint16_t *)row)[i]);
    case EXPUNGE_BF16: return (double)base_bf16_to_f32(((const uint16_t *)row)[i]);
    default: return (double)((const float *)row)[i];
    }
}

/* Whether the value as it is kept is finite. float32 is the difference in float32: float64 has more than twice its digits,
 * so that rounding twice changes nothing. */
static bool put(expunge_type type, void *row, int64_t i, double value)
{
    const float narrow = (float)value;
    uint16_t *half = row;
    switch (type) {
    case EXPUNGE_F64: ((double *)row)[i] = value; return isfinite(value);
    case EXPUNGE_F16:
        half[i] = isfinite(narrow) ? base_f16_from_f32(narrow) : 0x7e00;
        return (half[i] & 0x7c00) != 0x7c00;
    case EXPUNGE_BF16: half[i] = base_bf16_from_f32(narrow); return (half[i] & 0x7f80) != 0x7f80;
    default: ((float *)row)[i] = narrow; return isfinite(narrow);
    }
}

/* to = values, or with @p from what is there less values; where one is not finite, its place. */
static BaseStatus store(const ApiRows *from, const float *values, int64_t count, int64_t width, expunge_type type,
                        void *to, int64_t to_stride)
{
    for (int64_t r = 0; r < count; r++) {
        const void *source = from ? row_of(from, r) : NULL;
        char *target = (char *)to + r * to_stride * (int64_t)SIZES[type];
        for (int64_t i = 0; i < width; i++) {
            const double value = (double)values[r * width + i];
            if (!put(type, target, i, from ? get(type, source, i) - value : value))
                return base_error_set(BASE_ENUMERIC,
                                      "the result in row %lld, column %lld is not finite, or too large for its type",
                                      (long long)r, (long long)i);
        }
    }
    return BASE_OK;
}

BaseStatus api_values_subtract(const ApiRows *from, const float *less, int64_t count, void *to, int64_t to_stride)
{
    return store(from, less, count, from->width, from->type, to, to_stride);
}

BaseStatus api_values_store(const float *values, int64_t count, int64_t width, expunge_type type, void *to,
                            int64_t to_stride)
{
    return store(NULL, values, count, width, type, to, to_stride);
}
