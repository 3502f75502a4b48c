/* Networks read from graph files give the bits that the families give: logits in float32 and bf16, and weights after svd. */
#include "tests/support/support.h"

#include <stdlib.h>

#include "math/threads.h"
#include "nn/arch/arch.h"
#include "nn/node.h"
#include "nn/weights.h"
#include "tests/contract/shapes.h"
#include "tests/nn/formula.h"
#include "unlearn/unlearn.h"

enum { N = 6, K = 3 };

/* Of a classifier that ends in a ReLU the last bias is raised: else all its logits would be 0. */
static void fill(NnNet *net)
{
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count), *last = &slices[count - 1];
    formula_fill(net);
    for (int64_t i = 0; !nn_net_ends_linear(net) && i < last->count; i++)
        nn_net_edit_params(net)[last->offset + i] += 10;
}

/* The network as drawn, and as its printed graph file says. */
static void make_pair(const NnArch *arch, const int64_t shape[3], NnNet **drawn, NnNet **read)
{
    BaseText text = {0};
    NnGraphFile *file = NULL;
    NnGraph *graph = NULL;
    assert_ok(nn_arch_build_at(arch, shape, K, true, drawn));
    fill(*drawn);
    assert_ok(nn_graph_file_print(*drawn, NULL, &text));
    assert_ok(nn_graph_file_parse("it", text.data, text.size, &file));
    assert_ok(nn_graph_clone(file->graph, &graph));
    assert_ok(nn_net_create_take(graph, file->output, read));
    fill(*read);
    nn_graph_file_free(file);
    base_text_free(&text);
}

static float *images_of(const int64_t shape[3])
{
    float *x = NULL;
    int64_t count = N * shape[0] * shape[1] * shape[2];
    BaseRandom random = base_random_make(3, "contract_graph", 0);
    assert_ok(BASE_ALLOC(count, &x));
    for (int64_t i = 0; i < count; i++) x[i] = (float)base_random_normal(&random);
    return x;
}

static void same_logits(NnNet *a, NnNet *b, const float *x, NnPrecision precision)
{
    NnNet *const nets[2] = {a, b};
    float logits[2][N * K];
    for (int i = 0; i < 2; i++) {
        NnEngine *engine = NULL;
        assert_ok(nn_engine_create(nets[i], NN_MODE_EVAL, precision, N, &engine));
        assert_ok(nn_engine_forward(engine, x, N, 0, logits[i]));
        nn_engine_free(engine);
    }
    assert_true(logits[0][0] != logits[0][1]);
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
}

/* One of each family, or all of them with EXPUNGE_LONG. */
static void logits_are_the_same(void **state)
{
    (void)state;
    NnNode (*last)(NnGraph *, const void *, int64_t) = NULL;
    int compared = 0;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArch *arch = base_registry_at(&nn_arch_registry, i);
        NnNet *drawn, *read;
        int64_t shape[3];
        if ((arch->build == last && !getenv("EXPUNGE_LONG")) || is_long(smallest_shape(arch, K, shape))) continue;
        last = arch->build;
        make_pair(arch, shape, &drawn, &read);
        float *x = images_of(shape);
        same_logits(drawn, read, x, NN_F32);
        same_logits(drawn, read, x, NN_BF16);
        compared++;
        base_free(x);
        nn_net_free(drawn);
        nn_net_free(read);
    }
    assert_true(compared >= 12);
}

static void unlearn_svd(const NnNet *original, const DataSet *set, const DataForget *forget, NnNet **out)
{
    const UnlearnMethod *svd = NULL;
    UnlearnReport report;
    double params[1024]; /* room for any parameter struct, aligned */
    assert_ok(unlearn_find("svd", &svd));
    assert_true(svd->entry.params_size <= sizeof params);
    base_param_defaults(svd->entry.params, svd->entry.param_count, params);
    UnlearnContext context = {
        .original = original, .train = data_view_all(set), .forget = forget, .precision = NN_F32, .seed = 1};
    assert_ok(nn_net_clone(original, out));
    assert_ok(unlearn_run(svd, &context, params, *out, &report));
    unlearn_report_free(&report);
}

/* One with groups, one transformer. */
static void unlearned_weights_are_the_same(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"mobilenet_v2", "vit_patch4_16_w12_d2_h2_m20"};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        const NnArch *arch;
        NnNet *drawn, *read, *a, *b;
        static char *names[] = {"a", "b", "c"};
        int32_t labels[N];
        DataForget forget;
        int64_t shape[3];
        assert_ok(nn_arch_find(NAMES[i], &arch));
        shape[0] = 3, shape[1] = shape[2] = i == 0 ? 32 : 16;
        make_pair(arch, shape, &drawn, &read);
        float *x = images_of(shape);
        for (int k = 0; k < N; k++) labels[k] = k % K;
        DataSet set = {.name = "tiny",
                       .N = N,
                       .C = shape[0],
                       .H = shape[1],
                       .W = shape[2],
                       .K = K,
                       .type = DATA_F32,
                       .images = x,
                       .labels = labels,
                       .class_names = names};
        assert_ok(data_forget_classes(&set, "1", &forget));
        unlearn_svd(drawn, &set, &forget, &a);
        unlearn_svd(read, &set, &forget, &b);
        size_t bytes = (size_t)nn_net_param_count(a) * sizeof(float);
        assert_memory_not_equal(nn_net_params(a), nn_net_params(drawn), bytes);
        assert_memory_equal(nn_net_params(a), nn_net_params(b), bytes);
        data_forget_free(&forget);
        base_free(x);
        nn_net_free(a);
        nn_net_free(b);
        nn_net_free(drawn);
        nn_net_free(read);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(logits_are_the_same),
    cmocka_unit_test(unlearned_weights_are_the_same),
};

SUPPORT_MAIN(tests)
