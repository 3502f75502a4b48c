/* tests/api/api.h - what tests of the public interface share: checks of a status and its sentence, and numbers. */
#ifndef TESTS_API_API_H
#define TESTS_API_API_H

#include <expunge.h>

#include "base/param.h"
#include "base/random.h"
#include "tests/support/support.h"

/** The public calls return the numbers of BaseStatus (api/call.c). */
#define assert_done(call) assert_ok((BaseStatus)(call))
#define assert_refused(call, code, part)                                                                               \
    assert_refused_at((BaseStatus)(call), BASE_##code, part, #call, __FILE__, __LINE__)

static inline void assert_refused_at(BaseStatus st, BaseStatus want, const char *part, const char *call,
                                     const char *file, int line)
{
    support_fails(st, want, part, call, file, line);
    assert_string_equal(expunge_error_text(), base_error_text());
}

/** n standard normal numbers of a stream of their own; base_free. */
static inline float *numbers(int64_t n, uint64_t stream)
{
    BaseRandom random = base_random_make(stream, "test_api", 0);
    float *x;
    assert_ok(BASE_ALLOC_RAW(n, &x));
    for (int64_t i = 0; i < n; i++) x[i] = (float)base_random_normal(&random);
    return x;
}

#endif
