/* Methods of 2024 and 2025 (delete, jit, kernel_transpose, masked_small_gradients, the variants of ssd), against steps by
 * hand in double (twin.h). */
#include "tests/unlearn/twin.h"

#include <stdlib.h>

#include "base/random.h"
#include "unlearn/gradient/gradients.h"

/* ---- delete ---- */

static void test_delete(void **state)
{
    (void)state;
    Small *s = small_open("2,3");
    Side *forget = side_of(s, true);
    Twin t = twin_of(s), teacher = twin_of(s);
    double logits[64 * 5];
    NnNet *net = NULL;
    UnlearnReport report;
    twin_add(&teacher, false, forget->x, forget->y, forget->n, CE, logits, NULL);
    for (int64_t i = 0; i < forget->n; i++) logits[i * 5 + forget->y[i]] = -1e10;
    assert_ok(small_run(s, "delete", SETTINGS(STEPS, "epochs=3"), &net, &report));
    for (int e = 0; e < 3; e++) {
        twin_add(&t, true, forget->x, forget->y, forget->n, (TwinLoss){.kl = 1, .T = 1, .teacher = logits}, NULL, NULL);
        twin_step(&t);
    }
    assert_int_equal(report.samples_retain, 0);
    assert_near(report.passes, (double)(2 * 3 * forget->n), 0, 0);
    twin_close(&teacher);
    finish(s, &t, net, NULL, forget);
}

/* ---- jit ---- */

enum { DRAWS = 3, STEP_COUNT = 2 };

static double quotient(const double *z, const double *c, double moved)
{
    double sum = 0;
    for (int k = 0; k < 5; k++) sum += (z[k] - c[k]) * (z[k] - c[k]);
    return sqrt(sum) / moved / DRAWS;
}

/* @p moved: the images with draw @p number of the noise, clamped to the range of all. @p lengths: of what was added. */
static void disturb(const Small *s, const Side *side, int64_t batch, int64_t number, double noise, float *moved,
                    double *lengths)
{
    float low = INFINITY, high = -INFINITY;
    for (int64_t j = 0; j < side->n * PIXELS; j++) {
        low = fminf(low, side->x[j]);
        high = fmaxf(high, side->x[j]);
    }
    for (int64_t i = 0; i < side->n; i++) {
        BaseRandom random = base_random_make(s->context.seed, "jit_noise", (uint64_t)(number * batch + i));
        lengths[i] = 0;
        for (int64_t j = i * PIXELS; j < (i + 1) * PIXELS; j++) {
            moved[j] = side->x[j] + (float)(noise * base_random_normal(&random));
            if (moved[j] < low) moved[j] = low;
            if (moved[j] > high) moved[j] = high;
            lengths[i] += pow((double)moved[j] - (double)side->x[j], 2);
        }
        lengths[i] = sqrt(lengths[i]);
    }
}

/* The gradient of the loss with respect to the logits comes out of differences of its value: their error is about 1e-10 of
 * it, far below what twin_same allows. */
static void smooth_by_hand(const Small *s, Twin *t, const Side *side, int64_t step, double noise)
{
    const double delta = 1e-5;
    double *d = naive_doubles(side->n * 5), *grads = naive_doubles(t->count), *lengths = naive_doubles(side->n);
    float *moved = NULL;
    Naive a = naive_create(t->net, side->n, true), b = naive_create(t->net, side->n, true);
    int last = nn_graph_size(a.graph) - 1;
    assert_ok(BASE_ALLOC(side->n * PIXELS, &moved));
    memcpy(a.params, t->w, (size_t)t->count * sizeof *t->w);
    memcpy(b.params, t->w, (size_t)t->count * sizeof *t->w);
    naive_forward(&a, side->x);
    for (int j = 0; j < DRAWS; j++) {
        disturb(s, side, 64, step * DRAWS + j, noise, moved, lengths);
        naive_forward(&b, moved);
        for (int64_t i = 0; i < side->n; i++)
            for (int k = 0; k < 5; k++) {
                double z[5];
                memcpy(z, a.value[last] + i * 5, sizeof z);
                z[k] += delta;
                double up = quotient(z, b.value[last] + i * 5, lengths[i]);
                z[k] -= 2 * delta;
                d[i * 5 + k] += (up - quotient(z, b.value[last] + i * 5, lengths[i])) / (2 * delta);
            }
    }
    naive_backward(&a, d, grads);
    for (int64_t i = 0; i < t->count; i++) t->g[i] += grads[i];
    base_free(d);
    base_free(grads);
    base_free(lengths);
    base_free(moved);
    naive_free(&a);
    naive_free(&b);
}

/* Which order a batch has is the loader's: noise goes to places in a batch, so the twin's images are in that order. */
static void in_order(const Small *s, Side *side, int64_t epoch)
{
    DataIndex in = {0}, out = {0};
    DataLoader *loader = NULL;
    DataBatch batch;
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    DataView view = data_view_of(&s->set, &in);
    assert_ok(nn_train_loader(s->net, &view, 64, false, s->context.seed, &loader));
    assert_ok(data_loader_start(loader, epoch));
    assert_ok(data_loader_next(loader, &batch));
    assert_int_equal(batch.n, side->n);
    memcpy(side->x, batch.x, (size_t)(batch.n * PIXELS) * sizeof *batch.x);
    memcpy(side->y, batch.y, (size_t)batch.n * sizeof *batch.y);
    data_loader_free(loader);
    data_index_free(&in);
    data_index_free(&out);
}

static void test_jit(void **state)
{
    (void)state;
    Small *s = small_open("2");
    Side *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL, *one = NULL;
    UnlearnReport report;
#define SMOOTH STEPS, "draws=3", "noise=0.4"
    assert_ok(small_run(s, "jit", SETTINGS(SMOOTH, "epochs=2", "stop=-1"), &net, &report));
    for (int e = 0; e < STEP_COUNT; e++) {
        in_order(s, forget, e);
        smooth_by_hand(s, &t, forget, e, 0.4);
        twin_step(&t);
    }
    assert_near(report.passes, (double)(STEP_COUNT * (1 + DRAWS) * forget->n), 0, 0);
    /* where all may be known there is no step at all */
    assert_ok(small_run(s, "jit", SETTINGS(SMOOTH, "epochs=2", "stop=1"), &one, NULL));
    assert_memory_equal(nn_net_params(one), nn_net_params(s->net), (size_t)t.count * sizeof(float));
    nn_net_free(one);
    finish(s, &t, net, NULL, forget);
}

/* ---- kernel_transpose ---- */

static void test_kernel_transpose(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *retain = side_of(s, false);
    Twin t = twin_of(s);
    NnNet *net = NULL, *bare = NULL;
    NnGraph *g = NULL;
    UnlearnReport report;
    int count;
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    const double rates[] = {1, 0.75, 0.25}; /* (1 + cos(pi e / 3)) / 2 */
    for (int i = 0; i < count; i++)         /* w[k][c][y][x] of a tensor with four axes takes w[k][c][x][y] */
        for (int64_t j = 0; slices[i].ndim == 4 && j < slices[i].count; j++)
            t.w[slices[i].offset + j] =
                (double)nn_net_params(s->net)[slices[i].offset + j / 9 * 9 + j % 3 * 3 + j % 9 / 3];
    assert_ok(small_run(s, "kernel_transpose", SETTINGS(STEPS, "epochs=3"), &net, &report));
    for (int e = 0; e < 3; e++) {
        t.lr = 0.05 * rates[e];
        twin_add(&t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
        twin_step(&t);
    }
    assert_int_equal(report.samples_forget, 0);
    assert_near(report.passes, (double)(3 * retain->n), 0, 0);
    twin_same(&t, nn_net_params(net), nn_net_params(s->net));
    nn_net_free(net);
    assert_ok(nn_graph_create(3, 12, 12, &g)); /* kernels of one pixel have nothing to transpose */
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "point", 5, 1, 1, 0, true));
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, x), "head", 5, true), &bare));
    s->context.original = bare;
    const UnlearnMethod *method = NULL;
    assert_ok(unlearn_find("kernel_transpose", &method));
    void *params = small_params_of(method, NULL);
    assert_fails(unlearn_run(method, &s->context, params, bare, &report), BASE_EUSAGE, "none to transpose");
    base_free(params);
    nn_net_free(bare);
    finish(s, &t, NULL, retain, NULL);
}

/* ---- masked_small_gradients ---- */

typedef struct {
    double size;
    int64_t at;
} Weight;
static int by_size(const void *a, const void *b)
{
    const Weight *x = a, *y = b;
    return x->size != y->size ? (x->size < y->size ? 1 : -1) : (x->at > y->at) - (x->at < y->at);
}

/* n of the side's images, drawn as the method does. */
static Side *drawn_of(const Small *s, const Side *side, int64_t n, bool forgotten)
{
    Side *drawn = side_of(s, forgotten);
    int64_t at[64];
    BaseRandom random = base_random_make(s->context.seed, "small_gradients", forgotten);
    base_random_choose(&random, side->n, n, at);
    for (drawn->n = 0; drawn->n < n; drawn->n++) {
        memcpy(drawn->x + drawn->n * PIXELS, side->x + at[drawn->n] * PIXELS, PIXELS * sizeof(float));
        drawn->y[drawn->n] = side->y[at[drawn->n]];
    }
    return drawn;
}

/* |sum over retained images - sum over as many forgotten ones|, both as one batch. */
static void sizes_by_hand(const Small *s, const Side *retain, const Side *forget, double *size)
{
    Twin t = twin_of(s);
    int64_t n = retain->n < forget->n ? retain->n : forget->n;
    Side *kept = drawn_of(s, retain, n, false), *gone = drawn_of(s, forget, n, true);
    twin_add(&t, false, kept->x, kept->y, n, CE, NULL, NULL);
    twin_add(&t, false, gone->x, gone->y, n, (TwinLoss){.ce = -1}, NULL, NULL);
    for (int64_t i = 0; i < t.count; i++) size[i] = fabs(t.g[i]);
    base_free(kept);
    base_free(gone);
    twin_close(&t);
}

static void masked_small_gradients(const char *forgotten)
{
    Small *s = small_open(forgotten);
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    double *size = naive_doubles(t.count), *scale = naive_doubles(t.count);
    NnNet *net = NULL, *bare = NULL;
    NnGraph *g = NULL;
    UnlearnReport report;
    int count;
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    const double rates[] = {0.5, 1, 2.0 / 3, 1.0 / 3}; /* of four epochs the second is the top */
    sizes_by_hand(s, retain, forget, size);
    for (int64_t i = 0; i < t.count; i++) scale[i] = 1;
    for (int i = 0; i < count; i++) {
        if (slices[i].ndim != 4) continue;
        static Weight weights[4096];
        BaseRandom random = base_random_make(s->context.seed, "kaiming", (uint64_t)slices[i].offset);
        for (int64_t j = 0; j < slices[i].count; j++) weights[j] = (Weight){size[slices[i].offset + j], j};
        qsort(weights, (size_t)slices[i].count, sizeof *weights, by_size);
        int64_t kept = slices[i].count - (int64_t)nearbyint(0.3 * (double)slices[i].count);
        for (int64_t j = 0; j < kept; j++) scale[slices[i].offset + weights[j].at] = 0.2;
        for (int64_t j = slices[i].offset; j < slices[i].offset + slices[i].count; j++) {
            double drawn = sqrt(2.0 / (double)(slices[i].shape[0] * 9)) * base_random_normal(&random);
            if (scale[j] == 1) t.w[j] = drawn;
        }
    }
    assert_ok(small_run(s, "masked_small_gradients", SETTINGS(STEPS, "epochs=4", "factor=0.2"), &net, &report));
    for (int e = 0; e < 4; e++) {
        t.lr = 0.05 * rates[e];
        twin_add(&t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
        for (int64_t i = 0; i < t.count; i++) t.g[i] *= scale[i];
        twin_step(&t);
    }
    const int64_t images = retain->n < forget->n ? retain->n : forget->n; /* of either side */
    assert_int_equal(report.samples_forget, images);
    assert_near(report.passes, (double)(2 * images + 4 * retain->n), 0, 0);
    base_free(size);
    base_free(scale);
    assert_ok(nn_graph_create(3, 12, 12, &g));
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, nn_input(g)), "head", 5, true), &bare));
    const NnNet *original = s->context.original;
    const UnlearnMethod *method = NULL;
    assert_ok(unlearn_find("masked_small_gradients", &method));
    void *params = small_params_of(method, NULL);
    s->context.original = bare;
    assert_fails(unlearn_run(method, &s->context, params, bare, &report), BASE_EUSAGE, "no kernels to draw anew");
    s->context.original = original;
    base_free(params);
    nn_net_free(bare);
    finish(s, &t, net, retain, forget);
}

/* Fewer forgotten images than retained ones, and more. */
static void test_masked_small_gradients(void **state)
{
    (void)state;
    masked_small_gradients("2");
    masked_small_gradients("0,1,2,3");
}

/* biases=renewed: nothing but the convolutions' biases starts elsewhere. */
static void test_renewed_biases(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *kept = NULL, *renewed = NULL, *fresh = NULL;
    int count;
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    assert_ok(small_run(s, "masked_small_gradients", SETTINGS("lr=0", "share=0"), &kept, NULL));
    assert_ok(small_run(s, "masked_small_gradients", SETTINGS("lr=0", "share=0", "biases=renewed"), &renewed, NULL));
    assert_ok(nn_net_clone(s->net, &fresh));
    nn_net_init(fresh, s->context.seed);
    for (int i = 0; i < count; i++)
        for (int64_t j = slices[i].offset; j < slices[i].offset + slices[i].count; j++) {
            const NnNet *want = i > 0 && slices[i - 1].ndim == 4 ? fresh : s->net;
            assert_true(nn_net_params(kept)[j] == nn_net_params(s->net)[j]);
            assert_true(nn_net_params(renewed)[j] == nn_net_params(want)[j]);
        }
    nn_net_free(kept);
    nn_net_free(renewed);
    nn_net_free(fresh);
    small_close(s);
}

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
    cmocka_unit_test(test_delete),           cmocka_unit_test(test_jit),
    cmocka_unit_test(test_kernel_transpose), cmocka_unit_test(test_masked_small_gradients),
    cmocka_unit_test(test_renewed_biases),   cmocka_unit_test(test_ssd_variants),
    cmocka_unit_test(test_percentile),
};
SUPPORT_MAIN(tests)
