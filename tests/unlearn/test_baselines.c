/* Methods that train on, against steps by hand (twin.h) and reference values. */
#include "tests/unlearn/twin.h"

#include "base/random.h"
#include "unlearn/gradient/refine.h"
#include "unlearn/gradient/relabel.h"
#include "unlearn/gradient/watch.h"

static void refine(const char *name, double l1)
{
    Small *s = small_open("2,4");
    Side *retain = side_of(s, false);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    UnlearnReport report;
    assert_ok(small_run(s, name, l1 > 0 ? SETTINGS(STEPS, "epochs=3", "l1=0.003") : SETTINGS(STEPS, "epochs=3"), &net,
                        &report));
    for (int e = 0; e < 3; e++) {
        twin_add(&t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
        for (int64_t i = 0; i < t.count; i++) t.g[i] += l1 * (1 - e / 3.0) * ((t.w[i] > 0) - (t.w[i] < 0));
        twin_step(&t);
    }
    assert_int_equal(report.samples_retain, 48 - 10 - 9);
    assert_int_equal(report.samples_forget, 0);
    assert_near(report.passes, 3 * 29, 0, 0);
    finish(s, &t, net, retain, NULL);
}

static void test_finetune(void **state)
{
    (void)state;
    refine("finetune", 0);
}
static void test_l1_sparse(void **state)
{
    (void)state;
    refine("l1_sparse", 0.003);
}

static void test_last_k(void **state)
{
    (void)state;
    for (int anew = 0; anew < 2; anew++) {
        Small *s = small_open("2");
        Side *retain = side_of(s, false);
        uint8_t mask[4096];
        NnNet *net = NULL, *fresh = NULL;
        mask_from(s, "fc1.weight", mask);
        assert_ok(small_run(s, anew ? "eu_k" : "cf_k", SETTINGS(STEPS, "epochs=2", "k=2"), &net, NULL));
        Twin t = twin_of(s);
        t.mask = mask;
        assert_ok(nn_net_clone(s->net, &fresh));
        nn_net_init(fresh, s->context.seed);
        for (int64_t i = 0; anew && i < t.count; i++)
            if (mask[i]) t.w[i] = (double)nn_net_params(fresh)[i];
        for (int e = 0; e < 2; e++) {
            twin_add(&t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
            twin_step(&t);
        }
        frozen_stay(s, net, mask, true);
        nn_net_free(fresh);
        assert_fails(small_run(s, "cf_k", SETTINGS("k=5"), &fresh, NULL), BASE_EUSAGE, "the network has 4 layers");
        nn_net_free(fresh);
        finish(s, &t, net, retain, NULL);
    }
}

/* The rate of each epoch, by hand: with restarts cycles of 1, 2, 4, .. epochs from lr towards lr_min, of which the last one never quite
 * comes there. */
static void test_restarts(void **state)
{
    (void)state;
    static const double SHARE[] = {1, 1, 0.5, 1, 0.85355339059327376, 0.5, 0.14644660940672624, 1};
    const UnlearnSteps steps = {.lr = 0.1};
    const UnlearnRefine refine = {.steps = &steps, .rate = UNLEARN_RATE_RESTARTS, .lr_min = 0.02};
    for (int e = 0; e < 8; e++) assert_near(unlearn_refine_rate(&refine, e), 0.02 + 0.08 * SHARE[e], 1e-15, 0);
    assert_near(unlearn_refine_rate(&(UnlearnRefine){.steps = &steps}, 6), 0.1, 0, 0);
    /* over five and four epochs */
    static const double COSINE[] = {1, 0.85355339059327376, 0.5, 0.14644660940672624};
    static const double ODD[] = {1. / 3, 2. / 3, 1, 2. / 3, 1. / 3}, EVEN[] = {1. / 2, 1, 2. / 3, 1. / 3};
    const UnlearnSteps four = {.lr = 0.1, .epochs = 4}, five = {.lr = 0.1, .epochs = 5};
    for (int e = 0; e < 4; e++) {
        const UnlearnRefine turn = {.steps = &four, .rate = UNLEARN_RATE_COSINE};
        const UnlearnRefine tent = {.steps = &four, .rate = UNLEARN_RATE_TENT};
        assert_near(unlearn_refine_rate(&turn, e), 0.1 * COSINE[e], 1e-15, 0);
        assert_near(unlearn_refine_rate(&tent, e), 0.1 * EVEN[e], 1e-15, 0);
    }
    for (int e = 0; e < 5; e++)
        assert_near(unlearn_refine_rate(&(UnlearnRefine){.steps = &five, .rate = UNLEARN_RATE_TENT}, e), 0.1 * ODD[e],
                    1e-15, 0);
}

/* Mixed batches: of whole sides one step, along the mean over both. */
static void test_mixed(void **state)
{
    (void)state;
    Small *s = small_open("0,3");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    int32_t *labels = NULL, y[64];
    UnlearnReport report;
    assert_ok(unlearn_random_labels(&s->context, &s->context.train, &labels));
    side_labels(s, labels, y);
    assert_ok(small_run(s, "random_label", SETTINGS(STEPS, "epochs=2", "batches=mixed"), &net, &report));
    memcpy(forget->x + forget->n * PIXELS, retain->x, (size_t)(retain->n * PIXELS) * sizeof *retain->x);
    memcpy(y + forget->n, retain->y, (size_t)retain->n * sizeof *y);
    for (int e = 0; e < 2; e++) {
        twin_add(&t, true, forget->x, y, forget->n + retain->n, CE, NULL, NULL);
        twin_step(&t);
    }
    assert_near(report.passes, 2 * 48, 0, 0);
    unlearn_report_free(&report);
    base_free(labels);
    finish(s, &t, net, retain, forget);
}

/* `layers` freezes a norm with its layer: bn2's statistics move with conv2, bn1's stay. */
static void test_layers(void **state)
{
    (void)state;
    Small *s = small_open("2");
    uint8_t mask[4096], last[4096];
    NnNet *net = NULL;
    int count;
    mask_from(s, "conv2.weight", mask);
    mask_from(s, "fc1.weight", last);
    for (int64_t i = 0; i < nn_net_param_count(s->net); i++) mask[i] = mask[i] && !last[i];
    assert_ok(small_run(s, "neggrad", SETTINGS(STEPS, "stop=-1", "layers=[conv2]"), &net, NULL));
    frozen_stay(s, net, mask, false);
    const NnSlice *slices = nn_net_buffer_slices(net, &count);
    for (int i = 0; i < count; i++)
        assert_true((memcmp(nn_net_buffers(net) + slices[i].offset, nn_net_buffers(s->net) + slices[i].offset,
                            (size_t)slices[i].count * sizeof(float)) == 0) == (strncmp(slices[i].name, "bn1", 3) == 0));
    nn_net_free(net);
    assert_fails(small_run(s, "neggrad", SETTINGS("layers=conv3"), &net, NULL), BASE_EUSAGE, "conv3");
    nn_net_free(net);
    small_close(s);
}

static void test_neggrad(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    UnlearnReport report;
    char lr[64];
    snprintf(lr, sizeof lr, "lr=%.17g", support_attr(s->file, "train/neggrad_1_step", "lr"));
    assert_ok(small_run(s, "neggrad",
                        SETTINGS("stop=-1", "clip=0", "epochs=1", "batch_size=64", lr, "momentum=0", "weight_decay=0"),
                        &net, &report));
    same_as_group(s, net, "train/neggrad_1_step/params", nn_net_params(s->net));
    assert_int_equal(report.samples_forget, 10);
    assert_int_equal(report.samples_retain, 0);
    nn_net_free(net);
    /* a clipped step of plain SGD has the length lr * clip */
    assert_ok(
        small_run(s, "neggrad",
                  SETTINGS("stop=-1", "epochs=1", "batch_size=64", "lr=1", "momentum=0", "weight_decay=0", "clip=0.01"),
                  &net, NULL));
    double length = 0;
    for (int64_t i = 0; i < nn_net_param_count(net); i++)
        length += pow((double)nn_net_params(net)[i] - (double)nn_net_params(s->net)[i], 2);
    assert_near(sqrt(length), 0.01, 0, 1e-4);
    nn_net_free(net);
    small_close(s);
}

static void test_neggrad_plus(void **state)
{
    (void)state;
    Small *s = small_open("1,2");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    assert_ok(small_run(s, "neggrad_plus", SETTINGS(STEPS, "epochs=2", "beta=0.7"), &net, NULL));
    for (int e = 0; e < 2; e++) {
        twin_add(&t, true, retain->x, retain->y, retain->n, (TwinLoss){.ce = 0.7}, NULL, NULL);
        twin_add(&t, true, forget->x, forget->y, forget->n, (TwinLoss){.ce = -0.3}, NULL, NULL);
        twin_step(&t);
    }
    finish(s, &t, net, retain, forget);
}

static void test_random_label(void **state)
{
    (void)state;
    Small *s = small_open("0,3");
    Side *retain = side_of(s, false), *forget = side_of(s, true);
    Twin t = twin_of(s);
    NnNet *net = NULL;
    int32_t *labels = NULL;
    int seen[5] = {0};
    assert_ok(unlearn_random_labels(&s->context, &s->context.train, &labels));
    for (int i = 0; i < 48; i++) seen[labels[i]]++;
    assert_true(seen[0] == 0 && seen[3] == 0); /* never a class that must go */
    for (int k = 0; k < 5; k++) assert_true(k == 0 || k == 3 || (seen[k] >= 6 && seen[k] <= 28)); /* 16 +- 3.7 sd */
    assert_ok(small_run(s, "random_label", SETTINGS(STEPS, "epochs=2"), &net, NULL));
    relabel_by_hand(s, &t, labels, forget, retain, 2);
    base_free(labels);
    finish(s, &t, net, retain, forget);
}

/* From the oracle's student, one step each way. */
static void scrub_step(const char *const *settings, const char *group)
{
    Small *s = small_open("2");
    const UnlearnMethod *method = NULL;
    NnNet *student = NULL, *start = NULL;
    UnlearnReport report;
    char path[64];
    assert_ok(unlearn_find("scrub", &method));
    void *params = small_params_of(method, settings);
    assert_ok(nn_net_clone(s->net, &start));
    small_set(s->file, "scrub/student", start);
    assert_ok(nn_net_clone(start, &student));
    assert_ok(unlearn_run(method, &s->context, params, student, &report));
    snprintf(path, sizeof path, "scrub/%s/params", group);
    same_as_group(s, student, path, nn_net_params(start));
    base_free(params);
    nn_net_free(student);
    nn_net_free(start);
    small_close(s);
}
#define SCRUB "stop=-1", "epochs=1", "batch_size=64", "forget_batch=64", "lr=0.01", "momentum=0", "weight_decay=0"

static void test_scrub(void **state)
{
    (void)state;
    scrub_step(SETTINGS(SCRUB, "max_epochs=0", "gamma=0.99", "alpha=0.001"), "min_step");
    scrub_step(SETTINGS(SCRUB, "max_epochs=1", "gamma=0", "alpha=0"), "max_step"); /* then the second step is none */
}

static double error_of(NnNet *net, const DataView *view)
{
    float logits[64 * 5];
    int wrong = 0;
    assert_ok(nn_predict(net, view, NN_F32, "test", logits));
    for (int64_t i = 0; i < view->n; i++) {
        int best = 0;
        for (int k = 1; k < 5; k++) best = logits[i * 5 + k] > logits[i * 5 + best] ? k : best;
        wrong += best != data_view_label(view, i);
    }
    return (double)wrong / (double)view->n;
}

/* The small network, trained on its images until it knows them. */
static void small_fit(Small *s)
{
    NnTrainConfig config;
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = 40;
    config.batch_size = 16;
    config.lr = 0.02;
    assert_ok(nn_train(s->net, &s->context.train, &config, NN_F32, 3, "test", NULL));
    assert_true(error_of(s->net, &s->context.train) < 0.1);
}

/* `stop`: the network is that of the first step after which no more of the forgotten images than allowed are known.
 * One batch holds them all, so an epoch is a step, and fewer epochs are the steps before. */
static void test_neggrad_stops(void **state)
{
    (void)state;
    enum { MOST = 12 };
    Small *s = small_open("2");
    DataIndex in = {0}, out = {0};
    NnNet *net = NULL, *one = NULL;
    UnlearnReport report;
    int first = -1;
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    DataView forget = data_view_of(&s->set, &in);
    const double stop = 0.2;
#define ASCENT "lr=0.05", "momentum=0.9", "weight_decay=0", "batch_size=64", "clip=0"
    small_fit(s); /* or there is nothing to forget */
    assert_true(error_of(s->net, &forget) < 1 - stop);
    for (int e = 1; e <= MOST && first < 0; e++) {
        char epochs[32];
        snprintf(epochs, sizeof epochs, "epochs=%d", e);
        nn_net_free(one);
        assert_ok(small_run(s, "neggrad", SETTINGS(ASCENT, "stop=-1", epochs), &one, NULL));
        if (1 - error_of(one, &forget) <= stop) first = e;
    }
    assert_in_range(first, 2, MOST - 1);
    assert_ok(small_run(s, "neggrad", SETTINGS(ASCENT, "stop=0.2", "epochs=12"), &net, &report));
    assert_memory_equal(nn_net_params(net), nn_net_params(one), (size_t)nn_net_param_count(net) * sizeof(float));
    assert_memory_equal(nn_net_buffers(net), nn_net_buffers(one), (size_t)nn_net_buffer_count(net) * sizeof(float));
    assert_near(report.passes, (double)forget.n * (first + MOST), 0, 0); /* each epoch looks, some step */
    nn_net_free(one);
    nn_net_free(net);
    /* a look is before the step: where all may be known there is no step at all */
    assert_ok(small_run(s, "neggrad", SETTINGS(ASCENT, "stop=1", "epochs=3"), &net, NULL));
    assert_memory_equal(nn_net_params(net), nn_net_params(s->net), (size_t)nn_net_param_count(net) * sizeof(float));
    nn_net_free(net);
    data_index_free(&in);
    data_index_free(&out);
    small_close(s);
}

/* One image of sixteen is still known, whichever it is: a limit of exactly that share is met, and one below it is not.
 */
static void test_watch_counts_every_image(void **state)
{
    (void)state;
    enum { WATCHED = 16 };
    Small *s = small_open("2");
    float logits[WATCHED * 5];
    int best[WATCHED];
    DataView view = {&s->set, NULL, WATCHED};
    assert_ok(nn_predict(s->net, &view, NN_F32, "test", logits));
    for (int i = 0; i < WATCHED; i++) {
        best[i] = 0;
        for (int k = 1; k < 5; k++) best[i] = logits[i * 5 + k] > logits[i * 5 + best[i]] ? k : best[i];
    }
    bool done = true;
    assert_ok(unlearn_watch_done(NULL, &done)); /* who does not watch takes every step */
    assert_false(done);
    for (int known = 0; known < WATCHED; known++)
        for (int limit = 0; limit < 2; limit++) {
            UnlearnWatch *watch = NULL;
            for (int i = 0; i < WATCHED; i++) s->set.labels[i] = (best[i] + (i != known)) % 5;
            assert_ok(unlearn_watch_create(&s->context, s->net, &view, limit ? 1.0 / WATCHED : 0.9 / WATCHED, &watch));
            assert_ok(unlearn_watch_done(watch, &done));
            assert_int_equal(done, limit);
            assert_near(unlearn_watch_passes(watch), WATCHED, 0, 0);
            unlearn_watch_free(watch);
        }
    small_close(s);
}

/* Listed images are forgotten as far as held-out ones are unknown: at 12 known ones of 16 the default is met, at 13 it is
 * not. Other values, whole classes and a missing validation split are taken as they are. */
static void test_watch_of_listed_images(void **state)
{
    (void)state;
    enum { WATCHED = 16 };
    Small *s = small_open("2");
    float logits[WATCHED * 5], *x = s->set.images, *unseen = NULL;
    static float as[2][PIXELS]; /* an image that looks like one of the class, and one that does not */
    int64_t at[WATCHED];
    int best[WATCHED], other = 0;
    DataView view = {&s->set, NULL, WATCHED};
    DataSet held = s->set;
    uint8_t in[5] = {1, 1, 1, 1, 1};
    small_two_answers(s);
    assert_ok(nn_predict(s->net, &view, NN_F32, "test", logits));
    for (int i = 0; i < WATCHED; i++) {
        best[i] = 0;
        for (int k = 1; k < 5; k++) best[i] = logits[i * 5 + k] > logits[i * 5 + best[i]] ? k : best[i];
        at[i] = i;
        if (best[i] != best[0]) other = i;
    }
    assert_true(other > 0);
    memcpy(as[0], x, sizeof as[0]);
    memcpy(as[1], x + other * PIXELS, sizeof as[1]);
    assert_ok(BASE_ALLOC(WATCHED * PIXELS, &unseen));
    for (int i = 0; i < WATCHED; i++) memcpy(unseen + i * PIXELS, as[i >= 12], sizeof as[0]);
    for (int i = 0; i < 48; i++) s->set.labels[i] = best[0];
    held.images = unseen;
    DataForget images = {.classes = {.K = 5, .count = 5, .in = in}, .images = {.at = at, .n = WATCHED}};
    const struct {
        int known;
        double stop;
        bool images, validation, done;
    } CASES[] = {{12, UNLEARN_STOP, true, true, true},   {13, UNLEARN_STOP, true, true, false},
                 {12, 0.5, true, true, false},           {8, 0.5, true, true, true},
                 {12, UNLEARN_STOP, false, true, false}, {12, UNLEARN_STOP, true, false, false}};
    for (size_t c = 0; c < BASE_COUNT(CASES); c++) {
        UnlearnWatch *watch = NULL;
        UnlearnContext context = s->context;
        bool done;
        if (CASES[c].images) context.forget = &images;
        context.validation = (DataView){&held, NULL, CASES[c].validation ? WATCHED : 0};
        for (int i = 0; i < WATCHED; i++) memcpy(x + i * PIXELS, as[i >= CASES[c].known], sizeof as[0]);
        assert_ok(unlearn_watch_create(&context, s->net, &view, CASES[c].stop, &watch));
        assert_ok(unlearn_watch_done(watch, &done));
        assert_int_equal(done, CASES[c].done);
        unlearn_watch_free(watch);
    }
    base_free(unseen);
    small_close(s);
}

/* Small forget batches are many steps away from the teacher: unwatched they end in no network at all, watched they end
 * where the images are forgotten, and the retained ones are still known. */
static void test_scrub_stops(void **state)
{
    (void)state;
    Small *s = small_open("2");
    DataIndex in = {0}, out = {0};
    NnNet *net = NULL, *none = NULL;
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    DataView forget = data_view_of(&s->set, &in), retain = data_view_of(&s->set, &out);
    small_fit(s);
#define AWAY "lr=0.001", "forget_batch=2", "batch_size=16", "epochs=4", "max_epochs=4", "weight_decay=0"
    BaseStatus st = small_run(s, "scrub", SETTINGS(AWAY, "stop=-1"), &net, NULL);
    assert_true(st == BASE_ENUMERIC || error_of(net, &retain) > 0.5);
    nn_net_free(net);
    assert_ok(small_run(s, "scrub", SETTINGS(AWAY, "stop=0.01"), &net, NULL));
    assert_true(error_of(net, &retain) < 0.35); /* 0.24 with reference values of seed 11 */
    assert_true(error_of(net, &forget) > 0.8);
    nn_net_free(net);
    /* nothing to drive away: the pass over the forgotten images is none */
    assert_ok(small_run(s, "scrub", SETTINGS("forget_batch=2", "stop=1"), &net, NULL));
    assert_ok(small_run(s, "scrub", SETTINGS("forget_batch=2", "max_epochs=0"), &none, NULL));
    assert_near(error_of(net, &retain), error_of(none, &retain), 0, 0);
    nn_net_free(net);
    nn_net_free(none);
    data_index_free(&in);
    data_index_free(&out);
    small_close(s);
}

/* Rewinding takes the epoch whose error on the forgotten images is closest to the last one's on unseen ones. */
static void test_scrub_rewind(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL, *at[4] = {NULL};
    DataIndex kept = {0}, held = {0}, in = {0}, out = {0}, unseen = {0};
    double error[4];
    assert_fails(small_run(s, "scrub", SETTINGS("rewind=true"), &net, NULL), BASE_EUSAGE,
                 "set a validation part aside");
    nn_net_free(net);
    assert_ok(data_split(&s->context.train, 0.4, 5, &kept, &held));
    s->context.train = data_view_of(&s->set, &kept);
    s->context.validation = data_view_of(&s->set, &held);
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &in, &out));
    data_index_free(&out);
    assert_ok(data_forget_partition(&s->context.validation, &s->forget, &unseen, &out));
    DataView forget = data_view_of(&s->set, &in), other = data_view_of(&s->set, &unseen);
    static const char *const EPOCHS[] = {"epochs=1", "epochs=2", "epochs=3", "epochs=4"};
#define REWIND "stop=-1", "lr=0.1", "max_epochs=1", "momentum=0", "batch_size=16", "forget_batch=4"
    for (int e = 0; e < 4; e++) {
        assert_ok(small_run(s, "scrub", SETTINGS(REWIND, EPOCHS[e]), &at[e], NULL));
        error[e] = error_of(at[e], &forget);
    }
    double reference = error_of(at[3], &other);
    int best = 0;
    for (int e = 1; e < 4; e++) best = fabs(error[e] - reference) < fabs(error[best] - reference) ? e : best;
    assert_ok(small_run(s, "scrub", SETTINGS(REWIND, "epochs=4", "rewind=true"), &net, NULL));
    assert_memory_equal(nn_net_params(net), nn_net_params(at[best]), (size_t)nn_net_param_count(net) * sizeof(float));
    for (int e = 0; e < 4; e++) nn_net_free(at[e]);
    nn_net_free(net);
    data_index_free(&kept);
    data_index_free(&held);
    data_index_free(&in);
    data_index_free(&out);
    data_index_free(&unseen);
    small_close(s);
}

static void test_bad_teacher(void **state)
{
    (void)state;
    Small *s = small_open("2,3");
    Twin t = twin_of(s), good = twin_of(s), bad;
    NnNet *net = NULL, *fresh = NULL;
    UnlearnReport report;
    BaseRandom random = base_random_make(s->context.seed, "bad_teacher", 0);
    double teacher[48 * 5], other[48 * 5];
    const float *x = s->set.images;
    assert_ok(nn_net_clone(s->net, &fresh));
    nn_net_init(fresh, base_random_u64(&random));
    bad = twin_open(fresh, 0, 0, 0);
    twin_add(&good, false, x, s->set.labels, 48, CE, teacher, NULL);
    twin_add(&bad, false, x, s->set.labels, 48, CE, other, NULL);
    for (int i = 0; i < 48; i++)
        if (s->forget.classes.in[s->set.labels[i]]) memcpy(teacher + i * 5, other + i * 5, 5 * sizeof *other);
    assert_ok(small_run(s, "bad_teacher",
                        SETTINGS(STEPS, "optimizer=sgd", "epochs=2", "temperature=3", "retain_share=1"), &net,
                        &report));
    for (int e = 0; e < 2; e++) {
        twin_add(&t, true, x, s->set.labels, 48, (TwinLoss){.kl = 1, .T = 3, .teacher = teacher}, NULL, NULL);
        twin_step(&t);
    }
    assert_near(report.passes, 2 * 3 * 48, 0, 0);
    NnNet *part = NULL;
    assert_ok(small_run(s, "bad_teacher", SETTINGS("retain_share=0.5"), &part, &report));
    assert_true(report.samples_retain >= 12 && report.samples_retain <= 16); /* half of 29, class by class */
    nn_net_free(part);
    nn_net_free(fresh);
    twin_close(&good);
    twin_close(&bad);
    finish(s, &t, net, NULL, NULL);
}

/* One class's noise after @p steps of Adam by hand. */
static void noise_by_hand(const Small *s, int32_t c, int64_t n, int steps, float *x)
{
    BaseRandom random = base_random_make(s->context.seed, "unsir_noise", (uint64_t)c);
    Twin t = twin_of(s);
    double *dx = naive_doubles(n * PIXELS), *w = naive_doubles(n * PIXELS), *m = naive_doubles(2 * n * PIXELS);
    int32_t y[16];
    for (int64_t i = 0; i < n; i++) y[i] = c;
    for (int64_t i = 0; i < n * PIXELS; i++) x[i] = (float)(w[i] = (double)(float)base_random_normal(&random));
    for (int step = 1; step <= steps; step++) {
        twin_add(&t, false, x, y, n, (TwinLoss){.ce = -1}, NULL, dx);
        for (int64_t i = 0; i < n * PIXELS; i++) {
            double g = dx[i] + 2 * 0.1 * w[i] / (double)n, *a = m + 2 * i;
            a[0] = 0.9 * a[0] + 0.1 * g;
            a[1] = 0.999 * a[1] + 0.001 * g * g;
            w[i] -= 0.1 * a[0] / (1 - pow(0.9, step)) / (sqrt(a[1] / (1 - pow(0.999, step))) + 1e-8);
            x[i] = (float)w[i];
        }
    }
    base_free(dx);
    base_free(w);
    base_free(m);
    twin_close(&t);
}

/* 29 retained images and 2 classes of 3 noise images, each twice: one step of round(64 * 29 / 41) = 45 retained (all
 * there are) and 19 noise images, taken in turn; then one of repair. */
static void test_unsir(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    Side *retain = side_of(s, false), *mixed = side_of(s, false);
    float noise[2][3 * PIXELS];
    NnNet *net = NULL;
    UnlearnReport report;
    noise_by_hand(s, 2, 3, 4, noise[0]);
    noise_by_hand(s, 4, 3, 4, noise[1]);
    for (int i = 0; i < 19; i++, mixed->n++) {
        memcpy(mixed->x + mixed->n * PIXELS, noise[i % 2] + i / 2 % 3 * PIXELS, PIXELS * sizeof(float));
        mixed->y[mixed->n] = i % 2 ? 4 : 2;
    }
    assert_int_equal(mixed->n, 48);
    assert_ok(small_run(s, "unsir",
                        SETTINGS("noise_images=3", "noise_steps=4", "noise_repeats=2", "batch_size=64", "optimizer=sgd",
                                 "momentum=0.5", "weight_decay=0.01", "impair_lr=0.05", "repair_lr=0.03"),
                        &net, &report));
    Twin t = twin_of(s);
    twin_add(&t, true, mixed->x, mixed->y, mixed->n, CE, NULL, NULL);
    twin_step(&t);
    memset(t.v, 0, (size_t)t.count * sizeof *t.v); /* each phase has an optimiser of its own */
    t.lr = 0.03;
    twin_add(&t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
    twin_step(&t);
    assert_near(report.passes, 6 * 4 + 48 + 29, 0, 0);
    assert_int_equal(report.samples_forget, 0);
    finish(s, &t, net, retain, mixed);
}

/* Several batches a side, Adam, dropout of none: the order follows the seed alone. */
static void test_order_follows_the_seed(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"finetune", "neggrad_plus", "random_label", "scrub", "unsir", "bad_teacher"};
    Small *s = small_open("2,4");
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        NnNet *net[3] = {NULL};
        for (int j = 0; j < 3; j++) {
            s->context.seed = j == 2 ? 12 : 11;
            assert_ok(small_run(s, NAMES[i], SETTINGS("batch_size=7"), &net[j], NULL));
        }
        size_t bytes = (size_t)nn_net_param_count(s->net) * sizeof(float);
        assert_memory_equal(nn_net_params(net[0]), nn_net_params(net[1]), bytes);
        assert_true(memcmp(nn_net_params(net[0]), nn_net_params(net[2]), bytes) != 0);
        for (int j = 0; j < 3; j++) nn_net_free(net[j]);
    }
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_finetune),
    cmocka_unit_test(test_l1_sparse),
    cmocka_unit_test(test_last_k),
    cmocka_unit_test(test_layers),
    cmocka_unit_test(test_restarts),
    cmocka_unit_test(test_mixed),
    cmocka_unit_test(test_neggrad),
    cmocka_unit_test(test_neggrad_plus),
    cmocka_unit_test(test_random_label),
    cmocka_unit_test(test_scrub),
    cmocka_unit_test(test_scrub_rewind),
    cmocka_unit_test(test_neggrad_stops),
    cmocka_unit_test(test_watch_counts_every_image),
    cmocka_unit_test(test_watch_of_listed_images),
    cmocka_unit_test(test_scrub_stops),
    cmocka_unit_test(test_bad_teacher),
    cmocka_unit_test(test_unsir),
    cmocka_unit_test(test_order_follows_the_seed),
};
SUPPORT_MAIN(tests)
