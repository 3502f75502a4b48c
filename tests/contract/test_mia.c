/* What every registered attack must do, whoever wrote it. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "mia/mia.h"

enum { N = 90, K = 4, S = 8, Z = 50, U = 5, R = 5 };

/* Everything any attack may ask for. Having been trained on raises the true logit by 3 and lowers the next class's by
 * 2, in the target and in every shadow model; unlearned models still show it, retrained ones don't; the
 * original was trained on everything. */
typedef struct {
    double target[N * K], shadow[S * N * K], population[Z * K], shadow_population[S * Z * K];
    double unlearned[U * N * K], retrained[R * N * K], original[N * K];
    int32_t labels[N], population_labels[Z];
    uint8_t role[N], keep[S * N];
    MiaInput input;
} World;

static void rows(double *z, const int32_t *labels, int64_t n, BaseRandom *r)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < K; j++) z[i * K + j] = base_random_normal(r) + (j == labels[i] ? 1 : 0);
}

static void train_on(double *z, int i, int32_t label)
{
    z[i * K + label] += 3;
    z[i * K + (label + 1) % K] -= 2;
}

static void world_make(World *w)
{
    BaseRandom r = base_random_make(21, "contract_mia", 0);
    memset(w, 0, sizeof *w);
    for (int i = 0; i < N; i++) {
        w->labels[i] = (int32_t)base_random_below(&r, K);
        w->role[i] = (uint8_t)(i % 3);
    }
    for (int i = 0; i < Z; i++) w->population_labels[i] = (int32_t)base_random_below(&r, K);
    rows(w->target, w->labels, N, &r);
    rows(w->population, w->population_labels, Z, &r);
    for (int s = 0; s < S; s++) {
        rows(w->shadow + s * N * K, w->labels, N, &r);
        rows(w->shadow_population + s * Z * K, w->population_labels, Z, &r);
    }
    for (int u = 0; u < U; u++) rows(w->unlearned + u * N * K, w->labels, N, &r);
    for (int m = 0; m < R; m++) rows(w->retrained + m * N * K, w->labels, N, &r);
    rows(w->original, w->labels, N, &r);
    for (int i = 0; i < N; i++) {
        train_on(w->original, i, w->labels[i]);
        if (w->role[i] == MIA_MEMBER) train_on(w->target, i, w->labels[i]);
        for (int u = 0; u < U && w->role[i] != MIA_NONMEMBER; u++) train_on(w->unlearned + u * N * K, i, w->labels[i]);
        for (int s = 0; s < S; s++) {
            w->keep[s * N + i] = (s + i) % 2 != 0;
            if (w->keep[s * N + i]) train_on(w->shadow + s * N * K, i, w->labels[i]);
        }
    }
    w->input = (MiaInput){.N = N,
                          .K = K,
                          .logits = w->target,
                          .labels = w->labels,
                          .role = w->role,
                          .S = S,
                          .shadow_logits = w->shadow,
                          .shadow_keep = w->keep,
                          .Z = Z,
                          .population_logits = w->population,
                          .population_labels = w->population_labels,
                          .shadow_population_logits = w->shadow_population,
                          .U = U,
                          .R = R,
                          .unlearned_logits = w->unlearned,
                          .retrained_logits = w->retrained,
                          .original_logits = w->original,
                          .seed = 4};
}

static World world, before;

static const MiaAttack *attack_at(size_t i) { return base_registry_at(&mia_registry, i); }

static void entries_are_complete(void **state)
{
    (void)state;
    assert_true(base_registry_count(&mia_registry) > 0);
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const MiaAttack *a = attack_at(i), *found;
        const BaseEntry *e = &a->entry;
        assert_true(strlen(e->name) > 0 && strspn(e->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(e->name));
        assert_true(strlen(e->summary) > 10 && !strchr(e->summary, '\n'));
        assert_non_null(e->source);
        assert_non_null(a->sets);
        assert_true(strlen(a->sets) > 10 && !strchr(a->sets, '\n'));
        assert_non_null(a->score);
        assert_int_equal(e->param_count > 0, e->params_size > 0);
        assert_ok(mia_find(e->name, &found));
        assert_ptr_equal(found, a); /* no name twice */
    }
}

/* The published number is one attack's with one wiring; an audit has something to make without other models. */
static void what_is_shown_and_made(void **state)
{
    (void)state;
    int headlines = 0, wirings = 0, plain = 0;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        headlines += attack_at(i)->headline;
        plain += attack_at(i)->in_auto && !(attack_at(i)->needs & MIA_NEEDS_OTHERS);
    }
    for (size_t i = 0; i < mia_wiring_count; i++) wirings += mia_wirings[i].headline;
    assert_int_equal(headlines, 1);
    assert_int_equal(wirings, 1);
    assert_true(plain > 0);
}

static void defaults_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const BaseEntry *e = base_registry_at(&mia_registry, i);
        if (!e->param_count) continue;
        void *first, *second;
        assert_ok(base_alloc_bytes(1, e->params_size, &first));
        assert_ok(base_alloc_bytes(1, e->params_size, &second));
        base_param_defaults(e->params, e->param_count, first);
        base_param_defaults(e->params, e->param_count, second);
        for (size_t p = 0; p < e->param_count; p++) {
            BaseText text = {0};
            base_param_format(&e->params[p], first, &text);
            assert_ok(base_param_set(e->params, e->param_count, second, e->name, e->params[p].name,
                                     text.data ? text.data : "", "--set"));
            base_text_free(&text);
            assert_true(strlen(e->params[p].meaning) > 5);
        }
        assert_memory_equal(first, second, e->params_size);
        base_free(first);
        base_free(second);
    }
}

static void scores_are_finite_repeatable_and_the_right_way_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        MiaResult a, b;
        int64_t live = base_memory_live();
        world_make(&world);
        before = world;
        assert_ok(mia_attack(attack_at(i), &world.input, NULL, &a));
        assert_memory_equal(&world, &before, sizeof world); /* inputs are borrowed, not worked in */
        assert_ok(mia_attack(attack_at(i), &world.input, NULL, &b));
        assert_memory_equal(a.score, b.score, sizeof(double) * N);
        for (int k = 0; k < N; k++) assert_true(isfinite(a.score[k]));
        for (int k = 0; k < a.number_count; k++) {
            assert_int_equal(strspn(a.numbers[k].name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                             strlen(a.numbers[k].name));
            assert_true(!isinf(a.numbers[k].value.value));
        }
        print_message("%-24s AUC %.3f [%.3f, %.3f]\n", attack_at(i)->entry.name, a.auc.value, a.auc.lo, a.auc.hi);
        assert_true(a.auc.value > 0.5);
        if (a.fitted == MIA_FITTED)
            assert_true(isnan(a.auc.lo) && isnan(a.auc.hi));
        else
            assert_true(0.5 < a.auc.lo && a.auc.lo <= a.auc.value && a.auc.value <= a.auc.hi);
        assert_true(isfinite(a.threshold) && isfinite(a.balanced_accuracy));
        assert_near(a.member_share.value + a.efficacy.value, 1, 0, 1e-14);
        assert_int_equal(a.member_share.n, N / 3);
        mia_result_free(&a);
        mia_result_free(&b);
        assert_int_equal(base_memory_live(), live);
    }
}

enum { COARSE, SMOOTH };

/* Row of K logits: its classes to other places. */
static void move(double *z, const int64_t *to)
{
    double was[K];
    memcpy(was, z, sizeof was);
    for (int j = 0; j < K; j++) z[to[j]] = was[j];
}

/* The world with the classes of point i in the order to[i], of population point i in that of more[i], in every model. */
static void world_move(World *w, int64_t (*to)[K], int64_t (*more)[K])
{
    for (int i = 0; i < N; i++) {
        move(w->target + i * K, to[i]);
        move(w->original + i * K, to[i]);
        for (int s = 0; s < S; s++) move(w->shadow + (s * N + i) * K, to[i]);
        for (int u = 0; u < U; u++) move(w->unlearned + (u * N + i) * K, to[i]);
        for (int m = 0; m < R; m++) move(w->retrained + (m * N + i) * K, to[i]);
        w->labels[i] = (int32_t)to[i][w->labels[i]];
    }
    for (int i = 0; i < Z; i++) {
        move(w->population + i * K, more[i]);
        for (int s = 0; s < S; s++) move(w->shadow_population + (s * Z + i) * K, more[i]);
        w->population_labels[i] = (int32_t)more[i][w->population_labels[i]];
    }
}

static void coarsen(double *z, int64_t n)
{
    for (int64_t i = 0; i < n; i++) z[i] = 2 * round(z[i] / 2);
}

static void world_of(int kind)
{
    world_make(&world);
    world.input.unlearned_keep = world.keep; /* U <= S; one choice needs it */
    if (kind == SMOOTH) return;
    coarsen(world.target, N * K);
    coarsen(world.shadow, S * N * K);
    coarsen(world.population, Z * K);
    coarsen(world.shadow_population, S * Z * K);
    coarsen(world.unlearned, U * N * K);
    coarsen(world.retrained, R * N * K);
    coarsen(world.original, N * K);
}

/* Looks at which class a point has, or at classes one by one: the same only where all points' classes move alike. */
static bool knows_classes(const MiaAttack *a)
{
    static const char *const NAMES[] = {"logistic", "mlp", "quantile", "other_classes"};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++)
        if (strcmp(a->entry.name, NAMES[i]) == 0) return true;
    return false;
}

/* The defaults but for one choice, and for passes over the points, which take long. */
static void choose(const BaseEntry *e, size_t param, size_t choice, void *params)
{
    base_param_defaults(e->params, e->param_count, params);
    for (size_t p = 0; p < e->param_count; p++)
        if (strcmp(e->params[p].name, "epochs") == 0)
            assert_ok(base_param_set(e->params, e->param_count, params, e->name, "epochs", "1", "--set"));
    assert_ok(base_param_set(e->params, e->param_count, params, e->name, e->params[param].name,
                             e->params[param].choices[choice], "--set"));
}

static void same_moved(const MiaAttack *attack, const void *params, const char *what, int kind, bool each)
{
    static int64_t to[N][K], more[Z][K];
    MiaResult a, b;
    BaseRandom r = base_random_make(22, "contract_order", (uint64_t)kind);
    for (int k = 0; k < N + Z; k++) {
        int64_t *row = k < N ? to[k] : more[k - N];
        for (int j = 0; j < K; j++) row[j] = j;
        if (each || k == 0)
            base_random_shuffle(&r, row, K);
        else
            memcpy(row, to[0], sizeof to[0]);
    }
    world_of(kind);
    assert_ok(mia_attack(attack, &world.input, params, &a));
    world_move(&world, to, more);
    assert_ok(mia_attack(attack, &world.input, params, &b));
    for (int k = 0; k < N; k++)
        if (a.score[k] != b.score[k])
            fail_msg("%s, %s, point %d: %.17g, then %.17g", attack->entry.name, what, k, a.score[k], b.score[k]);
    assert_near(b.auc.value, a.auc.value, 0, 0);
    assert_int_equal(a.number_count, b.number_count);
    for (int k = 0; k < a.number_count; k++) assert_near(b.numbers[k].value.value, a.numbers[k].value.value, 0, 0);
    mia_result_free(&a);
    mia_result_free(&b);
}

/* How classes are numbered changes no bit of a score, whatever is chosen of the attack's words; and by default, for
 * most attacks, neither does the order in which each point's classes stand. */
static void order_of_classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const BaseEntry *e = base_registry_at(&mia_registry, i);
        void *params = NULL;
        for (int kind = COARSE; kind <= SMOOTH; kind++) {
            same_moved(attack_at(i), NULL, "defaults", kind, false);
            if (!knows_classes(attack_at(i))) same_moved(attack_at(i), NULL, "each point's", kind, true);
        }
        if (e->params_size) assert_ok(base_alloc_bytes(1, e->params_size, &params));
        for (size_t p = 0; p < e->param_count; p++)
            for (size_t c = 0; e->params[p].kind == BASE_KIND_CHOICE && e->params[p].choices[c]; c++) {
                choose(e, p, c, params);
                same_moved(attack_at(i), params, e->params[p].choices[c], SMOOTH, false);
            }
        base_free(params);
    }
}

/* An attack that says it needs a part refuses without it; one that doesn't, works without it. */
static void needs_are_true(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        for (unsigned need = 1; need <= MIA_NEEDS_ORIGINAL; need *= 2) {
            MiaResult r;
            world_make(&world);
            MiaInput in = world.input;
            if (need == MIA_NEEDS_SHADOW)
                in.S = 0, in.shadow_logits = in.shadow_population_logits = NULL, in.shadow_keep = NULL;
            if (need == MIA_NEEDS_POPULATION)
                in.Z = 0, in.population_logits = in.shadow_population_logits = NULL, in.population_labels = NULL;
            if (need == MIA_NEEDS_UNLEARNED) in.U = 0, in.unlearned_logits = NULL;
            if (need == MIA_NEEDS_RETRAINED) in.R = 0, in.retrained_logits = NULL;
            if (need == MIA_NEEDS_ORIGINAL) in.original_logits = NULL;
            if (need == MIA_NEEDS_SHADOW_POPULATION) in.shadow_population_logits = NULL;
            if (attack_at(i)->needs & need)
                assert_fails(mia_attack(attack_at(i), &in, NULL, &r), BASE_EARG, "needs");
            else
                assert_ok(mia_attack(attack_at(i), &in, NULL, &r));
            mia_result_free(&r);
        }
    }
}

/* Logits that say nothing, and logits far beyond what exp can hold. */
static void hard_logits(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        MiaResult r;
        world_make(&world);
        for (int k = 0; k < N * K; k++) world.target[k] *= 500;
        assert_ok(mia_attack(attack_at(i), &world.input, NULL, &r));
        assert_true(isfinite(r.auc.value));
        mia_result_free(&r);
        memset(world.target, 0, sizeof world.target);
        assert_ok(mia_attack(attack_at(i), &world.input, NULL, &r));
        assert_true(isfinite(r.auc.value));
        mia_result_free(&r);
    }
}

typedef struct {
    const MiaAttack *attack;
    const void *params;
} Once;

static BaseStatus once(void *user)
{
    MiaResult r;
    const Once *o = user;
    BaseStatus st = mia_attack(o->attack, &world.input, o->params, &r);
    mia_result_free(&r);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    world_of(SMOOTH);
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const BaseEntry *e = base_registry_at(&mia_registry, i);
        Once o = {attack_at(i), NULL};
        void *params = NULL;
        support_fail_allocations(once, &o, 500);
        if (e->params_size) assert_ok(base_alloc_bytes(1, e->params_size, &params));
        o.params = params;
        for (size_t p = 0; p < e->param_count; p++)
            for (size_t c = 0; e->params[p].kind == BASE_KIND_CHOICE && e->params[p].choices[c]; c++) {
                if (c == (size_t)e->params[p].def || strcmp(e->params[p].choices[c], "libsvm") == 0)
                    continue; /* libsvm allocates for itself */
                choose(e, p, c, params);
                support_fail_each_allocation(once, &o, 500);
            }
        base_free(params);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(entries_are_complete), cmocka_unit_test(what_is_shown_and_made),
    cmocka_unit_test(defaults_are_valid),   cmocka_unit_test(scores_are_finite_repeatable_and_the_right_way_round),
    cmocka_unit_test(order_of_classes),     cmocka_unit_test(needs_are_true),
    cmocka_unit_test(hard_logits),          cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
