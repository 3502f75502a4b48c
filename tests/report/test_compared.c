/* What a table may say of two rows: intervals, what retraining itself is apart by, which differ, and what is set in bold. */
#include "tests/support/support.h"

#include "report/compare.h"
#include "tests/report/few.h"

/* Four training seeds of one class, or four classes of one seed. ACC_r: "near" is 0.1, 0.2, 0.1, 0.2 from retraining, always on the other side of it,
 * "far" 1.1, 1.2, 1.1, 1.3: the paired difference is about -1 each time. ACC_f: the two take turns. ToW: "far" is
 * always nearer to 1. */
static void write_pairs(const char *folder, int count, bool seeds)
{
    static const double OFF[] = {0.1, 0.2, 0.1, 0.2}, FAR[] = {1.1, 1.2, 1.1, 1.3};
    for (int c = 0; c < count; c++) {
        char forget[12];
        const int seed = seeds ? c : 0;
        snprintf(forget, sizeof forget, "%d", seeds ? 0 : c);
        const Spec specs[] = {
            {"retrain", "retrain", forget, "mlp", "d", seed, {90 + c, 1, 1}},
            {"near", "svd", forget, "mlp", "d", seed, {90 + c + OFF[c], c % 2 ? 1.2 : 1.4, 0.90 + 0.001 * c}},
            {"far", "scrub", forget, "mlp", "d", seed, {90 + c - FAR[c], c % 2 ? 1.5 : 1.1, 0.97}},
        };
        for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) write_run(folder, make(&specs[i]));
    }
    const Spec control = {"mask", "mask_logit", "0", "mlp", "d", 0, {90, 1, 1}}; /* perfect, and no method */
    write_run(folder, make(&control));
}

/* What two retrained networks are apart, over classes and pairs of seeds: ACC_r 90, 91, 93 of class 0 and 80, 80.5 of class
 * 1 (a seed failed): (1 + 3 + 2 + 0.5) / 4 = 1.625; ACC_f 1, 1, 4 and 2, 2: (0 + 3 + 3 + 0) / 4 = 1.5. */
static void test_noise_floor(void **state)
{
    (void)state;
    static const double KEPT[2][3] = {{90, 91, 93}, {80, 80.5, NAN}}, GONE[2][3] = {{1, 1, 4}, {2, 2, NAN}};
    for (int seeds = 1; seeds <= 3; seeds += 2) {
        ReportSet set;
        BaseText out = {0};
        char *folder = folder_of(seeds == 1 ? "no-floor" : "floor");
        for (int c = 0; c < 2; c++)
            for (int s = 0; s < seeds; s++) {
                const char *forget = c ? "1" : "0";
                const Spec specs[] = {{"retrain", "retrain", forget, "mlp", "d", s, {KEPT[c][s], GONE[c][s], 1}},
                                      {"svd", "svd", forget, "mlp", "d", s, {90, 1, 1}}};
                for (int i = isnan(KEPT[c][s]); i < 2; i++) write_run(folder, make(&specs[i]));
            }
        load(folder, &set);
        const ReportExperiment *e = &set.experiments[0];
        const ReportQuantity *in[] = {report_quantity(e, "acc_retain", "test", NULL),
                                      report_quantity(e, "acc_forget", "test", NULL)};
        ReportTable t = report_results_gaps(e);
        report_table_markdown(&t, &out);
        if (seeds == 1) {
            assert_true(isnan(report_floor(e, in, 2).value));
            assert_non_null(strstr(out.data, "No noise floor"));
            assert_null(strstr(out.data, "reference"));
        } else {
            assert_near(report_floor(e, in, 1).value, 1.625, 1e-12, 0);
            assert_near(report_floor(e, in + 1, 1).value, 1.5, 1e-12, 0);
            assert_near(report_floor(e, in, 2).value, 1.5625, 1e-12, 0); /* each pair's own mean first */
            assert_int_equal(report_floor(e, in, 2).n, 4);
            assert_non_null(strstr(out.data, "| retrain (reference) | 1.62 | 1.50 |"));
            assert_non_null(strstr(out.data, "(mean of 4 pairs, which"));
        }
        base_text_free(&out);
        report_table_free(&t);
        t = report_results_main(e);
        report_table_markdown(&t, &out);
        assert_int_equal(strstr(out.data, "is the noise floor: how far") != NULL, seeds == 3);
        assert_int_equal(strstr(out.data, "No noise floor") != NULL, seeds == 1);
        base_text_free(&out);
        report_table_free(&t);
        report_set_free(&set);
        base_free(folder);
    }
}

static const char *best_of(const ReportExperiment *e, const char *name)
{
    const ReportLabel *best = report_best(e, report_quantity(e, name, "test", NULL));
    return best ? best->label : "nobody";
}

/* What retraining reaches, from pairs; a run that was compared with itself says nothing of it. */
static void test_reach(void **state)
{
    (void)state;
    for (int peers = 0; peers < 2; peers++) {
        ReportSet set;
        BaseText out = {0};
        char *folder = folder_of(peers ? "reached" : "not-reached");
        for (int seed = 0; seed < 2; seed++) {
            const Spec specs[] = {
                {"retrain", "retrain", "0", "mlp", "d", seed, {90, 1, peers ? 0.9 + 0.02 * seed : 1}},
                {"near", "svd", "0", "mlp", "d", seed, {90, 1, 0.95}},
                {"far", "scrub", "0", "mlp", "d", seed, {90, 1, 0.5}},
            };
            for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
                StoreRun *run = make(&specs[i]);
                if (peers && i == 0) assert_ok(store_run_set_i64(run, "/meta", "peer_seed", 1 - seed));
                write_run(folder, run);
            }
        }
        load(folder, &set);
        ReportTable t = report_results_metrics(&set.experiments[0]);
        report_table_markdown(&t, &out);
        const char *reached = strstr(
            out.data,
            "ToW: the ideal is 1; retraining itself gets 0.91 (1 pair, 0.9 to 0.92). As near on average, which takes "
            "no account of chance: near.");
        assert_int_equal(reached != NULL, peers);
        assert_int_equal(strstr(out.data, "each run of theirs is a pair") != NULL, peers);
        assert_int_equal(strstr(out.data, "ToW: no null: needs a second retrained network") != NULL, !peers);
        base_text_free(&out);
        report_table_free(&t);
        report_set_free(&set);
        base_free(folder);
    }
}

/* Retrained runs that are pairs: with two seeds the same pair twice, with three a ring in which each shares both its
 * networks. No interval over runs holds there, and numbers that compare with no other network keep theirs. */
static void test_pairs_have_no_interval(void **state)
{
    (void)state;
    for (int seeds = 2; seeds <= 3; seeds++) {
        ReportSet set;
        BaseText out = {0};
        char *folder = folder_of(seeds == 2 ? "one-pair" : "ring");
        for (int seed = 0; seed < seeds; seed++) {
            const Spec spec = {"retrain", "retrain", "0", "mlp", "d", seed, {90 + seed, 1, 0.9 + 0.02 * seed}};
            StoreRun *run = make(&spec);
            assert_ok(store_run_set_i64(run, "/meta", "peer_seed", (seed + 1) % seeds));
            write_run(folder, run);
        }
        load(folder, &set);
        const ReportExperiment *e = &set.experiments[0];
        const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
        MathEstimate tow, kept;
        double tow_sd, kept_sd;
        assert_true(report_summary(retrained, report_quantity(e, "tow", "test", NULL), &tow, &tow_sd));
        assert_true(report_summary(retrained, report_quantity(e, "acc_retain", "test", NULL), &kept, &kept_sd));
        assert_near(tow.value, seeds == 2 ? 0.91 : 0.92, 1e-12, 0);
        assert_true(isnan(tow.lo) && isnan(tow.hi) && isnan(tow_sd));
        assert_int_equal(tow.n, seeds == 2 ? 1 : 3);
        assert_true(kept.lo < kept.value && kept.value < kept.hi && kept_sd > 0);
        ReportTable t = report_results_metrics(e);
        report_table_markdown(&t, &out);
        assert_non_null(strstr(out.data, seeds == 2 ? "0.91 (1 pair, " : "0.92 (3 pairs, "));
        assert_null(strstr(out.data, "±"));
        base_text_free(&out);
        report_table_free(&t);
        report_set_free(&set);
        base_free(folder);
    }
}

/* Three seeds and two methods. "near" less retrained: 0.1, 0.2, 0.0, mean 0.1, sd 0.1: t = sqrt(3) on 2 degrees, whose
 * tails are 1 - t / sqrt(t^2 + 2) = 1 - sqrt(3 / 5) = 0.2254. "far": -2, -2.1, -1.9: t = -2 / (0.1 / sqrt(3)), p = 1 -
 * sqrt(1200 / 1202) = 0.00083, times 2 = 0.00166 by Holm. Nobody differs in ACC_f. */
static void test_differs(void **state)
{
    (void)state;
    static const double NEAR[] = {0.1, 0.2, 0}, FAR[] = {-2, -2.1, -1.9};
    for (int seeds = 2; seeds <= 3; seeds++) {
        ReportSet set;
        BaseText out = {0};
        char *folder = folder_of(seeds == 2 ? "not-tested" : "differs");
        for (int s = 0; s < seeds; s++) {
            const Spec specs[] = {{"retrain", "retrain", "0", "mlp", "d", s, {90 + s, 1, 1}},
                                  {"near", "svd", "0", "mlp", "d", s, {90 + s + NEAR[s], 1, 1}},
                                  {"far", "scrub", "0", "mlp", "d", s, {90 + s + FAR[s], 1, 1}},
                                  {"mask", "mask_logit", "0", "mlp", "d", s, {50 + s, 0, 1}}};
            for (size_t i = 0; i < 4; i++) write_run(folder, make(&specs[i]));
        }
        load(folder, &set);
        const ReportExperiment *e = &set.experiments[0];
        ReportTable t = report_results_differs(e);
        assert_int_equal(t.row_count, seeds == 3 ? 2 : 0);
        report_table_markdown(&t, &out);
        if (seeds == 3) {
            assert_non_null(strstr(out.data, "| near | none shown | 0.10 \\[-0.15, 0.35\\] | 0.225 | 0.00 "));
            assert_non_null(strstr(out.data, "| far | ACC\\_r | -2.00 \\[-2.25, -1.75\\] | 0.00166 | 0.00 "));
            assert_non_null(strstr(out.data, "adjusted over the methods that have one there"));
        }
        base_text_free(&out);
        report_table_free(&t);
        t = report_results_gaps(e);
        report_table_markdown(&t, &out);
        assert_int_equal(strstr(out.data, "is not tested: it takes 3 training seeds") != NULL, seeds == 2);
        base_text_free(&out);
        report_table_free(&t);
        report_set_free(&set);
        base_free(folder);
    }
}

/* "once" ran of one seed alone, for three classes: their spread is not that of seeds, and the two tests that there are, of
 * "near" and "far", are adjusted as two. */
static void test_differs_of_one_seed(void **state)
{
    (void)state;
    static const double NEAR[] = {0.1, 0.2, 0}, FAR[] = {-2, -2.1, -1.9};
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("once");
    for (int c = 0; c < 3; c++)
        for (int s = 0; s < 3; s++) {
            const char *forget = c == 0 ? "0" : c == 1 ? "1" : "2";
            const Spec specs[] = {{"retrain", "retrain", forget, "mlp", "d", s, {90 + s, 1, 1}},
                                  {"near", "svd", forget, "mlp", "d", s, {90 + s + NEAR[s], 1, 1}},
                                  {"far", "scrub", forget, "mlp", "d", s, {90 + s + FAR[s], 1, 1}},
                                  {"once", "ssd", forget, "mlp", "d", s, {85 + c, 1, 1}}};
            for (size_t i = 0; i < (s == 0 ? 4U : 3U); i++) write_run(folder, make(&specs[i]));
        }
    load(folder, &set);
    ReportTable t = report_results_differs(&set.experiments[0]);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| once | not tested | -4.00 | "));
    assert_non_null(strstr(out.data, "| far | ACC\\_r | -2.00 \\[-2.25, -1.75\\] | 0.00166 | 0.00 "));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

static void test_best_beyond_chance(void **state)
{
    (void)state;
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("pairs");
    write_pairs(folder, 4, true);
    load(folder, &set);
    const ReportExperiment *e = &set.experiments[0];
    assert_string_equal(best_of(e, "acc_retain"), "near"); /* by distance, not by height */
    assert_string_equal(best_of(e, "acc_forget"), "nobody");
    assert_string_equal(best_of(e, "tow"), "far"); /* its ideal is a number */
    ReportTable t = report_results_main(e);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| near | 4 | **91.65"));
    assert_non_null(strstr(out.data, "Bold: the method nearest to the column's ideal"));
    assert_null(strstr(out.data, "| mask (control) | 1 | **"));
    base_text_free(&out);
    report_table_html(&t, NULL, NULL, &out);
    assert_non_null(strstr(out.data, "<b>91.65"));
    base_text_free(&out);
    report_table_tex(&t, &out);
    assert_non_null(strstr(out.data, "\\textbf{91.65"));
    base_text_free(&out);
    report_table_free(&t);
    /* gap of "near": ((0.1 + 0.4) + (0.2 + 0.2) + (0.1 + 0.4) + (0.2 + 0.2)) / 8 = 0.225, each run's own mean first */
    const ReportQuantity *in[] = {report_quantity(e, "acc_retain", "test", NULL),
                                  report_quantity(e, "acc_forget", "test", NULL)};
    for (size_t l = 0; l < e->label_count; l++) {
        double sd;
        if (strcmp(e->labels[l].label, "near") != 0) continue;
        MathEstimate gap = report_mean_gap(e, &e->labels[l], in, 2, &sd);
        assert_near(gap.value, 0.225, 1e-12, 0);
        assert_near(sd, sqrt(4 * 0.025 * 0.025 / 3), 1e-12, 0);
        assert_int_equal(gap.n, 4);
        assert_true(gap.lo < gap.value && gap.value < gap.hi);
    }
    report_set_free(&set);
    base_free(folder);
}

/* Off by the same in every seed: there is no t, so that neither is a method said to differ nor one to be the best; off by 0, p
 * is 1. 0.1 is not a binary fraction: rounding alone makes the differences vary. */
static void test_equal_differences(void **state)
{
    (void)state;
    static const double OFF[] = {0.1, 2, 0};
    static const char *const NAMES[][2] = {{"near", "svd"}, {"far", "scrub"}, {"same", "ssd"}};
    ReportSet set;
    BaseText out = {0};
    char *folder = folder_of("equal");
    for (int s = 0; s < 4; s++) {
        const Spec reference = {"retrain", "retrain", "0", "mlp", "d", s, {90 + 0.7 * s, 1, 1}};
        write_run(folder, make(&reference));
        for (int m = 0; m < 3; m++) {
            const Spec spec = {NAMES[m][0], NAMES[m][1], "0", "mlp", "d", s, {90 + 0.7 * s + OFF[m], 1 + OFF[m], 1}};
            write_run(folder, make(&spec));
        }
    }
    load(folder, &set);
    const ReportExperiment *e = &set.experiments[0];
    for (size_t l = 0; l < e->label_count; l++) {
        double p;
        if (e->labels[l].rank != REPORT_RANK_METHOD) continue;
        const MathEstimate d = report_difference(e, &e->labels[l], report_quantity(e, "acc_retain", "test", NULL), &p);
        int m = 0;
        while (strcmp(NAMES[m][0], e->labels[l].label) != 0) assert_true(++m < 3);
        assert_near(d.value, OFF[m], 1e-12, 0);
        assert_true(m == 2 ? p == 1 : isnan(p));
    }
    assert_string_equal(best_of(e, "acc_retain"), "nobody");
    assert_string_equal(best_of(e, "acc_forget"), "nobody");
    ReportTable t = report_results_differs(e);
    report_table_markdown(&t, &out);
    assert_non_null(strstr(out.data, "| far | not tested | 2.00 "));
    assert_non_null(strstr(out.data, "| same | none shown | 0.00 "));
    base_text_free(&out);
    report_table_free(&t);
    report_set_free(&set);
    base_free(folder);
}

/* Two seeds tell nothing, however far apart, and so do any number of classes of one network. */
static void test_too_few_seeds(void **state)
{
    (void)state;
    for (int seeds = 0; seeds < 2; seeds++) {
        ReportSet set;
        BaseText out = {0};
        char *folder = folder_of(seeds ? "few-seeds" : "one-seed");
        write_pairs(folder, seeds ? 2 : 4, seeds);
        load(folder, &set);
        assert_string_equal(best_of(&set.experiments[0], "acc_retain"), "nobody");
        ReportTable t = report_results_main(&set.experiments[0]);
        report_table_markdown(&t, &out);
        assert_null(strstr(out.data, "**"));
        assert_non_null(strstr(out.data, "No best method is marked: with fewer than 3 training seeds"));
        assert_int_equal(strstr(out.data, "classes of ONE trained network") != NULL, !seeds);
        assert_int_equal(strstr(out.data, "t interval over training seeds") != NULL, seeds);
        base_text_free(&out);
        report_table_free(&t);
        report_set_free(&set);
        base_free(folder);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_best_beyond_chance),
    cmocka_unit_test(test_noise_floor),
    cmocka_unit_test(test_differs),
    cmocka_unit_test(test_differs_of_one_seed),
    cmocka_unit_test(test_reach),
    cmocka_unit_test(test_pairs_have_no_interval),
    cmocka_unit_test(test_equal_differences),
    cmocka_unit_test(test_too_few_seeds),
};
SUPPORT_MAIN(tests)
