/* negmerge: one fine-tuning against steps by hand, and what several agree about against a plain loop. */
#include "tests/unlearn/twin.h"

#include "base/random.h"
#include "unlearn/gradient/learner.h"

static void test_one(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    UnlearnReport report;
    assert_ok(small_run(s, "negmerge", SETTINGS(STEPS, "epochs=2", "candidates=1", "lambda=3"), &net, &report));
    for (int e = 0; e < 2; e++) {
        twin_add(&t, true, forget->x, forget->y, forget->n, CE, NULL, NULL);
        twin_step(&t);
    }
    for (int64_t i = 0; i < t.count; i++) {
        double start = (double)nn_net_params(s->net)[i];
        t.w[i] = start - 3 * (t.w[i] - start);
    }
    assert_near(report.passes, (double)(2 * forget->n), 0, 0);
    assert_memory_equal(nn_net_buffers(net), nn_net_buffers(s->net), (size_t)nn_net_buffer_count(net) * sizeof(float));
    finish(s, &t, net, NULL, forget);
}

/* w_n of fine-tuning @p n by the learner itself, at its rate. */
static NnNet *finetuned(const Small *s, int n, double lr)
{
    UnlearnContext context = s->context;
    UnlearnSteps steps = {.epochs = 3, .batch_size = 4, .momentum = 0.9, .layers = {"all"}};
    UnlearnTraining t = {0};
    NnNet *net = NULL;
    BaseRandom random = base_random_make(s->context.seed, "negmerge", (uint64_t)n);
    context.seed = base_random_u64(&random);
    assert_ok(nn_net_clone(s->net, &net));
    assert_ok(unlearn_sides_open(&s->context, UNLEARN_NO_IMAGES, 0, &t.sides));
    assert_ok(unlearn_training_open(&context, net, &steps, &(UnlearnLearnerConfig){.label = "test"}, &t));
    for (int e = 0; e < 3; e++)
        assert_ok(unlearn_learner_epoch(t.learner, t.forget, e, &(UnlearnLoss){.ce = 1}, &(UnlearnUpdate){.lr = lr}));
    unlearn_training_close(&t);
    return net;
}

static void test_agreement(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL, *tuned[3];
    int64_t agreed = 0, disagreed = 0;
    for (int n = 0; n < 3; n++) tuned[n] = finetuned(s, n, 0.08 * pow(4, n / 2.0 - 1)); /* 0.02, 0.04, 0.08 */
    assert_ok(small_run(s, "negmerge",
                        SETTINGS("epochs=3", "batch_size=4", "lr=0.08", "spread=4", "weight_decay=0", "lambda=0.5"),
                        &net, NULL));
    for (int64_t i = 0; i < nn_net_param_count(net); i++) {
        double v[3], start = (double)nn_net_params(s->net)[i];
        for (int n = 0; n < 3; n++) v[n] = (double)nn_net_params(tuned[n])[i] - start;
        bool same = (v[0] > 0 && v[1] > 0 && v[2] > 0) || (v[0] < 0 && v[1] < 0 && v[2] < 0);
        double want = same ? start - 0.5 / 3 * (v[0] + v[1] + v[2]) : start;
        assert_near((double)nn_net_params(net)[i], want, 1e-7, 1e-6); /* a rounding or two */
        *(same ? &agreed : &disagreed) += 1;
    }
    assert_true(agreed > 100 && disagreed > 100); /* or the test would say little */
    for (int n = 0; n < 3; n++) nn_net_free(tuned[n]);
    nn_net_free(net);
    small_close(s);
}

/* lambda 0: the lengths double every fourth time; where all may be known the first is taken, unwatched the last. */
static void test_lengths(void **state)
{
    (void)state;
    Small *s = small_open("2");
    static const struct {
        const char *stop, *lambda;
    } CASES[] = {{"stop=1", "lambda=1"}, {"stop=-1", "lambda=16"}};
    for (int i = 0; i < 2; i++) {
        NnNet *tried = NULL, *given = NULL;
        assert_ok(small_run(s, "negmerge", SETTINGS("longest=16", "parts=17", CASES[i].stop), &tried, NULL));
        assert_ok(small_run(s, "negmerge", SETTINGS(CASES[i].lambda), &given, NULL));
        assert_memory_equal(nn_net_params(tried), nn_net_params(given),
                            (size_t)nn_net_param_count(given) * sizeof(float));
        nn_net_free(tried);
        nn_net_free(given);
    }
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one),
    cmocka_unit_test(test_agreement),
    cmocka_unit_test(test_lengths),
};
SUPPORT_MAIN(tests)
