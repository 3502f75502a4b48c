/* Relearning and the linear probe, on a network small enough to know what must come out. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "data/pipeline/loader.h"
#include "eval/probe/probe.h"
#include "nn/train.h"

enum { HIDE = 12 };
enum { TRAIN = 120, TEST = 60, SIDE = 4, K = 3, PIXELS = SIDE * SIDE };

typedef struct {
    DataSet train, test;
    DataForget forget;
    NnNet *original, *retrained;
    EvalSubject subject;
} World;

static NnNet *small_net(void)
{
    NnGraph *g;
    NnNet *net;
    assert_ok(nn_graph_create(1, SIDE, SIDE, &g));
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_linear(g, nn_flatten(g, nn_input(g)), "hidden", 8, true), "bn"));
    x = nn_linear(g, x, "head", K, true);
    assert_ok(nn_net_create_take(g, x, &net));
    return net;
}

/* Class k lights up row k. */
static void fill(DataSet *set, const char *name, int n, uint64_t seed)
{
    static char *names[] = {"a", "b", "c"};
    BaseRandom random = base_random_make(seed, "training_test", 0);
    float *x = NULL;
    *set = (DataSet){
        .name = (char *)name, .N = n, .C = 1, .H = SIDE, .W = SIDE, .K = K, .type = DATA_F32, .class_names = names};
    assert_ok(BASE_ALLOC(n * PIXELS, &x));
    assert_ok(BASE_ALLOC(n, &set->labels));
    set->images = x;
    for (int i = 0; i < n; i++) {
        set->labels[i] = i % K;
        for (int j = 0; j < PIXELS; j++)
            x[i * PIXELS + j] = (float)(0.2 * base_random_normal(&random) + (j / SIDE == i % K));
    }
}

static void world_open(World *w)
{
    DataIndex forget = {0}, retain = {0};
    NnTrainConfig training;
    *w = (World){0};
    fill(&w->train, "train", TRAIN, 1);
    fill(&w->test, "test", TEST, 2);
    assert_ok(data_forget_classes(&w->train, "1", &w->forget));
    base_param_defaults(nn_train_params, nn_train_param_count, &training);
    training.batch_size = 20;
    training.epochs = 20;
    DataView all = data_view_all(&w->train);
    assert_ok(data_forget_partition(&all, &w->forget, &forget, &retain));
    DataView kept = data_view_of(&w->train, &retain);
    w->original = small_net();
    w->retrained = small_net();
    nn_net_init(w->original, 1);
    nn_net_init(w->retrained, 1);
    assert_ok(nn_train(w->original, &all, &training, NN_F32, 1, "original", NULL));
    assert_ok(nn_train(w->retrained, &kept, &training, NN_F32, 1, "retrained", NULL));
    w->subject = (EvalSubject){.net = w->retrained,
                               .original = w->original,
                               .train = all,
                               .test = data_view_all(&w->test),
                               .forget = &w->forget,
                               .precision = NN_F32,
                               .seed = 7};
    data_index_free(&forget);
    data_index_free(&retain);
}

static void world_close(World *w)
{
    nn_net_free(w->original);
    nn_net_free(w->retrained);
    data_forget_free(&w->forget);
    base_free(w->train.images);
    base_free(w->train.labels);
    base_free(w->test.images);
    base_free(w->test.labels);
}

static EvalRelearnConfig relearn_config(void)
{
    EvalRelearnConfig config;
    base_param_defaults(eval_relearn_params, eval_relearn_param_count, &config);
    config.batch_size = 16;
    config.per_class = 30;
    config.lr = 0.02;
    config.max_steps = 60;
    return config;
}

/* The same steps by the plain parts: nn_predict after each step in place of an engine that is kept. From all classes how
 * many steps it took; @p retain: from the retained ones alone, the most judged images that are right at the
 * end of an epoch. */
static int64_t naive_training(const World *w, const EvalRelearnConfig *config, int64_t repeat, bool retain)
{
    DataIndex sample, inside, outside, judge;
    DataLoader *loader;
    NnEngine *engine;
    NnOptimizer *optimizer;
    NnNet *net;
    float logits[TEST * K], dlogits[TEST * K];
    const EvalSubject *s = &w->subject;
    assert_ok(data_sample(&s->train, config->per_class, s->seed, "relearn_train", &sample));
    assert_ok(data_forget_partition_unseen(&s->test, s->forget, &inside, &outside));
    DataView forgotten = data_view_of(&w->test, &inside);
    assert_ok(data_sample(&forgotten, config->judge_per_class, s->seed, "relearn_judge", &judge));
    int64_t kept = 0;
    for (int64_t i = 0; retain && i < sample.n; i++)
        if (w->train.labels[sample.at[i]] != 1) sample.at[kept++] = sample.at[i];
    if (retain) sample.n = kept;
    DataView view = data_view_of(&w->train, &sample), judged = data_view_of(&w->test, &judge);
    assert_ok(nn_net_clone(s->net, &net));
    float *grads = NULL;
    assert_ok(BASE_ALLOC(nn_net_param_count(net), &grads));
    BaseRandom order = base_random_make(s->seed, retain ? "recover_order" : "relearn_order", (uint64_t)repeat);
    DataLoaderConfig loading = {.batch = config->batch_size,
                                .C = 1,
                                .H = SIDE,
                                .W = SIDE,
                                .shuffle = true,
                                .drop_last = true,
                                .seed = base_random_u64(&order)};
    assert_ok(data_loader_create(&view, &loading, &loader));
    assert_ok(nn_engine_create(net, NN_MODE_TRAIN, NN_F32, config->batch_size, &engine));
    assert_ok(nn_optimizer_create(NN_ADAM, nn_net_param_count(net), 0, 0, false, &optimizer));
    int64_t steps = 0, right, most = 0, per_epoch = data_loader_batches(loader);
    for (;; steps++) {
        right = 0;
        assert_ok(nn_predict(net, &judged, NN_F32, NULL, logits));
        for (int64_t i = 0; i < judged.n; i++)
            right += logits[i * K + 1] > logits[i * K] && logits[i * K + 1] > logits[i * K + 2];
        if (retain && steps > 0 && steps % per_epoch == 0 && right > most) most = right;
        if (retain && steps == config->retain_epochs * per_epoch) break;
        if (!retain && ((double)right >= (1 - config->margin) * (double)judged.n || steps == config->max_steps)) break;
        DataBatch batch;
        if (steps % per_epoch == 0) assert_ok(data_loader_start(loader, steps / per_epoch));
        assert_ok(data_loader_next(loader, &batch));
        assert_ok(nn_engine_forward(engine, batch.x, batch.n, 0, logits));
        nn_loss_cross_entropy(logits, batch.y, batch.n, K, 0, dlogits);
        assert_ok(nn_engine_backward(engine, dlogits, grads));
        nn_optimizer_step(optimizer, nn_net_edit_params(net), grads, NULL, config->lr);
    }
    base_free(grads);
    nn_optimizer_free(optimizer);
    nn_engine_free(engine);
    data_loader_free(loader);
    nn_net_free(net);
    data_index_free(&sample);
    data_index_free(&inside);
    data_index_free(&outside);
    data_index_free(&judge);
    return retain ? most : steps;
}

static void relearning(void **state)
{
    (void)state;
    World w;
    char before[BASE_HASH_HEX], after[BASE_HASH_HEX];
    EvalRelearned first, second, untouched;
    EvalRelearnConfig config = relearn_config();
    world_open(&w);
    assert_ok(nn_net_hash(w.retrained, before));
    assert_ok(eval_relearn(&w.subject, &config, &first));
    assert_ok(eval_relearn(&w.subject, &config, &second));
    assert_ok(nn_net_hash(w.retrained, after));
    assert_string_equal(before, after);
    assert_int_equal(first.repeats, config.repeats);
    for (int64_t i = 0; i < first.repeats; i++) {
        assert_true(first.reached[i]);
        assert_int_equal(first.steps[i], second.steps[i]);
        assert_int_equal(first.steps[i], naive_training(&w, &config, i, false));
        assert_in_range(first.steps[i], 2, config.max_steps - 1); /* or the comparison would say nothing */
    }
    w.subject.net = w.original; /* it never forgot */
    assert_ok(eval_relearn(&w.subject, &config, &untouched));
    for (int64_t i = 0; i < untouched.repeats; i++) assert_int_equal(untouched.steps[i], 0);
    w.subject.net = w.retrained; /* too few steps: the limit, and that it was not enough */
    config.max_steps = 1;
    assert_ok(eval_relearn(&w.subject, &config, &first));
    assert_int_equal(first.steps[0], 1);
    assert_false(first.reached[0]);
    config.enabled = false;
    assert_ok(eval_relearn(&w.subject, &config, &first));
    assert_int_equal(first.repeats, 0);
    world_close(&w);
}

/* A network whose hidden units still tell the class, with the answers turned away from it: retained images alone bring it
 * back. The retrained one never knew the class, and stays without it. */
static void recovering(void **state)
{
    (void)state;
    World w;
    EvalRelearned got, again, null;
    EvalRelearnConfig config = relearn_config();
    config.max_steps = 1;
    config.lr = 0.005;
    world_open(&w);
    NnNet *hidden;
    assert_ok(nn_net_clone(w.original, &hidden));
    int64_t count = nn_net_param_count(hidden);
    nn_net_edit_params(hidden)[count - K] += HIDE; /* the first class is answered in place of the second */
    w.subject.net = hidden;
    bool between = false;
    for (config.retain_epochs = 1; config.retain_epochs <= 5; config.retain_epochs++) {
        assert_ok(eval_relearn(&w.subject, &config, &got));
        assert_int_equal(got.retain_repeats, config.repeats);
        assert_int_equal(got.judged, TEST / K);
        assert_int_equal(got.retain_steps, config.retain_epochs * (2 * config.per_class / config.batch_size));
        for (int64_t i = 0; i < got.retain_repeats; i++) {
            assert_int_equal(got.recovered[i], naive_training(&w, &config, i, true));
            print_message("%lld steps: %lld\n", (long long)got.retain_steps, (long long)got.recovered[i]);
            between |= got.recovered[i] > 0 && got.recovered[i] < got.judged;
        }
        if (config.retain_epochs == 1) assert_int_equal(got.recovered[0], 0);
    }
    assert_true(between); /* or the comparison would say little */
    assert_int_equal(got.recovered[0], got.judged);
    config.retain_epochs = 5;
    assert_ok(eval_relearn(&w.subject, &config, &again));
    assert_memory_equal(again.recovered, got.recovered, sizeof got.recovered);
    w.subject.net = w.retrained;
    assert_ok(eval_relearn(&w.subject, &config, &null));
    for (int64_t i = 0; i < null.retain_repeats; i++) assert_int_equal(null.recovered[i], 0);
    config.retain_epochs = 0;
    assert_ok(eval_relearn(&w.subject, &config, &null));
    assert_int_equal(null.retain_repeats, 0);
    assert_int_equal(null.repeats, config.repeats);
    nn_net_free(hidden);
    world_close(&w);
}

/* Training images of the class are gone, or test images, or the original never knew it. */
static void relearning_that_cannot_be_asked(void **state)
{
    (void)state;
    World w;
    DataIndex inside, outside;
    EvalRelearned got;
    EvalRelearnConfig config = relearn_config();
    world_open(&w);
    DataView train = w.subject.train, test = w.subject.test;
    assert_ok(data_forget_partition(&train, &w.forget, &inside, &outside));
    w.subject.train = data_view_of(&w.train, &outside);
    assert_ok(eval_relearn(&w.subject, &config, &got));
    assert_int_equal(got.repeats, 0);
    assert_int_equal(got.retain_repeats, config.repeats); /* this asks for none of them */
    w.subject.train = data_view_of(&w.train, &inside);
    assert_ok(eval_relearn(&w.subject, &config, &got));
    assert_int_equal(got.retain_repeats, 0);
    w.subject.train = train;
    data_index_free(&inside);
    data_index_free(&outside);
    assert_ok(data_forget_partition_unseen(&test, &w.forget, &inside, &outside));
    w.subject.test = data_view_of(&w.test, &outside);
    assert_ok(eval_relearn(&w.subject, &config, &got));
    assert_int_equal(got.repeats, 0);
    assert_int_equal(got.retain_repeats, 0);
    w.subject.test = test;
    w.subject.original = w.retrained;
    assert_ok(eval_relearn(&w.subject, &config, &got));
    assert_int_equal(got.repeats, 0);
    data_index_free(&inside);
    data_index_free(&outside);
    world_close(&w);
}

/* What comes into the classifier: ReLU of the normalised hidden layer, by hand. */
static void features_by_hand(void **state)
{
    (void)state;
    World w;
    float *features;
    world_open(&w);
    assert_ok(eval_probe_features(w.original, &w.subject.test, NN_F32, &features));
    const float *theta = nn_net_params(w.original), *stat = nn_net_buffers(w.original);
    const float *weight = theta, *bias = weight + 8 * PIXELS, *gamma = bias + 8, *beta = gamma + 8;
    double most = 0;
    for (int i = 0; i < TEST; i++) {
        const float *x = (const float *)w.test.images + i * PIXELS;
        for (int h = 0; h < 8; h++) {
            double sum = bias[h];
            for (int j = 0; j < PIXELS; j++) sum += (double)weight[h * PIXELS + j] * x[j];
            sum = (sum - stat[h]) / sqrt((double)stat[8 + h] + 1e-5) * gamma[h] + beta[h];
            most = fmax(most, fabs(fmax(sum, 0) - (double)features[i * 8 + h]));
        }
    }
    assert_true(most < 1e-4); /* sums of 16 products of size 1 in float32, divided by a deviation of about 0.3 */
    base_free(features);
    world_close(&w);
}

/* Of a classifier that is a convolution: means over its pixels. */
static void features_of_a_map(void **state)
{
    (void)state;
    World w;
    NnGraph *g = NULL;
    NnNet *net = NULL;
    float *features;
    world_open(&w);
    const DataSet *set = w.subject.test.set;
    assert_ok(nn_graph_create(set->C, set->H, set->W, &g));
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "map", 3, 1, 1, 0, true));
    assert_ok(nn_net_create_take(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), &net));
    assert_ok(eval_probe_features(net, &w.subject.test, NN_F32, &features));
    for (int i = 0; i < TEST; i++)
        for (int64_t c = 0; c < set->C; c++) {
            double mean = 0, pixels = (double)(set->H * set->W);
            for (int64_t j = 0; j < set->H * set->W; j++)
                mean += (double)((const float *)set->images)[(i * set->C + c) * set->H * set->W + j] / pixels;
            assert_near((double)features[i * set->C + c], mean, 1e-6, 1e-6);
        }
    base_free(features);
    nn_net_free(net);
    world_close(&w);
}

/* Of two classifiers the inputs of the one that is drawn first, then those of the other. */
static void features_of_two(void **state)
{
    (void)state;
    World w;
    NnGraph *g = NULL;
    NnNet *net = NULL;
    EvalProbeConfig config;
    EvalProbed probed;
    EvalFeatures forgotten;
    float *features;
    enum { WIDE = 5, WIDTH = PIXELS + WIDE };
    base_param_defaults(eval_probe_params, eval_probe_param_count, &config);
    world_open(&w);
    assert_ok(nn_graph_create(1, SIDE, SIDE, &g));
    NnNode x = nn_flatten(g, nn_input(g)), one = nn_linear(g, x, "one", K, true);
    x = nn_linear(g, nn_linear(g, x, "hidden", WIDE, false), "two", K, true);
    assert_ok(nn_net_create_take(g, nn_activation(g, nn_add(g, x, one), NN_HALF), &net));
    nn_net_init(net, 5);
    const float *hidden = nn_net_params(net) + K * PIXELS + K;
    assert_ok(eval_probe_features(net, &w.subject.test, NN_F32, &features));
    for (int i = 0; i < TEST; i++) {
        const float *image = (const float *)w.test.images + i * PIXELS, *got = features + i * WIDTH;
        assert_memory_equal(got, image, PIXELS * sizeof *got);
        for (int h = 0; h < WIDE; h++) {
            double sum = 0;
            for (int j = 0; j < PIXELS; j++) sum += (double)hidden[h * PIXELS + j] * (double)image[j];
            assert_near((double)got[PIXELS + h], sum, 1e-5, 0); /* sums of 16 products of size 1 in float32 */
        }
    }
    assert_ok(eval_probe_forgotten(&w.subject, &config, net, &forgotten));
    assert_int_equal(forgotten.width, WIDTH);
    w.subject.net = net;
    assert_ok(eval_probe(&w.subject, &config, &probed));
    assert_int_equal(probed.n, TEST / K);
    eval_features_free(&forgotten);
    base_free(features);
    nn_net_free(net);
    world_close(&w);
}

static void probing(void **state)
{
    (void)state;
    World w;
    EvalProbeConfig config;
    EvalProbed first, second;
    char before[BASE_HASH_HEX], after[BASE_HASH_HEX];
    base_param_defaults(eval_probe_params, eval_probe_param_count, &config);
    config.lr = 0.05;
    config.epochs = 60;
    world_open(&w);
    w.subject.net = w.original;
    assert_ok(nn_net_hash(w.original, before));
    assert_ok(eval_probe(&w.subject, &config, &first));
    assert_ok(eval_probe(&w.subject, &config, &second));
    assert_ok(nn_net_hash(w.original, after));
    assert_string_equal(before, after);
    assert_int_equal(first.n, TEST / K);
    assert_int_equal(first.right, second.right);
    assert_int_equal(first.near, second.near);
    assert_int_equal(first.near, first.n);
    assert_int_equal(first.right, first.n); /* rows of light are told apart without effort */
    /* a classifier that hides the class still stands on the same features */
    NnNet *masked;
    assert_ok(nn_net_clone(w.original, &masked));
    int64_t count = nn_net_param_count(masked);
    nn_net_edit_params(masked)[count - K + 1] = -1e6f;
    w.subject.net = masked;
    assert_ok(eval_probe(&w.subject, &config, &second));
    assert_int_equal(second.right, first.right);
    /* features that are the same for every image tell nothing: at most one class is answered, and not this one */
    float *theta = nn_net_edit_params(masked);
    memset(theta, 0, sizeof *theta * (size_t)count);
    assert_ok(eval_probe(&w.subject, &config, &second));
    assert_true(second.right == 0 || second.right == second.n);
    config.enabled = false;
    assert_ok(eval_probe(&w.subject, &config, &second));
    assert_int_equal(second.n, 0);
    nn_net_free(masked);
    world_close(&w);
}

/* The rows of all test images that are of the class, for whichever network is asked. */
static void features_of_the_forgotten(void **state)
{
    (void)state;
    World w;
    EvalProbeConfig config;
    EvalFeatures got;
    float *all;
    base_param_defaults(eval_probe_params, eval_probe_param_count, &config);
    world_open(&w);
    assert_ok(eval_probe_features(w.original, &w.subject.test, NN_F32, &all));
    assert_ok(eval_probe_forgotten(&w.subject, &config, w.original, &got));
    assert_int_equal(got.n, TEST / K);
    assert_int_equal(got.width, 8);
    for (int i = 0; i < TEST; i++)
        if (i % K == 1) assert_memory_equal(got.x + i / K * 8, all + i * 8, 8 * sizeof *all);
    eval_features_free(&got);
    base_free(all);
    config.enabled = false;
    assert_ok(eval_probe_forgotten(&w.subject, &config, w.original, &got));
    assert_int_equal(got.n, 0);
    world_close(&w);
}

static BaseStatus both(void *user)
{
    const World *w = user;
    EvalRelearnConfig relearn = relearn_config();
    EvalProbeConfig probe;
    EvalRelearned relearned;
    EvalProbed probed;
    EvalFeatures features = {0};
    base_param_defaults(eval_probe_params, eval_probe_param_count, &probe);
    probe.epochs = 1;
    relearn.max_steps = 1;
    relearn.repeats = 1;
    relearn.retain_epochs = 0;
    BaseStatus st = eval_relearn(&w->subject, &relearn, &relearned);
    if (st == BASE_OK) st = eval_probe(&w->subject, &probe, &probed);
    if (st == BASE_OK) st = eval_probe_forgotten(&w->subject, &probe, w->original, &features);
    eval_features_free(&features);
    return st;
}

static BaseStatus recovery(void *user)
{
    const World *w = user;
    EvalRelearnConfig relearn = relearn_config();
    EvalRelearned relearned;
    relearn.repeats = relearn.retain_epochs = 1;
    return eval_relearn(&w->subject, &relearn, &relearned);
}

static void without_memory(void **state)
{
    (void)state;
    World w;
    DataIndex inside, outside;
    world_open(&w);
    support_fail_allocations(both, &w, 2000);
    assert_ok(data_forget_partition(&w.subject.train, &w.forget, &inside, &outside));
    w.subject.train = data_view_of(&w.train, &outside); /* nothing forgotten to relearn from: the other part alone */
    support_fail_allocations(recovery, &w, 2000);
    data_index_free(&inside);
    data_index_free(&outside);
    world_close(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(relearning),
    cmocka_unit_test(recovering),
    cmocka_unit_test(relearning_that_cannot_be_asked),
    cmocka_unit_test(features_by_hand),
    cmocka_unit_test(features_of_a_map),
    cmocka_unit_test(features_of_two),
    cmocka_unit_test(probing),
    cmocka_unit_test(features_of_the_forgotten),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
