/* mia/verdict/verdict.c - an audit's conclusions. */
#include "mia/verdict/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/bootstrap.h"

const char *mia_game_name(MiaGame game)
{
    static const char *const NAMES[] = {"forget", "models", "retain"};
    return NAMES[game];
}

const char *mia_game_question(MiaGame game)
{
    static const char *const QUESTIONS[] = {
        "can an attacker tell forgotten training points from held-out points of their class?",
        "can an attacker tell an unlearned model from a retrained one?",
        "are training points of the kept classes more exposed than after retraining?"};
    return QUESTIONS[game];
}

void mia_audit_free(MiaAudit *audit)
{
    if (!audit) return;
    base_free(audit->finding);
    *audit = (MiaAudit){0};
}

static bool is_played(const MiaGameScores *g, MiaGame game)
{
    return g->n > 0 && g->unlearned.M > 0 && (game != MIA_GAME_MODELS || g->retrained.M > 0);
}

static MathEstimate less_half(double value, double lo, double hi, int64_t n)
{
    return (MathEstimate){value - 0.5, lo - 0.5, hi - 0.5, n};
}

/* How much more member-like a is than b, as a difference of AUCs, at @p level. */
static BaseStatus compare(const MiaGameScores *g, MiaGame game, MiaModels a, MiaModels b, double level,
                          const MiaAuditOptions *options, MathEstimate *out, bool *over_models)
{
    BaseStatus st = BASE_OK;
    MathEstimate told;
    MathAuc auc;
    MathAucDifference paired;
    MathBootstrap boot;
    MathModelScores left = {a.score, a.M, NULL}, right = {b.score, b.M, NULL};
    MathBootstrapOptions how = {level, options->draws, {0.001, 0.01, 0.1}, options->seed};
    *over_models = false;
    if (game == MIA_GAME_MODELS) {
        BASE_TRY(math_auc_of_models(a.score, a.M, b.score, b.M, g->n, level, &told, over_models));
        *out = less_half(told.value, told.lo, told.hi, g->n);
    } else if (a.M == 1 && b.M == 0) {
        BASE_TRY(math_auc_level(a.score, g->member, g->n, level, &auc));
        *out = less_half(auc.value, auc.lo, auc.hi, g->n);
    } else if (a.M == 1 && b.M == 1) {
        BASE_TRY(math_auc_paired(a.score, b.score, g->member, g->n, level, &paired));
        *out = paired.difference;
        out->n = g->n;
    } else {
        BASE_TRY(math_bootstrap(&left, b.M ? &right : NULL, g->member, g->n, &how, &boot));
        const MathEstimate *of_a = &boot.a[MATH_STATISTIC_AUC];
        *out = b.M ? boot.difference[MATH_STATISTIC_AUC] : less_half(of_a->value, of_a->lo, of_a->hi, g->n);
        *over_models = boot.over_models;
    }
out:
    return st;
}

/* The verdict on a against b: strict for leaks and over-forgotten, 1 - 2 alpha for equality where that may be found. */
static BaseStatus judge(const MiaGameScores *g, MiaGame game, MiaModels a, MiaModels b, double strict,
                        bool may_be_equal, const MiaAuditOptions *options, MathVerdict *out)
{
    BaseStatus st = BASE_OK;
    MathEstimate wide, narrow = {NAN, NAN, NAN, 0};
    bool over;
    BASE_TRY(compare(g, game, a, b, strict, options, &wide, &over));
    if (may_be_equal) BASE_TRY(compare(g, game, a, b, 1 - 2 * options->alpha, options, &narrow, &over));
    *out = math_verdict(wide, narrow, options->margin);
out:
    return st;
}

/* AUC of one side by itself, 95% */
static BaseStatus alone(const MiaGameScores *g, MiaModels a, const MiaAuditOptions *options, MathEstimate *out)
{
    bool over;
    MathEstimate off;
    BaseStatus st = compare(g, MIA_GAME_FORGET, a, (MiaModels){NULL, 0}, 0.95, options, &off, &over);
    if (st == BASE_OK) *out = (MathEstimate){off.value + 0.5, off.lo + 0.5, off.hi + 0.5, off.n};
    return st;
}

static bool is_undirected(const MiaAuditScores *scores, MiaGame game)
{
    return scores->undirected && game == MIA_GAME_MODELS;
}

static BaseStatus find(const MiaAuditScores *scores, MiaGame game, const MiaAuditOptions *options, double strict,
                       MiaFinding *out)
{
    BaseStatus st = BASE_OK;
    const MiaGameScores *g = &scores->game[game];
    bool enough = g->retrained.M >= 2;
    const MathEstimate none = math_estimate(NAN, g->n);
    *out = (MiaFinding){scores->attack, game, none, none, none, strict, MATH_UNDERPOWERED, false};
    if (game != MIA_GAME_MODELS) BASE_TRY(alone(g, g->unlearned, options, &out->unlearned));
    if (game != MIA_GAME_MODELS && g->retrained.M) BASE_TRY(alone(g, g->retrained, options, &out->retrained));
    BASE_TRY(compare(g, game, g->unlearned, g->retrained, 0.95, options, &out->difference, &out->over_models));
    if (game == MIA_GAME_MODELS) {
        const MathEstimate *d = &out->difference;
        out->unlearned = (MathEstimate){d->value + 0.5, d->lo + 0.5, d->hi + 0.5, d->n};
    }
    BASE_TRY(judge(g, game, g->unlearned, g->retrained, strict, enough, options, &out->verdict));
    bool either = !enough || is_undirected(scores, game);
    if (either && out->verdict == MATH_OVER_FORGOTTEN) out->verdict = MATH_LEAKS;
out:
    return st;
}

/* Every retrained model against the others; found: how many differ */
static BaseStatus leave_one_out(const MiaGameScores *g, MiaGame game, double strict, const MiaAuditOptions *options,
                                int64_t *found)
{
    BaseStatus st = BASE_OK;
    double *rest = NULL;
    int64_t R = g->retrained.M, n = g->n;
    BASE_TRY(BASE_ALLOC_RAW((R - 1) * n, &rest));
    for (int64_t r = 0; r < R; r++) {
        MathVerdict verdict;
        memcpy(rest, g->retrained.score, (size_t)(r * n) * sizeof *rest);
        memcpy(rest + r * n, g->retrained.score + (r + 1) * n, (size_t)((R - 1 - r) * n) * sizeof *rest);
        MiaModels one = {g->retrained.score + r * n, 1}, others = {rest, R - 1};
        BASE_TRY(judge(g, game, one, others, strict, true, options, &verdict));
        *found += verdict == MATH_LEAKS || verdict == MATH_OVER_FORGOTTEN;
    }
out:
    base_free(rest);
    return st;
}

static BaseStatus control_nothing(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options,
                                  MiaControl *out)
{
    BaseStatus st = BASE_OK;
    int64_t tests = 0, found = 0, first = -1;
    for (int64_t i = 0; i < attacks * MIA_GAMES; i++) {
        const MiaGameScores *g = &scores[i / MIA_GAMES].game[i % MIA_GAMES];
        if (g->n > 0 && g->retrained.M >= 3) tests += g->retrained.M;
    }
    out->run = tests > 0;
    if (!out->run) snprintf(out->text, sizeof out->text, "not run: needs 3 retrained models");
    for (int64_t i = 0; i < attacks * MIA_GAMES; i++) {
        const MiaGameScores *g = &scores[i / MIA_GAMES].game[i % MIA_GAMES];
        int64_t before = found;
        if (!(g->n > 0 && g->retrained.M >= 3)) continue;
        BASE_TRY(leave_one_out(g, (MiaGame)(i % MIA_GAMES), 1 - options->alpha / (double)tests, options, &found));
        if (found > before && first < 0) first = i;
    }
    if (!out->run) goto out;
    out->passed = found == 0;
    if (out->passed)
        snprintf(out->text, sizeof out->text, "passed: no retrained model differs from the others in %lld tests",
                 (long long)tests);
    else
        snprintf(out->text, sizeof out->text,
                 "failed: retrained models differ from each other in %lld of %lld tests (%.40s, %s)", (long long)found,
                 (long long)tests, scores[first / MIA_GAMES].attack, mia_game_name((MiaGame)(first % MIA_GAMES)));
out:
    return st;
}

static BaseStatus control_something(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options,
                                    MiaControl *out)
{
    BaseStatus st = BASE_OK;
    int64_t tests = 0;
    for (int pass = 0; pass < 2 && !out->passed; pass++) /* first how many, then each at its share of alpha */
        for (int64_t i = 0; i < attacks * MIA_GAMES && !out->passed; i++) {
            MiaGame game = (MiaGame)(i % MIA_GAMES);
            const MiaGameScores *g = &scores[i / MIA_GAMES].game[game];
            MathVerdict verdict;
            if (game == MIA_GAME_RETAIN || g->n == 0 || g->original.M == 0 || g->retrained.M < 2) continue;
            if (pass == 0) {
                tests++;
                continue;
            }
            BASE_TRY(judge(g, game, g->original, g->retrained, 1 - options->alpha / (double)tests, false, options,
                           &verdict));
            bool either = is_undirected(&scores[i / MIA_GAMES], game) && verdict == MATH_OVER_FORGOTTEN;
            if (verdict != MATH_LEAKS && !either) continue;
            out->passed = true;
            snprintf(out->text, sizeof out->text, "passed: %.40s finds the original model (game %s)",
                     scores[i / MIA_GAMES].attack, mia_game_name(game));
        }
    out->run = tests > 0;
    if (!out->run)
        snprintf(out->text, sizeof out->text, "not run: needs the original model and 2 retrained models");
    else if (!out->passed)
        snprintf(out->text, sizeof out->text, "failed: no attack finds the original model, so this audit has no power");
out:
    return st;
}

/* leaks before over-forgotten before underpowered; indistinguishable only where every one is */
static MathVerdict worse(MathVerdict a, MathVerdict b)
{
    static const int RANK[] = {3, 2, 0, 1}; /* by MathVerdict */
    return RANK[a] >= RANK[b] ? a : b;
}

const MiaFinding *mia_audit_suspicion(const MiaAudit *audit)
{
    const MiaFinding *largest = NULL;
    for (int64_t i = 0; i < audit->count && audit->verdict == MATH_UNDERPOWERED; i++) {
        const MathEstimate *d = &audit->finding[i].difference;
        if (!(d->lo > 0 || d->hi < 0)) continue;
        if (!largest || fabs(d->value) > fabs(largest->difference.value)) largest = &audit->finding[i];
    }
    return largest;
}

static void conclude(const MiaAuditOptions *options, MiaAudit *audit)
{
    const MiaFinding *worst = NULL;
    bool failed = (audit->nothing.run && !audit->nothing.passed) || (audit->something.run && !audit->something.passed);
    audit->verdict = MATH_INDISTINGUISHABLE;
    for (int g = 0; g < MIA_GAMES; g++) audit->game[g] = MATH_INDISTINGUISHABLE;
    for (int64_t i = 0; i < audit->count; i++) {
        const MiaFinding *f = &audit->finding[i];
        audit->game[f->game] = worse(audit->game[f->game], f->verdict);
        audit->verdict = worse(audit->verdict, f->verdict);
        bool larger =
            worst && f->verdict == worst->verdict && fabs(f->difference.value) > fabs(worst->difference.value);
        if (!worst || larger || (worst->verdict != f->verdict && worse(worst->verdict, f->verdict) == f->verdict))
            worst = f;
    }
    for (int g = 0; g < MIA_GAMES; g++)
        if (!audit->played[g]) audit->game[g] = MATH_UNDERPOWERED;
    if (audit->verdict == MATH_INDISTINGUISHABLE && (failed || !audit->something.run))
        audit->verdict = MATH_UNDERPOWERED;
    char start[220] = "";
    if (failed)
        snprintf(start, sizeof start, "CONTROL FAILED (%s): ",
                 audit->nothing.run && !audit->nothing.passed ? audit->nothing.text : audit->something.text);
    const MiaFinding *suspicion = mia_audit_suspicion(audit), *f = suspicion ? suspicion : worst;
    const MathEstimate *d = &f->difference;
    const char *what = suspicion ? " (at 95% alone, not among all findings)" : "";
    if (audit->verdict == MATH_INDISTINGUISHABLE)
        snprintf(audit->headline, sizeof audit->headline,
                 "%sindistinguishable: every AUC found is within %g of its reference", start, options->margin);
    else
        snprintf(audit->headline, sizeof audit->headline,
                 "%s%s: %.40s, game %s, AUC %+.3f [%+.3f, %+.3f] from its reference%s", start,
                 math_verdict_name(audit->verdict), f->attack, mia_game_name(f->game), d->value, d->lo, d->hi, what);
}

static BaseStatus check(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, int64_t *count)
{
    BaseStatus st = BASE_OK;
    *count = 0;
    BASE_CHECK(options->alpha > 0 && options->alpha < 0.5, BASE_EARG, "alpha is %g; it must be between 0 and 0.5",
               options->alpha);
    BASE_CHECK(options->margin > 0 && options->margin < 0.5, BASE_EARG,
               "the margin is %g; it must be between 0 and 0.5", options->margin);
    for (int64_t i = 0; i < attacks; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            const MiaGameScores *s = &scores[i].game[g];
            BASE_CHECK(s->n == 0 || s->member || g == MIA_GAME_MODELS, BASE_EARG,
                       "attack %.40s, game %s: membership is not given", scores[i].attack, mia_game_name((MiaGame)g));
            *count += is_played(s, (MiaGame)g);
        }
    BASE_CHECK(*count > 0, BASE_EARG, "no attack has scores of an unlearned model: there is nothing to judge");
out:
    return st;
}

static void say_what_is_missing(const MiaAuditScores *scores, int64_t attacks, MiaAudit *audit)
{
    for (int g = 0; g < MIA_GAMES; g++) {
        int64_t retrained = 0;
        for (int64_t i = 0; i < attacks; i++) {
            const MiaGameScores *s = &scores[i].game[g];
            audit->played[g] |= is_played(s, (MiaGame)g);
            if (s->n > 0 && s->retrained.M > retrained) retrained = s->retrained.M;
        }
        if (!audit->played[g])
            snprintf(audit->missing[g], sizeof audit->missing[g], "not run: needs %s",
                     g == MIA_GAME_MODELS ? "a retrained model" : "scores of members and non-members");
        else if (retrained < 2)
            snprintf(audit->missing[g], sizeof audit->missing[g], "equality is not judged: needs 2 retrained models");
    }
}

BaseStatus mia_audit(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *out)
{
    BaseStatus st = BASE_OK;
    MiaAudit audit = {0};
    int64_t count;
    *out = (MiaAudit){0};
    BASE_TRY(check(scores, attacks, options, &count));
    BASE_TRY(BASE_ALLOC(count, &audit.finding));
    say_what_is_missing(scores, attacks, &audit);
    for (int64_t i = 0; i < attacks; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            if (!is_played(&scores[i].game[g], (MiaGame)g)) continue;
            st = find(&scores[i], (MiaGame)g, options, 1 - options->alpha / (double)count,
                      &audit.finding[audit.count++]);
            if (st == BASE_OK) continue;
            base_error_prefix(st, "attack %.40s, game %s", scores[i].attack, mia_game_name((MiaGame)g));
            goto out;
        }
    BASE_TRY(control_nothing(scores, attacks, options, &audit.nothing));
    BASE_TRY(control_something(scores, attacks, options, &audit.something));
    conclude(options, &audit);
    *out = audit;
    audit = (MiaAudit){0};
out:
    mia_audit_free(&audit);
    return st;
}
