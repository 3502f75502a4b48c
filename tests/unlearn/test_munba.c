/* munba against steps by hand: the two gradients, their bargain as the public code writes it, and the cut. */
#include "tests/unlearn/twin.h"

#include "unlearn/gradient/relabel.h"

/* One joint step, by the two quotients; their 0 / 0 of orthogonal gradients does not come up. */
static void joint_by_hand(Twin *t, const Side *retain, const Side *forget, const int32_t *wrong, double guard,
                          double clip)
{
    double *r = naive_doubles(t->count), *f = naive_doubles(t->count);
    twin_gradient(t, true, retain->x, retain->y, retain->n, CE, r);
    twin_gradient(t, true, forget->x, wrong, forget->n, CE, f);
    double g1 = twin_dot(r, r, t->count), g2 = twin_dot(r, f, t->count), g3 = twin_dot(f, f, t->count);
    double a_r = sqrt((g1 * g3 - g2 * sqrt(g1 * g3)) / (g1 * g1 * g3 - g1 * g2 * g2 + guard));
    double a_f = (1 - g1 * a_r * a_r) / (g2 * a_r + guard);
    assert_true(a_r > 0 && a_f > 0);
    for (int64_t i = 0; i < t->count; i++) t->g[i] = a_r * r[i] + a_f * f[i];
    if (clip > 0) twin_clip(t, clip);
    twin_step(t);
    base_free(r);
    base_free(f);
}

static void bargain(const char *guard, const char *clip, double by_hand)
{
    Small *s = small_open("0,3");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    UnlearnReport report;
    int32_t *labels = NULL, y[64];
    assert_ok(unlearn_random_labels(&s->context, &s->context.train, &labels));
    side_labels(s, labels, y);
    assert_ok(small_run(s, "munba", SETTINGS(STEPS, "lr=0.02", "epochs=2", guard, clip), &net, &report));
    t.lr = 0.02;
    for (int e = 0; e < 2; e++) joint_by_hand(&t, retain, forget, y, by_hand, strcmp(clip, "clip=0") ? 1 : 0);
    assert_near(report.passes, 2 * 48, 0, 0);
    base_free(labels);
    finish(s, &t, net, retain, forget);
}

static void test_bargain(void **state)
{
    (void)state;
    bargain("guard=0", "clip=1", 0);
    bargain("guard=0", "clip=0", 0);
    bargain("guard=0.5", "clip=1", 0.5);
}

/* A network that is sure of all retained images has nothing to bargain with: a gradient of 0 on their side. Then the
 * step is along the other, with a tenth of its length. */
static void test_no_agreement(void **state)
{
    (void)state;
    Small *s = small_open("1");
    NnNet *net = NULL;
    int32_t *labels = NULL, y[64];
    int count;
    const NnSlice *bias = nn_net_param_slices(s->net, &count) + count - 1;
    for (int i = 0; i < s->set.N; i++) s->set.labels[i] = s->set.labels[i] == 1;
    nn_net_edit_params(s->net)[bias->offset] = 200; /* of class 0, whose probability is 1 in float32 */
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    assert_ok(unlearn_random_labels(&s->context, &s->context.train, &labels));
    side_labels(s, labels, y);
    assert_ok(small_run(s, "munba", SETTINGS(STEPS, "epochs=1", "clip=0"), &net, NULL));
    twin_add(&t, true, forget->x, y, forget->n, (TwinLoss){.ce = 0.1}, NULL, NULL);
    twin_step(&t);
    base_free(labels);
    finish(s, &t, net, retain, forget);
}

/* One class is kept, so that both sides want the same and come to have it: gradients that vanish are not blown up to a
 * step, whatever is left of them, and a long training stays finite. */
static void test_vanishing(void **state)
{
    (void)state;
    static const float SURE[] = {40, 80, 95, 110, 200}; /* logit of the kept class: gradients of exp(-SURE) */
    for (int i = 0; i < 6; i++) {
        Small *s = small_open("1,2,3,4");
        NnNet *net = NULL;
        int count;
        const NnSlice *bias = nn_net_param_slices(s->net, &count) + count - 1;
        if (i < 5) nn_net_edit_params(s->net)[bias->offset] = SURE[i];
        assert_ok(
            small_run(s, "munba", SETTINGS(i < 5 ? "epochs=2" : "epochs=100", "weight_decay=0", "lr=0.1"), &net, NULL));
        for (int64_t j = 0; j < nn_net_param_count(net); j++)
            if (i < 5) assert_near((double)nn_net_params(net)[j], (double)nn_net_params(s->net)[j], 0, 1e-6);
        nn_net_free(net);
        small_close(s);
    }
}

/* Whatever the gradients are, the joint one has the norm sqrt(2): of a plain step at rate 1 that is the way moved. */
static void test_norm(void **state)
{
    (void)state;
    static const char *const FORGET[] = {"1", "0,3", "2,4"};
    for (int i = 0; i < 3; i++) {
        Small *s = small_open(FORGET[i]);
        NnNet *net = NULL;
        double moved = 0;
        assert_ok(small_run(s, "munba",
                            SETTINGS("batch_size=64", "epochs=1", "lr=1", "momentum=0", "weight_decay=0", "clip=0"),
                            &net, NULL));
        for (int64_t j = 0; j < nn_net_param_count(net); j++)
            moved += pow((double)nn_net_params(net)[j] - (double)nn_net_params(s->net)[j], 2);
        assert_near(sqrt(moved), sqrt(2), 0, 1e-4);
        nn_net_free(net);
        small_close(s);
    }
}

/* Forgotten images that are fewer run out, and the rest of the epoch is plain descent; those that are more are all
 * seen, and the retained ones come round again. */
static void test_uneven_sides(void **state)
{
    (void)state;
    static const struct {
        const char *forget;
        double retain, pairs;
    } CASES[] = {{"2", 38, 10}, {"0,1,2,3", 0, 0}};
    for (int i = 0; i < 2; i++) {
        Small *s = small_open(CASES[i].forget);
        Side *retain = side_of(s, false), *forget = side_of(s, true);
        NnNet *net = NULL;
        UnlearnReport report;
        assert_ok(small_run(s, "munba", SETTINGS("batch_size=5", "epochs=1", "lr=0.001"), &net, &report));
        assert_true(forget->n == (i ? report.samples_forget : 10));
        if (i == 0) assert_near(report.passes, CASES[i].retain + CASES[i].pairs, 0, 0);
        if (i == 1) assert_true(report.passes > (double)(forget->n + retain->n)); /* retained ones were seen again */
        nn_net_free(net);
        base_free(retain);
        base_free(forget);
        small_close(s);
    }
}

/* What may not move counts for nothing in the bargain, either. */
static void test_frozen(void **state)
{
    (void)state;
    Small *s = small_open("1");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    uint8_t mask[4096];
    int32_t *labels = NULL, y[64];
    NnNet *net = NULL;
    mask_from(s, "fc2.weight", mask);
    assert_ok(unlearn_random_labels(&s->context, &s->context.train, &labels));
    side_labels(s, labels, y);
    assert_ok(small_run(s, "munba", SETTINGS(STEPS, "epochs=1", "clip=0", "layers=last"), &net, NULL));
    frozen_stay(s, net, mask, true);
    Twin t = twin_of(s);
    t.mask = mask;
    double *r = naive_doubles(t.count), *f = naive_doubles(t.count);
    twin_gradient(&t, true, retain->x, retain->y, retain->n, CE, r);
    twin_gradient(&t, true, forget->x, y, forget->n, CE, f);
    for (int64_t i = 0; i < t.count; i++) r[i] *= mask[i], f[i] *= mask[i];
    double g1 = twin_dot(r, r, t.count), g2 = twin_dot(r, f, t.count), g3 = twin_dot(f, f, t.count);
    double pay = sqrt(g1 * g3) / (sqrt(g1 * g3) + g2); /* a_r^2 g1 = a_f^2 g3 */
    for (int64_t i = 0; i < t.count; i++) t.g[i] = sqrt(pay / g1) * r[i] + sqrt(pay / g3) * f[i];
    twin_step(&t);
    base_free(r);
    base_free(f);
    base_free(labels);
    finish(s, &t, net, retain, forget);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bargain),   cmocka_unit_test(test_no_agreement), cmocka_unit_test(test_norm),
    cmocka_unit_test(test_vanishing), cmocka_unit_test(test_uneven_sides), cmocka_unit_test(test_frozen),
};
SUPPORT_MAIN(tests)
