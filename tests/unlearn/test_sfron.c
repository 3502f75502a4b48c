/* sfron against steps by hand: the mask, the weighted ascent and its cut, the schedule. */
#include "tests/unlearn/twin.h"

#include <stdlib.h>

#include "base/order.h"
#include "unlearn/gradient/loss.h"

enum { COUNT = 4096 };

/* share_i = (F_f + 1e-15) / (F_r + 1e-15); a batch is a side, so that F is the square of its mean gradient. */
static void shares(Twin *t, const Side *retain, const Side *forget, double *share)
{
    double *r = naive_doubles(t->count), *f = naive_doubles(t->count);
    twin_gradient(t, false, retain->x, retain->y, retain->n, CE, r);
    twin_gradient(t, false, forget->x, forget->y, forget->n, CE, f);
    for (int64_t i = 0; i < t->count; i++) share[i] = (f[i] * f[i] + 1e-15) / (r[i] * r[i] + 1e-15);
    base_free(r);
    base_free(f);
}

/* A ratio near the middle that no share comes near to, so that float32 finds the same mask. */
static double threshold(const double *share, int64_t n)
{
    double sorted[COUNT], best = 0, at = 0;
    memcpy(sorted, share, (size_t)n * sizeof *share);
    qsort(sorted, (size_t)n, sizeof *sorted, base_ascending_f64);
    for (int64_t i = n * 4 / 10; i < n * 6 / 10; i++)
        if (sorted[i + 1] / sorted[i] > best) {
            best = sorted[i + 1] / sorted[i];
            at = sqrt(sorted[i + 1] * sorted[i]);
        }
    assert_true(best > 1.001);
    return at;
}

static void ascend_by_hand(Twin *t, const Side *forget, const double *share, double ratio, double weight)
{
    double logits[64 * 5], q[64], mass = 0;
    double *unused = naive_doubles(t->count), *g = t->g;
    t->g = unused;
    twin_add(t, true, forget->x, forget->y, forget->n, CE, logits, NULL);
    t->g = g;
    for (int64_t i = 0; i < forget->n; i++) {
        double p[8];
        twin_softmax(logits + i * 5, 5, 1, p);
        mass += q[i] = 1 / (pow(-log(p[forget->y[i]]), 0.5) + 1e-15);
    }
    for (int64_t i = 0; i < forget->n; i++) q[i] /= mass;
    twin_add(t, true, forget->x, forget->y, forget->n, (TwinLoss){.ce = -weight, .weights = q}, NULL, NULL);
    for (int64_t i = 0; i < t->count; i++) t->g[i] *= share[i] >= ratio;
    twin_clip(t, 0.5);
    twin_step(t);
    base_free(unused);
}

/* Three steps of descent, the first and the last of which follow an ascent. */
static void test_steps(void **state)
{
    (void)state;
    Small *s = small_open("1,2");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    UnlearnReport report;
    double share[COUNT];
    char ratio[64];
    shares(&t, retain, forget, share);
    double at = threshold(share, t.count);
    snprintf(ratio, sizeof ratio, "ratio=%.17g", at);
    assert_ok(small_run(s, "sfron",
                        SETTINGS(STEPS, "retain_steps=3", "every=2", "weight=2", "clip=0.5", "stop=-1", ratio), &net,
                        &report));
    for (int i = 0; i < 3; i++) {
        double fall = (1 + cos(acos(-1) * i / 3)) / 2;
        t.lr = 0.05 * fall;
        if (i % 2 == 0) ascend_by_hand(&t, forget, share, at, 2 * fall);
        twin_add(&t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
        twin_step(&t);
    }
    assert_near(report.passes, (double)(48 + 3 * retain->n + 2 * forget->n), 0, 0);
    finish(s, &t, net, retain, forget);
}

static bool same(const NnNet *a, const NnNet *b)
{
    return memcmp(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float)) == 0;
}

/* No weight takes part: only decay and momentum are left of the ascent, which is not the same as no ascent. What is
 * forgotten already is not driven away. */
static void test_edges(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *none = NULL, *watched = NULL, *masked = NULL;
    UnlearnReport report;
#define QUICK "batch_size=16", "lr=0.01", "every=2", "retain_steps=6"
    assert_ok(small_run(s, "sfron", SETTINGS(QUICK, "stop=1"), &watched, &report)); /* all may be known */
    assert_near(report.passes, 48 + 2 * 38 + 3 * 10, 0, 0); /* the mask, two epochs, three looks */
    assert_ok(small_run(s, "sfron", SETTINGS(QUICK, "stop=-1", "weight=0"), &none, NULL));
    assert_false(same(none, watched));
    assert_ok(small_run(s, "sfron", SETTINGS(QUICK, "stop=-1", "ratio=1e9"), &masked, NULL));
    double off = 0, edit = 0;
    for (int64_t i = 0; i < nn_net_param_count(none); i++) { /* but for those of 1e9 the gradients were all taken out */
        off = fmax(off, fabs((double)nn_net_params(none)[i] - (double)nn_net_params(masked)[i]));
        edit = fmax(edit, fabs((double)nn_net_params(none)[i] - (double)nn_net_params(s->net)[i]));
    }
    assert_true(off < 1e-3 * edit);
    nn_net_free(none);
    nn_net_free(watched);
    nn_net_free(masked);
    small_close(s);
}

/* Logits that are no numbers have no loss that passes for one. */
static void test_no_number(void **state)
{
    (void)state;
    const int32_t y[2] = {1, 0};
    for (int i = 0; i < 6; i++) {
        float z[6] = {1, 2, 3, -1, 0, 1}, d[6];
        z[i] = NAN;
        assert_true(isnan(unlearn_loss(&(UnlearnLoss){.ce = -1, .power = 0.5}, z, y, NULL, 2, 3, d)));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_steps),
    cmocka_unit_test(test_edges),
    cmocka_unit_test(test_no_number),
};
SUPPORT_MAIN(tests)
