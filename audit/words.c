/* audit/words.c - what an audit says in sentences. An audit says what its attacks found with these images, and what
 * they could not have found; never more. */
#include "audit/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const MiaFinding *worst_of(const MiaAudit *audit, int game)
{
    const MiaFinding *worst = NULL;
    for (int64_t i = 0; i < audit->count; i++) {
        const MiaFinding *f = &audit->finding[i];
        bool counts = game < 0 ? f->verdict == audit->verdict : f->game == (MiaGame)game;
        if (!counts) continue;
        bool decides = game < 0 || !worst || (f->verdict == audit->game[game]) == (worst->verdict == audit->game[game]);
        if (!worst || (decides && fabs(f->difference.value) > fabs(worst->difference.value)) ||
            (game >= 0 && f->verdict == audit->game[game] && worst->verdict != audit->game[game]))
            worst = f;
    }
    return worst;
}

/* "by the attack loss: AUC 0.62 [0.58, 0.66] where retrained models give 0.51, a difference of +0.11 [+0.07, +0.15]" */
static void finding_text(const MiaFinding *f, BaseText *out)
{
    const MathEstimate *u = &f->unlearned, *d = &f->difference;
    base_text_add(out, "by the attack %s: AUC %.3f", f->attack, u->value);
    if (!isnan(u->lo)) base_text_add(out, " [%.3f, %.3f]", u->lo, u->hi);
    if (!isnan(f->retrained.value))
        base_text_add(out, " where retrained models give %.3f, a difference of %+.3f", f->retrained.value, d->value);
    else
        base_text_add(out, ", %+.3f from the 0.5 of pure guessing", d->value);
    if (!isnan(d->lo)) base_text_add(out, " [%+.3f, %+.3f]", d->lo, d->hi);
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
    const MiaFinding *f = worst_of(a, -1), *suspicion = mia_audit_suspicion(a);
    if (a->verdict == MATH_LEAKS && f) {
        base_text_add(out, "Verdict: leaks. An attacker can tell %s, ", told_apart(f->game));
        finding_text(f, out);
        base_text_add(out, ".");
    } else if (a->verdict == MATH_OVER_FORGOTTEN && f) {
        base_text_add(out,
                      "Verdict: over-forgotten. %s look less familiar to the model than to retrained ones, which gives "
                      "them away as well: an attacker can tell %s, ",
                      f->game == MIA_GAME_RETAIN ? "Training images of the kept classes" : "The forgotten images",
                      told_apart(f->game));
        finding_text(f, out);
        base_text_add(out, ".");
    } else if (a->verdict == MATH_INDISTINGUISHABLE) {
        base_text_add(out,
                      "Verdict: indistinguishable. In all three games the AUC of every attack made here was within "
                      "%g of that of the retrained models, with an error probability of %g each; the same attacks do "
                      "detect the original model.",
                      p->collected->signals.options.margin, p->collected->signals.options.alpha);
    } else if (suspicion) {
        base_text_add(out,
                      "Verdict: underpowered, with a suspicion. One finding alone says that an attacker can tell %s, ",
                      told_apart(suspicion->game));
        finding_text(suspicion, out);
        base_text_add(out,
                      "; among all %lld tests together it may still be chance. More retrained models "
                      "(--make-retrained; here %lld) or more images would decide.",
                      (long long)a->count, (long long)p->collected->signals.R);
    } else {
        base_text_add(out, "Verdict: underpowered. No leak was found, but this audit could not rule one out either.");
    }
}

/* Why "indistinguishable" was out of reach. */
static void reasons(const AuditPage *p, ReportDocument *d)
{
    const MiaAudit *a = &p->result->audit;
    if (a->verdict != MATH_UNDERPOWERED) return;
    report_document_text(d, REPORT_BLOCK_TEXT, "What prevented a stronger verdict:");
    if (!p->collected->signals.original)
        report_document_text(d, REPORT_BLOCK_ITEM,
                             "no --original: nothing shows that these attacks would find a model that still knows the "
                             "class");
    if (p->collected->signals.R < 2)
        report_document_text(d, REPORT_BLOCK_ITEM,
                             "%lld retrained model%s: equality is judged against at least 2 (--retrained, "
                             "--make-retrained)",
                             (long long)p->collected->signals.R, p->collected->signals.R == 1 ? "" : "s");
    for (int g = 0; g < MIA_GAMES; g++) {
        const MiaFinding *f = worst_of(a, g);
        if (!f || f->verdict != MATH_UNDERPOWERED || p->collected->signals.R < 2) continue;
        report_document_text(d, REPORT_BLOCK_ITEM,
                             "game \"%s\": the interval of attack %s, %+.3f [%+.3f, %+.3f], reaches beyond the margin "
                             "of %g; more images%s would narrow it",
                             mia_game_name((MiaGame)g), f->attack, f->difference.value, f->difference.lo,
                             f->difference.hi, p->collected->signals.options.margin,
                             f->over_models ? " or more retrained models" : "");
    }
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
        "kept classes.%s",
        (long long)g->members, (long long)out, strchr(p->collected->forget_numbers, ',') ? "es" : "",
        (long long)p->result->game[MIA_GAME_RETAIN].members,
        (long long)(p->result->game[MIA_GAME_RETAIN].n - p->result->game[MIA_GAME_RETAIN].members),
        out < 1000 ? " A leak of very few images does not show with so few held-out ones." : "");
    report_document_text(d, REPORT_BLOCK_TEXT,
                         "What it could not have found: a true-positive rate at false-positive rates below %.2g%% (one "
                         "in %lld held-out images); AUC differences below %g, which count as none; and anything that "
                         "only attacks not listed here would see, such as attacks with more reference models, with "
                         "gradients or with other images.",
                         100.0 / (double)(out > 0 ? out : 1), (long long)out, p->collected->signals.options.margin);
    if (!isnan(largest))
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "An epsilon above %.2f could not be proved with so many images, even by a faultless "
                             "attack (delta %g, confidence %g%%).",
                             largest, MIA_EPSILON_DELTA, 100 * (1 - MIA_EPSILON_ALPHA));
}

void audit_words(const AuditPage *p, ReportDocument *d)
{
    const MiaAudit *a = &p->result->audit;
    const MiaControl *const control[] = {&a->nothing, &a->something};
    BaseText text = {0};
    for (int k = 0; k < 2; k++)
        if (control[k]->run && !control[k]->passed)
            report_document_text(d, REPORT_BLOCK_WARNING, "A control failed: %s. Do not rely on what follows.",
                                 control[k]->text + (strncmp(control[k]->text, "failed: ", 8) == 0 ? 8 : 0));
    if (p->collected->unlearned_nothing)
        report_document_text(d, REPORT_BLOCK_WARNING,
                             "The audited weights are those of the original, number by number: nothing was unlearned.");
    verdict_text(p, &text);
    report_document_text(d, REPORT_BLOCK_LEAD, "%s", base_text_of(&text, &d->st));
    base_text_free(&text);
    reasons(p, d);
    reach(p, d);
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
        const MiaFinding *f = worst_of(a, g);
        base_text_add(out, "%-7s %-17s", mia_game_name((MiaGame)g),
                      a->played[g] ? math_verdict_name(a->game[g]) : "not run");
        if (f)
            base_text_add(out, " %s: %+.3f [%+.3f, %+.3f]", f->attack, f->difference.value, f->difference.lo,
                          f->difference.hi);
        base_text_add(out, "%s%s\n", f && *a->missing[g] ? "; " : " ", a->missing[g]);
    }
    base_text_add(out, "control retrained against retrained: %s\ncontrol original against retrained: %s\n",
                  a->nothing.text, a->something.text);
    if (p->collected->unlearned_nothing)
        base_text_add(out, "the audited weights are those of the original: nothing was unlearned\n");
}
