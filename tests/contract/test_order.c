/* The order in which a data set lies on disk is no parameter: every method gives on a set that is sorted by class what it
 * gives on a mixed one, but for what its own seed changes as well. */
#include "tests/contract/world.h"

#include <math.h>
#include <stdlib.h>

enum { SEEDS = 4 };

/* What may depend on it, and why: docs/deviations.md. */
static const char *const DEPENDS[][2] = {
    {"ssd", "published"},       /* batches of one class, in the set's order within it */
    {"influence", "published"}, /* one direction is that of the first image */
};

static bool depends(const char *method, const char *preset)
{
    for (size_t i = 0; i < BASE_COUNT(DEPENDS); i++)
        if (strcmp(method, DEPENDS[i][0]) == 0 && strcmp(preset, DEPENDS[i][1]) == 0) return true;
    return false;
}

/* The same images, class after class, each class backwards. */
static void sort(const World *from, World *to, DataSet *set)
{
    enum { PIXELS = C * SIDE * SIDE };
    int64_t n = 0;
    float *x = NULL;
    *set = from->set;
    assert_ok(BASE_ALLOC(N * PIXELS, &x));
    assert_ok(BASE_ALLOC(N, &set->labels));
    for (int c = 0; c < K; c++)
        for (int i = N - 1; i >= 0; i--)
            if (from->set.labels[i] == c) {
                memcpy(x + n * PIXELS, (const float *)from->set.images + i * PIXELS, PIXELS * sizeof *x);
                set->labels[n++] = c;
            }
    set->images = x;
    *to = *from;
    to->context.train = data_view_all(set);
}

static void set(const UnlearnMethod *m, void *params, const char *key, const char *value)
{
    if (base_param_find(m->entry.params, m->entry.param_count, key))
        assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, m->entry.name, key, value, "test"));
}

static NnNet *unlearned(const World *w, const UnlearnMethod *m, const char *preset, const char *order, uint64_t seed)
{
    NnNet *net = NULL;
    UnlearnReport report;
    UnlearnContext context = w->context;
    double params[1024];
    context.seed = seed;
    base_param_defaults(m->entry.params, m->entry.param_count, params);
    set(m, params, "preset", preset);
    set(m, params, "stop", "-1"); /* every step is taken */
    set(m, params, "batch_size", "8");
    set(m, params, "epochs", "2");
    set(m, params, "noise_images", "6");
    set(m, params, "retain_steps", "14"); /* two epochs */
    if (strcmp(m->entry.name, "ssd") == 0) set(m, params, "alpha", "1.5");
    if (order) set(m, params, "order", order);
    assert_ok(nn_net_clone(w->original, &net));
    assert_ok(unlearn_run(m, &context, params, net, &report));
    unlearn_report_free(&report);
    return net;
}

static double distance(const NnNet *a, const NnNet *b)
{
    double sum = 0;
    for (int64_t i = 0; i < nn_net_param_count(a); i++) {
        double d = (double)nn_net_params(a)[i] - (double)nn_net_params(b)[i];
        sum += d * d;
    }
    return sqrt(sum);
}

/* Whether the two orders differ by no more than two seeds do. Both are means over SEEDS pairs of networks; where the draw
 * decides everything, order and seed are two draws of the same, whose means differ by less than half; where it decides
 * nothing, sums in another order leave 1e-4 of the change. */
static bool invariant(const World *mixed, const World *sorted, const UnlearnMethod *m, const char *preset,
                      const char *order)
{
    NnNet *a[SEEDS], *b[SEEDS];
    double by_order = 0, by_seed = 0, change = 0;
    for (int i = 0; i < SEEDS; i++) {
        a[i] = unlearned(mixed, m, preset, order, (uint64_t)i + 1);
        b[i] = unlearned(sorted, m, preset, order, (uint64_t)i + 1);
    }
    for (int i = 0; i < SEEDS; i++) {
        by_order += distance(a[i], b[i]);
        by_seed += distance(a[i], a[(i + 1) % SEEDS]);
        change += distance(a[i], mixed->original);
    }
    print_message("%s %s: order %g, seed %g of %g\n", m->entry.name, preset, by_order / SEEDS, by_seed / SEEDS,
                  change / SEEDS);
    for (int i = 0; i < SEEDS; i++) {
        nn_net_free(a[i]);
        nn_net_free(b[i]);
    }
    return by_order <= 1.5 * by_seed + 1e-4 * change;
}

static void test_every_method(void **state)
{
    (void)state;
    World mixed, sorted;
    DataSet set;
    world_open(&mixed, "2");
    sort(&mixed, &sorted, &set);
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = base_registry_at(&unlearn_registry, i);
        for (int p = 0; p < 2; p++) {
            const char *preset = base_param_presets[p];
            if (p > 0 && !base_param_preset(m->entry.params, m->entry.param_count)) continue;
            if (depends(m->entry.name, preset) || made_elsewhere(m)) continue;
            if (!invariant(&mixed, &sorted, m, preset, NULL))
                fail_msg("%s, %s: what is computed depends on the order of the set", m->entry.name, preset);
        }
    }
    base_free(set.images);
    base_free(set.labels);
    world_close(&mixed);
}

/* ssd as it was before `order`: what this test is there to notice. */
static void test_it_would_notice(void **state)
{
    (void)state;
    World mixed, sorted;
    DataSet set;
    const UnlearnMethod *ssd = NULL;
    world_open(&mixed, "2");
    sort(&mixed, &sorted, &set);
    assert_ok(unlearn_find("ssd", &ssd));
    assert_false(invariant(&mixed, &sorted, ssd, "here", "set"));
    assert_false(invariant(&mixed, &sorted, ssd, "published", NULL)); /* so its exception is needed */
    base_free(set.images);
    base_free(set.labels);
    world_close(&mixed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_method),
    cmocka_unit_test(test_it_would_notice),
};
SUPPORT_MAIN(tests)
