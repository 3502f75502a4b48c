#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "eval/eval.h"

enum { N = 60, K = 4 };

typedef struct {
    float logits[N * K];
    int32_t labels[N];
    uint8_t in[K];
    DataForget forget;
    EvalPredictions predictions;
    EvalContext context;
} Case;

/* Classes 1 and 3 forgotten; row i predicts its label unless i is a multiple of @p wrong. */
static void case_make(Case *c, int wrong)
{
    BaseRandom r = base_random_make(1, "eval_test", 0);
    for (int i = 0; i < N; i++) {
        c->labels[i] = i % K;
        for (int j = 0; j < K; j++) c->logits[i * K + j] = (float)base_random_uniform(&r);
        c->logits[i * K + (c->labels[i] + (i % wrong == 0)) % K] += 2;
    }
    for (int k = 0; k < K; k++) c->in[k] = k % 2 != 0;
    c->forget = (DataForget){.classes = {.K = K, .count = 2, .in = c->in}};
    c->predictions = (EvalPredictions){c->logits, c->labels, N, K, NULL};
    c->context = (EvalContext){.forget = &c->forget};
    c->context.split[EVAL_TEST] = &c->predictions;
}

static MathEstimate measure(const char *name, const EvalContext *context, EvalSplit split)
{
    const BaseEntry *entry;
    MathEstimate out;
    assert_ok(base_registry_find(&eval_registry, name, &entry));
    assert_ok(((const EvalMetric *)entry)->compute(context, split, &out));
    return out;
}

static void accuracies_by_counting(void **state)
{
    (void)state;
    Case c;
    case_make(&c, 7);
    int right[2] = {0, 0};
    for (int i = 0; i < N; i++) right[i % K % 2] += i % 7 != 0;
    MathEstimate all = measure("accuracy", &c.context, EVAL_TEST), keep = measure("acc_retain", &c.context, EVAL_TEST);
    MathEstimate gone = measure("acc_forget", &c.context, EVAL_TEST);
    assert_near(all.value, 100.0 * (right[0] + right[1]) / N, 0, 1e-14);
    assert_near(keep.value, 100.0 * right[0] / (N / 2), 0, 1e-14);
    assert_near(gone.value, 100.0 * right[1] / (N / 2), 0, 1e-14);
    MathEstimate share = math_stats_share(right[0], N / 2, 0.95);
    assert_near(keep.lo, 100 * share.lo, 0, 1e-14);
    assert_near(keep.hi, 100 * share.hi, 0, 1e-14);
    assert_int_equal(keep.n, N / 2);
    assert_int_equal(all.n, N);
}

/* A micro-average: one image, one vote, however unequal the classes are. */
static void averages_are_micro(void **state)
{
    (void)state;
    const float logits[] = {2, 0, 0, /**/ 2, 0, 0, /**/ 2, 0, 0, /**/ 2, 0, 0, /**/ 0, 0, 2};
    const int32_t labels[] = {0, 0, 0, 1, 2};
    uint8_t in[] = {0, 0, 1};
    const DataForget forget = {.classes = {.K = 3, .count = 1, .in = in}};
    const EvalPredictions p = {logits, labels, 5, 3, NULL};
    const EvalContext context = {.split = {[EVAL_TEST] = &p}, .forget = &forget};
    assert_near(measure("acc_retain", &context, EVAL_TEST).value, 75, 0, 1e-14); /* not the mean of 100 and 0 */
    assert_near(measure("acc_forget", &context, EVAL_TEST).value, 100, 0, 1e-14);
    assert_near(measure("acc_forget", &context, EVAL_TEST).hi, 100, 0, 0);
    assert_near(measure("acc_forget", &context, EVAL_TEST).lo, 2.5, 0, 1e-10); /* 1 of 1: (alpha / 2)^1 */
}

static void losses_in_nats(void **state)
{
    (void)state;
    Case c;
    case_make(&c, 5);
    double x[2][N];
    int n[2] = {0, 0};
    for (int i = 0; i < N; i++) {
        long double sum = 0;
        for (int j = 0; j < K; j++) sum += expl(c.logits[i * K + j]);
        int side = c.labels[i] % 2;
        x[side][n[side]++] = (double)(logl(sum) - c.logits[i * K + c.labels[i]]);
    }
    for (int side = 0; side < 2; side++) {
        MathEstimate want = math_stats_mean_skewed(x[side], n[side], 0.95);
        MathEstimate got = measure(side ? "loss_forget" : "loss_retain", &c.context, EVAL_TEST);
        assert_near(got.value, want.value, 0, 1e-13);
        assert_near(got.lo, want.lo, 0, 1e-12);
        assert_near(got.hi, want.hi, 0, 1e-12);
        assert_int_equal(got.n, want.n);
    }
    const float sure[] = {60, 0, 0, 0},
                far[] = {0, 1000, 0, 0}; /* far below float32's resolution of p, far beyond exp */
    const int32_t zero[] = {0};
    EvalPredictions p = {sure, zero, 1, K, NULL};
    c.context.split[EVAL_TEST] = &p;
    assert_near(measure("loss_retain", &c.context, EVAL_TEST).value, 3 * exp(-60), 0, 1e-12);
    p.logits = far;
    assert_near(measure("loss_retain", &c.context, EVAL_TEST).value, 1000, 0, 1e-15);
    assert_near(measure("loss_retain", &c.context, EVAL_TEST).lo, NAN, 0, 0); /* one image: no interval */
}

static void composite_and_its_interval(void **state)
{
    (void)state;
    Case c;
    case_make(&c, 7);
    double a = measure("acc_retain", &c.context, EVAL_TEST).value / 100,
           f = measure("acc_forget", &c.context, EVAL_TEST).value / 100;
    MathEstimate got = measure("composite", &c.context, EVAL_TEST);
    assert_near(got.value, a * (1 - f), 0, 1e-14);
    assert_true(0 <= got.lo && got.lo < got.value && got.value < got.hi && got.hi <= 1);
    /* everything kept, everything forgotten: 1, and the interval still says how few images that rests on */
    for (int i = 0; i < N; i++)
        for (int j = 0; j < K; j++) c.logits[i * K + j] = j == (c.labels[i] % 2 ? 0 : c.labels[i]) ? 1.0f : 0.0f;
    got = measure("composite", &c.context, EVAL_TEST);
    double most = 1 - pow(0.025, 2.0 / N);
    assert_near(got.value, 1, 0, 0);
    assert_near(got.lo, 1 - sqrt(2) * most, 0, 1e-10);
    assert_near(got.hi, 1, 0, 0);
    assert_int_equal(got.n, N);
    /* no image of one side: not 0 to 1, but nothing */
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < N; i++) c.labels[i] = side; /* odd classes are forgotten */
        got = measure("composite", &c.context, EVAL_TEST);
        assert_near(got.value, NAN, 0, 0);
        assert_near(got.lo, NAN, 0, 0);
        assert_near(got.hi, NAN, 0, 0);
    }
}

/* 95% intervals of a product of two independent shares cover it about that often. The draws are fixed. */
static void composite_covers_the_truth(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    int inside = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        Case c;
        case_make(&c, 1000);
        BaseRandom r = base_random_make(2, "eval_cover", round);
        for (int i = 0; i < N; i++) {
            bool right = base_random_uniform(&r) < (c.labels[i] % 2 ? 0.1 : 0.8);
            for (int j = 0; j < K; j++) c.logits[i * K + j] = j == (c.labels[i] + !right) % K ? 1.0f : 0.0f;
        }
        MathEstimate got = measure("composite", &c.context, EVAL_TEST);
        inside += got.lo <= 0.72 && 0.72 <= got.hi;
    }
    assert_in_range(inside, 280, ROUNDS); /* at least 93%: Clopper-Pearson widths are conservative */
}

static void not_defined_is_left_out(void **state)
{
    (void)state;
    Case c;
    EvalRow *rows;
    int count;
    case_make(&c, 7);
    assert_near(measure("accuracy", &c.context, EVAL_TRAIN).value, NAN, 0, 0); /* no such split */
    c.context.forget = NULL;
    assert_near(measure("acc_retain", &c.context, EVAL_TEST).value, NAN, 0, 0);
    assert_near(measure("loss_forget", &c.context, EVAL_TEST).value, NAN, 0, 0);
    assert_near(measure("composite", &c.context, EVAL_TEST).value, NAN, 0, 0);
    assert_near(measure("wall_seconds", &c.context, EVAL_TEST).value, NAN, 0, 0); /* nothing was unlearned */
    assert_near(measure("weight_distance", &c.context, EVAL_TEST).value, NAN, 0, 0);
    assert_ok(eval_all(&c.context, &rows, &count));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].metric->entry.name, "accuracy");
    assert_int_equal(rows[0].split, EVAL_TEST);
    base_free(rows);
    c.context = (EvalContext){.forget = NULL};
    assert_ok(eval_all(&c.context, &rows, &count));
    assert_int_equal(count, 0);
    base_free(rows);
    EvalPredictions none = {c.logits, c.labels, 0, K, NULL}; /* a split without images */
    c.context.split[EVAL_TEST] = &none;
    c.context.forget = &c.forget;
    assert_ok(eval_all(&c.context, &rows, &count));
    assert_int_equal(count, 0);
    base_free(rows);
}

static void every_split_and_every_cost(void **state)
{
    (void)state;
    Case c;
    EvalRow *rows;
    int count, per_split = 0, once = 0;
    case_make(&c, 7);
    c.context.split[EVAL_TRAIN] = c.context.split[EVAL_VALIDATION] = &c.predictions;
    c.context.wall_seconds = 2.5;
    c.context.cpu_seconds = 4;
    c.context.peak_memory = 3 << 20;
    c.context.samples = 0; /* a method may need no image at all */
    c.context.passes = 1000;
    assert_ok(eval_all(&c.context, &rows, &count));
    for (int i = 0; i < count; i++) {
        if (rows[i].metric->per_split)
            per_split++;
        else
            once++;
        if (!rows[i].metric->per_split) assert_int_equal(rows[i].split, EVAL_TEST);
    }
    assert_int_equal(per_split, 6 * 3);
    assert_int_equal(once, 5); /* no networks: no weight distance */
    base_free(rows);
    assert_near(measure("wall_seconds", &c.context, EVAL_TEST).value, 2.5, 0, 0);
    assert_near(measure("cpu_seconds", &c.context, EVAL_TEST).value, 4, 0, 0);
    assert_near(measure("peak_memory", &c.context, EVAL_TEST).value, 3, 0, 0);
    assert_near(measure("samples", &c.context, EVAL_TEST).value, 0, 0, 0);
    assert_near(measure("passes", &c.context, EVAL_TEST).value, 1000, 0, 0);
    assert_string_equal(eval_split_name(EVAL_TRAIN), "train");
    assert_string_equal(eval_split_name(EVAL_VALIDATION), "validation");
    assert_string_equal(eval_split_name(EVAL_TEST), "test");
}

static void wrong_inputs(void **state)
{
    (void)state;
    Case c;
    EvalRow *rows;
    int count;
    case_make(&c, 7);
    c.labels[5] = K;
    assert_fails(eval_all(&c.context, &rows, &count), BASE_ESHAPE,
                 "metric accuracy: the label of image 5 of the test split is 4");
    assert_null(rows);
    case_make(&c, 7);
    c.logits[9] = NAN;
    assert_fails(eval_all(&c.context, &rows, &count), BASE_ENUMERIC, "the logit of image 2 of the test split, class 1");
    case_make(&c, 7);
    c.forget.classes.K = 10;
    assert_fails(eval_all(&c.context, &rows, &count), BASE_ESHAPE, "have 4 classes, the data set has 10");
}

static void confusion_and_predictions(void **state)
{
    (void)state;
    const float logits[] = {1, 1, 0, /**/ 0, 5, 5, /**/ -1, -2, -3, /**/ 0, 0, 1};
    const int32_t labels[] = {0, 2, 0, 1}, want[] = {0, 1, 0, 2}; /* the first of equals */
    const EvalPredictions p = {logits, labels, 4, 3, NULL};
    int32_t got[4];
    int64_t confusion[9] = {99};
    eval_predicted(&p, got);
    assert_memory_equal(got, want, sizeof want);
    eval_confusion(&p, confusion);
    const int64_t table[9] = {2, 0, 0, 0, 0, 1, 0, 1, 0};
    assert_memory_equal(confusion, table, sizeof table);
}

static void linear_net(NnNet **out)
{
    NnGraph *g;
    assert_ok(nn_graph_create(6, 1, 1, &g));
    NnNode logits = nn_linear(g, nn_input(g), "fc", K, true);
    assert_ok(nn_net_create_take(g, logits, out));
    nn_net_init(*out, 3);
}

static void distance_of_the_weights(void **state)
{
    (void)state;
    NnNet *original, *net;
    linear_net(&original);
    assert_ok(nn_net_clone(original, &net));
    EvalContext context = {.original = original, .net = net};
    assert_near(measure("weight_distance", &context, EVAL_TEST).value, 0, 0, 0);
    float *theta = nn_net_edit_params(net);
    int64_t n = nn_net_param_count(net);
    for (int64_t i = 0; i < n; i++) theta[i] *= 1.5f;
    MathEstimate got = measure("weight_distance", &context, EVAL_TEST);
    assert_near(got.value, 0.5, 0, 1e-6); /* float32 rounds each product */
    assert_int_equal(got.n, n);
    assert_near(got.lo, NAN, 0, 0);
    int layers;
    nn_net_layers(net, &layers);
    double change[8];
    assert_true(layers > 0 && layers <= 8);
    eval_weight_changes(original, net, change);
    for (int l = 0; l < layers; l++) assert_near(change[l], 0.5, 0, 1e-6);
    theta[0] = NAN;
    MathEstimate broken;
    const BaseEntry *entry;
    assert_ok(base_registry_find(&eval_registry, "weight_distance", &entry));
    assert_fails(((const EvalMetric *)entry)->compute(&context, EVAL_TEST, &broken), BASE_ENUMERIC, "not all finite");
    memset(nn_net_edit_params(original), 0, sizeof(float) * (size_t)n);
    theta[0] = 1;
    assert_near(measure("weight_distance", &context, EVAL_TEST).value, NAN, 0, 0); /* relative to nothing */
    nn_net_free(original);
    nn_net_free(net);
}

static BaseStatus once(void *user)
{
    EvalRow *rows;
    int count;
    BaseStatus st = eval_all(user, &rows, &count);
    base_free(rows);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    Case c;
    case_make(&c, 7);
    support_fail_allocations(once, &c.context, 20);
}

/* Listed images: on the training split the accuracies are theirs and the others'; a held-out split has none of them; what
 * asks for whole classes is left out. */
static void forgotten_images(void **state)
{
    (void)state;
    Case c;
    int64_t at[N],
        images[] = {3, 8, 9, 21, 22}; /* positions in the training set, of which the split has every second */
    uint8_t in[K] = {1, 1, 1, 1};
    EvalRow *rows;
    int count, right = 0, held = 0;
    case_make(&c, 7);
    for (int i = 0; i < N; i++) at[i] = 2 * i;
    c.forget = (DataForget){.classes = {.K = K, .count = K, .in = in}, .images = {images, 5}};
    EvalPredictions train = c.predictions;
    train.at = at;
    c.context.split[EVAL_TRAIN] = &train;
    for (int i = 4; i <= 11; i += 7) right += i % 7 != 0, held++; /* 8 and 22 are in the split */
    MathEstimate gone = measure("acc_forget", &c.context, EVAL_TRAIN),
                 kept = measure("acc_retain", &c.context, EVAL_TRAIN);
    assert_int_equal(gone.n, held);
    assert_near(gone.value, 100.0 * right / held, 0, 1e-14);
    assert_int_equal(kept.n, N - held);
    assert_int_equal(measure("loss_forget", &c.context, EVAL_TRAIN).n, held);
    assert_near(measure("acc_forget", &c.context, EVAL_TEST).value, NAN, 0, 0); /* held-out images are all retained */
    assert_int_equal(measure("acc_retain", &c.context, EVAL_TEST).n, N);
    assert_ok(eval_all(&c.context, &rows, &count));
    assert_true(count > 0);
    for (int i = 0; i < count; i++) assert_false(rows[i].metric->only_classes);
    base_free(rows);
    c.forget = (DataForget){.classes = {.K = K, .count = 2, .in = c.in}};
    bool asks = false;
    assert_ok(eval_all(&c.context, &rows, &count));
    for (int i = 0; i < count; i++) asks |= rows[i].metric->only_classes;
    assert_true(asks); /* which whole classes have */
    base_free(rows);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(forgotten_images),
    cmocka_unit_test(accuracies_by_counting),
    cmocka_unit_test(averages_are_micro),
    cmocka_unit_test(losses_in_nats),
    cmocka_unit_test(composite_and_its_interval),
    cmocka_unit_test(composite_covers_the_truth),
    cmocka_unit_test(not_defined_is_left_out),
    cmocka_unit_test(every_split_and_every_cost),
    cmocka_unit_test(wrong_inputs),
    cmocka_unit_test(confusion_and_predictions),
    cmocka_unit_test(distance_of_the_weights),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
