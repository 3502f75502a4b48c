/* audit/results.c - findings written field by field; two reports are compared value by value, up to rounding. */
#include "audit/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/copies.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "session/json.h"
#include "session/params.h"

const char *audit_group_key(AuditGroup group)
{
    static const char *const KEYS[] = {"forget_train", "forget_test", "retain_train", "retain_test", "population"};
    return KEYS[group];
}

IoJson *audit_verdict_json(const MiaAudit *a)
{
    char text[240];
    snprintf(text, sizeof text, "%s%s%s", mia_verdict_name(a->verdict), *a->qualified ? " " : "", a->qualified);
    return io_json_text_value(text);
}

static IoJson *judgement_json(const MiaJudgement *j, const char *name)
{
    IoJson *row = io_json_object();
    io_json_set_take(row, "statistic", io_json_text_value(name));
    io_json_set_take(row, "unlearned", session_json_estimate(&j->unlearned));
    io_json_set_take(row, "retrained", session_json_estimate(&j->retrained));
    io_json_set_take(row, "difference", session_json_estimate(&j->difference));
    io_json_set_take(row, "equality_interval", session_json_interval(j->equality.lo, j->equality.hi));
    io_json_set_take(row, "p", io_json_number(j->p));
    io_json_set_take(row, "p_adjusted", io_json_number(j->adjusted));
    io_json_set_take(row, "e_value", io_json_number(j->evidence));
    io_json_set_take(row, "verdict", io_json_text_value(mia_verdict_name(j->verdict)));
    return row;
}

static IoJson *finding_json(const AuditAttack *a, const MiaFinding *f, double alpha)
{
    IoJson *row = io_json_object(), *statistics = io_json_array(), *worst = io_json_null();
    const MiaResult *r = &a->result[f->game];
    const MiaJudgement *area = &f->at[MIA_STATISTIC_AUC];
    io_json_set_take(row, "name", io_json_text_value(f->attack));
    io_json_set_take(row, "verdict", io_json_text_value(mia_verdict_name(f->verdict)));
    io_json_set_take(row, "auc", session_json_estimate(&area->unlearned));
    io_json_set_take(row, "auc_retrained", session_json_estimate(&area->retrained));
    io_json_set_take(row, "difference", session_json_estimate(&area->difference));
    io_json_set_take(row, "decided_at_level", io_json_number(1 - alpha));
    io_json_set_take(row, "over_models", io_json_bool(area->retrained.n >= 2));
    for (int s = 0; s < MIA_STATISTICS; s++)
        if (!isnan(f->at[s].unlearned.value))
            io_json_add_take(statistics, judgement_json(&f->at[s], mia_statistic_name((MiaStatistic)s)));
    io_json_set_take(row, "statistics", statistics);
    if (!isnan(f->worst.value)) {
        io_json_free(worst);
        worst = io_json_object();
        io_json_set_take(worst, "class", io_json_integer(f->worst_class));
        io_json_set_take(worst, "difference", session_json_estimate(&f->worst));
    }
    io_json_set_take(row, "worst_class", worst);
    io_json_set_take(row, "smallest_part_found", io_json_number(f->found));
    if (f->game == MIA_GAME_MODELS) {
        bool either = (a->choice->attack->needs & MIA_UNDIRECTED) != 0;
        io_json_set_take(row, "direction", io_json_text_value(either ? "either" : "higher: trained on"));
        return row;
    }
    io_json_set_take(row, "tpr_at_fpr", session_json_tpr(r));
    io_json_set_take(row, "balanced_accuracy_holdout", session_json_estimate(&r->holdout.balanced));
    io_json_set_take(row, "epsilon", session_json_epsilon(r));
    io_json_set_take(row, "fitted", io_json_text_value(session_json_fitted(r->fitted)));
    io_json_set_take(row, "notes", io_json_text_value(r->notes));
    return row;
}

static IoJson *power_json(const MiaPower *p)
{
    IoJson *row = io_json_object();
    io_json_set_take(row, "chance", io_json_number(0.8));
    io_json_set_take(row, "smallest_auc_difference", io_json_number(p->auc));
    io_json_set_take(row, "smallest_exposed_share", io_json_number(p->share));
    io_json_set_take(row, "smallest_exposed_images", isnan(p->share) ? io_json_null() : io_json_integer(p->exposed));
    io_json_set_take(row, "smallest_exposed_images_chance", io_json_number(p->chance));
    io_json_set_take(row, "smallest_tpr_at_fpr_1_percent", io_json_number(p->tpr));
    io_json_set_take(row, "retrained_for_equality", p->retrained < 0 ? io_json_null() : io_json_integer(p->retrained));
    io_json_set_take(row, "times_as_many_images_for_equality", io_json_number(p->images));
    return row;
}

static IoJson *part_json(const MiaExposedPart *part, const char *key)
{
    if (isnan(part->p)) return io_json_null();
    IoJson *row = io_json_object();
    io_json_set_take(row, key, io_json_integer(part->key));
    io_json_set_take(row, "points", io_json_integer(part->n));
    io_json_set_take(row, "exposed", io_json_integer(part->found));
    io_json_set_take(row, "p", io_json_number(part->p));
    return row;
}

static IoJson *exposed_points_json(const MiaExposed *e)
{
    IoJson *row = io_json_object();
    double least = 1;
    for (int64_t i = 0; i < e->n; i++) least = fmin(least, e->p[i]);
    io_json_set_take(row, "attack", io_json_text_value(e->attack));
    io_json_set_take(row, "points", io_json_integer(e->n));
    io_json_set_take(row, "false_discovery_rate", io_json_number(MIA_EXPOSED_FDR));
    io_json_set_take(row, "exposed", io_json_integer(e->found));
    io_json_set_take(row, "clusters", io_json_integer(e->clusters));
    io_json_set_take(row, "clusters_exposed", io_json_integer(e->clusters_found));
    io_json_set_take(row, "smallest_p", io_json_number(e->n ? least : NAN));
    io_json_set_take(row, "worst_class", part_json(&e->worst_class, "class"));
    io_json_set_take(row, "worst_subgroup", part_json(&e->worst_subgroup, "subgroup"));
    return row;
}

/* What the numbers rest on. */
static IoJson *assumes_json(const AuditSignals *s)
{
    IoJson *all = io_json_array();
    const char *const points =
        s->cluster ? "points of different clusters are independent draws (bounds over points: accuracy and AUC of one "
                     "model, over clusters; TPR, held-out balanced accuracy and epsilon, of one point of each cluster, "
                     "drawn by lot); points of one cluster may depend on each other in any way"
                   : "points are independent draws (bounds over points: accuracy and AUC of one model, TPR, held-out "
                     "balanced accuracy, epsilon)";
    const char *const models =
        "retrained models and the audited one were trained alike, each by its own chance (seed, order), and their "
        "statistics are about normal on the probit scale";
    const char *const members =
        "forgotten training images and held-out images of their classes are exchangeable draws of one population";
    io_json_add_take(all, io_json_text_value(points));
    io_json_add_take(all, io_json_text_value(s->R >= 2 ? models : members));
    if (s->R >= 2) io_json_add_take(all, io_json_text_value(members));
    if (s->canaries.n)
        io_json_add_take(all,
                         io_json_text_value("coins: held-in and left-out canaries are exchangeable by design, since a "
                                            "fair coin each chose them"));
    io_json_add_take(all, io_json_text_value("one audited model: nothing is said of others that the same method made"));
    return all;
}

static IoJson *game_json(const AuditResult *r, MiaGame g, double alpha)
{
    IoJson *game = io_json_object(), *attacks = io_json_array(), *left_out = io_json_array();
    io_json_set_take(game, "question", io_json_text_value(mia_game_question(g)));
    io_json_set_take(game, "played", io_json_bool(r->audit.played[g]));
    io_json_set_take(game, "missing", io_json_text_value(r->audit.missing[g]));
    io_json_set_take(game, "verdict", io_json_text_value(mia_verdict_name(r->audit.game[g])));
    io_json_set_take(game, "p_adjusted", io_json_number(r->audit.adjusted[g]));
    io_json_set_take(game, "members", io_json_integer(r->game[g].members));
    io_json_set_take(game, "non_members", io_json_integer(r->game[g].n - r->game[g].members));
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        const MiaFinding *f = audit_finding(r, a, g);
        if (f) {
            io_json_add_take(attacks, finding_json(a, f, alpha));
        } else if (*a->why_not[g]) {
            IoJson *row = io_json_object();
            io_json_set_take(row, "name", io_json_text_value(a->choice->attack->entry.name));
            io_json_set_take(row, "why", io_json_text_value(a->why_not[g]));
            io_json_add_take(left_out, row);
        }
    }
    io_json_set_take(game, "attacks", attacks);
    io_json_set_take(game, "left_out", left_out);
    return game;
}

static IoJson *control_json(const MiaControl *c)
{
    IoJson *row = io_json_object();
    io_json_set_take(row, "run", io_json_bool(c->run));
    io_json_set_take(row, "passed", c->run ? io_json_bool(c->passed) : io_json_null());
    io_json_set_take(row, "text", io_json_text_value(c->text));
    return row;
}

static IoJson *accuracy_json(const AuditResult *r)
{
    IoJson *all = io_json_object();
    for (int m = 0; m < AUDIT_MODELS; m++) {
        bool there = r->right[m][AUDIT_FORGET_TRAIN].n != 0;
        IoJson *row = there ? io_json_object() : io_json_null();
        for (int g = 0; g < AUDIT_POPULATION && there; g++)
            io_json_set_take(row, audit_group_key((AuditGroup)g), session_json_estimate(&r->right[m][g]));
        io_json_set_take(all, audit_model_name((AuditModel)m), row);
    }
    return all;
}

static IoJson *attack_json(const AuditAttack *a)
{
    const MiaAttack *attack = a->choice->attack;
    const MiaResult *models = &a->result[MIA_GAME_MODELS];
    IoJson *row = io_json_object(), *curve = io_json_array();
    io_json_set_take(row, "name", io_json_text_value(attack->entry.name));
    io_json_set_take(row, "params", session_json_params(&attack->entry, a->choice->params));
    io_json_set_take(row, "sets", io_json_text_value(attack->sets));
    io_json_set_take(row, "numbers", session_json_numbers(models));
    io_json_set_take(row, "numbers_notes", io_json_text_value(models->number_count ? models->notes : ""));
    for (int i = 0; i < a->curve_count; i++) {
        IoJson *point = io_json_object();
        io_json_set_take(point, "models", io_json_integer(a->curve[i].models));
        io_json_set_take(point, "draws", io_json_integer(a->curve[i].draws));
        io_json_set_take(point, "value", session_json_estimate(&a->curve[i].value));
        io_json_add_take(curve, point);
    }
    io_json_set_take(row, "learning_curve_of", io_json_text_value(a->curve_what));
    io_json_set_take(row, "learning_curve", curve);
    return row;
}

static BaseStatus exposed_json(const AuditSignals *s, const AuditResult *r, IoJson **out)
{
    BaseStatus st = BASE_OK;
    const AuditAttack *by;
    const AuditGame *game = &r->game[MIA_GAME_MODELS];
    int64_t *order = NULL;
    double *exposure = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(game->n, &order));
    BASE_TRY(BASE_ALLOC(game->n, &exposure));
    BASE_TRY(audit_exposed(r, &by, order, exposure));
    IoJson *all = io_json_object(), *points = io_json_array();
    io_json_set_take(all, "attack", io_json_text_value(by ? by->choice->attack->entry.name : NULL));
    for (int64_t i = 0; by && i < game->n && i < s->options.pictures; i++) {
        int64_t at = game->point[order[i]];
        IoJson *row = io_json_object();
        io_json_set_take(row, "position", io_json_integer(s->point[at].at));
        io_json_set_take(row, "class", io_json_integer(s->labels[at]));
        io_json_set_take(row, "exposure", io_json_number(exposure[i]));
        io_json_add_take(points, row);
    }
    io_json_set_take(all, "points", points);
    *out = all;
out:
    base_free(order);
    base_free(exposure);
    return st;
}

static IoJson *points_json(const AuditSignals *s)
{
    IoJson *all = io_json_object();
    int64_t n[AUDIT_GROUPS] = {0};
    for (int64_t i = 0; i < s->N; i++) n[s->group[i]]++;
    for (int g = 0; g < AUDIT_GROUPS; g++) io_json_set_take(all, audit_group_key((AuditGroup)g), io_json_integer(n[g]));
    return all;
}

static IoJson *models_json(const AuditSignals *s)
{
    IoJson *all = io_json_object();
    io_json_set_take(all, "original", io_json_integer(s->original != NULL));
    io_json_set_take(all, "retrained", io_json_integer(s->R));
    io_json_set_take(all, "shadow", io_json_integer(s->shadow.S));
    io_json_set_take(all, "shadow_unlearned", io_json_integer(s->shadow.U));
    io_json_set_take(all, "shadow_retrained", io_json_integer(s->shadow.R));
    return all;
}

BaseStatus audit_results(const AuditSignals *s, const AuditResult *r, IoJson **out)
{
    BaseStatus st = BASE_OK;
    IoJson *exposed;
    AuditCopies copies;
    BaseText options = {0};
    char seed[32];
    *out = NULL;
    session_params_text(audit_params, audit_param_count, &s->options, &options);
    BASE_TRY(options.st);
    BASE_TRY(audit_count_copies(s, &copies));
    BASE_TRY(exposed_json(s, r, &exposed));
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->seed);
    IoJson *all = io_json_object(), *games = io_json_object(), *controls = io_json_object(), *attacks = io_json_array();
    io_json_set_take(all, "verdict", audit_verdict_json(&r->audit));
    io_json_set_take(all, "headline", io_json_text_value(r->audit.headline));
    io_json_set_take(all, "options", io_json_text_value(options.data));
    io_json_set_take(all, "seed", io_json_text_value(seed));
    io_json_set_take(all, "models", models_json(s));
    io_json_set_take(all, "points", points_json(s));
    io_json_set_take(all, "copies", io_json_integer(copies.copies));
    io_json_set_take(all, "held_out_copies_of_trained_on", io_json_integer(copies.across));
    io_json_set_take(all, "accuracy", accuracy_json(r));
    io_json_set_take(controls, "retrained_against_retrained", control_json(&r->audit.nothing));
    IoJson *something = control_json(&r->audit.something);
    io_json_set_take(something, "parts_of",
                     io_json_text_value(!r->audit.something.run ? NULL
                                        : s->graded             ? "weights"
                                                                : "logits"));
    io_json_set_take(controls, "original_against_retrained", something);
    io_json_set_take(all, "controls", controls);
    io_json_set_take(all, "e_value", io_json_number(r->audit.evidence));
    io_json_set_take(all, "power", power_json(&r->audit.power));
    io_json_set_take(all, "exposed_points", exposed_points_json(&r->audit.exposed));
    io_json_set_take(all, "assumes", assumes_json(s));
    if (r->coins.count) io_json_set_take(all, "coins", audit_coins_json(s, &r->coins));
    for (int g = 0; g < MIA_GAMES; g++)
        io_json_set_take(games, mia_game_name((MiaGame)g), game_json(r, (MiaGame)g, s->options.alpha));
    io_json_set_take(all, "games", games);
    for (size_t i = 0; i < r->count; i++) io_json_add_take(attacks, attack_json(&r->attack[i]));
    io_json_set_take(all, "attacks", attacks);
    io_json_set_take(all, "most_exposed", exposed);
    *out = all;
out:
    base_text_free(&options);
    return st;
}

enum { LINES = 20 };
typedef struct {
    BaseText *lines;
    int64_t count;
} Differences;

static void differ(Differences *d, const char *path, const char *then, const char *now)
{
    if (++d->count <= LINES)
        base_text_add(d->lines, "report.json %s: the report says %.80s, but the signals give %.80s\n", path, then, now);
}

static bool same_scalar(const char *a, const char *b)
{
    double x, y;
    if (strcmp(a, b) == 0) return true;
    return base_parse_f64(a, &x) && base_parse_f64(b, &y) && fabs(x - y) <= 1e-9 * fmax(fabs(x), fabs(y)) + 1e-12;
}

static const char *text_of(const BaseYaml *node)
{
    static const char *const KINDS[] = {"a value", "a list", "an object"};
    return !node ? "nothing" : node->kind == BASE_YAML_SCALAR ? node->text : KINDS[node->kind];
}

static void compare(Differences *d, const char *path, const BaseYaml *now, const BaseYaml *then)
{
    char below[512];
    if (!now || !then || now->kind != then->kind) {
        if (now || then) differ(d, path, text_of(then), text_of(now));
        return;
    }
    if (now->kind == BASE_YAML_SCALAR) {
        if (!same_scalar(now->text, then->text)) differ(d, path, then->text, now->text);
        return;
    }
    size_t most = now->count > then->count ? now->count : then->count;
    for (size_t i = 0; i < most; i++) {
        if (now->kind == BASE_YAML_LIST) {
            snprintf(below, sizeof below, "%.480s[%zu]", path, i);
            compare(d, below, i < now->count ? now->items[i] : NULL, i < then->count ? then->items[i] : NULL);
            continue;
        }
        if (i < now->count) {
            snprintf(below, sizeof below, "%.440s%s%.60s", path, *path ? "." : "", now->items[i]->key);
            compare(d, below, now->items[i], base_yaml_get(then, now->items[i]->key));
        }
        if (i < then->count && !base_yaml_get(now, then->items[i]->key)) {
            snprintf(below, sizeof below, "%.440s%s%.60s", path, *path ? "." : "", then->items[i]->key);
            compare(d, below, NULL, then->items[i]);
        }
    }
}

/* Whether they differ by digits alone: what a reader of values skips (order, comments, spaces) is text too. */
static bool same_but_digits(const char *a, const char *b)
{
    static const char NUMBER[] = "0123456789+-.eE";
    for (; *a && *b; a++, b++) {
        a += strspn(a, NUMBER);
        b += strspn(b, NUMBER);
        if (*a != *b) return false;
        if (!*a) break;
    }
    return *a == *b;
}

BaseStatus audit_results_compare(const char *now, const char *then, BaseText *lines, int64_t *differences)
{
    BaseStatus st = BASE_OK;
    BaseYaml *a = NULL, *b = NULL;
    Differences d = {lines, 0};
    BASE_TRY(base_yaml_parse(now, strlen(now), "report", &a));
    BASE_TRY(base_yaml_parse(then, strlen(then), "report.json", &b));
    compare(&d, "", a, b);
    if (d.count == 0 && !same_but_digits(now, then)) {
        d.count++;
        base_text_add(lines, "report.json: holds more than an audit writes there, or writes it in another form\n");
    }
    if (d.count > LINES) base_text_add(lines, "report.json: %lld more\n", (long long)(d.count - LINES));
    *differences += d.count;
out:
    base_yaml_free(a);
    base_yaml_free(b);
    return st;
}
