/* mia/verdict/equal.c - what "indistinguishable" takes, and what stands against it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mia/verdict/parts.h"

static double margin_of(MiaStatistic s, const MiaAuditOptions *options)
{
    return s == MIA_STATISTIC_AUC ? options->margin : options->margin_tpr;
}

/* How far the bound that lies furthest lies beyond its margin. Where all models agree to the last bit, there is nothing to
 * bound. */
static double beyond(const MiaJudgement *j, MiaStatistic s, const MiaAuditOptions *options)
{
    if (isnan(j->equality.lo)) return fabs(j->difference.value) < 1e-9 ? -1 : 1;
    return fmax(fabs(j->equality.lo), fabs(j->equality.hi)) - margin_of(s, options);
}

static const char *more_models(const MiaPower *power, int64_t R, char text[160])
{
    const bool models = power->retrained > R, images = power->images > 0;
    if (power->retrained < 0)
        snprintf(text, 160, "; retrained models vary too much for this margin, however many there are");
    else if (models && images)
        snprintf(text, 160,
                 "; about %lld retrained models (now %lld) and %.2g times as many images would be enough to tell",
                 (long long)power->retrained, (long long)R, power->images);
    else if (models)
        snprintf(text, 160, "; about %lld retrained models would be enough to tell (now %lld)",
                 (long long)power->retrained, (long long)R);
    else if (images)
        snprintf(text, 160, "; about %.2g times as many images would be enough to tell", power->images);
    else
        text[0] = '\0';
    return text;
}

/* Says what is missing for this game to be judged at all. */
static bool has_models(const MiaAuditScores *scores, int64_t attacks, MiaGame game, MiaAudit *audit, int64_t *R)
{
    char *missing = audit->missing[game];
    const size_t room = sizeof audit->missing[game];
    bool scored = false;
    *R = 0;
    for (int64_t i = 0; i < attacks; i++) {
        const MiaGameScores *g = &scores[i].game[game];
        scored |= g->n > 0 && g->unlearned.M > 0;
        if (g->n > 0 && g->retrained.M > *R) *R = g->retrained.M;
    }
    if (!scored && game != MIA_GAME_MODELS)
        snprintf(missing, room, "not run: needs scores of members and non-members");
    else if (*R < 2)
        snprintf(missing, room, "%s: needs 2 retrained models, so that it is known how models vary (there %s %lld)",
                 audit->played[game] ? "equality is not judged" : "not run", *R == 1 ? "is" : "are", (long long)*R);
    else if (!audit->something.run)
        snprintf(missing, room, "equality is not judged: needs the original model as a positive control");
    else
        return true;
    return false;
}

static bool is_exposed(MiaGame game, MiaAudit *audit)
{
    if (game != MIA_GAME_FORGET || audit->exposed.found == 0) return false;
    snprintf(audit->missing[game], sizeof audit->missing[game],
             "%lld forgotten image%s out from held-out ones (false discovery rate %g)", (long long)audit->exposed.found,
             audit->exposed.found == 1 ? " stands" : "s stand", MIA_EXPOSED_FDR);
    return true;
}

/* An attack of the panel that could not score the points of "forget" or "retain"; one that is fitted to each model by
 * itself never plays "models". */
static const char *panel_without_score(const MiaAuditScores *scores, int64_t attacks, MiaGame game)
{
    for (int64_t i = 0; i < attacks && game != MIA_GAME_MODELS; i++)
        if (scores[i].panel && scores[i].game[game].n == 0) return scores[i].attack;
    return NULL;
}

bool mia_game_is_equal(const MiaAuditScores *scores, int64_t attacks, MiaGame game, const MiaAuditOptions *options,
                       MiaAudit *audit)
{
    const MiaFinding *worst = NULL, *rateless = NULL, *odd = NULL, *one = NULL;
    MiaStatistic which = MIA_STATISTIC_AUC;
    bool has_power = false;
    char more[160];
    int64_t R;
    if (!has_models(scores, attacks, game, audit, &R) || is_exposed(game, audit)) return false;
    for (int64_t i = 0; i < audit->count; i++) {
        const MiaFinding *f = &audit->finding[i];
        if (f->game != game) continue;
        has_power |= !isnan(f->found);
        if (f->odd.lo > options->margin || f->odd.hi < -options->margin) odd = f;
        if (f->at[MIA_STATISTIC_AUC].one_cluster) one = f;
        for (int s = 0; s < MIA_STATISTICS; s++) {
            const MiaJudgement *j = &f->at[s];
            if (s == MIA_STATISTIC_EPSILON || j->one_cluster || isnan(j->difference.value) ||
                !(beyond(j, (MiaStatistic)s, options) >= 0))
                continue;
            if (worst && !(beyond(j, (MiaStatistic)s, options) / margin_of((MiaStatistic)s, options) >
                           beyond(&worst->at[which], which, options) / margin_of(which, options)))
                continue;
            worst = f;
            which = (MiaStatistic)s;
        }
        if (mia_scores_of(scores, attacks, f)->panel && isnan(f->at[MIA_STATISTIC_TPR_1].difference.value))
            rateless = f;
    }
    char *missing = audit->missing[game];
    const size_t room = sizeof audit->missing[game];
    const char *absent = panel_without_score(scores, attacks, game);
    if (absent) {
        snprintf(missing, room, "equality is not judged: %.40s, one of the panel, could not be made here", absent);
        return false;
    }
    if (one) {
        snprintf(missing, room,
                 "equality is not judged: all points of a kind are of one cluster, and nothing shows how others vary");
        return false;
    }
    if (odd) {
        const char *name = options->class_name ? options->class_name[odd->odd_class] : "";
        char number[16];
        snprintf(number, sizeof number, "%d", (int)odd->odd_class);
        if (strcmp(name, number) == 0) name = "";
        snprintf(missing, room,
                 "not shown to be equal within classes: class %d%s%.40s%s, %.40s, AUC %+.3f [%+.3f, %+.3f]",
                 (int)odd->odd_class, *name ? " (" : "", name, *name ? ")" : "", odd->attack, odd->odd.value,
                 odd->odd.lo, odd->odd.hi);
        return false;
    }
    if (worst) {
        const MathEstimate *e = &worst->at[which].equality;
        snprintf(missing, room, "not shown to be equal: %.40s, %s %+.3f [%+.3f, %+.3f] reaches beyond %g%s",
                 worst->attack, mia_statistic_name(which), worst->at[which].difference.value, e->lo, e->hi,
                 margin_of(which, options), more_models(&audit->power, R, more));
        return false;
    }
    if (rateless) {
        snprintf(missing, room,
                 "not shown to be equal at low false-positive rates: %.40s has no TPR at FPR 1%%, which "
                 "needs 99 held-out images",
                 rateless->attack);
        return false;
    }
    if (!has_power) {
        snprintf(missing, room, "no attack has any power here: %s",
                 game == MIA_GAME_RETAIN ? "not even a planted exposure would be found"
                                         : "not even the original is found");
        return false;
    }
    return true;
}

void mia_qualify(const MiaAuditScores *scores, int64_t attacks, MiaAudit *audit)
{
    char *text = audit->qualified;
    const size_t room = sizeof audit->qualified;
    snprintf(text, room, "by ");
    for (int64_t i = 0; i < attacks; i++) {
        size_t used = strlen(text);
        if (used + 60 < room) snprintf(text + used, room - used, "%s%.40s", i ? ", " : "", scores[i].attack);
    }
    size_t used = strlen(text);
    snprintf(text + used, room - used, " only");
}
