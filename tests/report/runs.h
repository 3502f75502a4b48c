/* Plausible but invented runs for report tests: never results. */
#ifndef TESTS_REPORT_RUNS_H
#define TESTS_REPORT_RUNS_H

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "tests/report/metrics.h"

typedef struct {
    const char *experiment, *label, *method, *kind, *forget, *forget_names, *reason; /* reason: a failed run */
    int64_t seed, control;
    double acc_r, acc_f, efficacy, auc; /* percent, percent, share, 1 */
    bool heavy;                         /* spectra, signals, ROC, regions */
} RunSpec;

enum { RUNS_K = 10, RUNS_N = 400, RUNS_GRID = 60 };

static inline void run_signals(StoreRun *run, const RunSpec *s, BaseRandom *r)
{
    static const char *const SETS[] = {"retain_train", "retain_test", "forget_train", "forget_test"};
    double confidence[RUNS_N], loss[RUNS_N];
    int64_t shape[] = {RUNS_N};
    char path[128];
    for (int k = 0; k < 4; k++) {
        double centre = k == 0 ? 5 : k == 1 ? 4 : s->acc_f > 50 ? 4.5 : -3;
        for (int i = 0; i < RUNS_N; i++) {
            double z = centre + 2 * base_random_normal(r);
            confidence[i] = 1 / (1 + exp(-z));
            loss[i] = log1p(exp(-z));
        }
        snprintf(path, sizeof path, "/signals/%s/confidence", SETS[k]);
        assert_ok(store_run_set_array(run, path, STORE_F64, 1, shape, confidence));
        snprintf(path, sizeof path, "/signals/%s/loss", SETS[k]);
        assert_ok(store_run_set_array(run, path, STORE_F64, 1, shape, loss));
    }
}

static inline void run_attack(StoreRun *run, const RunSpec *s, const char *label)
{
    enum { POINTS = 300 };
    char group[128], path[160];
    double fpr[POINTS], tpr[POINTS], power = (1 - s->auc) / s->auc; /* TPR = FPR^power has this area */
    int64_t shape[] = {POINTS};
    snprintf(group, sizeof group, "/attacks/%s", label);
    for (int i = 0; i < POINTS; i++) {
        fpr[i] = pow((double)i / (POINTS - 1), 3);
        tpr[i] = pow(fpr[i], power);
    }
    snprintf(path, sizeof path, "%s/fpr", group);
    assert_ok(store_run_set_array(run, path, STORE_F64, 1, shape, fpr));
    snprintf(path, sizeof path, "%s/tpr", group);
    assert_ok(store_run_set_array(run, path, STORE_F64, 1, shape, tpr));
    assert_ok(store_run_set_text(run, group, "attack", "svc"));
    assert_ok(store_run_set_f64(run, group, "auc", s->auc));
    assert_ok(store_run_set_f64(run, group, "auc_lo", s->auc - 0.01));
    assert_ok(store_run_set_f64(run, group, "auc_hi", s->auc + 0.01));
    assert_ok(store_run_set_f64(run, group, "efficacy", s->efficacy));
    assert_ok(store_run_set_f64(run, group, "efficacy_lo", fmax(0, s->efficacy - 0.015)));
    assert_ok(store_run_set_f64(run, group, "efficacy_hi", fmin(1, s->efficacy + 0.015)));
    assert_ok(store_run_set_f64(run, group, "member_share", 1 - s->efficacy));
    assert_ok(store_run_set_f64(run, group, "balanced_accuracy", 0.5 + fabs(s->auc - 0.5) * 0.8));
    assert_ok(store_run_set_f64(run, group, "balanced_accuracy_holdout", 0.5 + fabs(s->auc - 0.5) * 0.7));
    assert_ok(store_run_set_f64(run, group, "tpr_0.1", pow(0.1, power)));
    assert_ok(store_run_set_f64(run, group, "tpr_0.01", pow(0.01, power)));
    assert_ok(store_run_set_f64(run, group, "tpr_0.001", NAN));
    assert_ok(store_run_set_i64(run, group, "P", 1000));
    assert_ok(store_run_set_i64(run, group, "N", 1000));
    assert_ok(store_run_set_i64(run, group, "audited", 1000));
}

static inline void run_layers(StoreRun *run, bool spectra)
{
    static const char *const NAMES[] = {"features.0",  "features.4",  "features.8",   "features.11",
                                        "features.15", "features.18", "classifier.1", "classifier.4"};
    static const double FEATURES[] = {9, 288, 576, 1152, 1152, 2304, 512, 512};
    double change[8], rank[8], removed[8], shared[8];
    int64_t shape[] = {8};
    for (int l = 0; l < 8; l++) {
        change[l] = 0.01 * (l + 1);
        removed[l] = l ? 0.125 * l : NAN; /* not computed for one layer, and for none */
        shared[l] = NAN;
        rank[l] = 1.5 + l * 2.25;
    }
    assert_ok(store_run_set_texts(run, "/layers/names", NAMES, 8));
    assert_ok(store_run_set_array(run, "/layers/features", STORE_F64, 1, shape, FEATURES));
    assert_ok(store_run_set_array(run, "/layers/weight_change", STORE_F64, 1, shape, change));
    assert_ok(store_run_set_array(run, "/layers/rank_retain", STORE_F64, 1, shape, rank));
    assert_ok(store_run_set_array(run, "/layers/forget_removed", STORE_F64, 1, shape, removed));
    assert_ok(store_run_set_array(run, "/layers/shared", STORE_F64, 1, shape, shared));
    for (int l = 0; l < 8 && spectra; l++) {
        double s[2304], sum = 0;
        char path[128];
        int64_t n[] = {(int64_t)FEATURES[l]};
        for (int set = 0; set < 2; set++) {
            sum = 0;
            for (int64_t i = 0; i < n[0]; i++) sum += s[i] = pow((double)i + 1, -1.4 - 0.4 * set);
            for (int64_t i = 0; i < n[0]; i++) s[i] /= sum;
            snprintf(path, sizeof path, "/spectra/%s/%s", NAMES[l], set ? "forget" : "retain");
            assert_ok(store_run_set_array(run, path, STORE_F64, 1, n, s));
        }
        snprintf(path, sizeof path, "/spectra/%s", NAMES[l]);
        assert_ok(store_run_set_f64(run, path, "alpha_retain", 100));
        assert_ok(store_run_set_f64(run, path, "alpha_forget", 3));
    }
}

static inline void run_confusion(StoreRun *run, const char *path, double acc_r, double acc_f, int forget, BaseRandom *r)
{
    int64_t m[RUNS_K * RUNS_K] = {0}, shape[] = {RUNS_K, RUNS_K};
    for (int i = 0; i < RUNS_K; i++) {
        double right = (i == forget ? acc_f : acc_r) / 100;
        for (int n = 0; n < 1000; n++) {
            int j = base_random_uniform(r) < right ? i : (int)base_random_below(r, RUNS_K);
            if (j == forget && acc_f < 1) j = (forget + 3) % RUNS_K;
            m[i * RUNS_K + j]++;
        }
    }
    assert_ok(store_run_set_array(run, path, STORE_I64, 2, shape, m));
}

static inline void run_regions(StoreRun *run, bool forgotten, BaseRandom *r)
{
    double axis[RUNS_GRID], points[800];
    int32_t label[RUNS_GRID * RUNS_GRID], point_label[400];
    int64_t one[] = {RUNS_GRID}, two[] = {RUNS_GRID, RUNS_GRID}, dots[] = {400, 2}, n[] = {400};
    for (int i = 0; i < RUNS_GRID; i++) axis[i] = -2 + 4.0 * i / (RUNS_GRID - 1);
    for (int i = 0; i < RUNS_GRID * RUNS_GRID; i++) {
        int c = (axis[i / RUNS_GRID] > 0) * 2 + (axis[i % RUNS_GRID] > 0);
        if (forgotten && c == 0) c = axis[i / RUNS_GRID] > axis[i % RUNS_GRID] ? 2 : 1;
        label[i] = c;
    }
    for (int i = 0; i < 400; i++) {
        point_label[i] = i % 4;
        points[2 * i] = (i % 2 ? 1 : -1) + 0.5 * base_random_normal(r);
        points[2 * i + 1] = (i % 4 > 1 ? 1 : -1) + 0.5 * base_random_normal(r);
    }
    assert_ok(store_run_set_array(run, "/regions/x", STORE_F64, 1, one, axis));
    assert_ok(store_run_set_array(run, "/regions/y", STORE_F64, 1, one, axis));
    assert_ok(store_run_set_array(run, "/regions/label", STORE_I32, 2, two, label));
    assert_ok(store_run_set_array(run, "/regions/points", STORE_F64, 2, dots, points));
    assert_ok(store_run_set_array(run, "/regions/point_label", STORE_I32, 1, n, point_label));
}

static inline void run_search_grid(StoreRun *run)
{
    static const double AR[] = {10, 30, 100, 300, 1000}, AF[] = {1, 3, 10, 30, 100};
    double a[25], b[25], score[25], kept[25], gone[25];
    int64_t shape[] = {25};
    for (int i = 0; i < 25; i++) {
        a[i] = AR[i / 5];
        b[i] = AF[i % 5];
        score[i] = 0.95 - 0.06 * fabs(log10(a[i] / 100)) - 0.2 * fabs(log10(b[i] / 3));
    }
    assert_ok(store_run_set_array(run, "/search/alpha_r", STORE_F64, 1, shape, a));
    assert_ok(store_run_set_array(run, "/search/alpha_f", STORE_F64, 1, shape, b));
    for (int i = 0; i < 25; i++) kept[i] = 100 * score[i], gone[i] = 40 - i;
    assert_ok(store_run_set_array(run, "/search/score", STORE_F64, 1, shape, score));
    assert_ok(store_run_set_array(run, "/search/acc_retain", STORE_F64, 1, shape, kept));
    assert_ok(store_run_set_array(run, "/search/acc_forget", STORE_F64, 1, shape, gone));
    assert_ok(store_run_set_i64(run, "/search", "chosen", 11));
    assert_ok(store_run_set_text(run, "/search", "objective", "ACC_r (1 - ACC_f)"));
}

static inline void run_history(StoreRun *run, double start)
{
    double loss[12], accuracy[12];
    int64_t shape[] = {12};
    for (int i = 0; i < 12; i++) {
        loss[i] = 0.2 + start * exp(-0.3 * i);
        accuracy[i] = 0.95 - 0.4 * exp(-0.35 * i);
    }
    assert_ok(store_run_set_array(run, "/history/loss", STORE_F64, 1, shape, loss));
    assert_ok(store_run_set_array(run, "/history/accuracy", STORE_F64, 1, shape, accuracy));
}

static inline void run_header(StoreRun *run, const RunSpec *s)
{
    static const char *const CLASSES[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
    char id[128];
    snprintf(id, sizeof id, "%s-%s-%s-%lld", s->experiment, s->method, s->forget, (long long)s->seed);
    const char *const texts[] = {"id",           id,
                                 "status",       s->reason ? "failed" : "ok",
                                 "reason",       s->reason ? s->reason : "",
                                 "experiment",   s->experiment,
                                 "kind",         s->kind,
                                 "label",        s->label,
                                 "arch",         "vgg11_bn",
                                 "data",         "fashion-mnist",
                                 "forget",       s->forget,
                                 "forget_names", s->forget_names};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i += 2)
        assert_ok(store_run_set_text(run, "/", texts[i], texts[i + 1]));
    assert_ok(store_run_set_i64(run, "/", "seed", s->seed));
    set_method(run, s->method, s->control != 0);
    assert_ok(store_run_set_text(run, "/meta", "command", "expunge run configs/demo.yaml"));
    assert_ok(store_run_set_text(run, "/meta", "started", "2025-01-01T00:00:00Z"));
    assert_ok(store_run_set_text(run, "/meta", "weights_hash", "00ff"));
    assert_ok(store_run_set_texts(run, "/class_names", CLASSES, RUNS_K));
}

/* Writes <folder>/<id>.h5. */
static inline void run_write(const char *folder, const RunSpec *s)
{
    StoreRun *run;
    char path[4200];
    BaseRandom r = base_random_make((uint64_t)s->seed, s->label, 0);
    assert_ok(store_run_create(&run));
    run_header(run, s);
    if (!s->reason) {
        const MathEstimate acc_r = {s->acc_r, s->acc_r - 0.6, s->acc_r + 0.6, 9000};
        const MathEstimate acc_f = {s->acc_f, fmax(0, s->acc_f - 1.2), s->acc_f + 1.2, 1000};
        add_metric(run, "acc_retain", "train", acc_r);
        add_metric(run, "acc_retain", "test", acc_r);
        add_metric(run, "acc_forget", "test", acc_f);
        add_metric(run, "composite", "test", math_estimate(s->acc_r * (100 - s->acc_f) / 1e4, 10000));
        add_metric(run, "weight_distance", "test", math_estimate(0.0371, 0));
        add_metric(run, "wall_seconds", "test", math_estimate(1.2345, 0));
        add_metric(run, "samples", "test", math_estimate(1800, 0));
        run_attack(run, s, "svc-paper");
        run_confusion(run, "/confusion/test", s->acc_r, s->acc_f, 3, &r);
        if (!strcmp(s->method, "svd")) run_search_grid(run);
        if (s->heavy) run_signals(run, s, &r);
        if (!strcmp(s->method, "svd")) run_layers(run, s->heavy);
        if (s->heavy) run_regions(run, s->acc_f < 50, &r);
        if (strcmp(s->method, "svd")) run_history(run, 1 + (double)strlen(s->label) / 10);
    }
    snprintf(path, sizeof path, "%s/%s", folder, store_run_text(run, "/", "id"));
    for (char *c = path + strlen(folder) + 1; *c; c++) *c = *c == '/' || *c == ' ' ? '-' : *c;
    strcat(path, ".h5");
    assert_ok(store_run_write(run, path));
    store_run_free(run);
}

/* One class, one seed, every kind of row, every kind of array. */
static inline void runs_write_demo(const char *folder)
{
    const char *const e = "demo", *const u = "unlearn";
    const RunSpec specs[] = {
        {e, "original", "original", "original", "3", "Dress", NULL, 1, 0, 92.14, 91.30, 0.031, 0.62, true},
        {e, "retrained", "retrain", u, "3", "Dress", NULL, 1, 0, 92.35, 0, 1, 0.505, true},
        {e, "svd", "svd", u, "3", "Dress", NULL, 1, 0, 91.52, 0.2, 0.987, 0.53, true},
        {e, "neggrad+", "neggrad_plus", u, "3", "Dress", NULL, 1, 0, 89.91, 0.94, 0.95, 0.44, true},
        {e, "salun", "salun", u, "3", "Dress", NULL, 1, 0, 90.4, 3.1, 0.83, 0.58, true},
        {e, "mask_logit 100% <b>&'x'", "mask_logit", u, "3", "Dress", NULL, 1, 1, 92.2, 0, 0.21, 0.61, true},
        {e, "scrub", "scrub", u, "3", "Dress", "loss is not finite at epoch 2, step 17, lr 0.1: try a lower lr", 1, 0,
         0, 0, 0, 0.5, false},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) run_write(folder, &specs[i]);
}

/* Three classes, two seeds. */
static inline void runs_write_classes(const char *folder)
{
    static const char *const FORGET[] = {"0", "3", "10"}, *const NAMES[] = {"T-shirt/top", "Dress", "Other"};
    for (int c = 0; c < 3; c++) {
        for (int seed = 1; seed <= 2; seed++) {
            const RunSpec specs[] = {
                {"classes", "original", "original", "original", FORGET[c], NAMES[c], NULL, seed, 0, 92 + c, 90 + seed,
                 0.03, 0.6, false},
                {"classes", "retrained", "retrain", "unlearn", FORGET[c], NAMES[c], NULL, seed, 0, 92 + c, 0, 1, 0.5,
                 false},
                {"classes", "svd", "svd", "unlearn", FORGET[c], NAMES[c], c == 2 && seed == 2 ? "out of memory" : NULL,
                 seed, 0, 91 + c + 0.5 * seed, 0.5 * c, 0.95, 0.52, false},
            };
            for (size_t i = 0; i < 3; i++) run_write(folder, &specs[i]);
        }
    }
}

#endif
