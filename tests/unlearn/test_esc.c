/* esc against a projection by hand: features of the naive network, leading directions by power iteration. */
#include "tests/unlearn/twin.h"

enum { WIDTH = 20, CLASSES = 5 };

/* The classifier's inputs on the forgotten images in double, [n, 20]. */
static double *features_of(const Small *s, const Side *forget)
{
    Naive a = naive_create(s->net, forget->n, false);
    double *x = naive_doubles(forget->n * WIDTH);
    const NnNodeInfo *last = naive_node(&a, nn_graph_size(a.graph) - 1);
    for (int64_t i = 0; i < nn_net_param_count(s->net); i++) a.params[i] = (double)nn_net_params(s->net)[i];
    naive_forward(&a, forget->x);
    assert_int_equal(naive_size(&a, last->in[0]), forget->n * WIDTH);
    memcpy(x, a.value[last->in[0]], (size_t)(forget->n * WIDTH) * sizeof *x);
    naive_free(&a);
    return x;
}

/* The leading direction of X^T X. */
static void leading(const double *x, int64_t n, double *u)
{
    for (int j = 0; j < WIDTH; j++) u[j] = 1 + j % 3;
    for (int round = 0; round < 3000; round++) {
        double next[WIDTH] = {0};
        for (int64_t i = 0; i < n; i++) {
            double along = twin_dot(x + i * WIDTH, u, WIDTH);
            for (int j = 0; j < WIDTH; j++) next[j] += along * x[i * WIDTH + j];
        }
        double norm = sqrt(twin_dot(next, next, WIDTH));
        for (int j = 0; j < WIDTH; j++) u[j] = next[j] / norm;
    }
}

static void remove_from(double *rows, int64_t n, const double *u)
{
    for (int64_t i = 0; i < n; i++) {
        double along = twin_dot(rows + i * WIDTH, u, WIDTH);
        for (int j = 0; j < WIDTH; j++) rows[i * WIDTH + j] -= along * u[j];
    }
}

/* 1% of 20 is less than one direction, which is taken nevertheless; 11% are two. */
static void test_projection(void **state)
{
    (void)state;
    for (int k = 1; k <= 2; k++) {
        Small *s = small_open("2,4");
        Side *forget = side_of(s, true);
        NnNet *net = NULL;
        UnlearnReport report;
        uint8_t mask[4096];
        double *x = features_of(s, forget), u[WIDTH];
        Twin t = twin_of(s);
        mask_from(s, "fc2.weight", mask);
        int64_t at = 0;
        while (!mask[at]) at++;
        for (int j = 0; j < k; j++) {
            leading(x, forget->n, u);
            remove_from(x, forget->n, u);
            remove_from(t.w + at, CLASSES, u);
        }
        assert_ok(small_run(s, "esc", SETTINGS(k == 1 ? "percent=1" : "percent=11"), &net, &report));
        frozen_stay(s, net, mask, true);
        for (int64_t i = at + CLASSES * WIDTH; i < t.count; i++) /* the bias */
            assert_true(nn_net_params(net)[i] == nn_net_params(s->net)[i]);
        assert_near(report.passes, (double)forget->n, 0, 0);
        base_free(x);
        finish(s, &t, net, NULL, forget);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_projection),
};
SUPPORT_MAIN(tests)
