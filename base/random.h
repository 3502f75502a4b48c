/* base/random.h - seeded random streams: xoshiro256**, seeded by SplitMix64.
 *
 * Each purpose has a stream of its own, derived from the run's seed and the purpose's name ("init", "order",
 * "split", "retain_sample", ...), so that drawing more for one purpose moves no other. Same seed, same bits.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t s[4];
    double spare; /* second normal of the last pair */
    int has_spare;
} BaseRandom;

/** Stream @p index of the purpose @p name under @p seed. */
BaseRandom base_random_make(uint64_t seed, const char *name, uint64_t index);
uint64_t base_random_u64(BaseRandom *r);
uint64_t base_random_below(BaseRandom *r, uint64_t n); /* 0..n-1 without bias; n > 0 */
double base_random_uniform(BaseRandom *r);             /* [0, 1), 53 bits */
double base_random_normal(BaseRandom *r);              /* mean 0, sd 1, polar method */
/** Fisher-Yates over n indices. */
void base_random_shuffle(BaseRandom *r, int64_t *index, int64_t n);
/** k of 0..n-1 without repetition, ascending, each subset equally likely (Knuth 3.4.2 S). 0 <= k <= n. */
void base_random_choose(BaseRandom *r, int64_t n, int64_t k, int64_t *out);
/** SplitMix64's finaliser: a stateless 64-bit mix. */
uint64_t base_random_mix(uint64_t z);

#endif
