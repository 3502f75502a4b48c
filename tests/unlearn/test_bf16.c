#include <math.h>

#include "nn/backend.h"
#include "tests/unlearn/small_data.h"

/* Spaces from bf16 rows: only sides above 1024 are bf16 at all (smaller ones are summed in float64), so this network is
 * wide. conv2 sees 144 * 9 = 1296 features: 16 * 144 rows of retained images, more than features, and 8 * 144 of
 * forgotten ones, fewer, whose products wait for the end (the dual form). */
static NnNet *wide_net(void)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    assert_ok(nn_graph_create(3, 12, 12, &g));
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "conv1", 144, 3, 1, 1, true));
    x = nn_relu(g, nn_conv(g, x, "conv2", 8, 3, 1, 1, true));
    x = nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "fc", 5, true);
    assert_ok(nn_net_create_take(g, x, &net));
    nn_net_init(net, 4);
    return net;
}

static BaseStatus sum_of_one(void *user, void *x, int64_t n, bool wide)
{
    (void)user, (void)x, (void)n, (void)wide;
    return BASE_OK;
}

static NnNet *edited(Small *s, NnPrecision precision, const char *route, bool shared)
{
    NnNet *net = NULL;
    s->context.precision = precision;
    s->context.reduce = shared ? sum_of_one : NULL;
    s->context.block_count = shared ? UNLEARN_BLOCKS : 0;
    assert_ok(small_run(s, "svd",
                        SETTINGS("patches=all", "retain_per_class=4", "forget_samples=8", "layers=only 2", route), &net,
                        NULL));
    return net;
}

/* bf16 rounds an input by up to 2^-9 of itself, which moves an entry of G by up to 2^-8 of sqrt(G_ii G_jj). What lies
 * where G is small moves most: A = (alpha_f - 1) G_f + I is far from singular, and the edit, a difference of two such
 * projections, moves by a few times 2^-8. */
static void test_edit_in_bf16(void **state)
{
    (void)state;
    static const char *const ROUTES[] = {"route=closed", "route=eigen"};
    if (nn_precision_available(NN_BF16) != NN_BF16) skip();
    Small *s = small_open("2");
    int slices, layers;
    nn_net_free(s->net);
    s->net = wide_net();
    s->context.original = s->net;
    const NnSlice *slice = nn_net_param_slices(s->net, &slices);
    const NnLayer *layer = nn_net_layers(s->net, &layers);
    assert_int_equal(layer[1].features, 1296);
    slice += layer[1].weight;
    for (int i = 0; i < 4; i++) {
        NnNet *want = edited(s, NN_F32, ROUTES[i % 2], i / 2), *got = edited(s, NN_BF16, ROUTES[i % 2], i / 2);
        NnNet *again = edited(s, NN_BF16, ROUTES[i % 2], i / 2);
        const float *w = nn_net_params(want), *x = nn_net_params(got), *original = nn_net_params(s->net);
        double off = 0, edit = 0;
        for (int64_t j = slice->offset; j < slice->offset + slice->count; j++) {
            off = fmax(off, fabs((double)x[j] - (double)w[j]));
            edit = fmax(edit, fabs((double)w[j] - (double)original[j]));
        }
        assert_true(off > 0 && edit > 0); /* it was bf16 */
        if (!(off <= 3e-2 * edit)) fail_msg("%s: the edit is off by %g", ROUTES[i % 2], off / edit);
        assert_memory_equal(x, nn_net_params(again), (size_t)nn_net_param_count(got) * sizeof(float));
        nn_net_free(want);
        nn_net_free(got);
        nn_net_free(again);
    }
    small_close(s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_edit_in_bf16)};
    base_system_started(argv[0]);
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
