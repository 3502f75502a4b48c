/* api/values.h - rows of a host's array, of any type and stride, as float32 and back. */
#ifndef API_VALUES_H
#define API_VALUES_H

#include <expunge.h>

#include "base/status.h"

/** Rows of @p width values whose starts are @p stride values apart. */
typedef struct {
    const void *at;
    int64_t width, stride;
    expunge_type type;
} ApiRows;

/** BASE_EARG where @p type is none of F32, F64, F16, BF16. */
BaseStatus api_values_check_type(expunge_type type);
/** Rows first, first + 1, .. to @p out [count, width]. F64 is rounded. */
void api_values_read(const ApiRows *rows, int64_t first, int64_t count, float *out);
/** The rows themselves where they are float32 without gaps; NULL else. */
const float *api_values_f32(const ApiRows *rows, int64_t first);
/** to = from - less, @p less [count, width]; @p to may be @p from. F64 is subtracted in float64, F16 and BF16 are rounded from
 *  the difference in float32. BASE_ENUMERIC where it is not finite in the type. */
BaseStatus api_values_subtract(const ApiRows *from, const float *less, int64_t count, void *to, int64_t to_stride);
/** to = values [count, width]. */
BaseStatus api_values_store(const float *values, int64_t count, int64_t width, expunge_type type, void *to,
                            int64_t to_stride);

#endif
