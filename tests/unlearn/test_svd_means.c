/* svd_means against its formula with every matrix written out, in long double. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/unlearn.h"

enum { K = 4, HIDDEN = 5, MOST = 40, WIDE = 30 };

typedef struct {
    DataSet set;
    DataForget forget;
    NnNet *net;
    UnlearnContext context;
} World;

static void world_open(World *w, int n, int width, const char *forget)
{
    static char *names[] = {"a", "b", "c", "d"};
    BaseRandom r = base_random_make(9, "svd_means_test", 0);
    NnGraph *g;
    float *x = NULL;
    *w = (World){
        .set = {.name = "rows", .N = n, .C = 1, .H = 1, .W = width, .K = K, .type = DATA_F32, .class_names = names}};
    assert_ok(BASE_ALLOC(n * width, &x));
    assert_ok(BASE_ALLOC(n, &w->set.labels));
    w->set.images = x;
    for (int i = 0; i < n; i++) {
        w->set.labels[i] = i % K;
        for (int j = 0; j < width; j++) x[i * width + j] = (float)(base_random_normal(&r) + 2 * (j % K == i % K) + 0.5);
    }
    assert_ok(nn_graph_create(1, 1, width, &g));
    NnNode hidden = nn_relu(g, nn_linear(g, nn_flatten(g, nn_input(g)), "hidden", HIDDEN, true));
    assert_ok(nn_net_create_take(g, nn_linear(g, hidden, "head", K, true), &w->net));
    nn_net_init(w->net, 3);
    assert_ok(data_forget_classes(&w->set, forget, &w->forget));
    w->context = (UnlearnContext){
        .original = w->net, .train = data_view_all(&w->set), .forget = &w->forget, .precision = NN_F32, .seed = 1};
}

static void world_close(World *w)
{
    nn_net_free(w->net);
    data_forget_free(&w->forget);
    base_free(w->set.images);
    base_free(w->set.labels);
}

typedef struct {
    double alpha_r, alpha_f;
    const char *layers;
    double nearest;
} Settings;

static BaseStatus run(const World *w, Settings s, NnNet **out)
{
    const UnlearnMethod *m;
    UnlearnReport report;
    double params[512];
    char number[40];
    assert_ok(unlearn_find("svd_means", &m));
    base_param_defaults(m->entry.params, m->entry.param_count, params);
    snprintf(number, sizeof number, "%.17g", s.alpha_r);
    assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, "svd_means", "alpha_r", number, "test"));
    snprintf(number, sizeof number, "%.17g", s.alpha_f);
    assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, "svd_means", "alpha_f", number, "test"));
    snprintf(number, sizeof number, "%.17g", s.nearest);
    assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, "svd_means", "nearest", number, "test"));
    assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, "svd_means", "layers", s.layers, "test"));
    BaseStatus st = nn_net_clone(w->net, out);
    if (st == BASE_OK) st = unlearn_run(m, &w->context, params, *out, &report);
    if (st == BASE_OK) unlearn_report_free(&report);
    return st;
}

/* a <- a^-1, [n, n] of rows of WIDE; positive definite, or not symmetric but close to it. */
static void invert(long double a[WIDE][WIDE], int n)
{
    static long double b[WIDE][WIDE];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) b[i][j] = i == j;
    for (int i = 0; i < n; i++) {
        long double pivot = a[i][i];
        for (int j = 0; j < n; j++) a[i][j] /= pivot, b[i][j] /= pivot;
        for (int k = 0; k < n; k++) {
            long double by = a[k][i];
            for (int j = 0; k != i && j < n; j++) a[k][j] -= by * a[i][j], b[k][j] -= by * b[i][j];
        }
    }
    memcpy(a, b, sizeof b);
}

static void mean_of(const World *w, const double *x, int f, int c, long double *mean)
{
    int n = 0;
    for (int j = 0; j < f; j++) mean[j] = 0;
    for (int i = c; i < w->set.N; i += K, n++)
        for (int j = 0; j < f; j++) mean[j] += x[i * f + j];
    for (int j = 0; j < f; j++) mean[j] /= n;
}

/* The retained class whose mean is nearest to row @p i. */
static int nearest_of(const World *w, const double *x, int f, int i)
{
    int best = -1;
    long double least = 0;
    for (int c = 0; c < K; c++) {
        long double mean[WIDE], sum = 0;
        if (w->forget.classes.in[c]) continue;
        mean_of(w, x, f, c, mean);
        for (int j = 0; j < f; j++) sum += (x[i * f + j] - mean[j]) * (x[i * f + j] - mean[j]);
        if (best >= 0 && sum >= least) continue;
        best = c;
        least = sum;
    }
    return best;
}

/* d [rows, f] = D from the inputs x [n, f]. */
static void naive(const World *world, const double *x, int f, Settings s, const float *W, int rows, double *d)
{
    static long double G[2][WIDE][WIDE], A[WIDE][WIDE], P[WIDE][WIDE], M[K][WIDE], S[WIDE][WIDE], left[WIDE][WIDE];
    long double t[2] = {0};
    int kept[K], classes = 0, n = (int)world->set.N;
    memset(G, 0, sizeof G);
    memset(M, 0, sizeof M);
    for (int c = 0; c < K; c++)
        if (!world->forget.classes.in[c]) kept[classes++] = c;
    for (int i = 0; i < n; i++) {
        int side = world->forget.classes.in[i % K];
        for (int j = 0; j < f; j++) {
            t[side] += (long double)x[i * f + j] * x[i * f + j];
            for (int k = 0; k < f; k++) G[side][j][k] += (long double)x[i * f + j] * x[i * f + k];
        }
        for (int c = 0; c < classes; c++)
            for (int j = 0; j < f && kept[c] == i % K; j++) M[c][j] += x[i * f + j]; /* a multiple of the mean */
    }
    for (int j = 0; j < f; j++)
        for (int k = 0; k < f; k++) A[j][k] = s.alpha_f * G[1][j][k] / t[1] + s.alpha_r * G[0][j][k] / t[0] + (j == k);
    invert(A, f);
    for (int a = 0; a < classes; a++)
        for (int b = 0; b < classes; b++) {
            S[a][b] = 0;
            for (int j = 0; j < f; j++) S[a][b] += M[a][j] * M[b][j];
        }
    invert(S, classes);
    for (int j = 0; j < f; j++)
        for (int k = 0; k < f; k++) {
            left[j][k] = j == k;
            for (int a = 0; a < classes; a++)
                for (int b = 0; b < classes; b++) left[j][k] -= M[a][j] * S[a][b] * M[b][k];
        }
    /* cross [j][k] = sum over forgotten x of (x - y)_j x_k, with the nearest of the retained means */
    memset(P, 0, sizeof P);
    for (int i = 0; i < n; i++) {
        if (!world->forget.classes.in[i % K]) continue;
        int mine = nearest_of(world, x, f, i), like = 0;
        long double own[WIDE] = {0}, mean[WIDE], e[WIDE];
        mean_of(world, x, f, mine, mean);
        for (int o = 0; o < n; o++) {
            if (!world->forget.classes.in[o % K] || nearest_of(world, x, f, o) != mine) continue;
            like++;
            for (int j = 0; j < f; j++) own[j] += x[o * f + j];
        }
        for (int j = 0; j < f; j++) {
            e[j] = s.nearest * (own[j] / like - mean[j]);
            for (int l = 0; l < f; l++) e[j] += (1 - s.nearest) * left[j][l] * x[i * f + l];
        }
        for (int j = 0; j < f; j++)
            for (int k = 0; k < f; k++) P[j][k] += s.alpha_f / t[1] * e[j] * x[i * f + k];
    }
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < f; k++) {
            long double sum = 0;
            for (int j = 0; j < f; j++)
                for (int l = 0; l < f; l++) sum += W[r * f + j] * P[j][l] * A[l][k];
            d[r * f + k] = (double)sum;
        }
}

/* float32 inputs of a layer are right to 1e-6, and a factor of condition 1 + alpha times that is what D can lose. */
static void check_layer(const float *before, const float *after, const double *d, int count, double tolerance)
{
    double most = 0, off = 0;
    for (int i = 0; i < count; i++) {
        most = fmax(most, fabs(d[i]));
        off = fmax(off, fabs((double)before[i] - d[i] - (double)after[i]));
    }
    print_message("off by %.1e of %.2g\n", off, most);
    assert_true(most > 1e-3);
    assert_true(off <= tolerance * most + 1e-7);
}

static void compare(int n, int f, const char *forget, Settings s)
{
    World w;
    NnNet *net;
    world_open(&w, n, f, forget);
    assert_ok(run(&w, s, &net));
    const float *was = nn_net_params(w.net), *is = nn_net_params(net), *x = w.set.images;
    double in[MOST * WIDE], hidden[MOST * HIDDEN], d[HIDDEN * WIDE];
    for (int i = 0; i < n * f; i++) in[i] = (double)x[i];
    naive(&w, in, f, s, was, HIDDEN, d);
    check_layer(was, is, d, HIDDEN * f, 1e-4);
    for (int i = 0; i < n; i++) /* inputs are those of the original */
        for (int h = 0; h < HIDDEN; h++) {
            double sum = (double)was[HIDDEN * f + h];
            for (int j = 0; j < f; j++) sum += (double)was[h * f + j] * in[i * f + j];
            hidden[i * HIDDEN + h] = fmax(0, sum);
        }
    const float *head = was + HIDDEN * f + HIDDEN;
    naive(&w, hidden, HIDDEN, s, head, K, d);
    check_layer(head, is + HIDDEN * f + HIDDEN, d, K * HIDDEN, 1e-3);
    assert_memory_equal(was + HIDDEN * f, is + HIDDEN * f, HIDDEN * sizeof *was); /* biases stay */
    nn_net_free(net);
    world_close(&w);
}

static void the_formula(void **state)
{
    (void)state;
    compare(40, 8, "2", (Settings){100, 100, "all", 0});   /* by features */
    compare(20, 30, "2", (Settings){100, 1000, "all", 0}); /* by rows */
    compare(36, 30, "[0, 3]", (Settings){10, 30, "all", 0});
    compare(40, 8, "1", (Settings){0, 50, "all", 0});
    compare(40, 8, "2", (Settings){100, 100, "all", 1});
    compare(36, 30, "[0, 3]", (Settings){10, 30, "all", 0.25});
}

static void chosen_layers(void **state)
{
    (void)state;
    World w;
    NnNet *net;
    world_open(&w, 40, 8, "2");
    assert_ok(run(&w, (Settings){100, 100, "last", 0}, &net));
    const float *was = nn_net_params(w.net), *is = nn_net_params(net);
    assert_memory_equal(was, is, HIDDEN * 8 * sizeof *was);
    assert_memory_not_equal(was, is, (size_t)nn_net_param_count(net) * sizeof *was);
    nn_net_free(net);
    assert_fails(run(&w, (Settings){100, 100, "nowhere", 0}, &net), BASE_EUSAGE, "nowhere");
    nn_net_free(net);
    world_close(&w);
}

/* A network of convolutions alone has no layer that it could edit. */
static void no_such_layer(void **state)
{
    (void)state;
    World w;
    NnGraph *g;
    NnNet *net;
    world_open(&w, 20, 8, "2");
    nn_net_free(w.net);
    assert_ok(nn_graph_create(1, 1, 8, &g));
    NnNode x = nn_flatten(g, nn_avg_pool(g, nn_conv(g, nn_input(g), "all", K, 1, 1, 0, true), 0, 1));
    assert_ok(nn_net_create_take(g, x, &w.net));
    w.context.original = w.net;
    assert_fails(run(&w, (Settings){100, 100, "all", 0}, &net), BASE_EUSAGE, "none of these sees one row for an image");
    nn_net_free(net);
    world_close(&w);
}

/* A budget that the inputs do not fit is refused, with one that would do. */
static void a_budget(void **state)
{
    (void)state;
    World w;
    NnNet *net;
    long long enough = 0;
    world_open(&w, 40, 8, "2");
    base_memory_set_budget(1 << 10);
    BaseStatus st = run(&w, (Settings){100, 100, "all", 0}, &net);
    const char *said = strstr(base_error_text(), "--memory ");
    assert_int_equal(st, BASE_ELIMIT);
    assert_non_null(strstr(base_error_text(), "layer hidden, with the inputs of 1 more, needs 0 MiB"));
    assert_true(said && sscanf(said, "--memory %lldM", &enough) == 1);
    nn_net_free(net);
    base_memory_set_budget(enough << 20);
    assert_ok(run(&w, (Settings){100, 100, "all", 0}, &net));
    nn_net_free(net);
    base_memory_set_budget(0);
    world_close(&w);
}

/* What scales a map (squeeze and excitation) sees one row for an image as well, but is no layer behind the last map. */
static void before_a_map(void **state)
{
    (void)state;
    World w;
    NnGraph *g;
    NnNet *net;
    int count;
    world_open(&w, 20, 8, "2");
    nn_net_free(w.net);
    assert_ok(nn_graph_create(1, 1, 8, &g));
    NnNode x = nn_conv(g, nn_input(g), "map", 6, 1, 1, 0, true), by = nn_flatten(g, nn_avg_pool(g, x, 0, 1));
    by = nn_linear(g, nn_relu(g, nn_linear(g, by, "squeeze", 3, true)), "excite", 6, true);
    x = nn_relu(g, nn_conv(g, nn_scale(g, x, by), "next", 5, 1, 1, 0, true));
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, x), "head", K, true), &w.net));
    nn_net_init(w.net, 3);
    w.context.original = w.net;
    assert_ok(run(&w, (Settings){100, 100, "all", 0}, &net));
    const NnSlice *slices = nn_net_param_slices(net, &count);
    for (int i = 0; i < count; i++)
        assert_int_equal(memcmp(nn_net_params(net) + slices[i].offset, nn_net_params(w.net) + slices[i].offset,
                                (size_t)slices[i].count * sizeof(float)) != 0,
                         strcmp(slices[i].name, "head.weight") == 0);
    nn_net_free(net);
    assert_fails(run(&w, (Settings){100, 100, "squeeze", 0}, &net), BASE_EUSAGE, "none of these sees one row");
    nn_net_free(net);
    world_close(&w);
}

static BaseStatus once(void *user)
{
    NnNet *net = NULL;
    BaseStatus st = run(user, (Settings){100, 100, "all", 0}, &net);
    nn_net_free(net);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    World w;
    world_open(&w, 20, 8, "2");
    support_fail_allocations(once, &w, 1000);
    world_close(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_formula),  cmocka_unit_test(chosen_layers), cmocka_unit_test(no_such_layer),
    cmocka_unit_test(before_a_map), cmocka_unit_test(a_budget),      cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
