/* base/random.c - draws by rejection and by the polar method, so that no value is more likely than another. */
#include "base/random.h"

#include <math.h>

#include "base/hash.h"

uint64_t base_random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

BaseRandom base_random_make(uint64_t seed, const char *name, uint64_t index)
{
    BaseRandom r = {.spare = 0};
    uint64_t state = base_random_mix(seed + 0x9e3779b97f4a7c15u) ^ base_hash_fnv1a(name);
    state = base_random_mix(state) + base_random_mix(index ^ 0xd1b54a32d192ed03u);
    for (int i = 0; i < 4; i++) r.s[i] = base_random_mix(state += 0x9e3779b97f4a7c15u);
    return r;
}

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

uint64_t base_random_u64(BaseRandom *r)
{
    uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t base_random_below(BaseRandom *r, uint64_t n)
{
    uint64_t reject = -n % n, x; /* 2^64 mod n: drop the first, incomplete block */
    do x = base_random_u64(r);
    while (x < reject);
    return x % n;
}

double base_random_uniform(BaseRandom *r) { return (double)(base_random_u64(r) >> 11) * 0x1p-53; }

double base_random_normal(BaseRandom *r)
{
    if (r->has_spare) {
        r->has_spare = 0;
        return r->spare;
    }
    double u, v, q;
    do {
        u = 2 * base_random_uniform(r) - 1;
        v = 2 * base_random_uniform(r) - 1;
        q = u * u + v * v;
    } while (q >= 1 || q == 0);
    double scale = sqrt(-2 * log(q) / q);
    r->spare = v * scale;
    r->has_spare = 1;
    return u * scale;
}

void base_random_shuffle(BaseRandom *r, int64_t *index, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)base_random_below(r, (uint64_t)i + 1), keep = index[i];
        index[i] = index[j];
        index[j] = keep;
    }
}

void base_random_choose(BaseRandom *r, int64_t n, int64_t k, int64_t *out)
{
    for (int64_t i = 0, taken = 0; taken < k; i++)
        if ((int64_t)base_random_below(r, (uint64_t)(n - i)) < k - taken) out[taken++] = i;
}
