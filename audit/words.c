/* audit/words.c - what an audit says in sentences. An audit says what its attacks found with these images, and what
 * they could not have found; never more. */
#include "audit/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/copies.h"
#include "base/memory.h"

/* "by the attack loss: AUC 0.62 [0.58, 0.66] where retrained models give 0.51, a difference of +0.11 [+0.07, +0.15]" */
static void finding_text(const MiaAudit *a, const MiaFinding *f, BaseText *out)
{
    MiaStatistic which = MIA_STATISTIC_AUC;
    const MiaJudgement *j = mia_finding_first(f, &which);
    const MathEstimate *u = &j->unlearned, *d = &j->difference;
    base_text_add(out, "by the attack %s: %s %.3f", f->attack, mia_statistic_name(which), u->value);
    if (!isnan(u->lo)) base_text_add(out, " [%.3f, %.3f]", u->lo, u->hi);
    if (!isnan(j->retrained.value))
        base_text_add(out, " where %s %.3f, a difference of %+.3f",
                      j->retrained.n == 1 ? "the retrained model gives" : "retrained models give", j->retrained.value,
                      d->value);
    else
        base_text_add(out, ", %+.3f from the %s of pure guessing", d->value, which == MIA_STATISTIC_AUC ? "0.5" : "0");
    if (!isnan(d->lo)) base_text_add(out, " [%+.3f, %+.3f]", d->lo, d->hi);
    if (j->verdict == MIA_UNDERPOWERED)
        base_text_add(out, " (together with the other attacks of this game: p %.2g over the whole audit)",
                      a->adjusted[f->game]);
    else
        base_text_add(out, " (p %.2g over the whole audit)", j->adjusted);
}

static const char *told_apart(MiaGame game)
{
    static const char *const WHAT[] = {"forgotten training images from held-out images of their class",
                                       "the unlearned model from models that never saw the class",
                                       "training images of the kept classes from held-out ones"};
    return WHAT[game];
}

static void verdict_text(const AuditPage *p, BaseText *out)
{
    const MiaAudit *a = &p->result->audit;
    const AuditOptions *options = &p->collected->signals.options;
    const MiaFinding *f = mia_audit_headline(a, MIA_GAMES);
    base_text_add(out, "Verdict: %s%s%s. ", mia_verdict_name(a->verdict), *a->qualified ? " " : "", a->qualified);
    switch (a->verdict) {
    case MIA_LEAKS:
        base_text_add(out, "An attacker can tell %s, ", told_apart(f->game));
        finding_text(a, f, out);
        break;
    case MIA_OVER_FORGOTTEN:
        base_text_add(out,
                      "%s look less familiar to the model than to retrained ones, which gives them away as well: an "
                      "attacker can tell %s, ",
                      f->game == MIA_GAME_RETAIN ? "Training images of the kept classes" : "The forgotten images",
                      told_apart(f->game));
        finding_text(a, f, out);
        break;
    case MIA_SUSPICION:
        base_text_add(out, "Under this model an attacker can tell %s, ", told_apart(f->game));
        finding_text(a, f, out);
        base_text_add(out, "; whether a retrained model would show the same is unknown: with two or more retrained "
                           "models (--make-retrained) the audit would decide");
        break;
    case MIA_INDISTINGUISHABLE:
        base_text_add(
            out,
            "In all three games every attack made here was shown to be within %g of the retrained models' AUC "
            "and within %g of their true-positive rates, with an error probability of %g each; in each game "
            "at least one of them detects the original model or a planted exposure",
            options->margin, options->margin_tpr, options->alpha);
        break;
    case MIA_UNDERPOWERED: base_text_add(out, "No leak was found, but this audit could not rule one out either"); break;
    default: base_text_add(out, "A control failed: nothing can be concluded from this audit"); break;
    }
    base_text_add(out, ".");
}

/* Why "indistinguishable" was out of reach. */
static void reasons(const AuditPage *p, ReportDocument *d)
{
    const MiaAudit *a = &p->result->audit;
    if (a->verdict != MIA_UNDERPOWERED && a->verdict != MIA_SUSPICION) return;
    report_document_text(d, REPORT_BLOCK_TEXT, "What prevented a stronger verdict:");
    if (!p->collected->signals.original)
        report_document_text(d, REPORT_BLOCK_ITEM,
                             "no --original: nothing shows that these attacks would find a model that still knows the "
                             "class");
    for (int g = 0; g < MIA_GAMES; g++)
        if (*a->missing[g])
            report_document_text(d, REPORT_BLOCK_ITEM, "game \"%s\": %s", mia_game_name((MiaGame)g), a->missing[g]);
}

/* How many images stand for another one. */
static void copies(const AuditPage *p, ReportDocument *d)
{
    AuditCopies n;
    BaseStatus st = audit_count_copies(&p->collected->signals, &n);
    if (st != BASE_OK && d->st == BASE_OK) d->st = st;
    if (st != BASE_OK || n.copies == 0) return;
    report_document_text(
        d, REPORT_BLOCK_TEXT,
        "%lld images are copies of others, or nearly, or belong to the same cluster; intervals and bounds over images "
        "take each cluster as one.",
        (long long)n.copies);
    if (n.across)
        report_document_text(
            d, REPORT_BLOCK_WARNING,
            n.across == 1
                ? "%lld held-out image is a copy of one that was trained on, or of one cluster with it: that is no "
                  "fair comparison."
                : "%lld held-out images are copies of images that were trained on, or of one cluster with "
                  "them: they are no fair comparison.",
            (long long)n.across);
}

/* "Of the forgotten classes, 3 (Dress) stands out most: .." */
static void exposed_part(const AuditPage *p, const MiaExposedPart *part, const char *kind, ReportDocument *d)
{
    BaseText name = {0};
    if (isnan(part->p)) return;
    if (strcmp(kind, "class") == 0)
        audit_class_words(&p->collected->signals, part->key, &name);
    else
        base_text_add(&name, "%d", (int)part->key);
    report_document_text(
        d, REPORT_BLOCK_TEXT,
        "Of the forgotten images by %s, %s stands out most: %lld of %lld images, one of each cluster, are exposed (p %.2g, over all of these parts together).",
        kind, base_text_of(&name, &d->st), (long long)part->found, (long long)part->n, part->p);
    base_text_free(&name);
}

/* What so many images and models would find. */
static void power(const AuditPage *p, ReportDocument *d)
{
    const MiaPower *w = &p->result->audit.power;
    const MiaExposed *e = &p->result->audit.exposed;
    if (!isnan(w->auc))
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "What it would have found with a probability of 80%%: a rise of the AUC in \"forget\" by "
                             "%.3f, all forgotten images alike%s.",
                             w->auc, isnan(w->share) ? "" : "; or fewer images that are exposed more, as follows");
    if (!isnan(w->share)) {
        BaseText rate = {0};
        if (!isnan(w->tpr)) base_text_add(&rate, " (a true-positive rate of %.1f%% at FPR 1%%)", 100 * w->tpr);
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "The fewest wholly exposed images that it would have found: "
                             "%lld of %lld%s, with a probability of %.0f%%.",
                             (long long)w->exposed, (long long)w->points, base_text_of(&rate, &d->st), 100 * w->chance);
        base_text_free(&rate);
    }
    if (p->collected->signals.R >= 2 && isnan(w->auc) && isnan(w->share))
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "With so few retrained models none of the planted leaks would have been found with a "
                             "probability of 80%%.");
    if (e->attack)
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "Image by image, %lld of %lld forgotten ones stand out from the held-out images of their "
                             "class (attack %s, conformal p-values, false discovery rate %g).",
                             (long long)e->found, (long long)e->n, e->attack, MIA_EXPOSED_FDR);
    if (e->attack && e->clusters < e->n)
        report_document_text(
            d, REPORT_BLOCK_TEXT,
            "They belong to %lld of %lld clusters (persons, copies), over which the false discovery rate "
            "holds.",
            (long long)e->clusters_found, (long long)e->clusters);
    exposed_part(p, &e->worst_class, "class", d);
    exposed_part(p, &e->worst_subgroup, "subgroup", d);
    if (p->collected->signals.R >= 2)
        report_document_text(
            d, REPORT_BLOCK_TEXT,
            "Evidence against \"one more retrained model\" in \"forget\" and \"retain\": an e-value "
            "of %.3g (20 or more is strong). It may be looked at after each further retrained model; the "
            "verdict holds for a number of models that was fixed beforehand.",
            p->result->audit.evidence);
}

/* With so many images these attacks could not have found more than this. */
static void reach(const AuditPage *p, ReportDocument *d)
{
    const AuditGame *g = &p->result->game[MIA_GAME_FORGET];
    int64_t out = g->n - g->members;
    double largest = NAN;
    for (size_t i = 0; i < p->result->count; i++) {
        const AuditAttack *a = &p->result->attack[i];
        if (a->plays[MIA_GAME_FORGET] && !isnan(a->result[MIA_GAME_FORGET].epsilon.largest))
            largest = a->result[MIA_GAME_FORGET].epsilon.largest;
    }
    report_document_text(
        d, REPORT_BLOCK_TEXT,
        "It rests on %lld forgotten training images, %lld held-out images of the same class%s, and %lld + %lld of the "
        "kept %s.%s",
        (long long)g->members, (long long)out,
        strchr(p->collected->forget_numbers, ',') || audit_of_images(p->collected) ? "es" : "",
        (long long)p->result->game[MIA_GAME_RETAIN].members,
        (long long)(p->result->game[MIA_GAME_RETAIN].n - p->result->game[MIA_GAME_RETAIN].members),
        audit_of_images(p->collected) ? "images" : "classes",
        out < 1000 ? " A leak of very few images does not show with so few held-out ones." : "");
    report_document_text(d, REPORT_BLOCK_TEXT,
                         "What it could not have found: a true-positive rate at false-positive rates below %.2g%% (one "
                         "in %lld held-out images), and anything that "
                         "only attacks not listed here would see, such as attacks with more reference models, with "
                         "gradients or with other images.",
                         100.0 / (double)(out > 0 ? out : 1), (long long)out);
    if (!isnan(largest))
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "An epsilon above %.2f could not be proved with so many images, even by a faultless "
                             "attack (delta %g, confidence %g%%).",
                             largest, MIA_EPSILON_DELTA, 100 * (1 - MIA_EPSILON_ALPHA));
}

static ReportTone tone_of(MiaVerdict verdict)
{
    static const ReportTone TONES[] = {
        [MIA_LEAKS] = REPORT_TONE_BAD,         [MIA_OVER_FORGOTTEN] = REPORT_TONE_BAD,
        [MIA_SUSPICION] = REPORT_TONE_DOUBT,   [MIA_INDISTINGUISHABLE] = REPORT_TONE_GOOD,
        [MIA_UNDERPOWERED] = REPORT_TONE_OPEN, [MIA_INVALID] = REPORT_TONE_DOUBT};
    return TONES[verdict];
}

void audit_words(const AuditPage *p, ReportDocument *d)
{
    const MiaAudit *a = &p->result->audit;
    const MiaControl *const control[] = {&a->nothing, &a->something};
    BaseText text = {0}, forgotten = {0};
    for (int k = 0; k < 2; k++)
        if (control[k]->run && !control[k]->passed)
            report_document_text(d, REPORT_BLOCK_WARNING,
                                 k == 0 ? "A control failed: %s. Do not rely on what follows."
                                        : "A control found nothing: %s.",
                                 control[k]->text + (strncmp(control[k]->text, "failed: ", 8) == 0 ? 8 : 0));
    if (p->collected->unlearned_nothing)
        report_document_text(d, REPORT_BLOCK_WARNING,
                             "The audited weights are those of the original, number by number: nothing was unlearned.");
    base_text_add(&text, "%s%s%s", mia_verdict_name(a->verdict), *a->qualified ? " " : "", a->qualified);
    audit_forget_words(p->collected, &forgotten);
    report_document_badge(d, tone_of(a->verdict), base_text_of(&text, &d->st), "what the model still gives away of %s",
                          base_text_of(&forgotten, &d->st));
    base_text_free(&text);
    base_text_free(&forgotten);
    verdict_text(p, &text);
    report_document_text(d, REPORT_BLOCK_LEAD, "%s", base_text_of(&text, &d->st));
    base_text_free(&text);
    for (int g = 0; g < MIA_GAMES; g++)
        report_document_badge(d, a->played[g] ? tone_of(a->game[g]) : REPORT_TONE_OPEN,
                              a->played[g] ? mia_verdict_name(a->game[g]) : "not run", "%s: %s",
                              mia_game_name((MiaGame)g), mia_game_question((MiaGame)g));
    reasons(p, d);
    reach(p, d);
    copies(p, d);
    power(p, d);
}

void audit_words_meanings(ReportDocument *d)
{
    static const char *const TERMS[][2] = {
        {"member", "an image that the original model was trained on"},
        {"held-out image", "an image that no audited model was trained on"},
        {"retrained model",
         "a model trained from scratch without the forgotten images: what unlearning should come to"},
        {"attack", "a rule that gives every image a score from a model's answers, higher for members"},
        {"AUC", "the share of pairs of a member and a held-out image in which the member has the higher score; 0.5 is "
                "guessing, 1 certainty"},
        {"TPR at FPR 1%", "the share of members that an attack finds if it may call 1% of the held-out images members"},
        {"interval", "where the value lies with 95% confidence"},
        {"p", "how often chance alone would give at least so large a difference"},
        {"canary", "an image whose own fair coin held it in the training or left it out"},
        {"epsilon",
         "the parameter of differential privacy; the bound says how large it must be at least, and 0 proves nothing"},
    };
    for (int v = 0; v < MIA_VERDICTS; v++)
        report_document_text(d, REPORT_BLOCK_ITEM, "%s: %s", mia_verdict_name((MiaVerdict)v),
                             mia_verdict_meaning((MiaVerdict)v));
    for (size_t i = 0; i < BASE_COUNT(TERMS); i++)
        report_document_text(d, REPORT_BLOCK_ITEM, "%s: %s.", TERMS[i][0], TERMS[i][1]);
}

/* Whether @p i is the first attack that game g left out for this reason; *names: all of them. */
static bool first_with(const AuditResult *r, size_t i, int g, BaseText *names)
{
    for (size_t k = 0; k < r->count; k++) {
        if (r->attack[k].plays[g] || strcmp(r->attack[k].why_not[g], r->attack[i].why_not[g]) != 0) continue;
        if (k < i) return false;
        base_text_add(names, "%s%s", k > i ? ", " : "", r->attack[k].choice->attack->entry.name);
    }
    return true;
}

void audit_words_left_out(const AuditPage *p, ReportDocument *d)
{
    const AuditResult *r = p->result;
    const MiaAudit *a = &r->audit;
    for (int g = 0; g < MIA_GAMES; g++)
        if (*a->missing[g])
            report_document_text(d, REPORT_BLOCK_ITEM, "game \"%s\": %s", mia_game_name((MiaGame)g), a->missing[g]);
    if (!a->nothing.run)
        report_document_text(d, REPORT_BLOCK_ITEM, "control retrained against retrained: %s", a->nothing.text);
    if (!a->something.run)
        report_document_text(d, REPORT_BLOCK_ITEM, "control original against retrained: %s", a->something.text);
    for (int g = 0; g < MIA_GAMES; g++)
        for (size_t i = 0; i < r->count; i++) {
            BaseText names = {0};
            if (!r->attack[i].plays[g] && *r->attack[i].why_not[g] && first_with(r, i, g, &names))
                report_document_text(d, REPORT_BLOCK_ITEM, "game \"%s\", %s: %s", mia_game_name((MiaGame)g),
                                     base_text_of(&names, &d->st), r->attack[i].why_not[g]);
            base_text_free(&names);
        }
    if (p->collected->signals.shadow.S == 0)
        report_document_text(d, REPORT_BLOCK_ITEM,
                             "attacks on shadow models (LiRA, RMIA, U-LiRA and others): not run: needs shadow models "
                             "(--shadow DIR)");
}

void audit_words_terminal(const AuditPage *p, BaseText *out)
{
    const MiaAudit *a = &p->result->audit;
    base_text_add(out, "%s\nasked to forget: %s (%s)\n\n", a->headline, p->collected->forget_numbers,
                  p->collected->forget_names);
    for (int g = 0; g < MIA_GAMES; g++) {
        const MiaFinding *f = mia_audit_headline(a, (MiaGame)g);
        MiaStatistic which;
        const MiaJudgement *j = f ? mia_finding_first(f, &which) : NULL;
        base_text_add(out, "%-7s %-17s", mia_game_name((MiaGame)g),
                      a->played[g] ? mia_verdict_name(a->game[g]) : "not run");
        if (j)
            base_text_add(out, " %s, %s: %+.3f [%+.3f, %+.3f]", f->attack, mia_statistic_name(which),
                          j->difference.value, j->difference.lo, j->difference.hi);
        base_text_add(out, "%s%s\n", j && *a->missing[g] ? "; " : " ", a->missing[g]);
    }
    base_text_add(out, "control retrained against retrained: %s\ncontrol original against retrained: %s\n",
                  a->nothing.text, a->something.text);
    if (!isnan(a->power.auc))
        base_text_add(out, "would find, with a probability of 80%%: a rise of the AUC in \"forget\" by %.3f\n",
                      a->power.auc);
    if (a->exposed.attack)
        base_text_add(out, "exposed images, one by one: %lld of %lld\n", (long long)a->exposed.found,
                      (long long)a->exposed.n);
    for (int i = 0; i < p->result->coins.count; i++) {
        const AuditCoinsRow *row = &p->result->coins.row[i];
        base_text_add(out, "coins, %s model, canaries %s: ", row->original ? "original" : "audited",
                      audit_coins_set_name(row->set));
        audit_coins_sentence(row, out);
        base_text_add(out, "\n");
    }
    if (p->collected->unlearned_nothing)
        base_text_add(out, "the audited weights are those of the original: nothing was unlearned\n");
}
