/* tests/mia/pair.h - arrays of two classes, where the logits (phi, 0) of a point of class 0 have exactly that phi, and
 * a confidence of 1 / (1 + exp(-phi)); and attacks by name with parameters as text. */
#ifndef TESTS_MIA_PAIR_H
#define TESTS_MIA_PAIR_H

#include "tests/support/support.h"

#include <math.h>

#include "mia/mia.h"

static inline double *pair_logits(const double *phi, int64_t n)
{
    double *z;
    assert_ok(BASE_ALLOC(2 * n, &z));
    for (int64_t i = 0; i < n; i++) z[2 * i] = phi[i];
    return z;
}

/* The logits of a file's array of probabilities. */
static inline double *pair_read(IoHdf5 *file, const char *path, bool probabilities, int64_t *count)
{
    double *x = support_read_f64(file, path, count);
    for (int64_t i = 0; probabilities && i < *count; i++) x[i] = log(x[i]) - log1p(-x[i]);
    double *z = pair_logits(x, *count);
    base_free(x);
    return z;
}

/* @p set: "key=value" texts, NULL-ended; NULL: the defaults. */
static inline BaseStatus pair_try(const char *name, const MiaInput *input, const char *const *set, MiaResult *out)
{
    const MiaAttack *attack;
    void *params;
    assert_ok(mia_find(name, &attack));
    const BaseEntry *e = &attack->entry;
    assert_ok(base_alloc_bytes(1, e->params_size, &params));
    base_param_defaults(e->params, e->param_count, params);
    for (; set && *set; set++) {
        char key[64];
        size_t length = strcspn(*set, "=");
        memcpy(key, *set, length);
        key[length] = '\0';
        assert_ok(base_param_set(e->params, e->param_count, params, name, key, *set + length + 1, "test"));
    }
    BaseStatus st = mia_attack(attack, input, params, out);
    base_free(params);
    return st;
}

static inline MiaResult pair_attack(const char *name, const MiaInput *input, const char *const *set)
{
    MiaResult r;
    assert_ok(pair_try(name, input, set, &r));
    return r;
}
#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The AUC as of scores that are not fitted to these points: in a made-up world it is known that models, not roles, made
 * them, and the interval that a result leaves out holds. */
static inline MathAuc pair_auc(const MiaInput *input, const MiaResult *r)
{
    MathAuc auc;
    double *score;
    uint8_t *member;
    int64_t n = 0;
    assert_ok(BASE_ALLOC(input->N, &score));
    assert_ok(BASE_ALLOC(input->N, &member));
    for (int64_t i = 0; i < input->N; i++) {
        if (input->role[i] == MIA_AUDITED) continue;
        score[n] = r->score[i];
        member[n++] = input->role[i] == MIA_MEMBER;
    }
    assert_ok(math_auc(score, member, n, &auc));
    base_free(score);
    base_free(member);
    return auc;
}

static inline MathEstimate pair_number(const MiaResult *r, const char *name)
{
    for (int i = 0; i < r->number_count; i++)
        if (strcmp(r->numbers[i].name, name) == 0) return r->numbers[i].value;
    fail_msg("no number %s", name);
    return (MathEstimate){NAN, NAN, NAN, 0};
}

#endif
