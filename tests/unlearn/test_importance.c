/* Methods that look at gradients of the original first (masks, importances, attacks), against values by hand and
 * reference values. */
#include "tests/unlearn/twin.h"

#include <stdlib.h>

#include "base/random.h"
#include "math/linalg.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/relabel.h"

/* The oracle's mask; entries within 1e-4 of the threshold need not agree in float32. */
static void check_mask(const Small *s, const float *saliency, const uint8_t *mask)
{
    int count;
    double threshold = support_attr(s->file, "salun_mask_half", "threshold");
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    double *want = NULL, *wanted = NULL;
    assert_ok(BASE_ALLOC(nn_net_param_count(s->net), &want));
    assert_ok(BASE_ALLOC(nn_net_param_count(s->net), &wanted));
    small_read(s->file, "salun_mask_half/saliency", slices, count, want);
    for (int i = 0; i < count; i++) {
        char path[256];
        snprintf(path, sizeof path, "salun_mask_half/mask/%s", slices[i].name);
        int32_t *part = support_read_i32(s->file, path, NULL);
        for (int64_t j = 0; j < slices[i].count; j++) wanted[slices[i].offset + j] = part[j];
        base_free(part);
    }
    assert_close_f32(saliency, want, nn_net_param_count(s->net), 1e-5);
    int64_t compared = 0;
    for (int64_t i = 0; i < nn_net_param_count(s->net); i++) {
        if (fabs(want[i] - threshold) <= 1e-4 * threshold) continue;
        assert_int_equal(mask[i], (int)wanted[i]);
        compared++;
    }
    assert_true(compared > nn_net_param_count(s->net) * 9 / 10);
    base_free(want);
    base_free(wanted);
}

static void test_salun(void **state)
{
    (void)state;
    Small *s = small_open("2");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    NnNet *net = NULL;
    DataIndex in = {0}, out = {0};
    float saliency[4096];
    uint8_t mask[4096];
    int32_t *labels = NULL;
    int64_t count = nn_net_param_count(s->net);
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    DataView view = data_view_of(&s->set, &in);
    assert_ok(unlearn_saliency(&s->context, &view, 4, saliency));
    assert_ok(unlearn_top_share(saliency, count, 0.5, mask));
    check_mask(s, saliency, mask);
    /* the method: weight decay and momentum reach no masked weight */
    assert_ok(unlearn_saliency(&s->context, &view, 64, saliency));
    assert_ok(unlearn_top_share(saliency, count, 0.3, mask));
    assert_ok(small_run(s, "salun", SETTINGS(STEPS, "epochs=3", "share=0.3"), &net, NULL));
    frozen_stay(s, net, mask, false);
    Twin t = twin_of(s);
    t.mask = mask;
    assert_ok(unlearn_random_labels(&s->context, &view, &labels));
    relabel_by_hand(s, &t, labels, forget, retain, 3);
    base_free(labels);
    data_index_free(&in);
    data_index_free(&out);
    finish(s, &t, net, retain, forget);
}

/* The floor(share n) largest by sorting; of ties at the threshold the first ones pass. */
static int down(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static void test_top_share(void **state)
{
    (void)state;
    static const double SHARES[] = {0, 1e-3, 0.1, 0.5, 0.999, 1};
    float v[1000], sorted[1000];
    uint8_t mask[1000];
    BaseRandom r = base_random_make(1, "test", 0);
    for (int i = 0; i < 1000; i++) /* many decades, ties, zeros */
        v[i] = i % 10 == 0 ? 0 : i % 10 == 1 ? 0.25F : (float)exp(8 * base_random_normal(&r));
    memcpy(sorted, v, sizeof v);
    qsort(sorted, 1000, sizeof *sorted, down);
    for (size_t j = 0; j < BASE_COUNT(SHARES); j++) {
        int k = (int)floor(SHARES[j] * 1000);
        float threshold = k < 1 ? INFINITY : sorted[k - 1];
        int above = 0;
        for (int i = 0; i < 1000; i++) above += v[i] > threshold;
        assert_ok(unlearn_top_share(v, 1000, SHARES[j], mask));
        for (int i = 0; i < 1000; i++)
            assert_int_equal(mask[i], v[i] > threshold || (v[i] == threshold && above++ < k));
    }
}

static void test_ssd(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    UnlearnReport report;
    assert_ok(small_run(s, "ssd", SETTINGS("alpha=2", "lambda=1", "batch_size=8", "order=set"), &net, &report));
    same_as_group(s, net, "ssd/alpha_2_lambda_1/params", nn_net_params(s->net));
    assert_near(report.passes, 48 + 10, 0, 0);
    nn_net_free(net);
    assert_ok(small_run(s, "ssd", SETTINGS("alpha=1", "lambda=0.5", "batch_size=8", "order=set"), &net, NULL));
    same_as_group(s, net, "ssd/alpha_1_lambda_0.5/params", nn_net_params(s->net));
    nn_net_free(net);
    small_close(s);
}

static void test_boundary_shrink(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *forget = side_of(s, true);
    Twin t = twin_of(s), attack = twin_of(s);
    NnNet *net = NULL;
    DataIndex in = {0}, out = {0};
    int32_t *labels = NULL, y[64];
    double *dx = naive_doubles(forget->n * PIXELS), logits[48 * 5];
    float *moved = NULL;
    assert_ok(BASE_ALLOC(forget->n * PIXELS, &moved));
    twin_add(&attack, false, forget->x, forget->y, forget->n, CE, logits, dx);
    for (int64_t j = 0; j < forget->n * PIXELS; j++)
        moved[j] = (float)((double)forget->x[j] + 0.4 * ((dx[j] > 0) - (dx[j] < 0)));
    twin_add(&attack, false, moved, forget->y, forget->n, CE, logits, NULL);
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    DataView view = data_view_of(&s->set, &in);
    assert_ok(unlearn_nearest_labels(&s->context, &view, &(UnlearnNearest){.bound = 0.4}, &labels));
    side_labels(s, labels, y);
    for (int64_t i = 0; i < forget->n; i++) {
        const double *z = logits + i * 5;
        int best = z[1] > z[0] ? 1 : 0;
        best = z[3] > z[best] ? 3 : best;
        assert_int_equal(y[i], best);
    }
    assert_ok(small_run(s, "boundary_shrink", SETTINGS(STEPS, "epochs=2", "bound=0.4"), &net, NULL));
    relabel_by_hand(s, &t, labels, forget, NULL, 2);
    base_free(labels);
    base_free(dx);
    base_free(moved);
    data_index_free(&in);
    data_index_free(&out);
    twin_close(&attack);
    finish(s, &t, net, NULL, forget);
}

/* A normalised set: the move counts in raw pixels and stays within 0..1. A step of 10 makes every pixel black or white.
 */
static void test_nearest_is_in_range(void **state)
{
    (void)state;
    Small *s = small_open("2");
    DataSet raw = s->set;
    uint8_t *images = NULL;
    int32_t *far = NULL, *further = NULL;
    BaseRandom r = base_random_make(2, "test", 0);
    assert_ok(BASE_ALLOC(48 * PIXELS, &images));
    for (int i = 0; i < 48 * PIXELS; i++) images[i] = (uint8_t)base_random_below(&r, 256);
    raw.type = DATA_U8;
    raw.images = images;
    raw.normalise = true;
    for (int c = 0; c < 3; c++) raw.mean[c] = 0.4F, raw.std[c] = 0.2F;
    s->context.train = data_view_all(&raw);
    assert_ok(unlearn_nearest_labels(&s->context, &s->context.train, &(UnlearnNearest){.bound = 10}, &far));
    assert_ok(unlearn_nearest_labels(&s->context, &s->context.train, &(UnlearnNearest){.bound = 1000}, &further));
    assert_memory_equal(far, further, 48 * sizeof *far);
    base_free(far);
    base_free(further);
    base_free(images);
    small_close(s);
}

static void test_boundary_expand(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *forget = side_of(s, true);
    NnNet *net = NULL, *wide = NULL;
    UnlearnReport report;
    BaseRandom random = base_random_make(s->context.seed, "shadow_class", 0);
    int32_t shadow[64];
    int count;
    assert_ok(nn_net_widen(s->net, 6, &wide));
    const NnSlice *slices = nn_net_param_slices(wide, &count), *narrow = nn_net_param_slices(s->net, &count);
    for (int j = 0; j <= 20; j++)
        nn_net_edit_params(wide)[slices[count - 2].offset + (j < 20 ? 5 * 20 + j : 6 * 20 + 5)] =
            (float)((2 * base_random_uniform(&random) - 1) / sqrt(20));
    Twin t = twin_open(wide, 0.05, 0.5, 0.01), cut = twin_of(s);
    for (int i = 0; i < 64; i++) shadow[i] = 5;
    for (int e = 0; e < 2; e++) {
        twin_add(&t, true, forget->x, shadow, forget->n, CE, NULL, NULL);
        twin_step(&t);
    }
    for (int i = 0; i < count; i++)
        memcpy(cut.w + narrow[i].offset, t.w + slices[i].offset, (size_t)narrow[i].count * sizeof *t.w);
    assert_ok(small_run(s, "boundary_expand", SETTINGS(STEPS, "epochs=2"), &net, &report));
    assert_int_equal(report.samples_forget, 19);
    assert_int_equal(nn_net_classes(net), 5);
    twin_close(&t);
    nn_net_free(wide);
    finish(s, &cut, net, NULL, forget);
}

static void test_fisher(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    NnNet *net = NULL;
    Twin t = twin_of(s);
    const float *x = s->set.images;
    int count, layer_count;
    double *F = naive_doubles(t.count), logits[5], p[5], retained = 0;
    for (int i = 0; i < 48; i++) {
        if (s->forget.classes.in[s->set.labels[i]]) continue;
        twin_add(&t, false, x + i * PIXELS, s->set.labels + i, 1, CE, logits, NULL);
        memset(t.g, 0, (size_t)t.count * sizeof *t.g);
        twin_softmax(logits, 5, 1, p);
        BaseRandom random = base_random_make(s->context.seed, "own_label", (uint64_t)i);
        double u = base_random_uniform(&random);
        int32_t y = 0;
        while (y < 4 && (u -= p[y]) >= 0) y++;
        twin_add(&t, false, x + i * PIXELS, &y, 1, CE, NULL, NULL);
        for (int64_t j = 0; j < t.count; j++) F[j] += t.g[j] * t.g[j];
        memset(t.g, 0, (size_t)t.count * sizeof *t.g);
        retained++;
    }
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    const NnLayer *head = nn_net_layers(s->net, &layer_count) + 3;
    for (int i = 0; i < count; i++) {
        BaseRandom random = base_random_make(s->context.seed, "fisher_noise", (uint64_t)i);
        bool last = i == head->weight || i == head->bias;
        int64_t C = slices[i].ndim > 1 ? slices[i].shape[1] : 1, K = slices[i].shape[0],
                inner = slices[i].count / K / C;
        for (int64_t k = 0; k < K; k++) {
            for (int64_t at = 0; at < inner; at++) {
                double v = 0;
                for (int64_t c = 0; c < C; c++)
                    v += fmin(1 / (F[slices[i].offset + (k * C + c) * inner + at] / retained + 1e-8), last ? 1e2 : 1e3);
                v *= 1e-6 / (double)C * (last || slices[i].ndim == 1 ? 10 : 1);
                bool gone = last && s->forget.classes.in[k];
                for (int64_t c = 0; c < C; c++) {
                    double *w = t.w + slices[i].offset + (k * C + c) * inner + at;
                    *w = (gone ? 0 : *w) + sqrt(gone ? 1e-3 : v) * base_random_normal(&random);
                }
            }
        }
    }
    assert_ok(small_run(s, "fisher", SETTINGS("alpha=1e-6", "retain_per_class=0"), &net, NULL));
    base_free(F);
    finish(s, &t, net, NULL, NULL);
}

/* The system solved densely: F over all retained images one by one, P x P. */
static void test_influence(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    UnlearnReport report;
    int64_t P = t.count;
    double *a = naive_doubles(P * P), *v = naive_doubles(P), n = 48, damping = 0.05;
    double *g = naive_doubles(retain->n * P);
    for (int64_t i = 0; i < retain->n; i++) {
        memset(t.g, 0, (size_t)P * sizeof *t.g);
        twin_add(&t, false, retain->x + i * PIXELS, retain->y + i, 1, CE, NULL, NULL);
        memcpy(g + i * P, t.g, (size_t)P * sizeof *g);
        for (int64_t j = 0; j < P; j++) v[j] -= (double)forget->n / ((double)retain->n * n) * t.g[j];
    }
    assert_ok(math_gram_block_f64(false, retain->n, P, g, P, a, P));
    for (int64_t j = 0; j < P * P; j++) a[j] /= (double)retain->n;
    for (int64_t j = 0; j < P; j++) a[j * P + j] += damping;
    for (int64_t i = 0; i < forget->n; i++) {
        memset(t.g, 0, (size_t)P * sizeof *t.g);
        twin_add(&t, false, forget->x + i * PIXELS, forget->y + i, 1, CE, NULL, NULL);
        for (int64_t j = 0; j < P; j++) v[j] += t.g[j] / n;
    }
    assert_ok(math_cholesky_f64(P, a));
    assert_ok(math_cholesky_solve_f64(P, a, 1, v));
    for (int64_t j = 0; j < P; j++) t.w[j] += 2 * v[j];
    assert_ok(small_run(s, "influence", SETTINGS("alpha=2", "damping=0.05", "gradients=100", "fisher_batch=1"), &net,
                        &report));
    assert_near(report.passes, 48 + 29, 0, 0);
    /* watched: the first length is 2^-5 of the longest, and where all may be known it is the last as well */
    NnNet *watched = NULL, *same = NULL;
    size_t bytes = (size_t)P * sizeof(float);
    assert_ok(small_run(s, "influence", SETTINGS("longest=32", "parts=21", "stop=1"), &watched, NULL));
    assert_ok(small_run(s, "influence", SETTINGS("alpha=1"), &same, NULL));
    assert_memory_equal(nn_net_params(watched), nn_net_params(same), bytes);
    nn_net_free(watched);
    nn_net_free(same);
    base_free(a);
    base_free(v);
    base_free(g);
    finish(s, &t, net, retain, forget);
}

static void test_last_layer(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL, *svd = NULL;
    uint8_t mask[4096];
    mask_from(s, "fc2.weight", mask);
    assert_ok(small_run(s, "last_layer", SETTINGS("alpha_r=10"), &net, NULL));
    assert_ok(small_run(s, "svd", SETTINGS("alpha_r=10", "layers=last"), &svd, NULL));
    assert_memory_equal(nn_net_params(net), nn_net_params(svd), (size_t)nn_net_param_count(net) * sizeof(float));
    frozen_stay(s, net, mask, true);
    nn_net_free(net);
    nn_net_free(svd);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_salun),
    cmocka_unit_test(test_top_share),
    cmocka_unit_test(test_ssd),
    cmocka_unit_test(test_boundary_shrink),
    cmocka_unit_test(test_nearest_is_in_range),
    cmocka_unit_test(test_boundary_expand),
    cmocka_unit_test(test_fisher),
    cmocka_unit_test(test_influence),
    cmocka_unit_test(test_last_layer),
};
SUPPORT_MAIN(tests)
