/* The cost that every method reports, with each of its options, against a counter in front of the engine. */
#include "tests/unlearn/small_data.h"

#include <stdlib.h>

#include "nn/backend.h"
#include "nn/train.h"

/* The linker puts it in front of nn_engine_forward (Makefile, WRAP). */
static double passed;
BaseStatus __real_nn_engine_forward(NnEngine *engine, const float *x, int64_t n, uint64_t key, float *logits);
BaseStatus __wrap_nn_engine_forward(NnEngine *engine, const float *x, int64_t n, uint64_t key, float *logits);
BaseStatus __wrap_nn_engine_forward(NnEngine *engine, const float *x, int64_t n, uint64_t key, float *logits)
{
    passed += (double)n;
    return __real_nn_engine_forward(engine, x, n, key, logits);
}

/* So that no run takes long and none goes astray: those of them that a method has. */
static const char *const QUICK[][2] = {{"epochs", "2"},      {"batch_size", "16"},    {"forget_batch", "4"},
                                       {"lr", "0.001"},      {"impair_lr", "0.0001"}, {"noise_images", "4"},
                                       {"noise_steps", "3"}, {"noise_repeats", "2"},  {"repair_lr", "0.0001"},
                                       {"retain_steps", "7"}};
/* One at a time, beside the other words of every choice and each switch turned. */
static const char *const OPTIONS[][2] = {{"epochs", "3"},
                                         {"batch_size", "7"},
                                         {"forget_batch", "3"},
                                         {"forget_samples", "5"},
                                         {"retain_per_class", "4"},
                                         {"retain_per_class", "0"},
                                         {"stop", "-1"},
                                         {"stop", "0"},
                                         {"stop", "1"},
                                         {"max_epochs", "0"},
                                         {"max_epochs", "1"},
                                         {"k", "2"},
                                         {"retain_share", "1"},
                                         {"fisher_batch", "3"},
                                         {"gradients", "2"},
                                         {"parts", "3"},
                                         {"impair_epochs", "2"},
                                         {"impair_epochs", "0"},
                                         {"repair_epochs", "2"},
                                         {"repair_epochs", "0"},
                                         {"max_patches", "0"},
                                         {"layers", "last 1"},
                                         {"gamma", "0"},
                                         {"clip", "0.1"}};

static void set(const UnlearnMethod *m, void *params, const char *key, const char *value)
{
    assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, m->entry.name, key, value, "test"));
}

static bool has(const UnlearnMethod *m, const char *key)
{
    for (size_t i = 0; i < m->entry.param_count; i++)
        if (strcmp(m->entry.params[i].name, key) == 0) return true;
    return false;
}

/* svd_means has no "all images" (0): it needs a number of each class. */
static bool takes(const UnlearnMethod *m, const char *key, const char *value)
{
    for (size_t i = 0; i < m->entry.param_count; i++) {
        const BaseParam *p = &m->entry.params[i];
        if (strcmp(p->name, key) == 0) return p->kind != BASE_KIND_I64 || atof(value) >= p->min;
    }
    return false;
}

static void check(const Small *s, const UnlearnMethod *m, const char *key, const char *value)
{
    void *params = small_params_of(m, NULL);
    NnNet *net = NULL;
    UnlearnReport report = {0};
    for (size_t i = 0; i < BASE_COUNT(QUICK); i++)
        if (has(m, QUICK[i][0])) set(m, params, QUICK[i][0], QUICK[i][1]);
    if (key) set(m, params, key, value);
    assert_ok(nn_net_clone(s->net, &net));
    passed = 0;
    assert_ok(unlearn_run(m, &s->context, params, net, &report));
    if (m->needs & (UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET)) assert_true(passed > 0);
    if (report.passes != passed)
        fail_msg("%s, %s=%s: reports %g images, the engine passed %g", m->entry.name, key ? key : "", key ? value : "",
                 report.passes, passed);
    unlearn_report_free(&report);
    nn_net_free(net);
    base_free(params);
}

static void test_every_option(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnTrainConfig training;
    DataIndex kept = {0}, held = {0};
    base_param_defaults(nn_train_params, nn_train_param_count, &training);
    training.epochs = 2;
    training.batch_size = 16;
    s->context.training = &training;
    assert_ok(data_split(&s->context.train, 0.4, 5, &kept, &held));
    s->context.train = data_view_of(&s->set, &kept);
    s->context.validation = data_view_of(&s->set, &held); /* scrub's rewind looks at it */
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = base_registry_at(&unlearn_registry, i);
        if (m->identify && strcmp(m->entry.name, "retrain") != 0) continue; /* made elsewhere */
        check(s, m, NULL, NULL);
        for (size_t o = 0; o < BASE_COUNT(OPTIONS); o++)
            if (takes(m, OPTIONS[o][0], OPTIONS[o][1])) check(s, m, OPTIONS[o][0], OPTIONS[o][1]);
        for (size_t p = 0; p < m->entry.param_count; p++) {
            const BaseParam *param = &m->entry.params[p];
            if (param->kind == BASE_KIND_BOOL) check(s, m, param->name, param->def != 0 ? "false" : "true");
            for (size_t c = 0; param->kind == BASE_KIND_CHOICE && param->choices[c]; c++)
                check(s, m, param->name, param->choices[c]);
        }
    }
    data_index_free(&kept);
    data_index_free(&held);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_option),
};
SUPPORT_MAIN(tests)
