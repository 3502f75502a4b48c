/* audit/report.c - the report of an audit as one document. */
#include "audit/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/facts.h"
#include "audit/figures.h"
#include "audit/pictures.h"
#include "audit/results.h"
#include "audit/training.h"
#include "audit/words.h"
#include "base/memory.h"
#include "io/file.h"
#include "report/write.h"
#include "session/params.h"
#include "session/program.h"

enum { PERCENT = 2, AUC = 3 };

static void heading(ReportDocument *d, const char *text) { report_document_text(d, REPORT_BLOCK_HEADING, "%s", text); }
static void note(ReportDocument *d, const char *text) { report_document_text(d, REPORT_BLOCK_NOTE, "%s", text); }

static void accuracy_table(const AuditPage *p, ReportDocument *d)
{
    const AuditResult *r = p->result;
    ReportTable t = report_table_make("Accuracy on the audited images");
    int model = report_table_column(&t, "model", "model", false, 0, 3), column[AUDIT_POPULATION];
    for (int g = 0; g < AUDIT_POPULATION; g++) {
        column[g] =
            report_table_column(&t, audit_group_key((AuditGroup)g), audit_group_name((AuditGroup)g), true, PERCENT, 2);
        report_table_ideal(&t, column[g], "%", "", "");
    }
    for (int m = 0; m < AUDIT_MODELS; m++) {
        if (r->right[m][AUDIT_FORGET_TRAIN].n == 0) continue;
        report_table_row(&t, m == AUDIT_RETRAINED ? REPORT_ROW_REFERENCE : 0);
        report_table_text(&t, model, audit_model_name((AuditModel)m));
        for (int g = 0; g < AUDIT_POPULATION; g++) {
            MathEstimate e = r->right[m][g];
            if (e.n)
                report_table_number(&t, column[g], (MathEstimate){100 * e.value, 100 * e.lo, 100 * e.hi, e.n}, NAN);
        }
    }
    if (p->collected->signals.R > 1)
        report_table_note(&t, "retrained: mean over %lld models.", (long long)p->collected->signals.R);
    report_document_table_take(d, &t);
}

/* "TPR at FPR 1% +0.012 [-0.004, +0.031]" */
static void rate_text(const MiaJudgement *j, MiaStatistic which, char text[64])
{
    const MathEstimate *d = &j->difference;
    if (isnan(d->value))
        snprintf(text, 64, "-");
    else if (which == MIA_STATISTIC_EPSILON)
        snprintf(text, 64, "%+.1f", d->value);
    else if (isnan(d->lo))
        snprintf(text, 64, "%+.3f", d->value);
    else
        snprintf(text, 64, "%+.3f [%+.3f, %+.3f]", d->value, d->lo, d->hi);
}

/* Whether any attack has this statistic in the game: few images have no TPR at low rates. */
static bool any_has(const AuditPage *p, MiaGame g, MiaStatistic s)
{
    const MiaAudit *a = &p->result->audit;
    bool any = false;
    for (int64_t i = 0; i < a->count; i++)
        any = any || (a->finding[i].game == g && !isnan(a->finding[i].at[s].difference.value));
    return any;
}

/* What every attack finds in one game. */
static void findings_table(const AuditPage *p, MiaGame g, ReportDocument *d)
{
    const AuditResult *r = p->result;
    const char *undirected = NULL;
    const int64_t R = p->collected->signals.R;
    bool models = g == MIA_GAME_MODELS;
    char text[64];
    ReportTable t = report_table_make(models ? "Unlearned against retrained models, on the forgotten training images"
                                             : "How well each attack distinguishes them");
    int name = report_table_column(&t, "attack", "attack", false, 0, 3);
    int auc = report_table_column(&t, "auc", models ? "AUC" : "AUC, unlearned", true, AUC, 3);
    int other = report_table_column(&t, "auc_retrained", "AUC, retrained", true, AUC, models || R == 0 ? 0 : 2);
    int difference =
        report_table_column(&t, "difference", R && !models ? "difference" : "difference to 0.5", true, AUC, 3);
    int rate[MIA_STATISTICS] = {0};
    for (int s = MIA_STATISTIC_TPR_1; s < MIA_STATISTICS; s++) {
        static const char *const KEYS[MIA_STATISTICS] = {[MIA_STATISTIC_TPR_1] = "tpr_0.01",
                                                         [MIA_STATISTIC_TPR_01] = "tpr_0.001",
                                                         [MIA_STATISTIC_LOW_1] = "low_0.01",
                                                         [MIA_STATISTIC_EPSILON] = "epsilon_z"};
        char title[48];
        snprintf(title, sizeof title, "%s, difference", mia_statistic_name((MiaStatistic)s));
        rate[s] = !any_has(p, g, (MiaStatistic)s)
                      ? -1
                      : report_table_column(&t, KEYS[s], title, false, 0, R >= 2 ? 3 - (s > MIA_STATISTIC_TPR_1) : 0);
    }
    int p_column = report_table_column(&t, "p", "p, adjusted", false, 0, 2);
    int found =
        report_table_column(&t, "found", g == MIA_GAME_RETAIN ? "would find" : "finds of the original", false, 0, 2);
    int verdict = report_table_column(&t, "verdict", "verdict", false, 0, 3);
    for (size_t i = 0; i < r->count; i++) {
        const MiaFinding *f = audit_finding(r, &r->attack[i], g);
        if (!f) continue;
        const MiaJudgement *area = &f->at[MIA_STATISTIC_AUC], *first = mia_finding_first(f, NULL);
        report_table_row(&t, 0);
        report_table_text(&t, name, f->attack);
        report_table_number(&t, auc, area->unlearned, NAN);
        report_table_number(&t, other, area->retrained, NAN);
        report_table_number(&t, difference, area->difference, NAN);
        for (int s = MIA_STATISTIC_TPR_1; s < MIA_STATISTICS; s++) {
            if (rate[s] < 0) continue;
            rate_text(&f->at[s], (MiaStatistic)s, text);
            report_table_text(&t, rate[s], text);
        }
        snprintf(text, sizeof text, first ? "%.2g" : "-", first ? first->adjusted : 0);
        report_table_text(&t, p_column, text);
        snprintf(text, sizeof text, isnan(f->found) ? "nothing" : "%.0f%%", 100 * f->found);
        report_table_text(&t, found, R >= 2 ? text : "not tried");
        report_table_text(&t, verdict, mia_verdict_name(f->verdict));
        if (models && (r->attack[i].choice->attack->needs & MIA_UNDIRECTED)) undirected = f->attack;
    }
    if (undirected)
        report_table_note(&t,
                          "%s has no direction here: a retrained model may be just as certain of a wrong class, so a "
                          "difference in either direction is a leak.",
                          undirected);
    if (R >= 2)
        report_table_note(
            &t,
            "Intervals: 95%%, over which models were trained, for these images: where one more retrained "
            "model would lie if it differed by so much. p: of no difference, the smallest of the attack's "
            "statistics, adjusted for all attacks, games and statistics of this audit together (closed "
            "test); at most %g is a finding.",
            p->collected->signals.options.alpha);
    else
        report_table_note(&t,
                          "Intervals: 95%%, over images. Without two retrained models nothing shows how models vary: a "
                          "difference is a suspicion at most, and rests on trained-on and held-out images being "
                          "exchangeable.");
    if (R >= 2 && g == MIA_GAME_RETAIN)
        report_table_note(&t, "Would find: the smallest share of the kept training images, wholly exposed, that this "
                              "attack would find (of 100%%, 25%% and 10%%).");
    else if (R >= 2)
        report_table_note(&t,
                          "Finds of the original: the smallest part of the original model (100%%, 25%% and 10%% of "
                          "its %s) that this attack tells from retrained models.",
                          p->collected->signals.graded ? "weights, the rest the unlearned model's"
                                                       : "logits, the rest a retrained model's");
    if (!models)
        report_table_note(&t, "AUC: within classes, the mean over trained-on images; the TPRs of scores that are "
                              "standardised within classes.");
    report_document_table_take(d, &t);
}

/* The class that stands out most. */
static void worst_class(const AuditPage *p, MiaGame g, ReportDocument *d)
{
    const MiaFinding *f = mia_audit_headline(&p->result->audit, g);
    BaseText class = {0};
    if (!f || isnan(f->worst.value)) return;
    audit_class_words(&p->collected->signals, f->worst_class, &class);
    report_document_text(
        d, REPORT_BLOCK_NOTE,
        "By class, attack %s: class %s differs most, AUC %+.3f [%+.3f, %+.3f] from the retrained models "
        "(an interval that holds for all classes at once).",
        f->attack, base_text_of(&class, &d->st), f->worst.value, f->worst.lo, f->worst.hi);
    base_text_free(&class);
}

static void tpr_text(const MathTprAtFpr *t, char text[96])
{
    if (isnan(t->value))
        snprintf(text, 96, "not resolvable with n = %lld", (long long)t->n);
    else
        snprintf(text, 96, "%.3f [%.3f, %.3f]", t->value, t->lo, t->hi);
}

static void epsilon_text(const MathEpsilon *e, char text[96])
{
    if (isnan(e->epsilon))
        snprintf(text, 96, "-");
    else
        snprintf(text, 96, "%.3f of at most %.2f", e->epsilon, e->largest);
}

/* What each attack does under the unlearned model: rates, accuracy, epsilon. */
static void rates_table(const AuditPage *p, MiaGame g, ReportDocument *d)
{
    const AuditResult *r = p->result;
    ReportTable t = report_table_make("Rates and bounds, under the unlearned model");
    int name = report_table_column(&t, "attack", "attack", false, 0, 3), tpr[MIA_FPRS];
    char text[96];
    for (int k = 0; k < MIA_FPRS; k++) {
        char key[24], title[40];
        snprintf(key, sizeof key, "tpr_%g", mia_fprs[k]);
        snprintf(title, sizeof title, "TPR at FPR %g%%", 100 * mia_fprs[k]);
        tpr[k] = report_table_column(&t, key, title, false, 0, 3 - (k == 0));
    }
    int balanced = report_table_column(&t, "balanced", "balanced accuracy", true, AUC, 2);
    int simultaneous = report_table_column(&t, "epsilon", "epsilon, lower bound", false, 0, 2);
    int gaussian = report_table_column(&t, "epsilon_gaussian", "the same under Gaussian DP", false, 0, 1);
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        const MiaResult *result = &a->result[g];
        if (!a->plays[g]) continue;
        report_table_row(&t, 0);
        report_table_text(&t, name, a->choice->attack->entry.name);
        for (int k = 0; k < MIA_FPRS; k++) {
            tpr_text(&result->tpr[k], text);
            report_table_text(&t, tpr[k], text);
        }
        report_table_number(&t, balanced, result->holdout.balanced, NAN);
        epsilon_text(&result->epsilon, text);
        report_table_text(&t, simultaneous, text);
        epsilon_text(&result->epsilon_gaussian, text);
        report_table_text(&t, gaussian, text);
    }
    report_table_note(
        &t,
        "TPR: 95%% intervals, over both kinds of images. Balanced accuracy: at a "
        "threshold chosen on other images than those it is judged on, or at the attack's own threshold.%s",
        p->collected->signals.cluster ? " These numbers and epsilon are of one image of each cluster, drawn by lot."
                                      : "");
    report_table_note(&t,
                      "Epsilon: delta %g, confidence %g%%, beside the largest that a faultless attack would show with "
                      "this n; 0 means no evidence, never \"private\"; scores fitted to these images give no bound "
                      "(-). First column: %s. Second column: %s.",
                      MIA_EPSILON_DELTA, 100 * (1 - MIA_EPSILON_ALPHA),
                      math_epsilon_method_text(MATH_EPSILON_SIMULTANEOUS),
                      math_epsilon_method_text(MATH_EPSILON_GAUSSIAN));
    report_document_table_take(d, &t);
}

/* What attacks on groups of shadow models report beside scores. */
static void numbers_table(const AuditPage *p, ReportDocument *d)
{
    const AuditResult *r = p->result;
    ReportTable t = report_table_make("Unlearned against retrained shadow models");
    int name = report_table_column(&t, "attack", "attack", false, 0, 3);
    int what = report_table_column(&t, "number", "number", false, 0, 3);
    int value = report_table_column(&t, "value", "value", true, AUC, 3);
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        const MiaResult *result = &a->result[MIA_GAME_MODELS];
        for (int k = 0; k < result->number_count; k++) {
            if (isnan(result->numbers[k].value.value)) continue;
            report_table_row(&t, 0);
            report_table_text(&t, name, a->choice->attack->entry.name);
            report_table_text(&t, what, result->numbers[k].name);
            report_table_number(&t, value, result->numbers[k].value, NAN);
        }
        const char *end = strstr(result->notes, "; threshold chosen"); /* is about accuracies, which are not shown */
        int length = (int)(end ? end - result->notes : (ptrdiff_t)strlen(result->notes));
        if (result->number_count && length)
            report_table_note(&t, "%s: %.*s.", a->choice->attack->entry.name, length, result->notes);
    }
    report_table_note(
        &t, "Models differ by chance, so that no unlearning reaches an ideal of 0 or 1. A number's _null: its "
            "mean and 95%% range if unlearned and retrained models exchange their labels, which is what "
            "perfect unlearning gets with as many models. Its _p: how often it is then at least as bad.");
    report_document_table_take(d, &t);
}

static void add_figure(const ReportFigures *f, int index, ReportDocument *d)
{
    if (index >= 0) report_document_figure(d, &f->items[index]);
}

static void game(const AuditPage *p, MiaGame g, const ReportFigures *figures, const AuditFigures *at, ReportDocument *d)
{
    const MiaAudit *a = &p->result->audit;
    report_document_text(d, REPORT_BLOCK_HEADING, "Game \"%s\": %s", mia_game_name(g), mia_game_question(g));
    if (!a->played[g]) {
        report_document_text(d, REPORT_BLOCK_TEXT, "%s.", a->missing[g]);
    } else {
        findings_table(p, g, d);
        worst_class(p, g, d);
        if (g != MIA_GAME_MODELS) rates_table(p, g, d);
        add_figure(figures, at->roc[g], d);
        add_figure(figures, at->histogram[g], d);
    }
    if (g == MIA_GAME_MODELS) numbers_table(p, d);
}

static void tested_table(const AuditPage *p, ReportDocument *d)
{
    const AuditResult *r = p->result;
    ReportTable t = report_table_make("Attacks that were run");
    int name = report_table_column(&t, "attack", "attack", false, 0, 3);
    int what = report_table_column(&t, "what", "what it uses", false, 0, 2);
    int games = report_table_column(&t, "games", "games", false, 0, 2);
    int params = report_table_column(&t, "params", "parameters", false, 0, 1);
    int seconds = report_table_column(&t, "seconds", "seconds", true, 1, 1);
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        const BaseEntry *entry = &a->choice->attack->entry;
        BaseText played = {0}, used = {0};
        for (int g = 0; g < MIA_GAMES; g++)
            if (audit_finding(r, a, (MiaGame)g))
                base_text_add(&played, "%s%s", played.size ? ", " : "", mia_game_name((MiaGame)g));
        bool numbers = a->result[MIA_GAME_MODELS].number_count > 0;
        const char *names = base_text_of(&played, &t.st);
        if (*names || numbers) {
            if (entry->param_count) session_params_text(entry->params, entry->param_count, a->choice->params, &used);
            report_table_row(&t, 0);
            report_table_text(&t, name, entry->name);
            report_table_text(&t, what, entry->summary);
            report_table_text(&t, games, *names ? names : "numbers over shadow models");
            report_table_text(&t, params, base_text_of(&used, &t.st));
            report_table_number(&t, seconds, math_estimate(a->seconds, 0), NAN);
        }
        base_text_free(&played);
        base_text_free(&used);
    }
    report_document_table_take(d, &t);
}

static void inputs_table(const AuditPage *p, ReportDocument *d)
{
    const AuditCollected *c = p->collected;
    ReportTable t = report_table_make("Inputs");
    int role = report_table_column(&t, "role", "role", false, 0, 3);
    int file = report_table_column(&t, "file", "file", false, 0, 3);
    int hash = report_table_column(&t, "sha256", "SHA-256 of the file", false, 0, 2);
    for (size_t i = 0; i < c->input_count; i++) {
        report_table_row(&t, 0);
        report_table_text(&t, role, c->input[i].role);
        report_table_text(&t, file, c->input[i].path);
        report_table_text(&t, hash, c->input[i].file);
    }
    bool data = p->task->data && *p->task->data;
    if (data) {
        report_table_row(&t, 0);
        report_table_text(&t, role, "data");
        report_table_text(&t, file, p->task->data);
        report_table_text(&t, hash, c->data.hash);
    }
    char own[BASE_HASH_HEX], name[64];
    BaseStatus hashed = p->program ? BASE_OK : base_hash_program(own);
    if (hashed == BASE_ENOMEM && t.st == BASE_OK) t.st = hashed;
    const char *program = p->program ? p->program : hashed == BASE_OK ? own : NULL;
    if (program) {
        snprintf(name, sizeof name, "expunge %.40s", p->version ? p->version : SESSION_PROGRAM_VERSION);
        report_table_row(&t, 0);
        report_table_text(&t, role, "program");
        report_table_text(&t, file, name);
        report_table_text(&t, hash, program);
    }
    if (data)
        report_table_note(&t, "Data: over the images as prepared (%s) and their labels, both splits.", c->data.prep);
    report_document_table_take(d, &t);
}

static void repeat(const AuditPage *p, ReportDocument *d)
{
    const AuditCollected *c = p->collected;
    heading(d, "Files, and how to repeat and check");
    inputs_table(p, d);
    if (c->shadows)
        report_document_text(d, REPORT_BLOCK_NOTE,
                             "The list in the shadow folder names %zu networks with their hashes.", c->shadows);
    if (p->task->make_retrained)
        report_document_text(d, REPORT_BLOCK_NOTE,
                             "%lld of the retrained models were trained for this audit, in %.0f "
                             "seconds.",
                             (long long)p->task->make_retrained, c->made_seconds);
    report_document_text(d, REPORT_BLOCK_TEXT, "To repeat:");
    report_document_text(d, REPORT_BLOCK_CODE, "%s", p->task->command);
    report_document_text(d, REPORT_BLOCK_TEXT, "To check this folder against its manifest.json and signals.h5:");
    report_document_text(d, REPORT_BLOCK_CODE, "expunge audit --verify %s", p->task->out);
    note(d, "manifest.json lists the SHA-256 of every file here, of every input and of the configuration. It shows "
            "that nothing has changed since the audit; only a signature shows who made it (docs/audit.md). signals.h5 "
            "holds every logit, from which every number here, and this page, can be made again.");
}

static void controls(const AuditPage *p, ReportDocument *d)
{
    const MiaAudit *a = &p->result->audit;
    heading(d, "Controls");
    report_document_text(d, REPORT_BLOCK_ITEM, "Retrained against retrained, where there is nothing to find: %s.",
                         a->nothing.text);
    report_document_text(d, REPORT_BLOCK_ITEM, "Original against retrained, where there is something to find: %s.",
                         a->something.text);
    BaseText training = {0};
    BaseStatus st = audit_training_words(p->collected, &training);
    if (st != BASE_OK && d->st == BASE_OK) d->st = st;
    if (training.size) report_document_text(d, REPORT_BLOCK_ITEM, "%s", training.data);
    base_text_free(&training);
}

/* When, and what the caller says: who audits, for whom, why. */
static void about(const AuditPage *p, ReportDocument *d)
{
    ReportTable t = report_table_make("About this audit");
    int what = report_table_column(&t, "what", "what", false, 0, 3),
        value = report_table_column(&t, "value", "", false, 0, 3);
    report_table_row(&t, 0);
    report_table_text(&t, what, "date");
    report_table_text(&t, value, p->task->date);
    for (size_t i = 0; i < p->task->meta_count; i++) {
        const char *equals = strchr(p->task->meta[i], '=');
        char key[64];
        if (!equals) continue;
        snprintf(key, sizeof key, "%.*s", (int)(equals - p->task->meta[i]), p->task->meta[i]);
        report_table_row(&t, 0);
        report_table_text(&t, what, key);
        report_table_text(&t, value, equals + 1);
    }
    report_document_table_take(d, &t);
}

static bool is_of_signals(const AuditCollected *c)
{
    return c->input_count == 1 && strcmp(c->input[0].role, "signals") == 0;
}

static void build(const AuditPage *p, const ReportFigures *figures, const AuditFigures *at,
                  const AuditPictures *pictures, ReportDocument *d)
{
    const AuditCollected *c = p->collected;
    BaseText forgotten = {0};
    audit_forget_words(c, &forgotten);
    audit_words(p, d);
    about(p, d);
    static const char SCALE[] =
        "An AUC of 0.5 is guessing, 1 is certainty; what counts is the distance to the retrained "
        "models, in either direction.";
    if (is_of_signals(c))
        report_document_text(d, REPORT_BLOCK_NOTE,
                             "Audited: the logits in %s; the forgotten images are of class %s. %s", c->input[0].path,
                             c->forget_numbers, SCALE);
    else
        report_document_text(d, REPORT_BLOCK_NOTE, "Audited: %s (%s) on %s, asked to forget %s. %s", p->task->weights,
                             c->arch, p->task->data, base_text_of(&forgotten, &d->st), SCALE);
    base_text_free(&forgotten);
    controls(p, d);
    accuracy_table(p, d);
    for (int g = 0; g < MIA_GAMES; g++) game(p, (MiaGame)g, figures, at, d);
    audit_coins_page(&c->signals, &p->result->coins, d);
    if (pictures->count) {
        heading(d, "The most exposed images");
        report_document_text(d, REPORT_BLOCK_TEXT, "%s", pictures->words);
        for (size_t i = 0; i < pictures->count; i++)
            report_document_picture(d, pictures->item[i].file, pictures->item[i].caption, pictures->item[i].png,
                                    pictures->item[i].size);
    }
    if (at->curve >= 0) {
        heading(d, "Number of shadow models needed");
        add_figure(figures, at->curve, d);
    }
    heading(d, "What the words mean");
    audit_words_meanings(d);
    heading(d, "What was tested, and what was not");
    tested_table(p, d);
    audit_words_left_out(p, d);
    repeat(p, d);
}

BaseStatus audit_page_json(const AuditPage *p, char **out)
{
    const AuditCollected *c = p->collected;
    const AuditResult *r = p->result;
    IoJson *json = io_json_object(), *results = NULL;
    *out = NULL;
    BaseStatus st = audit_results(&c->signals, r, &results);
    io_json_set_take(json, "format", io_json_text_value("expunge audit 1"));
    io_json_set_take(json, "verdict", audit_verdict_json(&r->audit));
    io_json_set_take(json, "headline", io_json_text_value(r->audit.headline));
    io_json_set_take(json, "unlearned_equals_original", io_json_bool(c->unlearned_nothing));
    io_json_set_take(json, "data", io_json_text_value(p->task->data ? p->task->data : ""));
    io_json_set_take(json, "arch", io_json_text_value(c->arch));
    io_json_set_take(json, "forget", io_json_text_value(c->forget_numbers));
    io_json_set_take(json, "forget_names", audit_forget_names(c));
    io_json_set_take(json, "command", io_json_text_value(p->task->command));
    io_json_set_take(json, "date", io_json_text_value(p->task->date));
    io_json_set_take(json, "meta", audit_meta_json(p->task));
    io_json_set_take(json, "results", results);
    if (st == BASE_OK) st = io_json_text(json, out);
    io_json_free(json);
    return st;
}

/* In place of what was drawn now, what lies in the folder that is checked. */
static BaseStatus show_drawn(const char *drawn, ReportFigures *figures)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    size_t size;
    for (size_t i = 0; i < figures->count; i++) {
        ReportFigure *figure = &figures->items[i];
        base_free(path);
        base_free(figure->svg);
        path = figure->svg = NULL;
        BASE_TRY(base_format(&path, "%s/figures/%s.svg", drawn, figure->stem));
        st = io_file_read(path, (size_t)64 << 20, &figure->svg, &size);
        if (st == BASE_ENOMEM) goto out;
        if (st != BASE_OK) base_error_clear();
        st = BASE_OK; /* not drawn then */
    }
out:
    base_free(path);
    return st;
}

BaseStatus audit_page(const AuditPage *p, const char *folder)
{
    BaseStatus st = BASE_OK;
    bool gnuplot = true;
    char *figures_folder = NULL, *title = NULL;
    AuditFigures at;
    AuditPictures pictures = {0};
    BaseText html = {0}, markdown = {0};
    ReportDocument document = {0};
    ReportFigures figures = {.prefix = "", .vector = true, .gnuplot = &gnuplot};
    BASE_TRY(base_format(&figures_folder, "%s/figures", folder));
    BASE_TRY(audit_of_images(p->collected)
                 ? base_format(&title, "Privacy audit: forgetting %s", p->collected->forget_names)
                 : base_format(&title, "Privacy audit: forgetting %s (%s)", p->collected->forget_numbers,
                               p->collected->forget_names));
    figures.folder = figures_folder;
    BASE_TRY(audit_draw(p, &figures, &at));
    if (p->drawn) BASE_TRY(show_drawn(p->drawn, &figures));
    BASE_TRY(audit_pictures_make(p, folder, &pictures));
    document = report_document_make(title);
    build(p, &figures, &at, &pictures, &document);
    BASE_TRY(document.st);
    report_document_html(&document, &html);
    report_document_markdown(&document, &markdown);
    /* the Markdown only names the files of pictures */
    BASE_TRY(pictures.count ? report_write_private(folder, "report", ".html", &html)
                            : report_write_text(folder, "report", ".html", &html));
    BASE_TRY(report_write_text(folder, "report", ".md", &markdown));
out:
    report_document_free(&document);
    audit_pictures_free(&pictures);
    report_figures_close(&figures);
    base_text_free(&html);
    base_text_free(&markdown);
    base_free(figures_folder);
    base_free(title);
    return st;
}
