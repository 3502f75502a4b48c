/* The preset "published" of each baseline against what its authors' own code computed on the small network of
 * tests/fixtures/network.h5 (tests/peers/README.md says how). A header may say "as the authors' code" only of what is
 * checked here. */
#include "tests/unlearn/twin.h"

#include <stdlib.h>

static IoHdf5 *goldens(void)
{
    IoHdf5 *file = NULL;
    char path[4096];
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/peers/goldens.h5", tests ? tests : "tests");
    assert_ok(io_hdf5_open(path, &file));
    return file;
}

/* ||got - want|| / ||want - start|| over the slices that are not left out; the peer computed in double. @p skip: the
 * ends of names. */
static double distance(const Small *s, const NnNet *net, IoHdf5 *file, const char *group, const char *const *skip)
{
    int count;
    double off = 0, edit = 0, *want = small_params(file, group, net);
    const NnSlice *slices = nn_net_param_slices(net, &count);
    for (int i = 0; i < count; i++) {
        bool left_out = false;
        for (const char *const *k = skip; k && *k; k++) left_out |= strcmp(slices[i].name, *k) == 0;
        for (int64_t j = slices[i].offset; !left_out && j < slices[i].offset + slices[i].count; j++) {
            double d = (double)nn_net_params(net)[j] - want[j], e = want[j] - (double)nn_net_params(s->net)[j];
            off += d * d;
            edit += e * e;
        }
    }
    base_free(want);
    return sqrt(off / edit);
}

static double buffers_off(const NnNet *net, IoHdf5 *file, const char *group)
{
    double off = 0, norm = 0, *want = small_buffers(file, group, net);
    for (int64_t i = 0; i < nn_net_buffer_count(net); i++) {
        off += ((double)nn_net_buffers(net)[i] - want[i]) * ((double)nn_net_buffers(net)[i] - want[i]);
        norm += want[i] * want[i];
    }
    base_free(want);
    return sqrt(off / norm);
}

/* The importances are sums of a few squares, good to 1e-5; a weight whose ratio lies that close to alpha would show as
 * its whole self, and none does. */
static void test_ssd(void **state)
{
    (void)state;
    Small *s = small_open("2");
    IoHdf5 *file = goldens();
    for (int i = 0; i < 2; i++) {
        const char *group = i ? "ssd/alpha_1_lambda_0.5" : "ssd/alpha_2_lambda_1";
        int64_t dampened = 0;
        NnNet *net = NULL;
        assert_ok(small_run(
            s, "ssd",
            SETTINGS("preset=published", i ? "alpha=1" : "alpha=2", i ? "lambda=0.5" : "lambda=1", "batch_size=8"),
            &net, NULL));
        for (int64_t j = 0; i && j < nn_net_param_count(net); j++) /* at lambda 1/2 a dampened weight is another */
            dampened += nn_net_params(net)[j] != nn_net_params(s->net)[j] || nn_net_params(net)[j] == 0;
        if (i) assert_true(fabs((double)dampened - support_attr(file, group, "dampened")) <= 2);
        assert_true(distance(s, net, file, group, NULL) < 1e-4);
        nn_net_free(net);
        assert_ok(small_run(s, "ssd", SETTINGS(i ? "alpha=1" : "alpha=2", "batch_size=8"), &net, NULL));
        assert_true(distance(s, net, file, group, NULL) > 0.1); /* the preset is what makes the difference */
        nn_net_free(net);
    }
    io_hdf5_close(file);
    small_close(s);
}

/* The first step of Adam is lr times the gradient's sign, so that float32's error of 1e-5 in a gradient turns the step
 * of a weight whose gradient is smaller than that: of one weight in 10^4 or so, 2 / sqrt(10^4) of the change. A bias before
 * a batch norm has no gradient but that error, and is left out. */
static void test_unsir(void **state)
{
    (void)state;
    Small *s = small_open("0,2");
    IoHdf5 *file = goldens();
    static const char *const BIASES[] = {"conv1.bias", "conv2.bias", NULL};
    NnNet *net = NULL;
    assert_near(support_attr(file, "unsir/impaired", "noise_items"), 2 * 3 * 20, 0, 0);
    for (int i = 0; i < 2; i++) {
        const char *group = i ? "unsir/repaired" : "unsir/impaired";
        assert_ok(small_run(s, "unsir",
                            SETTINGS("preset=published", "noise_images=16", "batch_size=148",
                                     i ? "repair_epochs=1" : "repair_epochs=0"),
                            &net, NULL));
        assert_true(distance(s, net, file, group, BIASES) < 1e-2);
        assert_true(buffers_off(net, file, group) < 1e-2);
        nn_net_free(net);
    }
    io_hdf5_close(file);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ssd),
    cmocka_unit_test(test_unsir),
};
SUPPORT_MAIN(tests)
