/* The tables beside the main one: scores, papers' columns, published numbers, searches, what falls short and why. */
#include "tests/support/support.h"

#include "tests/report/few.h"

static void test_scores_and_papers(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("scores");
    Spec spec = {"svd", "svd", "0", "mlp", "d", 0, {90, 1, 0.93}};
    StoreRun *run = make(&spec);
    const int64_t steps[] = {7, 50, 9}, n = 3;
    const uint8_t reached[] = {1, 0, 1};
    add_metric(run, "relearn_steps", "test", math_estimate(22, 3));
    assert_ok(store_run_set_i64(run, "/relearn", "limit", 50));
    assert_ok(store_run_set_array(run, "/relearn/steps", STORE_I64, 1, &n, steps));
    assert_ok(store_run_set_array(run, "/relearn/reached", STORE_U8, 1, &n, reached));
    assert_ok(store_run_set_i64(run, "/relearn", "judged", 200));
    assert_ok(store_run_set_i64(run, "/relearn", "retain_steps", 70));
    assert_ok(store_run_set_text(run, "/attacks/a", "attack", "svc"));
    assert_ok(store_run_set_text(run, "/attacks/a", "wiring", "salun"));
    assert_ok(store_run_set_f64(run, "/attacks/a", "efficacy", 0.5));
    write_run(folder, run);
    load(folder, &set);
    ReportTable t = report_results_metrics(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| svd | 0.93 | 22 |"));
    assert_non_null(
        strstr(out.data, "accuracy on 200 test images of the forgotten classes within 70 steps on retained"));
    assert_non_null(strstr(out.data, "1 of 3 repeats had not relearned after 50 steps"));
    base_text_free(&out);
    report_table_free(&t);
    t = report_results_papers(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| RUM | ToW | ToW, test | as here | 0.93 |"));
    assert_non_null(strstr(out.data, "| Unlearn-Sparse; SalUn | MIA | MIA a | as here, confidence | 50 |"));
    assert_null(strstr(out.data, "AUS")); /* no such number here */
    base_text_free(&out);
    report_table_free(&t);
    t = report_results_published(&set.experiments[0]);
    assert_int_equal(t.row_count, 0);
    assert_false(report_published_any(&set.experiments[0]));
    report_table_free(&t);
    t = report_results_main(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "Published numbers for mlp on d: not available."));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

/* An attack whose scores give no order has a dash for its AUC, and its own words below the table. */
static void test_no_auc(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("no_auc");
    Spec spec = {"svd", "svd", "0", "mlp", "d", 0, {90, 1, 0.93}};
    StoreRun *run = make(&spec);
    assert_ok(store_run_set_text(run, "/attacks/svc retain", "attack", "svc"));
    assert_ok(store_run_set_f64(run, "/attacks/svc retain", "auc", NAN));
    assert_ok(store_run_set_f64(run, "/attacks/svc retain", "balanced_accuracy", 0.5));
    assert_ok(store_run_set_text(run, "/attacks/svc retain", "notes", "their order is rounding"));
    write_run(folder, run);
    load(folder, &set);
    ReportTable t = report_results_attacks(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "svc retain, svd: no AUC (their order is rounding)"));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

static void test_published(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("published");
    const Spec spec = {"ours", "svd", "0", "resnet18", "cifar10:/data", 0, {93.5, 0.25, 0.9}};
    StoreRun *run = make(&spec);
    for (int i = 0; i < 2; i++) { /* of two attacks the headline's number */
        const char *const group = i ? "/attacks/b" : "/attacks/a";
        assert_ok(store_run_set_f64(run, group, "efficacy", i ? 0.9 : 0.1));
        assert_ok(store_run_set_i64(run, group, "headline", i));
    }
    write_run(folder, run);
    load(folder, &set);
    ReportTable t = report_results_published(&set.experiments[0]);
    assert_int_equal(t.row_count, 2);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(
        out.data, "| Kodge et al. 2024 | ours | 94.19 ± 0.50 | 93.50 | 0.03 ± 0.09 | 0.25 | 95.50 ± 14.23 | 90.00 |"));
    assert_non_null(strstr(out.data, "| Retraining | not run | 94.81 ± 0.52 | – | 0.00 | – |"));
    assert_non_null(strstr(out.data, "transcribed by a third party"));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

/* A search that two runs share stands there once, with the chosen trial marked. */
static void test_searches(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("searches");
    for (int c = 0; c < 2; c++) {
        const Spec spec = {"svd", "svd", c ? "1" : "0", "mlp", "d", 0, {90, 1, 0.9}};
        StoreRun *run = make(&spec);
        const char *const settings[] = {"{alpha_r: 10}", "{alpha_r: 30}"};
        const double score[] = {0.5, 0.75};
        const int64_t n = 2;
        assert_ok(store_run_set_texts(run, "/search/settings", settings, 2));
        assert_ok(store_run_set_array(run, "/search/score", STORE_F64, 1, &n, score));
        assert_ok(store_run_set_i64(run, "/search", "chosen", 1));
        assert_ok(store_run_set_f64(run, "/search", "n", 600));
        assert_ok(store_run_set_f64(run, "/search", "seconds", 12.5));
        assert_ok(store_run_set_f64(run, "/search", "passes", 4000));
        assert_ok(store_run_set_f64(run, "/search", "evaluations", 3.25));
        assert_ok(store_run_set_text(run, "/search", "key", "one"));
        assert_ok(store_run_set_text(run, "/search", "sets", "0; 1"));
        assert_ok(store_run_set_text(run, "/search", "budget", "{trials: 2}"));
        write_run(folder, run);
    }
    load(folder, &set);
    ReportTable t = report_results_search(&set.experiments[0]);
    assert_int_equal(t.row_count, 2);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| svd | 0; 1 | 0 | {alpha\\_r: 30} | chosen | 0.7500 |"));
    assert_non_null(
        strstr(out.data, "2 trials (3.25 evaluations) by the objective; 600 validation images, fewer than 2000: trials "
                         "that score alike may differ by chance; 12.5 s and 4000 images"));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

/* Composites of 100 against retraining's 90, 91, 92: "near" is 4 below, "far" 4 below but for one class, "off" all of
 * them; a control may be as far as it likes. */
static void test_failing(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("failing");
    for (int c = 0; c < 3; c++) {
        char forget[12];
        snprintf(forget, sizeof forget, "%d", c);
        const Spec specs[] = {
            {"retrain", "retrain", forget, "mlp", "d", 0, {90 + c, 0, 1}},
            {"near", "svd", forget, "mlp", "d", 0, {86 + c, 0, 1}},
            {"far", "scrub", forget, "mlp", "d", 0, {86 + c, c == 1 ? 50 : 0, 1}},
            {"off", "neggrad", forget, "mlp", "d", 0, {60 + c, 0, 1}},
            {"mask", "mask_logit", forget, "mlp", "d", 0, {10, 0, 1}},
        };
        for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
            const Spec *s = &specs[i];
            StoreRun *run = make(s);
            add_metric(run, "composite", "test", math_estimate(s->value[0] / 100 * (1 - s->value[1] / 100), 1000));
            const double score[] = {0.5, i == 2 ? 0.9 : 0.7};
            const int64_t n = 2;
            if (i == 2 || i == 3) {
                assert_ok(store_run_set_array(run, "/search/score", STORE_F64, 1, &n, score));
                assert_ok(store_run_set_i64(run, "/search", "chosen", 1));
            }
            write_run(folder, run);
        }
    }
    load(folder, &set);
    ReportTable t = report_results_main(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| near | 3 |"));
    assert_non_null(strstr(out.data, "| far (falls short) | 3 |"));
    assert_non_null(strstr(out.data, "| off (falls short) | 3 |"));
    assert_non_null(strstr(out.data, "| mask (control) | 3 |"));
    base_text_free(&out);
    report_table_free(&t);
    t = report_results_failing(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_int_equal(t.row_count, 2);
    /* (86 + 43.5 + 88) / 3 against 91 */
    assert_non_null(strstr(
        out.data, "| far | 72.5 | 91.0 | -4.0 | 16.7 | forgotten | open: not searched | 2 of 3 | 43.5 (1) | 90.0 | "
                  "does not carry over |"));
    assert_non_null(strstr(
        out.data, "| off | 61.0 | 91.0 | -30.0 | 0.0 | retained | open: not searched | 0 of 3 | 60.0 (0) | 70.0 | "
                  "none is near |"));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

/* What each row fell short by; "words" is at the edge of a list of words, which has none. */
static void test_cause(void **state)
{
    (void)state;
    static const struct {
        const char *label, *method, *preset, *want;
        double kept, rate[3]; /* values of lr that were tried; none: no search */
        int chosen, grid;
        bool words;
    } ROWS_OF[] = {
        {"ours", "scrub", "here", "recipe: theirs is near", 50, {1, 2, 3}, 0, 3, false},
        {"theirs", "scrub", "published", NULL, 90, {0}, 0, 0, false},
        {"edge", "a", "here", "budget: best at the edge of lr", 50, {3, 2, 1}, 2, 3, false},
        {"inside", "b", "here", "method", 50, {3, 2, 1}, 1, 3, false},
        {"words", "c", "", "method", 50, {1, 2, 3}, 0, 3, true},
        {"half", "d", "", "budget: 3 of 8 points tried", 50, {1, 2, 3}, 1, 8, false},
        {"alone", "e", "here", "open: not searched", 50, {0}, 0, 0, false},
        {"lowest", "i", "here", "method", 50, {0, 2, 1}, 0, 3, false}, /* nothing lies below 0 */
        {"pair", "j", "here", "method", 50, {3, 1, 3}, 1, 3, false},   /* each of two values is an edge */
        {"twin", "f", "here", "open: not searched", 50, {0}, 0, 0, false},
        {"other twin", "f", "published", "open: not searched", 40, {0}, 0, 0, false},
        {"searched", "k", "here", "budget: best at the edge of lr", 50, {3, 2, 1}, 2, 3, false},
        {"searched's twin", "k", "published", "budget: best at the edge of lr", 40, {0}, 0, 0, false},
        {"same", "g", "here", "open: not searched", 50, {0}, 0, 0, false},
        {"same again", "g", "published", "open: not searched", 40, {0}, 0, 0, false},
        {"same, far", "h", "here", "open: not searched", 50, {0}, 0, 0, false},
        {"same, near", "h", "published", NULL, 90, {0}, 0, 0, false}, /* by chance: the recipe is the same */
    };
    enum { COUNT = sizeof ROWS_OF / sizeof *ROWS_OF };
    ReportSet set;
    char *folder = folder_of("cause");
    for (int i = -1; i < COUNT; i++) {
        const bool reference = i < 0;
        const Spec spec = {
            reference ? "retrain" : ROWS_OF[i].label, reference ? "retrain" : ROWS_OF[i].method, "0", "mlp", "d", 0,
            {reference ? 90 : ROWS_OF[i].kept, 0, 1}};
        StoreRun *run = make(&spec);
        add_metric(run, "composite", "test", math_estimate(spec.value[0] / 100, 1000));
        if (!reference && *ROWS_OF[i].preset)
            assert_ok(store_run_set_text(run, "/params", "preset", ROWS_OF[i].preset));
        if (!reference) { /* the published presets set it, but those of g and h set nothing */
            const bool sets = strcmp(ROWS_OF[i].preset, "published") == 0 && !strchr("gh", *ROWS_OF[i].method);
            assert_ok(store_run_set_text(run, "/params", "momentum", sets ? "0" : "0.9"));
        }
        if (!reference && ROWS_OF[i].rate[1] > 0) {
            const char *const numbers[] = {"{lr: 1}", "{lr: 2}", "{lr: 3}"}, *const words[] = {"{lr: low}",
                                                                                               "{lr: middle}",
                                                                                               "{lr: high}"};
            const double score[] = {0.5, 0.6, 0.7};
            const int64_t n = 3;
            assert_ok(store_run_set_texts(run, "/search/settings", ROWS_OF[i].words ? words : numbers, 3));
            assert_ok(store_run_set_array(run, "/search/score", STORE_F64, 1, &n, score));
            assert_ok(store_run_set_array(run, "/search/lr", STORE_F64, 1, &n, ROWS_OF[i].rate));
            assert_ok(store_run_set_i64(run, "/search", "chosen", ROWS_OF[i].chosen));
            assert_ok(store_run_set_i64(run, "/search", "grid", ROWS_OF[i].grid));
        }
        write_run(folder, run);
    }
    load(folder, &set);
    const ReportExperiment *e = &set.experiments[0];
    int seen = 0;
    for (size_t l = 0; l < e->label_count; l++)
        for (int i = 0; i < COUNT; i++) {
            BaseText out = {0};
            if (strcmp(e->labels[l].label, ROWS_OF[i].label) != 0) continue;
            assert_int_equal(report_failing(e, &e->labels[l]), ROWS_OF[i].want != NULL);
            report_cause(e, &e->labels[l], &out);
            if (ROWS_OF[i].want) assert_string_equal(out.data, ROWS_OF[i].want);
            base_text_free(&out);
            seen++;
        }
    assert_int_equal(seen, COUNT);
    report_set_free(&set);
    base_free(folder);
}

/* Each seed's own search counts, not the first one's alone: of three, two ended at an edge. */
static void test_cause_of_many(void **state)
{
    (void)state;
    static const char *const SETTINGS[] = {"{lr: 1}", "{lr: 2}", "{lr: 3}"}, *const NAMES[] = {"retrain", "a"};
    static const double RATE[] = {1, 2, 3}, SCORE[] = {0.5, 0.6, 0.7};
    const int64_t n = 3;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("cause of many");
    for (int i = 0; i < 6; i++) {
        const bool reference = i < 3;
        const char *name = NAMES[!reference];
        const Spec spec = {name, name, "0", "mlp", "d", i % 3, {reference ? 90 : 50, 0, 1}};
        StoreRun *run = make(&spec);
        add_metric(run, "composite", "test", math_estimate(spec.value[0] / 100, 1000));
        if (!reference) {
            assert_ok(store_run_set_texts(run, "/search/settings", SETTINGS, 3));
            assert_ok(store_run_set_array(run, "/search/score", STORE_F64, 1, &n, SCORE));
            assert_ok(store_run_set_array(run, "/search/lr", STORE_F64, 1, &n, RATE));
            assert_ok(store_run_set_i64(run, "/search", "chosen", (i + 1) % 3)); /* 1, 2, 0: inside, top, bottom */
            assert_ok(store_run_set_i64(run, "/search", "grid", 3));
        }
        write_run(folder, run);
    }
    load(folder, &set);
    const ReportExperiment *e = &set.experiments[0];
    for (size_t l = 0; l < e->label_count; l++)
        if (strcmp(e->labels[l].label, "a") == 0) report_cause(e, &e->labels[l], &out);
    assert_string_equal(out.data, "budget: best at the edge of lr in 2 of 3 runs");
    base_text_free(&out);
    report_set_free(&set);
    base_free(folder);
}

/* Unlearnings of one network: none replaces another, each is repeated by its number, and a cell takes their mean first. */
static void test_unlearnings(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("unlearnings");
    for (int seed = 0; seed < 2; seed++)
        for (int again = 0; again < 3; again++) { /* means of the seeds 91 and 94 */
            const Spec spec = {"svd", "svd", "3", "mlp", "d", seed, {90 + 3 * seed + again, 0, 1}};
            StoreRun *run = make(&spec);
            assert_ok(store_run_set_text(run, "/", "id",
                                         again == 0   ? seed ? "a" : "b"
                                         : again == 1 ? seed ? "c" : "d"
                                         : seed       ? "e"
                                                      : "f"));
            assert_ok(store_run_set_i64(run, "/", "unlearn_seed", again));
            assert_ok(store_run_set_text(run, "/meta", "command", "expunge run c.yaml --set unlearn_seeds=3"));
            write_run(folder, run);
        }
    load(folder, &set);
    const ReportExperiment *e = &set.experiments[0];
    assert_int_equal(set.superseded, 0);
    assert_int_equal(e->seed_count, 2);
    assert_int_equal(e->unlearn_count, 3);
    MathEstimate mean;
    double sd;
    assert_true(report_summary(&e->labels[0], report_quantity(e, "acc_retain", "test", NULL), &mean, &sd));
    assert_near(mean.value, 92.5, 1e-12, 0);
    assert_near(mean.hi, 100, 0, 0); /* 12.7 times 1.5, cut off */
    assert_near(sd, sqrt(4.5), 1e-12, 0);
    report_again(e, e->labels[0].runs[5], &out);
    assert_string_equal(out.data, "expunge run c.yaml --results again --set 'seeds=[1]' --set unlearn_seeds=3 --set "
                                  "'forget=[[\"#3\"]]' --set 'methods=[{name: svd, label: svd}]'");
    base_text_free(&out);
    /* seeds 90 91 92 and 93 94 95: between 3 (1.5^2 + 1.5^2) / 1 = 13.5, within 1; trainings (13.5 - 1) / 3 = 4.17 of 5.17 */
    ReportTable t = report_results_variance(e);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| svd | ACC\\_r | 2.04 | 1 | 81 | 1 x 2 x 3 |"));
    assert_non_null(strstr(out.data, "| svd | ACC\\_f | 0 | 0 | – | 1 x 2 x 3 |")); /* nothing varies */
    assert_null(strstr(out.data, "below 0"));
    base_text_free(&out);
    report_table_free(&t);
    t = report_results_runs(e);
    report_table_csv(&t, &out);
    assert_non_null(strstr(out.data, "label,forget,forget_names,seed,unlearn_seed,run,"));
    assert_non_null(strstr(out.data, "\nsvd,3,,1,2,e,"));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

/* The command is the stored one with the row's own method, class and seed; quotes hold. */
static void test_again(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("again");
    const Spec specs[] = {{"retrain", "retrain", "3", "mlp", "d", 7, {90, 0, 1}},
                          {"it's \"svd\", last", "svd", "3", "mlp", "d", 7, {89, 0, 1}}};
    for (size_t i = 0; i < 2; i++) {
        StoreRun *run = make(&specs[i]);
        assert_ok(store_run_set_text(run, "/meta", "command",
                                     "expunge run c.yaml --set 'methods=[svd, {name: x}]' --set 'train.epochs=3' "
                                     "--results 'some where' --set seeds=7 --tuning 'it'\\''s here' "
                                     "'--set=forget=[[3], [4]]' --threads 2"));
        assert_ok(store_run_set_text(run, "/params", "epochs", "0"));
        if (i == 1) assert_ok(store_run_set_text(run, "/params", "layers", "[conv1, fc]"));
        if (i == 1) assert_ok(store_run_set_i64(run, "/", "in_turn", 1));
        assert_ok(store_run_set_text(run, "/meta", "original_weights", i == 1 ? "[\"it's.pt\"]" : "o-{seed}.pt"));
        write_run(folder, run);
    }
    load(folder, &set);
    const ReportExperiment *e = &set.experiments[0];
    for (size_t l = 0; l < e->label_count; l++) {
        report_again(e, e->labels[l].runs[0], &out);
        assert_string_equal(
            out.data,
            e->labels[l].rank == REPORT_RANK_RETRAINED
                ? "expunge run c.yaml --set 'train.epochs=3' --tuning 'it'\\''s here' --threads 2 --results again "
                  "--set 'seeds=[7]' --set "
                  "'forget=[[\"#3\"]]' --set 'methods=[{name: retrain, label: retrain, set: {epochs: 0}}]'"
                : "expunge run c.yaml --set 'train.epochs=3' --tuning 'it'\\''s here' --threads 2 --results again "
                  "--set 'seeds=[7]' --set 'original.weights=[\"it'\\''s.pt\"]' --set "
                  "'forget=[[\"#3\"]]' --set 'methods=[{name: retrain, label: retrain, set: {epochs: 0}}, {name: svd, "
                  "label: \"it'\\''s \\\"svd\\\", last\", set: {epochs: 0, layers: [conv1, fc]}, in_turn: true}]'");
        base_text_free(&out);
    }
    report_set_free(&set);
    base_free(folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_scores_and_papers), cmocka_unit_test(test_no_auc),      cmocka_unit_test(test_published),
    cmocka_unit_test(test_searches),          cmocka_unit_test(test_failing),     cmocka_unit_test(test_cause),
    cmocka_unit_test(test_cause_of_many),     cmocka_unit_test(test_unlearnings), cmocka_unit_test(test_again),
};
SUPPORT_MAIN(tests)
