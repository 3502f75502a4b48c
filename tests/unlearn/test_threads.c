#include <math.h>
#include <stdlib.h>

#include "math/threads.h"
#include "nn/backend.h"
#include "nn/train.h"
#include "tests/unlearn/small_data.h"

/* What runs with one thread and with two differs only in the order of sums. */

/* max |a - b| / max |a - original| */
static double apart(const float *a, const float *b, const float *original, int64_t count)
{
    double most = 0, off = 0;
    for (int64_t i = 0; i < count; i++) {
        off = fmax(off, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, fabs((double)a[i] - (double)original[i]));
    }
    assert_true(most > 0);
    return off / most;
}

static NnNet *unlearned(Small *s, const char *const *settings, int threads)
{
    const UnlearnMethod *svd;
    UnlearnReport report = {0};
    NnNet *net = NULL;
    assert_ok(math_threads_set(threads));
    assert_ok(unlearn_find("svd", &svd));
    void *params = small_params_of(svd, settings);
    assert_ok(nn_net_clone(s->net, &net));
    assert_ok(unlearn_run(svd, &s->context, params, net, &report));
    unlearn_report_free(&report);
    base_free(params);
    return net;
}

/* Gram matrices are float32 sums of up to some thousand terms, whose order moves them by 2^-24 sqrt(1000), 2e-6, of
 * their largest entry; A = (alpha - 1) G + I has a condition of at most alpha = 100, so that the edit of a layer moves
 * by up to 2e-4 of itself, and later layers are edited from their own inputs alone. */
static void test_unlearning_with_one_and_two_threads(void **state)
{
    (void)state;
    static const char *const ROUTES[] = {"route=closed", "route=eigen"}, *const PATCHES[] = {"patches=paper",
                                                                                             "patches=all"};
    Small *s = small_open("1");
    for (int i = 0; i < 4; i++) {
        const char *const settings[] = {ROUTES[i / 2], PATCHES[i % 2], "retain_per_class=0", "forget_samples=0", NULL};
        NnNet *one = unlearned(s, settings, 1), *two = unlearned(s, settings, 2), *again = unlearned(s, settings, 2);
        int64_t count = nn_net_param_count(one);
        double difference = apart(nn_net_params(one), nn_net_params(two), nn_net_params(s->net), count);
        assert_true(difference <= 2e-4);
        assert_memory_equal(nn_net_params(two), nn_net_params(again), (size_t)count * sizeof(float));
        nn_net_free(one);
        nn_net_free(two);
        nn_net_free(again);
    }
    assert_ok(math_threads_set(1));
    small_close(s);
}

static NnNet *trained(Small *s, NnPrecision precision, int threads)
{
    NnNet *net = NULL;
    NnTrainConfig config;
    assert_ok(math_threads_set(threads));
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = 2;
    config.batch_size = 16;
    config.lr = 0.01;
    assert_ok(nn_net_clone(s->net, &net));
    assert_ok(nn_train(net, &s->context.train, &config, precision, 3, NULL, NULL));
    return net;
}

/* Six steps; the gradients' sums move by some 2^-24 sqrt(1000), 2e-6, of their largest entry, and each step feeds on
 * those before: 1e-4 of how far the weights went. bf16 rounds activations to 2^-9: where a sum stands between two of
 * them its last bit flips, 0.4% of one activation of many. */
static void test_training_with_one_and_two_threads(void **state)
{
    (void)state;
    static const double TOLERANCE[] = {1e-4, 3e-2};
    Small *s = small_open("1");
    for (int p = NN_F32; p <= NN_BF16; p++) {
        if (nn_precision_available((NnPrecision)p) != (NnPrecision)p) continue;
        NnNet *one = trained(s, (NnPrecision)p, 1), *two = trained(s, (NnPrecision)p, 2);
        double difference =
            apart(nn_net_params(one), nn_net_params(two), nn_net_params(s->net), nn_net_param_count(one));
        assert_true(difference <= TOLERANCE[p]);
        nn_net_free(one);
        nn_net_free(two);
    }
    assert_ok(math_threads_set(1));
    small_close(s);
}

static void test_logits_with_one_and_two_threads(void **state)
{
    (void)state;
    Small *s = small_open("1");
    float *logits[2] = {NULL, NULL}, *zero = NULL;
    int64_t count = s->set.N * s->set.K;
    assert_ok(BASE_ALLOC(count, &zero));
    for (int t = 0; t < 2; t++) {
        assert_ok(math_threads_set(t + 1));
        assert_ok(BASE_ALLOC(count, &logits[t]));
        assert_ok(nn_predict(s->net, &s->context.train, NN_F32, NULL, logits[t]));
    }
    assert_true(apart(logits[0], logits[1], zero, count) <= 1e-5); /* of sums as in tests/nn/test_engine.c */
    assert_ok(math_threads_set(1));
    base_free(logits[0]);
    base_free(logits[1]);
    base_free(zero);
    small_close(s);
}

/* scripts/run-tests asks for libgomp's short spins; else this program takes seconds beside other load, not 0.2. */
static void test_waiting_threads_spin_shortly(void **state)
{
    (void)state;
    if (!getenv("CMOCKA_MESSAGE_OUTPUT")) skip(); /* started by hand */
    assert_true(getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unlearning_with_one_and_two_threads),
        cmocka_unit_test(test_training_with_one_and_two_threads),
        cmocka_unit_test(test_logits_with_one_and_two_threads),
        cmocka_unit_test(test_waiting_threads_spin_shortly),
    };
    base_system_started(argv[0]);
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
