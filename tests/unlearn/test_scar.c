/* scar against its loss in double: naive features, covariances, inverses and distances, and finite differences through the
 * naive network. */
#include "tests/unlearn/twin.h"

#include "base/random.h"
#include "io/file.h"
#include "unlearn/scar/clouds.h"

enum { WIDTH = 20, CLASSES = 5, MADE = 16 };
static const double POWER = 0.7, DIAGONAL = 1, REST = 2, PULL = 2, KEEP = 3, TEMPERATURE = 2;

/* ---- in double ---- */

typedef struct {
    double mean[WIDTH], inverse[WIDTH][WIDTH];
} Cloud;
typedef struct {
    const Side *forget;
    float made[MADE * PIXELS];
    double teacher[MADE * CLASSES];
    bool kept[MADE];
    Cloud clouds[CLASSES];
    int nearest[64];
} Hand;

/* Logits [n, 5] and features [n, 20] of the naive network with @p w; either NULL. */
static void run(const NnNet *net, const double *w, bool train, const float *x, int64_t n, double *logits,
                double *features)
{
    Naive a = naive_create(net, n, train);
    const int last = nn_graph_size(a.graph) - 1, before = naive_node(&a, last)->in[0];
    memcpy(a.params, w, (size_t)nn_net_param_count(net) * sizeof *w);
    naive_forward(&a, x);
    if (logits) memcpy(logits, a.value[last], (size_t)(n * CLASSES) * sizeof *logits);
    if (features) memcpy(features, a.value[before], (size_t)(n * WIDTH) * sizeof *features);
    naive_free(&a);
}

static void tukey(const double *f, bool unit, double *u)
{
    double squares = 0;
    for (int j = 0; j < WIDTH; j++) {
        u[j] = pow(f[j], POWER); /* behind a ReLU: f >= 0 */
        squares += u[j] * u[j];
    }
    for (int j = 0; unit && j < WIDTH; j++) u[j] /= sqrt(squares);
}

static void shrink_by_hand(double c[WIDTH][WIDTH])
{
    double v1 = 0, v2 = 0, count = 0;
    for (int i = 0; i < WIDTH; i++) v1 += c[i][i] / WIDTH;
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++)
            if (i != j && c[i][j] != 0) v2 += c[i][j], count++;
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++) c[i][j] += i == j ? DIAGONAL * v1 : REST * v2 / count;
}

/* Gauss and Jordan, with pivots. */
static void invert_by_hand(double c[WIDTH][WIDTH], double out[WIDTH][WIDTH])
{
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++) out[i][j] = i == j;
    for (int k = 0; k < WIDTH; k++) {
        int p = k;
        for (int i = k; i < WIDTH; i++)
            if (fabs(c[i][k]) > fabs(c[p][k])) p = i;
        for (int j = 0; j < WIDTH; j++) {
            double a = c[k][j], b = out[k][j];
            c[k][j] = c[p][j], c[p][j] = a;
            out[k][j] = out[p][j], out[p][j] = b;
        }
        double pivot = c[k][k];
        assert_true(fabs(pivot) > 1e-4); /* or a pseudo-inverse would be another matrix */
        for (int j = 0; j < WIDTH; j++) c[k][j] /= pivot, out[k][j] /= pivot;
        for (int i = 0; i < WIDTH; i++) {
            double factor = c[i][k];
            for (int j = 0; i != k && j < WIDTH; j++) c[i][j] -= factor * c[k][j], out[i][j] -= factor * out[k][j];
        }
    }
}

static void cloud_by_hand(const Side *side, const double *features, int class, Cloud *cloud)
{
    double u[64][WIDTH], c[WIDTH][WIDTH] = {{0}}, s[WIDTH], squares = 0;
    int n = 0;
    *cloud = (Cloud){0};
    for (int64_t i = 0; i < side->n; i++)
        if (side->y[i] == class) tukey(features + i * WIDTH, false, u[n++]);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < WIDTH; j++) cloud->mean[j] += u[i][j] / n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < WIDTH; j++)
            for (int k = 0; k < WIDTH; k++)
                c[j][k] += (u[i][j] - cloud->mean[j]) * (u[i][k] - cloud->mean[k]) / (n - 1);
    shrink_by_hand(c);
    shrink_by_hand(c);
    for (int j = 0; j < WIDTH; j++) s[j] = sqrt(c[j][j]), squares += cloud->mean[j] * cloud->mean[j];
    for (int j = 0; j < WIDTH; j++) {
        cloud->mean[j] /= sqrt(squares);
        for (int k = 0; k < WIDTH; k++) c[j][k] /= s[j] * s[k];
    }
    invert_by_hand(c, cloud->inverse);
}

static double distance(const Cloud *cloud, const double *f)
{
    double v[WIDTH], sum = 0;
    tukey(f, true, v);
    for (int j = 0; j < WIDTH; j++)
        for (int k = 0; k < WIDTH; k++) sum += (v[j] - cloud->mean[j]) * cloud->inverse[j][k] * (v[k] - cloud->mean[k]);
    return sum;
}

/* Two forgotten images each, moved down and right around the edges. */
static void mix_by_hand(uint64_t seed, const Side *forget, float *out)
{
    for (int i = 0; i < MADE; i++) {
        BaseRandom random = base_random_make(seed, "scar_surrogate", (uint64_t)i);
        const double share = base_random_uniform(&random);
        for (int b = 0; b < 2; b++) {
            const uint64_t at = base_random_below(&random, (uint64_t)forget->n), down = base_random_below(&random, 12),
                           right = base_random_below(&random, 12);
            for (uint64_t c = 0; c < 3; c++)
                for (uint64_t y = 0; y < 12; y++)
                    for (uint64_t x = 0; x < 12; x++)
                        out[(uint64_t)i * PIXELS + c * 144 + y * 12 + x] +=
                            (float)(b ? 1 - share : share) *
                            forget->x[at * PIXELS + c * 144 + (y + 12 - down) % 12 * 12 + (x + 12 - right) % 12];
        }
    }
}

/* This network takes all mixtures for one class: its biases become such that it does not. */
static void even_out(Small *s, const Side *forget)
{
    static float made[MADE * PIXELS];
    double z[MADE * CLASSES], w[4096];
    const int64_t count = nn_net_param_count(s->net);
    memset(made, 0, sizeof made);
    mix_by_hand(s->context.seed, forget, made);
    for (int64_t i = 0; i < count; i++) w[i] = (double)nn_net_params(s->net)[i];
    run(s->net, w, false, made, MADE, z, NULL);
    float *bias = nn_net_edit_params(s->net) + count - CLASSES; /* fc2.bias is the last slice */
    for (int i = 0; i < MADE * CLASSES; i++) bias[i % CLASSES] -= (float)(z[i] / MADE);
}

static Hand *hand_open(const Small *s, const Side *retain, const Side *forget, const double *w)
{
    static const int OTHERS[] = {0, 1, 3};
    Hand *h = NULL;
    double features[64 * WIDTH], low = INFINITY;
    assert_ok(BASE_ALLOC(1, &h));
    h->forget = forget;
    run(s->net, w, false, retain->x, retain->n, NULL, features);
    for (int c = 0; c < 3; c++) cloud_by_hand(retain, features, OTHERS[c], &h->clouds[OTHERS[c]]);
    run(s->net, w, false, forget->x, forget->n, NULL, features);
    for (int64_t i = 0; i < forget->n; i++) {
        double best = INFINITY, next = INFINITY;
        for (int c = 0; c < 3; c++) {
            double now = distance(&h->clouds[OTHERS[c]], features + i * WIDTH);
            next = fmin(next, fmax(now, best));
            if (now < best) h->nearest[i] = OTHERS[c];
            best = fmin(best, now);
        }
        assert_true(next - best > 1e-4 * fabs(best)); /* so that float32 finds the same */
    }
    mix_by_hand(s->context.seed, forget, h->made);
    run(s->net, w, false, h->made, MADE, h->teacher, NULL);
    for (int i = 0; i < MADE; i++) {
        const double *t = h->teacher + i * CLASSES;
        int best = 0;
        for (int k = 1; k < CLASSES; k++) best = t[k] > t[best] ? k : best;
        h->kept[i] = !s->forget.classes.in[best];
        for (int k = 0; h->kept[i] && k < CLASSES; k++) low = fmin(low, t[k]);
    }
    for (int i = 0; i < MADE * CLASSES; i++)
        if (s->forget.classes.in[i % CLASSES]) h->teacher[i] = low;
    return h;
}

static double loss_by_hand(const NnNet *net, const Hand *h, const double *w)
{
    double features[64 * WIDTH], z[MADE * CLASSES], pull = 0, keep = 0;
    int kept = 0;
    run(net, w, true, h->forget->x, h->forget->n, NULL, features);
    run(net, w, true, h->made, MADE, z, NULL);
    for (int64_t i = 0; i < h->forget->n; i++)
        pull += distance(&h->clouds[h->nearest[i]], features + i * WIDTH) / (double)h->forget->n;
    for (int i = 0; i < MADE; i++) {
        double p[CLASSES], q[CLASSES];
        if (!h->kept[i]) continue;
        kept++;
        twin_softmax(z + i * CLASSES, CLASSES, 1, p);
        twin_softmax(h->teacher + i * CLASSES, CLASSES, TEMPERATURE, q);
        for (int k = 0; k < CLASSES; k++) keep += q[k] * log(q[k] / p[k]);
    }
    assert_true(kept > 0 && kept < MADE);
    return PULL * pull + KEEP * keep / kept;
}

/* ---- tests ---- */

/* One step of plain descent is along the loss's gradient, entry by entry, of which five of each slice are looked at. Float32
 * against double: good to about 1e-5 of the largest entry, central differences to 1e-8; 1e-3 is asked. */
static void test_step(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    NnNet *net = NULL;
    UnlearnReport report;
    const int64_t count = nn_net_param_count(s->net);
    double *w = naive_doubles(count), largest = 0, off = 0;
    int slice_count;
    const NnSlice *slices = nn_net_param_slices(s->net, &slice_count);
    even_out(s, forget);
    for (int64_t i = 0; i < count; i++) w[i] = (double)nn_net_params(s->net)[i];
    Hand *h = hand_open(s, retain, forget, w);
    assert_ok(
        small_run(s, "scar",
                  SETTINGS("optimizer=sgd", "momentum=0", "surrogates=mixtures", "lr=0.05", "batch_size=64", "epochs=1",
                           "stop=-1", "surrogate_steps=1", "surrogate_images=16", "power=0.7", "gamma_diagonal=1",
                           "gamma_rest=2", "weight_forget=2", "weight_keep=3", "temperature=2"),
                  &net, &report));
    for (int b = 0; b < slice_count; b++)
        for (int n = 0; n < 5; n++) {
            const int64_t i = slices[b].offset + slices[b].count * n / 5;
            const double at = w[i], got = (at - (double)nn_net_params(net)[i]) / 0.05;
            w[i] = at + 1e-5;
            double want = loss_by_hand(s->net, h, w);
            w[i] = at - 1e-5;
            want = (want - loss_by_hand(s->net, h, w)) / 2e-5;
            w[i] = at;
            largest = fmax(largest, fabs(want));
            off = fmax(off, fabs(got - want));
        }
    if (!(off <= 1e-3 * largest) || !(largest > 1e-2)) fail_msg("gradient off by %g of %g", off, largest);
    assert_near(report.passes, (double)(2 * forget->n + retain->n + 2 * MADE), 0, 0);
    assert_int_equal(report.samples_retain, retain->n);
    nn_net_free(net);
    base_free(w);
    base_free(h);
    base_free(retain);
    base_free(forget);
    small_close(s);
}

/* The nearest class is never the image's own, and without another there is one clear sentence. */
static void test_nearest(void **state)
{
    (void)state;
    Small *s = small_open("2");
    float mean[] = {1, 0, 0, 1}, inverse[] = {1, 0, 0, 1, 1, 0, 0, 1}, features[48 * 2];
    int32_t class[] = {0, 1}, nearest[48];
    UnlearnClouds clouds = {.d = 2, .count = 2, .class = class, .mean = mean, .inverse = inverse};
    const UnlearnCloudShape shape = {.power = 0.5};
    for (int i = 0; i < 48; i++) features[2 * i] = 1, features[2 * i + 1] = -0.01F;
    assert_ok(unlearn_clouds_nearest(&shape, &s->context.train, features, &clouds, nearest));
    for (int i = 0; i < 48; i++) assert_int_equal(nearest[i], s->set.labels[i] == 0 ? 1 : 0);
    clouds.count = 1;
    assert_fails(unlearn_clouds_nearest(&shape, &s->context.train, features, &clouds, nearest), BASE_EUSAGE,
                 "no class is left");
    small_close(s);
}

static bool same(const NnNet *a, const NnNet *b)
{
    return memcmp(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float)) == 0;
}

/* What is forgotten stays as it is, but not in the first epochs. Surrogates alone show no retained image. */
static void test_edges(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    UnlearnReport report;
#define QUICK "batch_size=16", "surrogate_images=32", "surrogate_steps=2", "lr=1e-4"
    assert_ok(small_run(s, "scar", SETTINGS(QUICK, "stop=1", "least_epochs=0"), &net, &report));
    assert_true(same(net, s->net));
    nn_net_free(net);
    assert_ok(small_run(s, "scar", SETTINGS(QUICK, "stop=1", "least_epochs=1"), &net, &report));
    assert_false(same(net, s->net));
    /* statistics, two steps of both sides and the teacher, one look */
    assert_near(report.passes, 48 + 2 * (10 + 2 * 16) + 10, 0, 0);
    nn_net_free(net);
    assert_ok(small_run(s, "scar", SETTINGS(QUICK, "surrogates=mixtures", "statistics=surrogates"), &net, &report));
    assert_int_equal(report.samples_retain, 0);
    nn_net_free(net);
    assert_fails(small_run(s, "scar", SETTINGS(QUICK, "surrogates=nosie"), &net, &report), BASE_EUSAGE,
                 "surrogates: noise, mixtures or a data set is needed, not 'nosie'");
    nn_net_free(net);
    assert_fails(small_run(s, "scar", SETTINGS(QUICK, "surrogates=mnist:nowhere"), &net, &report), BASE_EIO, "nowhere");
    nn_net_free(net);
    small_close(s);
}

static void write_set(const char *name, const char *labels)
{
    enum { IMAGES = 5, H = 3, W = 4 };
    uint8_t images[16 + IMAGES * H * W] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, H, 0, 0, 0, W},
                                     y[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES, 0, 1, 2, 3, 4};
    for (int i = 0; i < IMAGES * H * W; i++) images[16 + i] = (uint8_t)(i * 37);
    assert_ok(io_file_write(support_at(name), images, sizeof images));
    assert_ok(io_file_write(support_at(labels), y, sizeof y));
}

/* Grey images of another size become what the network was trained on: of its size, with its mean and deviation. */
static void test_data_set(void **state)
{
    (void)state;
    Small *s = small_open("2");
    char spec[4200], setting[4300];
    float x[PIXELS];
    NnNet *net = NULL;
    UnlearnReport report;
    DataSet *set = NULL, *raw = NULL;
    UnlearnImages images;
    write_set("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    write_set("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    snprintf(spec, sizeof spec, "mnist:%s", support_scratch());
    snprintf(setting, sizeof setting, "surrogates=%s", spec);
    float *real = s->set.images;
    uint8_t *bytes = NULL;
    assert_ok(BASE_ALLOC(48 * PIXELS, &bytes));
    for (int i = 0; i < 48 * PIXELS; i++) bytes[i] = (uint8_t)(i * 7);
    s->set.type = DATA_U8;
    s->set.images = bytes;
    s->set.normalise = true;
    for (int c = 0; c < 3; c++) s->set.mean[c] = 0.25F, s->set.std[c] = 0.5F;
    assert_ok(unlearn_surrogates_alike(&s->context, spec, &set));
    const DataOptions options = {.resize = "12x12", .mean = "0.25", .std = "0.5"};
    assert_ok(unlearn_surrogates_open(&s->context, spec, &options, &raw));
    assert_ok(unlearn_images_surrogates(&s->context, spec, set, NULL, 3, &images));
    assert_int_equal(images.n, 3);
    assert_ok(unlearn_images_get(&images, 2, x));
    for (int i = 0; i < PIXELS; i++)
        assert_near((double)x[i], ((const uint8_t *)raw->images)[2 * 144 + i % 144] / 255.0 * 2 - 0.5, 1e-6, 0);
    assert_ok(small_run(s, "scar", SETTINGS(QUICK, "epochs=1", setting), &net, &report));
    assert_near(report.passes, 48 + 2 * (10 + 2 * 5), 0, 0); /* all five */
    unlearn_images_close(&images);
    nn_net_free(net);
    data_set_free(set);
    data_set_free(raw);
    base_free(bytes);
    s->set.images = real;
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_step),
    cmocka_unit_test(test_nearest),
    cmocka_unit_test(test_edges),
    cmocka_unit_test(test_data_set),
};
SUPPORT_MAIN(tests)
