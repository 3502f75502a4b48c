/* The variants of ssd of 2024 and 2025, against values by hand in double (twin.h). */
#include "tests/unlearn/twin.h"

#include <stdlib.h>

#include "base/random.h"
#include "unlearn/gradient/gradients.h"

/* ---- ssd ---- */

/* Importance of @p side in batches of @p batch: squares of cross-entropy's gradient, or sizes of that of ||z||^2. */
static void importance_by_hand(const Small *s, const float *x, const int32_t *y, int64_t n, int64_t batch, bool labels,
                               double *out)
{
    Twin t = twin_of(s);
    int64_t batches = (n + batch - 1) / batch;
    memset(out, 0, (size_t)t.count * sizeof *out);
    for (int64_t first = 0; first < n; first += batch) {
        int64_t some = first + batch < n ? batch : n - first;
        memset(t.g, 0, (size_t)t.count * sizeof *t.g);
        if (labels) {
            twin_add(&t, false, x + first * PIXELS, y + first, some, CE, NULL, NULL);
        } else {
            Naive a = naive_create(t.net, some, false);
            int last = nn_graph_size(a.graph) - 1;
            double *d = naive_doubles(some * 5);
            naive_forward(&a, x + first * PIXELS);
            for (int64_t i = 0; i < some * 5; i++) d[i] = 2 * a.value[last][i] / (double)some;
            naive_backward(&a, d, t.g);
            base_free(d);
            naive_free(&a);
        }
        for (int64_t i = 0; i < t.count; i++) out[i] += (labels ? t.g[i] * t.g[i] : fabs(t.g[i])) / (double)batches;
    }
    twin_close(&t);
}

static int up(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile_by_hand(double *v, int64_t n, double percent)
{
    double at = percent / 100 * (double)(n - 1);
    int64_t low = (int64_t)at;
    qsort(v, (size_t)n, sizeof *v, up);
    return low + 1 < n ? v[low] + (v[low + 1] - v[low]) * (at - (double)low) : v[n - 1];
}

static void ssd_variant(const char *const *settings, int64_t batch, bool labels, bool percentile)
{
    Small *s = small_open("2");
    Side *forget = side_of(s, true);
    Twin t = twin_of(s);
    double *all = naive_doubles(t.count), *own = naive_doubles(t.count), *ratios = naive_doubles(t.count), alpha = 1.2;
    int64_t n = 0, dampened = 0;
    NnNet *net = NULL;
    importance_by_hand(s, s->set.images, s->set.labels, 48, batch, labels, all);
    importance_by_hand(s, forget->x, forget->y, forget->n, batch, labels, own);
    for (int64_t i = 0; i < t.count; i++)
        if (all[i] > 0) ratios[n++] = own[i] / all[i];
    if (percentile) alpha = percentile_by_hand(ratios, n, 100 - log(1 + 100 * (double)forget->n / 48));
    for (int64_t i = 0; i < t.count; i++) {
        if (!(own[i] > alpha * all[i])) continue;
        t.w[i] *= fmin(1, 0.5 * all[i] / own[i]);
        dampened++;
    }
    assert_true(dampened > 20 && dampened < t.count / 2); /* or the test says little */
    assert_ok(small_run(s, "ssd", settings, &net, NULL));
    base_free(all);
    base_free(own);
    base_free(ratios);
    finish(s, &t, net, NULL, forget);
}
#define DAMPEN "alpha=1.2", "lambda=0.5", "order=set"

static void test_ssd_variants(void **state)
{
    (void)state;
    ssd_variant(SETTINGS(DAMPEN, "batch_size=1"), 1, true, false);
    ssd_variant(SETTINGS(DAMPEN, "batch_size=8", "importance=output_norm"), 8, false, false);
    ssd_variant(SETTINGS(DAMPEN, "batch_size=8", "threshold=percentile"), 8, true, true);
}

static void test_percentile(void **state)
{
    (void)state;
    static const double PERCENTS[] = {0, 0.05, 12.5, 50, 97.6, 99.95, 100};
    float v[1001];
    double sorted[1001];
    BaseRandom r = base_random_make(1, "test", 0);
    for (int i = 0; i < 1001; i++) /* many decades, ties, zeros */
        v[i] = i % 10 == 0 ? 0 : i % 10 == 1 ? 0.25F : (float)exp(8 * base_random_normal(&r));
    for (int64_t n = 1; n <= 1001; n += 500)
        for (size_t j = 0; j < BASE_COUNT(PERCENTS); j++) {
            double got;
            for (int64_t i = 0; i < n; i++) sorted[i] = (double)v[i];
            assert_ok(unlearn_percentile(v, n, PERCENTS[j], &got));
            assert_near(got, percentile_by_hand(sorted, n, PERCENTS[j]), 0, 1e-12);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ssd_variants),
    cmocka_unit_test(test_percentile),
};
SUPPORT_MAIN(tests)
