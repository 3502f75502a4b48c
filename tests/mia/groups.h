/* tests/mia/groups.h - a world of unlearned and retrained models whose phi have known laws. */
#ifndef TESTS_MIA_GROUPS_H
#define TESTS_MIA_GROUPS_H

#include "tests/mia/pair.h"

#include "base/random.h"

enum { MOST_N = 400, MOST_M = 64, MOST_K = 5 };
/* phi of point i: N(centre_i, 1) retrained, N(centre_i + shift, 1) unlearned; the target is one more unlearned model.
 */
typedef struct {
    double phi[2][MOST_M * MOST_N], target[MOST_N]; /* retrained, unlearned */
    double *z[3];
    int32_t labels[MOST_N];
    uint8_t role[MOST_N], keep[MOST_M * MOST_N];
    MiaInput input;
} World;
static World w;

static inline void world_free(void)
{
    for (int k = 0; k < 3; k++) base_free(w.z[k]);
    memset(w.z, 0, sizeof w.z);
}

static inline void world_arrays(int64_t N, int64_t U, int64_t R)
{
    w.z[0] = pair_logits(w.phi[0], R * N);
    w.z[1] = pair_logits(w.phi[1], U * N);
    w.z[2] = pair_logits(w.target, N);
    w.input = (MiaInput){.N = N,
                         .K = 2,
                         .logits = w.z[2],
                         .labels = w.labels,
                         .role = w.role,
                         .U = U,
                         .R = R,
                         .unlearned_logits = w.z[1],
                         .retrained_logits = w.z[0]};
}

static inline const MiaInput *world_make(int64_t N, int64_t U, int64_t R, double shift, double spread, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "unlearned_test", 0);
    assert_true(N <= MOST_N && U <= MOST_M && R <= MOST_M);
    for (int64_t i = 0; i < N; i++) {
        double centre = spread * base_random_normal(&r);
        w.role[i] = (uint8_t)(i % 3);
        w.target[i] = centre + (i % 3 ? shift : 0) + base_random_normal(&r);
        for (int64_t m = 0; m < R; m++) w.phi[0][m * N + i] = centre + base_random_normal(&r);
        for (int64_t m = 0; m < U; m++) w.phi[1][m * N + i] = centre + (i % 3 ? shift : 0) + base_random_normal(&r);
    }
    world_arrays(N, U, R);
    return &w.input;
}

#endif
