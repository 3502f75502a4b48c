/* mia/verdict/verdict.c - an audit's conclusions: the statistics of every attack in every game as one family. */
#include "mia/verdict/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "math/clusters.h"
#include "math/special.h"
#include "mia/verdict/parts.h"

/* ------------------------------------------------------------ one statistic */

/* An AUC's own interval over points; clusters are what it rests on. */
static MathEstimate own_interval(const MiaRow *row)
{
    MathAuc auc = {.value = row->value[0], .se = sqrt(row->own)};
    math_clusters_auc_bounds(&auc, (int64_t)row->clusters, row->own > 0 || auc.value != 0.5, 0.95);
    return (MathEstimate){auc.value, auc.lo, auc.hi, (int64_t)row->count};
}

/* @p one_sided: only a rise is a finding. */
static void judge_against(const MiaRow *row, int64_t M, bool one_sided, const MiaAuditOptions *options,
                          MiaJudgement *out)
{
    MathExchange x = mia_row_exchange(row, M);
    if (isnan(x.p)) return;
    double spread = math_stats_t_quantile(0.975, x.freedom) * x.reach / sqrt((double)M),
           middle = mia_row_reference(row, &x);
    out->judged = true;
    out->p = x.p;
    out->evidence = math_exchange_evidence(&x);
    if (one_sided) { /* both are symmetric in the offset where there is nothing to find */
        out->p = x.offset > 0 ? x.p / 2 : 1 - x.p / 2;
        out->evidence = x.offset > 0 ? 2 * out->evidence : 0;
    }
    out->difference = mia_row_difference(row, &x, false, 0.95);
    out->equality = mia_row_difference(row, &x, true, 1 - 2 * options->alpha);
    out->one_cluster = isnan(row->points);
    out->retrained = math_estimate(middle, M - 1);
    if (!x.ranked) {
        out->retrained.lo = middle + mia_row_at(row, &x, -spread);
        out->retrained.hi = middle + mia_row_at(row, &x, spread);
    }
    /* a rank alone counts where so many models could ever reach alpha by it */
    if (x.ranked && 2 / (double)M > options->alpha) out->judged = false;
}

/* What sums of shares are off by, far below one point's share. */
static const double ROUNDING = 1e-12;

/* P(|T| > |value - reference| / se), se over points; without any spread, of a rank among the clusters. */
static double over_points(double difference, double variance, double clusters)
{
    if (fabs(difference) < ROUNDING) return 1;
    if (!(variance > 0)) return fmin(1, 2 / (1 + clusters));
    return math_exchange_tails(difference / sqrt(variance), clusters - 1);
}

/* Fewer than two retrained models: the AUC in "forget" against 1/2; with one also against its. */
static void judge_alone(const MiaRow *row, int64_t M, MiaJudgement *out)
{
    double off = row->value[0] - 0.5, variance = row->own;
    if (isnan(row->own)) return;
    out->judged = true;
    out->p = over_points(off, variance, row->clusters);
    out->retrained = math_estimate(NAN, 0);
    if (M == 2) {
        double paired = row->value[0] - row->value[1];
        out->retrained = math_estimate(row->value[1], 1);
        out->p = fmax(out->p, paired * off > 0 ? over_points(paired, row->paired[0], row->clusters) : 1);
        off = paired;
        variance = row->paired[0];
    }
    MathEstimate own = own_interval(row);
    double half = math_stats_t_quantile(0.975, row->clusters - 1) * sqrt(variance);
    out->difference = M < 2          ? (MathEstimate){off, own.lo - 0.5, own.hi - 0.5, (int64_t)row->count}
                      : variance > 0 ? (MathEstimate){off, off - half, off + half, (int64_t)row->count}
                                     : math_estimate(off, (int64_t)row->count);
}

/* The same of epsilon: the smallest of its p over all that were looked at, and against the one retrained model's. */
static void judge_epsilon_alone(const MiaRow *row, int64_t M, MiaJudgement *out)
{
    double p = fmin(1, (double)row->looks * math_normal_upper(row->x[0])),
           z = -math_normal_quantile(fmin(p, 1 - 1e-15));
    double se = 1;
    out->judged = true;
    out->p = p;
    out->retrained = math_estimate(NAN, 0);
    if (M == 2) { /* the same points under two models: their quantiles go together, if at all */
        se = M_SQRT2;
        z = row->x[0] - row->x[1];
        out->retrained = math_estimate(row->x[1], 1);
        out->p = fmax(p, z > 0 ? 2 * math_normal_upper(z / se) : 1);
    }
    out->difference = (MathEstimate){z, z - 1.96 * se, z + 1.96 * se, (int64_t)row->count};
}

/* ------------------------------------------------------------ one attack in one game */

static const MiaJudgement NOT_JUDGED = {.p = NAN,
                                        .adjusted = NAN,
                                        .evidence = 1,
                                        .unlearned = {NAN, NAN, NAN, 0},
                                        .retrained = {NAN, NAN, NAN, 0},
                                        .difference = {NAN, NAN, NAN, 0},
                                        .equality = {NAN, NAN, NAN, 0},
                                        .verdict = MIA_UNDERPOWERED};

static BaseStatus find(const MiaAuditScores *scores, MiaGame game, const MiaAuditOptions *options, MiaFinding *out)
{
    BaseStatus st = BASE_OK;
    const MiaGameScores *g = &scores->game[game];
    MiaTable table = {0};
    *out = (MiaFinding){
        .attack = scores->attack, .game = game, .verdict = MIA_UNDERPOWERED, .worst = {NAN, NAN, NAN, 0}, .found = NAN};
    for (int s = 0; s < MIA_STATISTICS; s++) out->at[s] = NOT_JUDGED;
    BASE_TRY(mia_table_against(g, game, g->unlearned.score, &table));
    for (int s = 0; s < MIA_STATISTICS; s++) {
        const MiaRow *row = &table.row[s];
        MiaJudgement *to = &out->at[s];
        if (!row->defined) continue;
        to->unlearned = math_estimate(row->value[0], (int64_t)row->count);
        if (s == MIA_STATISTIC_AUC && game != MIA_GAME_MODELS) to->unlearned = own_interval(row);
        if (g->retrained.M >= 2)
            judge_against(row, table.M, s == MIA_STATISTIC_EPSILON, options, to);
        else if (s == MIA_STATISTIC_AUC && !scores->fitted)
            judge_alone(row, table.M, to);
        else if (s == MIA_STATISTIC_EPSILON && !scores->fitted)
            judge_epsilon_alone(row, table.M, to);
        if (s == MIA_STATISTIC_EPSILON) to->equality = (MathEstimate){NAN, NAN, NAN, 0}; /* the TPRs' stands for it */
        if (s == MIA_STATISTIC_LOW_1)
            to->judged = false; /* it stands against equality; findings it would only dilute */
    }
    if (game != MIA_GAME_MODELS && g->retrained.M >= 2) BASE_TRY(mia_worst_class(g, game, out));
    if (g->retrained.M >= 2) out->found = mia_smallest_found(scores, game, &table, options, &st);
out:
    mia_table_free(&table);
    return st;
}

/* ------------------------------------------------------------ all of them as one family */

typedef struct {
    MiaJudgement **of; /* [count], owned */
    MiaGame *game;
    double *p;
    bool *in;
    int64_t count;
} Family;

static void family_free(Family *f)
{
    base_free(f->of);
    base_free(f->game);
    base_free(f->p);
    base_free(f->in);
}

static BaseStatus family_make(MiaAudit *audit, Family *f)
{
    BaseStatus st = BASE_OK;
    int64_t most = audit->count * MIA_STATISTICS;
    BASE_TRY(BASE_ALLOC(most, &f->of));
    BASE_TRY(BASE_ALLOC(most, &f->game));
    BASE_TRY(BASE_ALLOC(most, &f->p));
    BASE_TRY(BASE_ALLOC(most, &f->in));
    for (int64_t i = 0; i < most; i++) {
        MiaFinding *finding = &audit->finding[i / MIA_STATISTICS];
        MiaJudgement *j = &finding->at[i % MIA_STATISTICS];
        if (!j->judged) continue;
        f->of[f->count] = j;
        f->game[f->count] = finding->game;
        f->p[f->count++] = j->p;
    }
out:
    return st;
}

static BaseStatus adjust(const Family *f, MiaAudit *audit)
{
    BaseStatus st = BASE_OK;
    for (int64_t i = 0; i < f->count; i++) {
        for (int64_t k = 0; k < f->count; k++) f->in[k] = k == i;
        BASE_TRY(math_closed(f->p, f->in, f->count, &f->of[i]->adjusted));
    }
    for (int g = 0; g < MIA_GAMES; g++) {
        bool any = false;
        audit->adjusted[g] = NAN;
        for (int64_t k = 0; k < f->count; k++) any |= f->in[k] = f->game[k] == (MiaGame)g;
        if (any) BASE_TRY(math_closed(f->p, f->in, f->count, &audit->adjusted[g]));
    }
out:
    return st;
}

/* The word for a difference that is found. */
static MiaVerdict word_for(double difference, bool either, bool alone)
{
    if (alone) return MIA_SUSPICION;
    return difference > 0 || either ? MIA_LEAKS : MIA_OVER_FORGOTTEN;
}

/* Which way the attacks that have a direction point in a game: +1, -1, or 0 where none of their statistics differs by itself
 * at level alpha. One without a direction (entropy: more certain may mean of the right class, or of a wrong one) is read
 * by these. */
static int direction(const MiaAuditScores *scores, int64_t attacks, MiaGame game, double alpha, const MiaAudit *audit)
{
    double least = alpha;
    int way = 0;
    for (int64_t i = 0; i < audit->count; i++) {
        const MiaFinding *f = &audit->finding[i];
        if (f->game != game || mia_scores_of(scores, attacks, f)->undirected) continue;
        for (int k = 0; k < MIA_STATISTICS; k++) {
            const MiaJudgement *j = &f->at[k];
            if (!j->judged || j->p > least) continue;
            least = j->p;
            way = j->difference.value > 0 ? 1 : -1;
        }
    }
    return way;
}

/* Words for every judgement, finding and game at level alpha. */
static void name_findings(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options,
                          MiaAudit *audit)
{
    double least[MIA_GAMES];
    MiaVerdict first[MIA_GAMES];
    int way[MIA_GAMES];
    for (int g = 0; g < MIA_GAMES; g++) {
        way[g] = direction(scores, attacks, (MiaGame)g, options->alpha, audit);
        least[g] = INFINITY;
        first[g] = audit->game[g] = MIA_UNDERPOWERED;
    }
    for (int64_t i = 0; i < audit->count; i++) {
        MiaFinding *f = &audit->finding[i];
        const MiaAuditScores *s = mia_scores_of(scores, attacks, f);
        bool either = s->undirected && (f->game == MIA_GAME_MODELS || way[f->game] > 0),
             alone = s->game[f->game].retrained.M < 2;
        for (int k = 0; k < MIA_STATISTICS; k++) {
            MiaJudgement *j = &f->at[k];
            if (!j->judged) continue;
            MiaVerdict word = word_for(j->difference.value, either, alone);
            if (j->adjusted <= options->alpha) {
                j->verdict = word;
                if (f->verdict == MIA_UNDERPOWERED || word < f->verdict) f->verdict = word;
                if (audit->game[f->game] == MIA_UNDERPOWERED || word < audit->game[f->game])
                    audit->game[f->game] = word;
            }
            if (!(j->p < least[f->game])) continue;
            least[f->game] = j->p;
            first[f->game] = word;
        }
    }
    for (int g = 0; g < MIA_GAMES; g++) /* several together where none does by itself */
        if (audit->adjusted[g] <= options->alpha && audit->game[g] == MIA_UNDERPOWERED) audit->game[g] = first[g];
}

static double mean_evidence(const MiaAudit *audit)
{
    double sum = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < audit->count; i++)
        for (int s = 0; s < MIA_STATISTICS && audit->finding[i].game != MIA_GAME_MODELS; s++) {
            if (isnan(audit->finding[i].at[s].p)) continue; /* what is only ranked counts with 1 */
            sum += audit->finding[i].at[s].evidence;
            count++;
        }
    return count ? sum / (double)count : 1;
}

/* ------------------------------------------------------------ the verdict */

static void headline(const MiaAuditOptions *options, MiaAudit *audit)
{
    MiaStatistic which = MIA_STATISTIC_AUC;
    const MiaFinding *f = mia_audit_headline(audit, MIA_GAMES);
    const MiaJudgement *j = f ? mia_finding_first(f, &which) : NULL;
    char what[240] = "nothing was judged";
    if (j)
        snprintf(what, sizeof what, "game %s (p %.2g): %.40s, %s %+.3f [%+.3f, %+.3f] from %s", mia_game_name(f->game),
                 audit->adjusted[f->game], f->attack, mia_statistic_name(which), j->difference.value, j->difference.lo,
                 j->difference.hi,
                 j->retrained.n >= 2          ? "retrained models"
                 : j->retrained.n             ? "the retrained model"
                 : which == MIA_STATISTIC_AUC ? "1/2"
                                              : "0");
    if (audit->verdict == MIA_INVALID)
        snprintf(audit->headline, sizeof audit->headline, "invalid: CONTROL FAILED (%.300s)",
                 audit->nothing.text + strlen("failed: "));
    else if (audit->verdict == MIA_INDISTINGUISHABLE)
        snprintf(audit->headline, sizeof audit->headline,
                 "indistinguishable%s%s: every AUC is within %g and every TPR within %g of retrained models",
                 *audit->qualified ? " " : "", audit->qualified, options->margin, options->margin_tpr);
    else
        snprintf(audit->headline, sizeof audit->headline, "%s: %s", mia_verdict_name(audit->verdict), what);
}

static void conclude(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *audit)
{
    static const MiaVerdict WORST_FIRST[] = {MIA_LEAKS, MIA_OVER_FORGOTTEN, MIA_SUSPICION};
    bool equal = true;
    for (int g = 0; g < MIA_GAMES; g++)
        if (audit->game[g] == MIA_UNDERPOWERED && mia_game_is_equal(scores, attacks, (MiaGame)g, options, audit))
            audit->game[g] = MIA_INDISTINGUISHABLE;
    for (int g = 0; g < MIA_GAMES; g++) equal = equal && audit->game[g] == MIA_INDISTINGUISHABLE;
    audit->verdict = equal ? MIA_INDISTINGUISHABLE : MIA_UNDERPOWERED;
    for (size_t i = BASE_COUNT(WORST_FIRST); i-- > 0;)
        for (int g = 0; g < MIA_GAMES; g++)
            if (audit->game[g] == WORST_FIRST[i]) audit->verdict = WORST_FIRST[i];
    if (audit->verdict == MIA_INDISTINGUISHABLE && options->unseen && *options->unseen)
        mia_qualify(scores, attacks, audit);
    if (audit->nothing.run && !audit->nothing.passed) audit->verdict = MIA_INVALID;
    headline(options, audit);
}

static BaseStatus check(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, int64_t *count)
{
    BaseStatus st = BASE_OK;
    *count = 0;
    BASE_CHECK(options->alpha > 0 && options->alpha < 0.5, BASE_EARG, "alpha is %g; it must be between 0 and 0.5",
               options->alpha);
    BASE_CHECK(options->margin > 0 && options->margin < 0.5, BASE_EARG,
               "the margin is %g; it must be between 0 and 0.5", options->margin);
    BASE_CHECK(options->margin_tpr > 0 && options->margin_tpr < 1, BASE_EARG,
               "the margin of TPRs is %g; it must be between 0 and 1", options->margin_tpr);
    for (int64_t i = 0; i < attacks; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            const MiaGameScores *s = &scores[i].game[g];
            BASE_CHECK(s->n == 0 || s->member || g == MIA_GAME_MODELS, BASE_EARG,
                       "attack %.40s, game %s: membership is not given", scores[i].attack, mia_game_name((MiaGame)g));
            for (int64_t k = 0; s->member && k < s->n; k++)
                BASE_CHECK(s->member[k] <= 1, BASE_EARG, "attack %.40s, game %s: membership of point %lld is %d",
                           scores[i].attack, mia_game_name((MiaGame)g), (long long)k, s->member[k]);
            const MiaModels all[] = {s->unlearned, s->retrained, s->original, s->graded, s->planted};
            for (size_t a = 0; a < BASE_COUNT(all); a++)
                for (int64_t k = 0; k < s->n * all[a].M; k++)
                    BASE_CHECK(!isnan(all[a].score[k]), BASE_ENUMERIC,
                               "attack %.40s, game %s: the score of point %lld is NaN", scores[i].attack,
                               mia_game_name((MiaGame)g), (long long)(k % s->n));
            *count += mia_is_played(s, (MiaGame)g);
        }
    BASE_CHECK(*count > 0, BASE_EARG, "no attack has scores of an unlearned model: there is nothing to judge");
out:
    return st;
}

BaseStatus mia_audit(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *out)
{
    BaseStatus st = BASE_OK;
    MiaAudit audit = {0};
    Family family = {0};
    int64_t count;
    *out = (MiaAudit){0};
    BASE_TRY(check(scores, attacks, options, &count));
    BASE_TRY(BASE_ALLOC(count, &audit.finding));
    for (int64_t i = 0; i < attacks; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            if (!mia_is_played(&scores[i].game[g], (MiaGame)g)) continue;
            audit.played[g] = true;
            st = find(&scores[i], (MiaGame)g, options, &audit.finding[audit.count++]);
            if (st == BASE_OK) continue;
            base_error_prefix(st, "attack %.40s, game %s", scores[i].attack, mia_game_name((MiaGame)g));
            goto out;
        }
    BASE_TRY(family_make(&audit, &family));
    BASE_TRY(adjust(&family, &audit));
    name_findings(scores, attacks, options, &audit);
    audit.evidence = mean_evidence(&audit);
    BASE_TRY(mia_expose(scores, attacks, &audit.exposed));
    BASE_TRY(mia_power(scores, attacks, options, &audit));
    BASE_TRY(mia_control_nothing(scores, attacks, audit.power.auc, &audit.nothing));
    mia_control_something(scores, attacks, &audit);
    conclude(scores, attacks, options, &audit);
    *out = audit;
    audit = (MiaAudit){0};
out:
    family_free(&family);
    mia_audit_free(&audit);
    return st;
}
