/* report/results.c - each table picks its quantities, orders columns by importance, and explains them in notes. */
#include "report/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/compare.h"

unsigned report_results_flags(const ReportLabel *label)
{
    unsigned flags = label->rank == REPORT_RANK_RETRAINED  ? REPORT_ROW_REFERENCE
                     : label->rank == REPORT_RANK_CONTROL  ? REPORT_ROW_CONTROL
                     : label->rank == REPORT_RANK_ORIGINAL ? REPORT_ROW_ORIGINAL
                                                           : 0;
    return label->failed == label->count ? flags | REPORT_ROW_FAILED : flags;
}

static unsigned main_flags_of(const ReportExperiment *e, const ReportLabel *label)
{
    return report_results_flags(label) | (report_failing(e, label) ? REPORT_ROW_SHORT : 0);
}

static const char *first_reason(const ReportLabel *label)
{
    for (size_t i = 0; i < label->count; i++) {
        if (label->runs[i]->failed) return label->runs[i]->reason;
    }
    return "";
}

/* What the main table shows, most important first; attacks come between, everything else is in the CSV. */
static int importance_of(const ReportExperiment *e, const ReportQuantity *q)
{
    int attack = 0;
    if (!q->field) return q->in_results;
    for (const ReportQuantity *o = e->quantities; o < q; o++) attack += o->field && !strcmp(o->field, q->field);
    bool auc = strcmp(q->field, "auc") == 0;
    return attack >= (auc ? 3 : 4) ? 0 : (auc ? 70 : 90) - attack;
}

bool report_results_in_gap(const ReportQuantity *q)
{
    if (q->field) return strcmp(q->field, "efficacy") == 0;
    bool shown = !strcmp(q->split, "test") || q->in_results > 0; /* of listed images: the training split's */
    return shown && (!strcmp(q->role, "retained") || !strcmp(q->role, "forgotten"));
}

/* Mean of the gaps that are in percentage points: what SalUn prints as "Avg. Gap"; of the reference its noise floor. */
static MathEstimate mean_gap(const ReportExperiment *e, const ReportLabel *label, double *sd)
{
    const ReportQuantity *in[REPORT_COLUMNS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < e->quantity_count && n < REPORT_COLUMNS_MAX; i++) {
        if (report_results_in_gap(&e->quantities[i])) in[n++] = &e->quantities[i];
    }
    *sd = NAN;
    const bool reference = label == report_label_of(e, REPORT_RANK_RETRAINED);
    return reference ? report_floor(e, in, n) : report_mean_gap(e, label, in, n, sd);
}

/* What stands in the row of the reference, or why nothing does. */
static void floor_note(ReportTable *t, const ReportExperiment *e)
{
    double unused;
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    const MathEstimate least = mean_gap(e, retrained, &unused);
    if (isnan(least.value))
        report_table_note(
            t, "No noise floor: how far two retrained networks are apart takes a second training seed. A gap may "
               "be no more than what retraining again gives.");
    else
        report_table_note(
            t,
            "The reference's own gap is the noise floor: how far two retrained networks of different seeds are apart "
            "(mean of %lld pair%s, which share networks: no interval). A gap of that size is what "
            "retraining again gives.",
            (long long)least.n, least.n == 1 ? "" : "s");
}

/* What a reader must know beside an attack's number: on how many points it was fitted, above all. */
static void fit_notes(ReportTable *t, const ReportExperiment *e)
{
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *q = &e->quantities[i];
        const ReportRun *run = report_first_ok(report_featured(e));
        char group[512];
        if (!q->field || strcmp(q->field, "efficacy") != 0 || !run) continue;
        snprintf(group, sizeof group, "/attacks/%s", q->name);
        const char *notes = store_run_text(run->store, group, "notes");
        if (notes && *notes) report_table_note(t, "MIA %s: %s.", q->name, notes);
    }
}

/* Attacks that could not be made, with the reason, once per label and attack. */
static void failed_attack_notes(ReportTable *t, const ReportExperiment *e)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportRun *run = report_first_ok(&e->labels[l]);
        const char *const *names;
        size_t count;
        if (!run || !store_run_members(run->store, "/attacks", &names, &count)) continue;
        for (size_t i = 0; i < count; i++) {
            char group[512];
            snprintf(group, sizeof group, "/attacks/%s", names[i]);
            const char *failed = store_run_text(run->store, group, "failed");
            if (failed) report_table_note(t, "%s on %s could not be made: %s", names[i], e->labels[l].label, failed);
        }
    }
}

/* Which columns the mean gap averages: those that the retrained row has. */
static void gap_note(ReportTable *t, const ReportExperiment *e)
{
    BaseText names = {0};
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *q = &e->quantities[i];
        MathEstimate value;
        if (!report_results_in_gap(q) || !retrained || !report_summary(retrained, q, &value, NULL) ||
            isnan(value.value))
            continue;
        base_text_add(&names, "%s%s%s", names.size ? ", " : "", q->field ? "MIA " : "", q->title);
    }
    const char *over = base_text_of(&names, &t->st);
    if (*over)
        report_table_note(t, "gap: mean of |row - retrained| over %s, in percentage points; 0 is equal to retraining.",
                          over);
    if (*over) floor_note(t, e);
    base_text_free(&names);
}

/* Over what a row's spread and interval are that has no classes and no seeds to take them over. */
static void one_network_note(ReportTable *t, const ReportExperiment *e)
{
    if (e->unlearn_count > 1)
        report_table_interval_note(
            t,
            "In a row of one class and one seed, interval and standard deviation are over the unlearnings of its ONE "
            "trained network.");
}

/* What the numbers of several runs are the spread and the interval of. */
static void over_runs_notes(ReportTable *t, const ReportExperiment *e)
{
    const char *again = e->unlearn_count > 1 ? ", of the means over the unlearnings of one network" : "";
    if (e->seed_count > 1) {
        report_table_note(
            t, "Rows of several runs: mean ± standard deviation over classes and training seeds (ddof 1)%s.", again);
        report_table_interval_note(
            t,
            "Brackets: the 95% t interval over training seeds, each of which counts by its mean over the classes that all "
            "seeds have (none where there is no such class); it speaks of new trainings, for these classes, and takes "
            "seeds to vary about normally. In a row of one seed, the t interval over its classes, and in a row of one "
            "run, the 95% interval of that run: they do not speak of other trainings. Where all seeds agree it is a point, which is no proof that "
            "another would.");
        one_network_note(t, e);
        return;
    }
    report_table_note(t, "Rows of several runs: mean ± standard deviation over classes (ddof 1)%s.", again);
    report_table_interval_note(
        t, "Brackets: the 95% t interval over the classes of ONE trained network, since there is one "
           "seed: it does not speak of other trainings. In a row of one run, the 95% interval "
           "of that run, over images.");
    one_network_note(t, e);
}

/* Empty cells that are no 0. */
static void logits_notes(ReportTable *t, const ReportExperiment *e)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        size_t given = 0;
        for (size_t i = 0; i < label->count; i++)
            given += store_run_f64(label->runs[i]->store, "/meta", "logits_only") == 1;
        if (given)
            report_table_note(
                t,
                "%s: judged by its logits. Not measurable without its weights: distance to other weights, "
                "relearning, features and probes, saliency, changes of layers, and its cost.",
                label->label);
    }
}

static void main_notes(ReportTable *t, const ReportExperiment *e, bool gap)
{
    bool many = false, failing = false;
    for (size_t l = 0; l < e->label_count; l++) {
        many = many || e->labels[l].count - e->labels[l].failed > 1;
        failing = failing || report_failing(e, &e->labels[l]);
    }
    if (many)
        over_runs_notes(t, e);
    else
        report_table_interval_note(t, "Brackets: 95% intervals of the one run in each row, over images of ONE trained "
                                      "network: they do not speak of other trainings.");
    if (!report_published_any(e))
        report_table_note(t, "Published numbers for %s on %s: not available.", e->arch, e->data);
    fit_notes(t, e);
    if (gap) gap_note(t, e);
    failed_attack_notes(t, e);
    logits_notes(t, e);
    if (failing) report_table_note(t, "Another table says by how much, and why, a method falls short.");
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        if (label->failed && label->failed < label->count) {
            report_table_note(t, "%s: %zu of %zu runs failed and are not in its row (%s)%s.", label->label,
                              label->failed, label->count, first_reason(label),
                              e->seed_count > 1 && e->forget_count > 1
                                  ? "; means and intervals leave out a class that a seed lacks"
                                  : "");
        }
    }
}

void report_results_mark(ReportTable *t, const ReportExperiment *e, const ReportQuantity *const *quantities,
                         const int *columns, int count)
{
    int marked = 0, methods = 0;
    for (size_t l = 0; l < e->label_count; l++) methods += e->labels[l].rank == REPORT_RANK_METHOD;
    for (int i = 0; i < count; i++) {
        const ReportLabel *best = columns[i] < 0 ? NULL : report_best(e, quantities[i]);
        for (int r = 0; best && r < t->row_count; r++) {
            if (!t->cells[r * t->column_count].text || strcmp(t->cells[r * t->column_count].text, best->label))
                continue;
            report_table_best(t, r, columns[i]);
            marked++;
        }
    }
    if (methods < 2) return;
    if (e->seed_count >= REPORT_SEEDS_LEAST)
        report_table_note(t,
                          "Bold: the method nearest to the column's ideal (the retrained run of its class and seed, if "
                          "that is the ideal; otherwise the number, or the direction of the arrow) and better than "
                          "every other method beyond chance: paired t tests over training seeds, adjusted over the "
                          "methods (Holm), 5%%.%s",
                          marked ? "" : " No column has such a method.");
    else
        report_table_note(
            t,
            "No best method is marked: with fewer than %d training seeds, no difference can be distinguished "
            "from the chance of a training.",
            REPORT_SEEDS_LEAST);
}

/* On how many images the first run's numbers of the shown columns rest. */
static void n_note(ReportTable *t, const ReportExperiment *e, const ReportQuantity *const *order, int count)
{
    const ReportRun *run = report_first_ok(report_featured(e));
    BaseText text = {0};
    for (int i = 0; i < count && run; i++) {
        MathEstimate value;
        if (importance_of(e, order[i]) == 0 || !strcmp(order[i]->ideal, "") || !report_value(run, order[i], &value))
            continue;
        const char *kind = !order[i]->field ? "" : strcmp(order[i]->field, "auc") ? "MIA " : "AUC ";
        if (value.n > 1)
            base_text_add(&text, "%s%s%s %lld", text.size ? ", " : "", kind, order[i]->title, (long long)value.n);
    }
    const char *counts = base_text_of(&text, &t->st);
    if (*counts) report_table_note(t, "n per run: %s.", counts);
    base_text_free(&text);
}

ReportTable report_results_main(const ReportExperiment *e)
{
    char title[512];
    const ReportQuantity *order[REPORT_COLUMNS_MAX];
    int columns[REPORT_COLUMNS_MAX], gap = -1;
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    snprintf(title, sizeof title, "%s: %s on %s, test set%s", e->name, e->arch, e->data,
             report_any_images(e) ? "; forgotten images: training set" : "");
    ReportTable t = report_table_make(title);
    int count = report_results_order(e, importance_of, order),
        label_column = report_table_column(&t, "label", "method", false, 0, 1000);
    int runs_column = report_table_column(&t, "runs", "runs", true, 0, e->run_count > e->label_count ? 60 : 0);
    for (int i = 0; i < count; i++) {
        int importance = importance_of(e, order[i]);
        if (gap < 0 && retrained && importance < 80) {
            gap = report_table_column(&t, "mean_gap", "gap", true, 2, 80);
            report_table_ideal(&t, gap, "%", "↓", "0");
        }
        columns[i] = report_results_column(&t, order[i], importance);
    }
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        /* the original's training forgets nothing: it has no ACC_r, and as method none it has its row */
        if (label->rank == REPORT_RANK_ORIGINAL && label->failed < label->count && !*label->runs[0]->forget) continue;
        report_table_row(&t, main_flags_of(e, label));
        report_table_text(&t, label_column, label->label);
        report_table_number(&t, runs_column, math_estimate((double)(label->count - label->failed), 0), NAN);
        if (label->failed == label->count) {
            char reason[2048];
            snprintf(reason, sizeof reason, "failed: %s", first_reason(label));
            report_table_reason(&t, reason);
            continue;
        }
        for (int i = 0; i < count; i++) report_results_number(&t, columns[i], label, order[i]);
        double sd;
        MathEstimate mean = mean_gap(e, label, &sd);
        if (gap >= 0) report_table_number(&t, gap, mean, sd);
    }
    n_note(&t, e, order, count);
    report_results_mark(&t, e, order, columns, count);
    main_notes(&t, e, gap >= 0);
    return t;
}

ReportTable report_results_gaps(const ReportExperiment *e)
{
    const ReportQuantity *order[REPORT_COLUMNS_MAX];
    int columns[REPORT_COLUMNS_MAX], count = report_results_order(e, importance_of, order);
    ReportTable t = report_table_make("Distance to retraining: |row - retrained|");
    int label_column = report_table_column(&t, "label", "method", false, 0, 1000);
    for (int i = 0; i < count; i++) {
        columns[i] = -1;
        if (strcmp(order[i]->ideal, "retrained") != 0) continue;
        bool test = order[i]->split && !strcmp(order[i]->split, "test"); /* train twins are in the CSV */
        int importance = importance_of(e, order[i]);
        columns[i] = report_results_column(&t, order[i], importance > 0 || !test ? importance : 20);
        report_table_ideal(&t, columns[i], order[i]->unit, "↓", "0");
    }
    double unused;
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    const bool floor = retrained && !isnan(mean_gap(e, retrained, &unused).value);
    for (size_t l = 0; l < e->label_count && retrained; l++) {
        const ReportLabel *label = &e->labels[l];
        bool training = label->rank == REPORT_RANK_ORIGINAL && !*label->runs[0]->forget;
        const bool reference = label == retrained;
        if ((label->rank == REPORT_RANK_RETRAINED && !(reference && floor)) || label->failed == label->count ||
            training)
            continue;
        report_table_row(&t, report_results_flags(label));
        report_table_text(&t, label_column, label->label);
        for (int i = 0; i < count; i++) {
            double sd = NAN;
            if (columns[i] < 0) continue;
            const MathEstimate gap = reference ? report_floor(e, &order[i], 1) : report_gap(e, label, order[i], &sd);
            report_table_number(&t, columns[i], gap, sd);
        }
    }
    report_table_note(
        &t, "Each run is compared with the retrained run of its class and seed or, if there is none of that seed, with "
            "the mean of its class. Both directions count: an attack far below chance is a leak, too.");
    if (retrained) floor_note(&t, e);
    if (retrained && e->seed_count < REPORT_SEEDS_LEAST)
        report_table_note(&t, "Whether a method differs from retraining is not tested: it takes %d training seeds.",
                          REPORT_SEEDS_LEAST);
    report_table_interval_note(
        &t, e->seed_count > 1
                ? "Brackets: 95% intervals of the mean over training seeds that allow for skewed distances; of "
                  "very skewed numbers they cover less. None where several seeds share a retrained network."
                : "Brackets: 95% intervals of the mean over the classes of ONE trained network that allow for "
                  "skewed distances; they do not speak of other trainings.");
    one_network_note(&t, e);
    return t;
}

typedef struct {
    const char *field, *key, *title, *arrow, *ideal;
    double scale, least, most;
    int decimals, importance;
} AttackColumn;
static const AttackColumn ATTACK_COLUMNS[] = {
    {"auc", "auc", "AUC", "", "retrained", 1, 0, 1, 3, 90},
    {"balanced_accuracy_holdout", "balanced_accuracy", "balanced acc.", "", "retrained", 1, -INFINITY, INFINITY, 3, 60},
    {"tpr_0.001", "tpr_at_fpr_0.001", "TPR at FPR 0.1%", "", "retrained", 100, -INFINITY, INFINITY, 2, 70},
    {"tpr_0.01", "tpr_at_fpr_0.01", "TPR at FPR 1%", "", "retrained", 100, -INFINITY, INFINITY, 2, 71},
    {"tpr_0.1", "tpr_at_fpr_0.1", "TPR at FPR 10%", "", "retrained", 100, -INFINITY, INFINITY, 2, 50},
    {"efficacy", "efficacy", "efficacy", "↑", "retrained", 100, -INFINITY, INFINITY, 2, 95},
    {"member_share", "member_share", "called member", "", "retrained", 100, -INFINITY, INFINITY, 2, 40},
    {"audited", "audited", "audited n", "", "", 1, -INFINITY, INFINITY, 0, 55},
};
enum { ATTACK_COLUMN_COUNT = sizeof ATTACK_COLUMNS / sizeof *ATTACK_COLUMNS };

/* Where scores give no order, their own words say why; once an attack. */
static void note_no_auc(ReportTable *t, const ReportExperiment *e, const char *name, const char *group)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportRun *run = report_first_ok(&e->labels[l]);
        const char *notes = run ? store_run_text(run->store, group, "notes") : NULL;
        if (!notes || !*notes || !isnan(store_run_f64(run->store, group, "auc"))) continue;
        report_table_note(t, "%s, %s: no AUC (%s)", name, e->labels[l].label, notes);
        return;
    }
}

/* What each attack asks, and which could not be made. */
static void attack_notes(ReportTable *t, const ReportExperiment *e)
{
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *q = &e->quantities[i];
        const char *question = NULL;
        char group[512];
        if (!q->field || strcmp(q->field, "auc") != 0) continue;
        snprintf(group, sizeof group, "/attacks/%s", q->name);
        for (size_t l = 0; l < e->label_count && !question; l++) {
            const ReportRun *run = report_first_ok(&e->labels[l]);
            question = run ? store_run_text(run->store, group, "question") : NULL;
        }
        if (question && *question) report_table_note(t, "%s: %s", q->name, question);
        note_no_auc(t, e, q->name, group);
    }
}

ReportTable report_results_attacks(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Attacks");
    int column[ATTACK_COLUMN_COUNT];
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "attack", "attack", false, 0, 999);
    for (int c = 0; c < ATTACK_COLUMN_COUNT; c++) {
        const AttackColumn *a = &ATTACK_COLUMNS[c];
        column[c] = report_table_column(&t, a->key, a->title, true, a->decimals, a->importance);
        report_table_ideal(&t, column[c], a->scale > 1 ? "%" : "", a->arrow, a->ideal);
    }
    for (size_t i = 0; i < e->quantity_count; i++) {
        if (!e->quantities[i].field || strcmp(e->quantities[i].field, "auc") != 0) continue;
        const char *attack = e->quantities[i].name;
        for (size_t l = 0; l < e->label_count; l++) {
            const ReportLabel *label = &e->labels[l];
            bool row = false;
            for (int c = 0; c < ATTACK_COLUMN_COUNT; c++) {
                const AttackColumn *a = &ATTACK_COLUMNS[c];
                ReportQuantity q = {
                    .name = attack, .field = a->field, .scale = a->scale, .least = a->least, .most = a->most};
                MathEstimate value;
                double sd;
                if (!report_summary(label, &q, &value, &sd)) continue;
                if (!row) {
                    report_table_row(&t, report_results_flags(label));
                    report_table_text(&t, 0, label->label);
                    report_table_text(&t, 1, attack);
                    row = true;
                }
                report_table_number(&t, column[c], value, sd);
            }
        }
    }
    attack_notes(&t, e);
    report_table_note(
        &t, "balanced acc.: the threshold is chosen on a random half of the points and judged on the other; a dash: "
            "the attack was fitted to these points. efficacy: share of the audited (forgotten) images that the attack "
            "calls non-members. A dash under TPR: too few non-members to resolve that false-positive rate.");
    return t;
}

ReportTable report_results_classes(const ReportExperiment *e)
{
    const ReportQuantity *shown[REPORT_COLUMNS_MAX], *order[REPORT_COLUMNS_MAX];
    int columns[REPORT_COLUMNS_MAX], count = 0, all = report_results_order(e, importance_of, order);
    for (int i = 0; i < all; i++) {
        if (report_results_in_gap(order[i])) shown[count++] = order[i];
    }
    ReportTable t = report_table_make(report_any_images(e) ? "Per forget set" : "Per forgotten class");
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "forget", report_any_images(e) ? "set" : "class", false, 0, 999);
    report_table_column(&t, "forget_names", "name", false, 0, 998);
    for (int i = 0; i < count; i++) columns[i] = report_results_column(&t, shown[i], 100 - i);
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        if (label->rank == REPORT_RANK_ORIGINAL && !*label->runs[0]->forget) continue;
        for (size_t start = 0, end; start < label->count; start = end) {
            const ReportRun *run = label->runs[start];
            ReportLabel part = *label;
            for (end = start + 1; end < label->count && !strcmp(label->runs[end]->forget, run->forget);) end++;
            part.runs = label->runs + start;
            part.count = end - start;
            part.failed = 0;
            for (size_t i = 0; i < part.count; i++) part.failed += part.runs[i]->failed;
            report_table_row(&t, report_results_flags(&part));
            report_table_text(&t, 0, label->label);
            report_table_text(&t, 1, run->forget);
            report_table_text(&t, 2, run->forget_names);
            for (int i = 0; i < count; i++) report_results_number(&t, columns[i], &part, shown[i]);
        }
    }
    return t;
}

static bool all_nan(const StoreArray *a)
{
    int64_t i = 0;
    while (i < a->count && isnan(((const double *)a->data)[i])) i++;
    return i == a->count;
}

ReportTable report_results_layers(const ReportRun *run)
{
    static const struct {
        const char *name, *title, *unit;
        int decimals, importance;
        double scale;
    } COLUMNS[] = {{"features", "features", "", 0, 90, 1},
                   {"n_retain", "rows retained", "", 0, 50, 1},
                   {"n_forget", "rows forgotten", "", 0, 50, 1},
                   {"rank_retain", "eff. rank retained", "", 1, 70, 1},
                   {"rank_forget", "eff. rank forgotten", "", 1, 70, 1},
                   {"forget_removed", "forgotten response removed", "%", 2, 80, 100},
                   {"retain_removed", "retained response removed", "%", 2, 80, 100},
                   {"shared", "forget space shared", "%", 2, 75, 100},
                   {"weight_change", "weight change", "%", 2, 85, 100},
                   {"trace_retain", "trace_retain", "", -1, 0, 1},
                   {"trace_forget", "trace_forget", "", -1, 0, 1}};
    enum { COUNT = sizeof COLUMNS / sizeof *COLUMNS };
    char title[512];
    const char *const *names;
    size_t layers = 0;
    StoreArray array[COUNT];
    int column[COUNT];
    BaseText classes = {0};
    report_run_classes(run, &classes);
    BaseStatus named = BASE_OK;
    snprintf(title, sizeof title, "Layers: %s, %s%.400s, seed %.0f", run->label, report_run_images(run) ? "" : "class ",
             base_text_of(&classes, &named), run->seed);
    base_text_free(&classes);
    ReportTable t = report_table_make(title);
    if (t.st == BASE_OK) t.st = named;
    report_table_column(&t, "layer", "layer", false, 0, 1000);
    if (!store_run_texts(run->store, "/layers/names", &names, &layers)) layers = 0;
    for (int c = 0; c < COUNT; c++) {
        column[c] = -1;
        if (!store_run_array_in(run->store, "/layers", COLUMNS[c].name, &array[c]) || array[c].type != STORE_F64)
            continue;
        if (array[c].count != (int64_t)layers || all_nan(&array[c])) continue;
        column[c] = report_table_column(&t, COLUMNS[c].name, COLUMNS[c].title, true, COLUMNS[c].decimals,
                                        COLUMNS[c].importance);
        report_table_ideal(&t, column[c], COLUMNS[c].unit, "", "");
    }
    for (size_t l = 0; l < layers; l++) {
        report_table_row(&t, 0);
        report_table_text(&t, 0, names[l]);
        for (int c = 0; c < COUNT; c++) {
            if (column[c] < 0) continue;
            double value = ((const double *)array[c].data)[l] * COLUMNS[c].scale;
            report_table_number(&t, column[c], math_estimate(value, 0), NAN);
        }
    }
    report_table_note(
        &t, "Effective rank: (sum s)^2 / sum s^2 of the normalised squared singular values s of the layer's inputs. "
            "Removed: share of the layer's response (squared norm) to those inputs that the edit removed.");
    return t;
}

ReportTable report_results_runs(const ReportExperiment *e)
{
    static const char *const META[] = {"weights_hash", "original_hash", "data_hash", "config_hash",
                                       "weights_file", "precision",     "threads",   "cpu",
                                       "libraries",    "blas_core",     "program",   "started"};
    enum { META_COUNT = sizeof META / sizeof *META };
    ReportTable t = report_table_make("Runs");
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "forget", report_any_images(e) ? "set" : "class", false, 0, 90);
    report_table_column(&t, "forget_names", "name", false, 0, 89);
    report_table_column(&t, "seed", "seed", true, 0, 80);
    report_table_column(&t, "unlearn_seed", "unlearning", true, 0, e->unlearn_count > 1 ? 79 : 0);
    report_table_column(&t, "run", "run", false, 0, 70);
    report_table_column(&t, "file", "file", false, 0, 60);
    report_table_column(&t, "status", "status", false, 0, 50);
    report_table_column(&t, "id", "id", false, 0, 0);
    for (int i = 0; i < META_COUNT; i++) report_table_column(&t, META[i], META[i], false, 0, 0);
    int again = report_table_column(&t, "again", "again", false, 0, 0);
    int first = t.column_count;
    for (size_t i = 0; i < e->quantity_count; i++) report_results_column(&t, &e->quantities[i], 0);
    for (size_t l = 0; l < e->label_count; l++) {
        for (size_t i = 0; i < e->labels[l].count; i++) {
            const ReportRun *r = e->labels[l].runs[i];
            const char *name = strrchr(r->file, '/');
            char short_id[13];
            snprintf(short_id, sizeof short_id, "%s", r->id);
            report_table_row(&t, r->failed ? REPORT_ROW_FAILED : 0);
            report_table_text(&t, 0, r->label);
            report_table_text(&t, 1, r->forget);
            report_table_text(&t, 2, r->forget_names);
            report_table_number(&t, 3, math_estimate(r->seed, 0), NAN);
            report_table_number(&t, 4, math_estimate(r->unlearn, 0), NAN);
            report_table_text(&t, 5, short_id);
            report_table_text(&t, 6, name ? name + 1 : r->file);
            report_table_text(&t, 7, r->failed ? r->reason : "ok");
            report_table_text(&t, 8, r->id);
            for (int m = 0; m < META_COUNT; m++) {
                const char *text = store_run_text(r->store, "/meta", META[m]);
                double number = store_run_f64(r->store, "/meta", META[m]);
                char printed[32];
                snprintf(printed, sizeof printed, "%.17g", number);
                report_table_text(&t, 9 + m, text ? text : isnan(number) ? "" : printed);
            }
            BaseText command = {0};
            report_again(e, r, &command);
            report_table_text(&t, again, base_text_of(&command, &t.st));
            base_text_free(&command);
            for (size_t q = 0; q < e->quantity_count; q++) {
                MathEstimate value;
                if (report_value(r, &e->quantities[q], &value)) report_table_number(&t, first + (int)q, value, NAN);
            }
        }
    }
    report_table_note(&t,
                      "The column again of runs.csv holds the command that repeats a row; run in the same folder, on "
                      "the same machine and with the same number of threads, it gives the same digits.");
    return t;
}
