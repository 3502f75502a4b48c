/* What reports are told beside the runs names what is registered, and a run of an older version is told the rest. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "experiment/known.h"
#include "experiment/record.h"

static void papers_name_what_there_is(void **state)
{
    (void)state;
    assert_true(experiment_known.paper_count > 0);
    for (size_t i = 0; i < experiment_known.paper_count; i++) {
        const ReportPaper *p = &experiment_known.papers[i];
        const MiaAttack *attack;
        const MiaWiring *wiring;
        const BaseEntry *entry;
        bool split = false;
        assert_true(*p->paper && *p->column && *p->how);
        if (!p->name) {
            assert_ok(mia_find(p->attack, &attack));
            assert_ok(mia_wiring_find(p->wiring, &wiring));
            continue;
        }
        assert_ok(base_registry_find(&eval_registry, p->name, &entry));
        for (int s = 0; s < EVAL_SPLITS; s++) split |= strcmp(p->split, eval_split_name((EvalSplit)s)) == 0;
        assert_true(split);
        if (!((const EvalMetric *)entry)->per_split) assert_string_equal(p->split, "test");
    }
    const UnlearnMethod *method;
    const ReportPublished *published = experiment_known.published;
    for (size_t i = 0; i < published->row_count; i++) assert_ok(unlearn_find(published->rows[i].method, &method));
    assert_ok(unlearn_find(experiment_known.unchanged, &method));
    assert_true(method->needs & UNLEARN_ORIGINAL);
}

/* Schema 3: name, split, title, unit, ideal and numbers of a metric, and control in place of rank. */
static StoreRun *old_run(const char *kind, const char *method, bool control)
{
    StoreRun *run;
    size_t count = base_registry_count(&eval_registry), rows = 0;
    const char *texts[5][2 * 64];
    double numbers[2 * 64];
    int64_t n[2 * 64], shape[1];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) {
        const EvalMetric *m = base_registry_at(&eval_registry, i);
        for (int train = 0; train <= m->per_split; train++, rows++) {
            const char *const row[] = {m->entry.name, train ? "train" : "test", m->title, m->unit, ""};
            for (int c = 0; c < 5; c++) texts[c][rows] = row[c];
            n[rows] = (int64_t)rows;
            numbers[rows] = (double)rows;
        }
    }
    shape[0] = (int64_t)rows;
    static const char *const TEXTS[] = {"names", "splits", "titles", "units", "ideals"}, *const NUMBERS[] = {
                                                                                             "value", "lo", "hi"};
    char path[64];
    assert_ok(store_run_create(&run));
    for (int c = 0; c < 5; c++) {
        snprintf(path, sizeof path, "/metrics/%s", TEXTS[c]);
        assert_ok(store_run_set_texts(run, path, texts[c], rows));
    }
    for (int c = 0; c < 3; c++) {
        snprintf(path, sizeof path, "/metrics/%s", NUMBERS[c]);
        assert_ok(store_run_set_array(run, path, STORE_F64, 1, shape, numbers));
    }
    assert_ok(store_run_set_array(run, "/metrics/n", STORE_I64, 1, shape, n));
    assert_ok(store_run_set_text(run, "/", "id", "x"));
    assert_ok(store_run_set_text(run, "/", "status", "ok"));
    assert_ok(store_run_set_text(run, "/", "kind", kind));
    assert_ok(store_run_set_text(run, "/", "method", method));
    assert_ok(store_run_set_i64(run, "/", "control", control));
    assert_ok(store_run_set_text(run, "/attacks/a", "attack", "svc"));
    assert_ok(store_run_set_text(run, "/attacks/a", "wiring", "paper"));
    assert_ok(store_run_set_text(run, "/attacks/b", "attack", "svc"));
    assert_ok(store_run_set_text(run, "/attacks/b", "wiring", "salun"));
    return run;
}

static void an_old_run_is_completed(void **state)
{
    (void)state;
    StoreMetric m;
    StoreRun *run = old_run("unlearn", "svd", false);
    assert_ok(experiment_known.complete(run));
    assert_string_equal(store_run_text(run, "/", "rank"), "featured");
    assert_near(store_run_f64(run, "/attacks/a", "headline"), 1, 0, 0);
    assert_near(store_run_f64(run, "/attacks/b", "headline"), 0, 0, 0);
    size_t shown = 0;
    for (size_t i = 0; store_run_metric_at(run, i, &m); i++) {
        const BaseEntry *entry;
        assert_ok(base_registry_find(&eval_registry, m.name, &entry));
        const EvalMetric *known = (const EvalMetric *)entry;
        bool here = strcmp(m.split, known->on_train ? "train" : "test") == 0;
        bool cut = known->range[0] < known->range[1];
        assert_near(m.least, cut ? known->range[0] : -INFINITY, 0, 0);
        assert_near(m.most, cut ? known->range[1] : INFINITY, 0, 0);
        assert_int_equal(m.decimals, known->decimals);
        assert_int_equal(m.in_results, here ? known->in_results : 0);
        assert_int_equal(m.in_scores, here ? known->in_scores : 0);
        assert_int_equal(strcmp(m.role, "") == 0, known->role == EVAL_ROLE_NONE);
        shown += m.in_results > 0;
    }
    assert_true(shown > 0);
    assert_ok(store_run_set_text(run, "/", "rank", "method")); /* a newer run says all this itself */
    assert_ok(experiment_known.complete(run));
    assert_string_equal(store_run_text(run, "/", "rank"), "method");
    store_run_free(run);
}

static void old_ranks(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *method, *rank;
        bool control;
    } RUNS[] = {{"original", "original", "original", false}, {"unlearn", "none", "original", true},
                {"unlearn", "retrain", "retrained", false},  {"unlearn", "mask_logit", "control", true},
                {"unlearn", "salun", "method", false},       {"unlearn", "of old", "method", false},
                {"unlearn", "of old", "control", true}};
    for (size_t i = 0; i < BASE_COUNT(RUNS); i++) {
        StoreRun *run = old_run(RUNS[i].kind, RUNS[i].method, RUNS[i].control);
        assert_ok(experiment_known.complete(run));
        assert_string_equal(store_run_text(run, "/", "rank"), RUNS[i].rank);
        store_run_free(run);
    }
}

static BaseStatus once(void *user)
{
    StoreRun *run;
    BaseStatus st = store_run_read_light(user, &run);
    if (st != BASE_OK) return st;
    st = experiment_known.complete(run);
    store_run_free(run);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    char path[4200];
    StoreRun *run = old_run("unlearn", "svd", false);
    snprintf(path, sizeof path, "%s/old.h5", support_scratch());
    assert_ok(store_run_write(run, path));
    store_run_free(run);
    support_fail_allocations(once, path, 5000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(papers_name_what_there_is),
    cmocka_unit_test(an_old_run_is_completed),
    cmocka_unit_test(old_ranks),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
