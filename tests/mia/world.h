/* Points for the tests of attacks: K logits, the true one shifted for members; and an attack by name with settings. */
#ifndef TESTS_MIA_WORLD_H
#define TESTS_MIA_WORLD_H

#include "tests/support/support.h"

#include "base/random.h"
#include "mia/mia.h"

typedef struct {
    MiaInput input;
    double *logits, *shadow, *population;
    int32_t *labels, *population_labels;
    uint8_t *role, *keep;
} World;

static inline void world_rows(double *z, const int32_t *labels, int64_t n, int64_t K, BaseRandom *r)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < K; j++) z[i * K + j] = base_random_normal(r) + (j == labels[i] ? 1 : 0);
}

/* Roles 0, 1, 2 by turns; S shadow models that kept every other point; Z population points. Where a point was trained
 * on, its true logit is @p shift higher. */
static inline void world_make(World *w, int64_t N, int64_t K, int64_t S, int64_t Z, double shift, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "attack_world", 0);
    assert_ok(BASE_ALLOC(N * K, &w->logits));
    assert_ok(BASE_ALLOC(N, &w->labels));
    assert_ok(BASE_ALLOC(N, &w->role));
    assert_ok(BASE_ALLOC(S * N * K, &w->shadow));
    assert_ok(BASE_ALLOC(S * N, &w->keep));
    assert_ok(BASE_ALLOC(Z * K, &w->population));
    assert_ok(BASE_ALLOC(Z, &w->population_labels));
    for (int64_t i = 0; i < N; i++) {
        w->labels[i] = (int32_t)base_random_below(&r, (uint64_t)K);
        w->role[i] = (uint8_t)(i % 3);
    }
    for (int64_t i = 0; i < Z; i++) w->population_labels[i] = (int32_t)base_random_below(&r, (uint64_t)K);
    world_rows(w->logits, w->labels, N, K, &r);
    world_rows(w->population, w->population_labels, Z, K, &r);
    for (int64_t i = 0; i < N; i++)
        if (w->role[i] == MIA_MEMBER) w->logits[i * K + w->labels[i]] += shift;
    for (int64_t s = 0; s < S; s++) {
        world_rows(w->shadow + s * N * K, w->labels, N, K, &r);
        for (int64_t i = 0; i < N; i++) {
            w->keep[s * N + i] = (s + i) % 2 != 0;
            if (w->keep[s * N + i]) w->shadow[(s * N + i) * K + w->labels[i]] += shift;
        }
    }
    w->input = (MiaInput){.N = N, .K = K, .logits = w->logits, .labels = w->labels, .role = w->role, .seed = seed};
    if (S > 0) w->input.S = S, w->input.shadow_logits = w->shadow, w->input.shadow_keep = w->keep;
    if (Z > 0)
        w->input.Z = Z, w->input.population_logits = w->population, w->input.population_labels = w->population_labels;
}

static inline void world_free(World *w)
{
    base_free(w->logits);
    base_free(w->labels);
    base_free(w->role);
    base_free(w->shadow);
    base_free(w->keep);
    base_free(w->population);
    base_free(w->population_labels);
}

/* @p settings: key, value, key, value, NULL; or NULL for the defaults. */
static inline BaseStatus world_try(const char *name, const MiaInput *input, const char *const *settings, MiaResult *out)
{
    const MiaAttack *attack;
    void *params;
    assert_ok(mia_find(name, &attack));
    assert_ok(base_alloc_bytes(1, attack->entry.params_size + 1, &params));
    base_param_defaults(attack->entry.params, attack->entry.param_count, params);
    for (; settings && *settings; settings += 2)
        assert_ok(base_param_set(attack->entry.params, attack->entry.param_count, params, name, settings[0],
                                 settings[1], "--set"));
    BaseStatus st = mia_attack(attack, input, params, out);
    base_free(params);
    return st;
}

static inline MiaResult world_attack(const char *name, const MiaInput *input, const char *const *settings)
{
    MiaResult result;
    assert_ok(world_try(name, input, settings, &result));
    return result;
}
#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
