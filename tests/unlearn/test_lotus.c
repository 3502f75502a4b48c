/* lotus against steps by hand: tempered targets, drawn ones, the temperature, and what acc_u is. */
#include "tests/unlearn/twin.h"

#include "base/random.h"
#include "unlearn/gradient/watch.h"

static double known(const UnlearnContext *context, NnNet *net, const DataView *view)
{
    int64_t right;
    assert_ok(unlearn_count_known(context, net, view, NULL, &right));
    return (double)right / (double)view->n;
}

/* Targets of one epoch, as logits: [48, 5]. */
static void targets(const Small *s, const double *teacher, int epoch, double tau, double *out)
{
    for (int i = 0; i < 48; i++) {
        BaseRandom random = base_random_make(s->context.seed, "gumbel", (uint64_t)(epoch * 48 + i));
        double *t = out + i * 5;
        int best = 0;
        for (int k = 0; k < 5; k++) {
            t[k] = teacher[i * 5 + k] - log(-log(1 - base_random_uniform(&random)));
            if (t[k] > t[best]) best = k;
        }
        bool forgotten = s->forget.classes.in[s->set.labels[i]];
        for (int k = 0; k < 5; k++) t[k] = forgotten ? t[k] / tau : k == best ? 0 : -600;
    }
}

static void test_epochs(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Twin t = twin_of(s), fixed = twin_of(s);
    NnNet *net = NULL, *start = s->net;
    UnlearnReport report;
    DataIndex in = {0}, out = {0};
    double teacher[48 * 5], altered[48 * 5];
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    const DataView forget = data_view_of(&s->set, &in);
    twin_add(&fixed, false, s->set.images, s->set.labels, 48, CE, teacher, NULL);
#define LOTUS STEPS, "optimizer=sgd", "retain_share=1", "alpha=1.5", "unseen=0.1", "stop=-1"
    for (int e = 0; e < 2; e++) {
        NnNet *next = NULL;
        double tau = exp(1.5 * (known(&s->context, start, &forget) - 0.1));
        targets(s, teacher, e, tau, altered);
        twin_add(&t, true, s->set.images, s->set.labels, 48, (TwinLoss){.kl = 1, .T = 1, .teacher = altered}, NULL,
                 NULL);
        twin_step(&t);
        assert_ok(small_run(s, "lotus", SETTINGS(LOTUS, e == 0 ? "epochs=1" : "epochs=2"), &next, &report));
        if (start != s->net) nn_net_free(start);
        start = next;
    }
    net = start;
    assert_near(report.passes, (double)(2 * 2 * 48 + 2 * forget.n), 0, 0);
    twin_close(&fixed);
    data_index_free(&in);
    data_index_free(&out);
    finish(s, &t, net, NULL, NULL);
}

static bool same(const NnNet *a, const NnNet *b)
{
    return memcmp(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float)) == 0;
}

/* acc_u: 0 of whole classes; of listed images the original's on held-out ones; 0 with a warning where there are none. */
static void test_unseen(void **state)
{
    (void)state;
    enum { LISTED = 8 };
    Small *s = small_open("2");
    int64_t *listed = NULL;
    DataIndex kept = {0}, held = {0};
    DataForget images = {0};
    char unseen[64];
    NnNet *net[3] = {NULL, NULL, NULL};
    assert_ok(data_split(&s->context.train, 0.3, 5, &kept, &held));
    s->context.train = data_view_of(&s->set, &kept);
    s->context.validation = data_view_of(&s->set, &held);
    assert_ok(BASE_ALLOC(LISTED, &listed));
    for (int i = 0; i < LISTED; i++) listed[i] = kept.at[2 * i];
    assert_ok(data_forget_images_take(&s->set, &(DataIndex){listed, LISTED}, &images));
    const DataForget *classes = s->context.forget;
#define TWO "batch_size=16", "epochs=2", "lr=0.01", "alpha=3", "stop=-1"
    for (int by_image = 0; by_image < 2; by_image++) {
        double share = 0, passes = 0;
        s->context.forget = by_image ? &images : classes;
        if (by_image) assert_ok(unlearn_unseen_share(&s->context, s->net, &share, &passes));
        assert_true(!by_image || (share > 0 && passes > 0)); /* or the two would be one case */
        snprintf(unseen, sizeof unseen, "unseen=%.17g", share);
        assert_ok(small_run(s, "lotus", SETTINGS(TWO), &net[0], NULL));
        assert_ok(small_run(s, "lotus", SETTINGS(TWO, unseen), &net[1], NULL));
        assert_ok(small_run(s, "lotus", SETTINGS(TWO, "unseen=0.9"), &net[2], NULL));
        assert_true(same(net[0], net[1]) && !same(net[0], net[2]));
        for (int i = 0; i < 3; i++) nn_net_free(net[i]);
    }
    s->context.validation.n = 0;
    assert_ok(small_run(s, "lotus", SETTINGS(TWO), &net[0], NULL));
    assert_ok(small_run(s, "lotus", SETTINGS(TWO, "unseen=0"), &net[1], NULL));
    assert_true(same(net[0], net[1]));
    nn_net_free(net[0]);
    nn_net_free(net[1]);
    assert_ok(small_run(s, "lotus", SETTINGS("stop=1"), &net[0], NULL)); /* it is met before the first epoch */
    assert_true(same(net[0], s->net));
    nn_net_free(net[0]);
    data_forget_free(&images);
    data_index_free(&kept);
    data_index_free(&held);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_epochs),
    cmocka_unit_test(test_unseen),
};
SUPPORT_MAIN(tests)
