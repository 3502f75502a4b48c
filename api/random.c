/* api/random.c - the program's random streams, for hosts that draw as it does. */
#include "base/random.h"

#include "api/call.h"

expunge_status expunge_random_below(uint64_t seed, const char *purpose, uint64_t index, const int64_t *limits,
                                    int64_t count, int64_t *numbers)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(purpose);
    BASE_CHECK(count >= 0, BASE_EARG, "count = %lld: must not be negative", (long long)count);
    if (count > 0) API_GIVEN(limits);
    if (count > 0) API_GIVEN(numbers);
    BaseRandom random = base_random_make(seed, purpose, index);
    for (int64_t i = 0; i < count; i++) {
        BASE_CHECK(limits[i] >= 1, BASE_EARG, "limits[%lld] = %lld: must be 1 or more", (long long)i,
                   (long long)limits[i]);
        numbers[i] = (int64_t)base_random_below(&random, (uint64_t)limits[i]);
    }
out:
    return api_leave(&call, st);
}

expunge_status expunge_random_choose(uint64_t seed, const char *purpose, uint64_t index, int64_t n, int64_t count,
                                     int64_t *numbers)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(purpose);
    BASE_CHECK(count >= 0 && count <= n, BASE_EARG, "count = %lld: must be 0 to n = %lld", (long long)count,
               (long long)n);
    if (count > 0) API_GIVEN(numbers);
    BaseRandom random = base_random_make(seed, purpose, index);
    base_random_choose(&random, n, count, numbers);
out:
    return api_leave(&call, st);
}
