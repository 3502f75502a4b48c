/* Every registered unlearning method, held against the frame's promises: the same seed gives the same bits, the
 * original and the data are left alone, the result is finite, several classes at once work, one preparation serves
 * several applies, and nothing leaks. A new row of unlearn/list.h is tested the day it is added. */
#include "tests/contract/world.h"

#include <math.h>
#include <stdio.h>

static void set(const UnlearnMethod *m, void *params, const char *key, const char *value)
{
    for (size_t i = 0; i < m->entry.param_count; i++)
        if (strcmp(m->entry.params[i].name, key) == 0)
            assert_ok(base_param_set(m->entry.params, m->entry.param_count, params, m->entry.name, key, value, "test"));
}

static NnNet *run_preset(const World *w, const UnlearnMethod *method, const char *preset, UnlearnReport *report)
{
    NnNet *net = NULL;
    double params[1024]; /* room for any parameter struct, aligned */
    assert_true(method->entry.params_size <= sizeof params);
    base_param_defaults(method->entry.params, method->entry.param_count, params);
    set(method, params, "stop", "-1"); /* this network knows too little to be driven away from it */
    set(method, params, "retain_steps", "20");
    if (base_param_preset(method->entry.params, method->entry.param_count))
        assert_ok(base_param_set(method->entry.params, method->entry.param_count, params, method->entry.name, "preset",
                                 preset, "test"));
    assert_ok(nn_net_clone(w->original, &net));
    assert_ok(unlearn_run(method, &w->context, params, net, report));
    return net;
}

static bool same_bits(const NnNet *a, const NnNet *b)
{
    return memcmp(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float)) == 0 &&
           memcmp(nn_net_buffers(a), nn_net_buffers(b), (size_t)nn_net_buffer_count(a) * sizeof(float)) == 0;
}

static const UnlearnMethod *method_at(size_t i) { return base_registry_at(&unlearn_registry, i); }

static const char *const NO_BASELINES[] = {
    "none", "svd", "svd_means", "retrain", "mask_logit", "last_layer", "random_projection", "external", "command"};

/* What a baseline's authors do otherwise is said in values that its own table takes. */
static void check_preset(const UnlearnMethod *m)
{
    const BaseEntry *e = &m->entry;
    const BaseParam *preset = base_param_preset(e->params, e->param_count);
    bool baseline = true;
    for (size_t i = 0; i < BASE_COUNT(NO_BASELINES); i++) baseline &= strcmp(e->name, NO_BASELINES[i]) != 0;
    if (preset && !baseline) fail_msg("%s: needs no preset", e->name);
    if (!preset) return;
    double values[1024], here[1024];
    char text[1024];
    int changed = 0, said = 0;
    assert_true(e->param_count <= 64);
    base_param_defaults(e->params, e->param_count, here);
    base_param_defaults(e->params, e->param_count, values);
    assert_ok(base_param_set(e->params, e->param_count, values, e->name, preset->name, "published", "test"));
    for (const BaseParam *p = e->params; p < e->params + e->param_count; p++) {
        BaseText a = {0}, b = {0};
        base_param_format(p, here, &a);
        base_param_format(p, values, &b);
        changed += p != preset && strcmp(a.data ? a.data : "", b.data ? b.data : "") != 0;
        base_text_free(&a);
        base_text_free(&b);
    }
    snprintf(text, sizeof text, "%s", preset->text);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "), said++) {
        *strchr(word, '=') = '\0';
        if (!base_param_find(e->params, e->param_count, word)) fail_msg("%s: preset: no key %s", e->name, word);
    }
    assert_int_equal(changed, said); /* no key is mistyped, and none repeats a default */
}

static void test_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = method_at(i), *found = NULL;
        assert_ok(unlearn_find(m->entry.name, &found));
        assert_ptr_equal(m, found); /* names are unique */
        assert_true(*m->entry.summary && m->entry.source && m->apply);
        assert_true(!m->prepare == !m->release);
        assert_true(m->needs < 2 * UNLEARN_ELSEWHERE);
        for (size_t j = 0; j < i; j++) /* each kind of row that a table has once */
            assert_int_equal(m->needs & method_at(j)->needs & (UNLEARN_ORIGINAL | UNLEARN_RETRAINED | UNLEARN_FEATURED),
                             0);
        for (const char *const *name = m->tunable; name && *name; name++) {
            bool known = false;
            for (size_t j = 0; j < m->entry.param_count; j++) known |= strcmp(*name, m->entry.params[j].name) == 0;
            if (!known) fail_msg("%s: tunable '%s' is no parameter", m->entry.name, *name);
        }
        check_preset(m);
        for (size_t j = 0; j < m->entry.param_count; j++) {
            const BaseParam *p = m->entry.params + j;
            if (p->kind == BASE_KIND_F64 || p->kind == BASE_KIND_I64) assert_true(p->min <= p->def && p->def <= p->max);
            assert_true(p->meaning && *p->meaning);
        }
    }
}

static void check_method(const char *forget, const UnlearnMethod *method, const char *preset)
{
    World w;
    UnlearnReport first_report, second_report;
    char set_before[BASE_HASH_HEX], set_after[BASE_HASH_HEX], net_before[BASE_HASH_HEX], net_after[BASE_HASH_HEX];
    world_open(&w, forget);
    size_t bytes = (size_t)N * C * SIDE * SIDE * sizeof(float);
    base_hash_bytes(w.set.images, bytes, set_before);
    assert_ok(nn_net_hash(w.original, net_before));
    NnNet *first = run_preset(&w, method, preset, &first_report),
          *second = run_preset(&w, method, preset, &second_report);
    if (!same_bits(first, second)) fail_msg("%s: two runs with one seed differ", method->entry.name);
    base_hash_bytes(w.set.images, bytes, set_after);
    assert_ok(nn_net_hash(w.original, net_after));
    assert_string_equal(set_before, set_after);
    assert_string_equal(net_before, net_after);
    assert_true(same_bits(first, w.original) == (strcmp(method->entry.name, "none") == 0));
    for (int64_t i = 0; i < nn_net_param_count(first); i++) assert_true(isfinite(nn_net_params(first)[i]));
    for (int64_t i = 0; i < nn_net_buffer_count(first); i++) assert_true(isfinite(nn_net_buffers(first)[i]));
    assert_int_equal(first_report.layer_count, second_report.layer_count);
    assert_true(first_report.passes >= 0 && first_report.prepare_seconds >= 0 && first_report.apply_seconds >= 0);
    int64_t used = first_report.samples_retain + first_report.samples_forget;
    assert_true(used <= N);
    if (!(method->needs & (UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET))) assert_int_equal(used, 0);
    unlearn_report_free(&first_report);
    unlearn_report_free(&second_report);
    nn_net_free(first);
    nn_net_free(second);
    world_close(&w);
}

/* A random share of the images, or one clear sentence. */
static void check_images(const UnlearnMethod *method)
{
    World w;
    UnlearnReport report;
    NnNet *net = NULL;
    if (!(method->needs & UNLEARN_ONLY_CLASSES)) {
        check_method("*", method, "here");
        return;
    }
    world_open(&w, "*");
    double params[1024];
    char sentence[128];
    snprintf(sentence, sizeof sentence, "%s removes whole classes only", method->entry.name);
    base_param_defaults(method->entry.params, method->entry.param_count, params);
    assert_ok(nn_net_clone(w.original, &net));
    assert_fails(unlearn_run(method, &w.context, params, net, &report), BASE_EUSAGE, sentence);
    assert_true(same_bits(net, w.original));
    nn_net_free(net);
    world_close(&w);
}

static void test_every_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        if (made_elsewhere(method_at(i))) continue;
        print_message("%s\n", method_at(i)->entry.name);
        int64_t before = base_memory_live();
        const BaseEntry *entry = &method_at(i)->entry;
        check_method("2", method_at(i), "here");
        check_method("0,3", method_at(i), "here"); /* several classes at once */
        if (base_param_preset(entry->params, entry->param_count)) check_method("0,3", method_at(i), "published");
        check_images(method_at(i));
        assert_int_equal(base_memory_live(), before);
    }
}

/* prepare once, apply twice with the same parameters: the state is not used up. */
static void test_state_serves_many(void **state)
{
    (void)state;
    World w;
    world_open(&w, "4");
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = method_at(i);
        if (made_elsewhere(m)) continue;
        double params[1024];
        void *kept = NULL;
        NnNet *nets[2] = {NULL, NULL};
        base_param_defaults(m->entry.params, m->entry.param_count, params);
        if (m->prepare) assert_ok(m->prepare(&w.context, params, &kept));
        for (int j = 0; j < 2; j++) {
            UnlearnReport report = {0};
            assert_ok(nn_net_clone(w.original, &nets[j]));
            assert_ok(m->apply(&w.context, kept, params, nets[j], &report));
            unlearn_report_free(&report);
        }
        if (!same_bits(nets[0], nets[1])) fail_msg("%s: a second apply differs", m->entry.name);
        if (m->release) m->release(kept);
        nn_net_free(nets[0]);
        nn_net_free(nets[1]);
    }
    world_close(&w);
}

/* A method that watches says how many images it looked at, since equal searches count them; one that does not, none. */
static void test_judged(void **state)
{
    (void)state;
    World w;
    DataIndex kept = {0}, held = {0};
    int methods = 0;
    world_open(&w, "2");
    assert_ok(data_split(&w.context.train, 0.4, 5, &kept, &held));
    w.context.train = data_view_of(&w.set, &kept);
    w.context.validation = data_view_of(&w.set, &held);
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = method_at(i);
        if (made_elsewhere(m) || !base_param_find(m->entry.params, m->entry.param_count, "stop")) continue;
        const bool rewinds = base_param_find(m->entry.params, m->entry.param_count, "rewind");
        for (int watches = 0; watches < 2 + rewinds; watches++) { /* the last: by rewinding alone */
            double params[1024];
            UnlearnReport report;
            NnNet *net = NULL;
            base_param_defaults(m->entry.params, m->entry.param_count, params);
            set(m, params, "stop", watches == 1 ? "1" : "-1"); /* 1: met at the first look */
            set(m, params, "retain_steps", "2");
            if (watches == 2) set(m, params, "rewind", "true");
            assert_ok(nn_net_clone(w.original, &net));
            assert_ok(unlearn_run(m, &w.context, params, net, &report));
            const bool looks = watches > 0 || strcmp(m->entry.name, "lotus") == 0; /* its temperature needs the look */
            if (looks != (report.judged > 0) || report.judged > report.passes)
                fail_msg("%s: %g of %g passes to decide when to stop", m->entry.name, report.judged, report.passes);
            unlearn_report_free(&report);
            nn_net_free(net);
        }
        methods++;
    }
    assert_true(methods >= 7);
    data_index_free(&kept);
    data_index_free(&held);
    world_close(&w);
}

/* as_training does what the original's training did, and nothing where that did nothing or is not known. */
static void test_augment(void **state)
{
    (void)state;
    World w;
    int methods = 0;
    world_open(&w, "2");
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = method_at(i);
        if (!base_param_find(m->entry.params, m->entry.param_count, "augment")) continue;
        NnNet *nets[5]; /* none; as training: with images as they are, unknown, augmented, augmented */
        for (int j = 0; j < 5; j++) {
            double params[1024];
            UnlearnReport report;
            base_param_defaults(m->entry.params, m->entry.param_count, params);
            set(m, params, "augment", j > 0 ? "as_training" : "none");
            set(m, params, "stop", "-1");
            set(m, params, "noise_images", "4");
            set(m, params, "retain_steps", "20");
            w.training.augment = j != 1;
            w.context.training = j == 2 ? NULL : &w.training;
            assert_ok(nn_net_clone(w.original, &nets[j]));
            assert_ok(unlearn_run(m, &w.context, params, nets[j], &report));
            unlearn_report_free(&report);
        }
        if (!same_bits(nets[0], nets[1]) || !same_bits(nets[0], nets[2]))
            fail_msg("%s: images are augmented that were not", m->entry.name);
        if (same_bits(nets[0], nets[3]) || !same_bits(nets[3], nets[4]))
            fail_msg("%s: images are not augmented as in training", m->entry.name);
        for (int j = 0; j < 5; j++) nn_net_free(nets[j]);
        methods++;
    }
    assert_true(methods >= 13);
    world_close(&w);
}

/* ---- memory that fails ---- */

typedef struct {
    const World *w;
    const UnlearnMethod *method;
    const void *params;
} Once;

static BaseStatus once(void *user)
{
    const Once *o = user;
    NnNet *net = NULL;
    UnlearnReport report = {0};
    BaseStatus st = nn_net_clone(o->w->original, &net);
    if (st == BASE_OK) st = unlearn_run(o->method, &o->w->context, o->params, net, &report);
    unlearn_report_free(&report);
    nn_net_free(net);
    return st;
}

/* Few steps, of both sides; some allocations (in the long tests each) fail alone, since a later failure would hide an error
 * that is dropped. */
static void fail_each(const World *w, const UnlearnMethod *m, const char *key, const char *value)
{
    double params[1024];
    base_param_defaults(m->entry.params, m->entry.param_count, params);
    set(m, params, "epochs", "1");
    set(m, params, "batch_size", "40");
    set(m, params, "lr", "1e-4");
    set(m, params, "impair_lr", "1e-4");
    set(m, params, "noise_images", "4");
    set(m, params, "noise_steps", "2");
    set(m, params, "parts", "3");
    set(m, params, "retain_steps", "2");
    set(m, params, "surrogate_images", "40");
    if (key) set(m, params, key, value);
    support_fail_some_allocations(once, &(Once){w, m, params}, key ? 17 : 5, 5000);
}

static void test_without_memory(void **state)
{
    (void)state;
    World w;
    DataIndex kept = {0}, held = {0};
    world_open(&w, "2");
    w.training.epochs = 1;
    assert_ok(data_split(&w.context.train, 0.4, 5, &kept, &held));
    w.context.train = data_view_of(&w.set, &kept);
    w.context.validation = data_view_of(&w.set, &held); /* for scrub's rewind */
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const UnlearnMethod *m = method_at(i);
        if (made_elsewhere(m)) continue;
        fail_each(&w, m, NULL, NULL);
        for (size_t p = 0; p < m->entry.param_count; p++) {
            const BaseParam *param = &m->entry.params[p];
            if (strcmp(param->name, "layers") == 0) fail_each(&w, m, "layers", "last 1");
            if (param->kind == BASE_KIND_BOOL) fail_each(&w, m, param->name, param->def != 0 ? "false" : "true");
            for (size_t c = 0; param->kind == BASE_KIND_CHOICE && param->choices[c]; c++)
                if (c != (size_t)param->def) fail_each(&w, m, param->name, param->choices[c]);
        }
    }
    data_index_free(&kept);
    data_index_free(&held);
    world_close(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_entries), cmocka_unit_test(test_every_method), cmocka_unit_test(test_state_serves_many),
    cmocka_unit_test(test_judged),  cmocka_unit_test(test_augment),      cmocka_unit_test(test_without_memory),
};
SUPPORT_MAIN(tests)
