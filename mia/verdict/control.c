/* mia/verdict/control.c - where nothing must be found, and where something must. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "math/special.h"
#include "mia/verdict/parts.h"

/* ------------------------------------------------------------ retrained against retrained */

typedef struct {
    double *p; /* [count] */
    int64_t count;
    double least; /* of the tests by themselves */
    const char *attack;
    MiaGame game;
    int64_t model;
} Nothing;

static BaseStatus add(Nothing *w, double p, const char *attack, MiaGame game, int64_t model)
{
    if (isnan(p)) return BASE_OK;
    BaseStatus st = BASE_GROW_BY_ONE(&w->p, w->count);
    if (st != BASE_OK) return st;
    w->p[w->count++] = p;
    if (p < w->least) {
        w->least = p;
        w->attack = attack;
        w->game = game;
        w->model = model;
    }
    return BASE_OK;
}

/* In "forget" every model that kept to its training has an expected AUC of 1/2, whatever else it does: a difference
 * between two is judged over points, of which there are many, not over the few models. */
static double over_points(const MiaRow *row, int64_t m, int64_t M)
{
    double others = 0;
    for (int64_t k = 0; k < M; k++) others += k == m ? 0 : row->value[k] / (double)(M - 1);
    if (!(row->paired[m] > 0)) return NAN;
    return math_exchange_tails((row->value[m] - others) / sqrt(row->paired[m]), row->clusters - 1);
}

static BaseStatus leave_one_out(const MiaGameScores *g, MiaGame game, const char *attack, Nothing *w)
{
    BaseStatus st = BASE_OK;
    MiaTable table = {0};
    double *rest = NULL;
    BASE_TRY(mia_table_against(g, game, NULL, &table));
    BASE_TRY(BASE_ALLOC(table.M, &rest));
    for (int64_t m = 0; m < table.M; m++) {
        if (game == MIA_GAME_FORGET)
            BASE_TRY(add(w, over_points(&table.row[MIA_STATISTIC_AUC], m, table.M), attack, game, m));
        for (int s = 0; s < MIA_STATISTICS && table.M >= 3; s++) {
            const MiaRow *row = &table.row[s];
            int64_t count = 0;
            for (int64_t k = 0; k < table.M; k++)
                if (k != m) rest[count++] = row->x[k];
            MathExchange x = math_exchange(row->x[m], rest, count, row->floor);
            if (row->defined && !x.ranked) BASE_TRY(add(w, x.p, attack, game, m));
        }
    }
out:
    mia_table_free(&table);
    base_free(rest);
    return st;
}

/* The chance that a model whose AUC in "forget" is off by the leak is noticed, by the attack with the smallest error. */
static BaseStatus chance_to_notice(const MiaAuditScores *scores, int64_t attacks, double leak, int64_t tests,
                                   double *chance)
{
    BaseStatus st = BASE_OK;
    *chance = NAN;
    for (int64_t i = 0; i < attacks && leak > 0; i++) {
        const MiaGameScores *g = &scores[i].game[MIA_GAME_FORGET];
        MiaTable table;
        double sum = 0;
        if (g->n == 0 || g->retrained.M < 2) continue;
        BASE_TRY(mia_table_against(g, MIA_GAME_FORGET, NULL, &table));
        const MiaRow *row = &table.row[MIA_STATISTIC_AUC];
        double needed = math_stats_t_quantile(1 - MIA_CONTROL_ALPHA / 2 / (double)tests, row->clusters - 1);
        for (int64_t m = 0; m < table.M; m++)
            sum += math_normal_upper(needed - leak / sqrt(row->paired[m])) / (double)table.M;
        if (!(sum <= *chance)) *chance = sum;
        mia_table_free(&table);
    }
out:
    return st;
}

BaseStatus mia_control_nothing(const MiaAuditScores *scores, int64_t attacks, double leak, MiaControl *out)
{
    BaseStatus st = BASE_OK;
    Nothing w = {.least = INFINITY};
    double chance, all;
    *out = (MiaControl){0};
    for (int64_t i = 0; i < attacks; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            const MiaGameScores *s = &scores[i].game[g];
            if (s->n > 0 && s->retrained.M >= 2) BASE_TRY(leave_one_out(s, (MiaGame)g, scores[i].attack, &w));
        }
    out->run = w.count > 0;
    if (!out->run) {
        snprintf(out->text, sizeof out->text, "not run: needs 2 retrained models");
        goto out;
    }
    BASE_TRY(chance_to_notice(scores, attacks, leak, w.count, &chance));
    int64_t tests = w.count;
    all = math_simes(w.p, w.count);
    out->passed = all > MIA_CONTROL_ALPHA;
    char power[160] = "";
    if (!isnan(chance))
        snprintf(power, sizeof power,
                 "; a retrained model that leaks by %.3f of AUC would be noticed with a probability of %.0f%%", leak,
                 100 * chance);
    if (!out->passed)
        snprintf(out->text, sizeof out->text,
                 "failed: retrained model %lld differs from the others (%.40s, %s; p %.2g over %lld tests)",
                 (long long)w.model + 1, w.attack, mia_game_name(w.game), all, (long long)tests);
    else if (all <= 0.05)
        snprintf(out->text, sizeof out->text,
                 "passed, but retrained model %lld is the odd one out (%.40s, %s; p %.2g over %lld tests)%s",
                 (long long)w.model + 1, w.attack, mia_game_name(w.game), all, (long long)tests, power);
    else
        snprintf(out->text, sizeof out->text, "passed: no retrained model differs from the others in %lld tests%s",
                 (long long)tests, power);
out:
    base_free(w.p);
    return st;
}

/* ------------------------------------------------------------ original against retrained */

static const double PLANTED[] = {1, 0.25, 0.1};

/* Whether the judged model's statistics would be a finding by themselves, or, where @p planted is no NaN, those of a model
 * that exposes this share of the members wholly. */
static bool is_found(const MiaTable *table, double planted, bool either, double alpha)
{
    double p[MIA_STATISTICS], least = INFINITY;
    int64_t count = 0;
    bool up = false;
    for (int s = 0; s < MIA_STATISTICS; s++) {
        const MiaRow *row = &table->row[s];
        MathExchange x = mia_row_exchange(row, table->M);
        if (isnan(x.p) || x.ranked) continue;
        double offset = x.offset;
        if (!isnan(planted)) {
            double centre = mia_row_reference(row, &x);
            offset = mia_row_offset(row, &x, centre + ((s == MIA_STATISTIC_LOW_1 ? 0 : 1) - centre) * planted);
        }
        if (isnan(offset)) continue;
        p[count] = math_exchange_tails(offset / x.reach, x.freedom);
        if (p[count] < least) {
            least = p[count];
            up = (s == MIA_STATISTIC_LOW_1 ? offset < 0 : offset > 0) || either;
        }
        count++;
    }
    return count > 0 && up && math_simes(p, count) <= alpha;
}

double mia_smallest_found(const MiaAuditScores *scores, MiaGame game, const MiaTable *table,
                          const MiaAuditOptions *options, BaseStatus *st)
{
    const MiaGameScores *g = &scores->game[game];
    bool either = scores->undirected && game == MIA_GAME_MODELS;
    double smallest = NAN;
    for (size_t i = 0; i < BASE_COUNT(PLANTED) && game == MIA_GAME_RETAIN; i++)
        if (is_found(table, PLANTED[i], either, options->alpha)) smallest = PLANTED[i];
    if (game == MIA_GAME_RETAIN) return smallest;
    for (int64_t i = 0; i < g->original.M + g->graded.M && *st == BASE_OK; i++) {
        bool whole = i < g->original.M;
        const double *score = whole ? g->original.score : g->graded.score + (i - g->original.M) * g->n;
        MiaTable with;
        *st = mia_table_against(g, game, score, &with);
        if (*st != BASE_OK) break;
        if (is_found(&with, NAN, either, options->alpha)) smallest = whole ? 1 : options->grade[i - g->original.M];
        mia_table_free(&with);
    }
    return smallest;
}

void mia_control_something(const MiaAuditScores *scores, int64_t attacks, MiaAudit *audit)
{
    MiaControl *out = &audit->something;
    size_t used = 0;
    bool tried = false;
    *out = (MiaControl){0};
    for (int64_t i = 0; i < attacks; i++) {
        const MiaGameScores *g = &scores[i].game[MIA_GAME_FORGET], *m = &scores[i].game[MIA_GAME_MODELS];
        tried |= (g->n > 0 && g->original.M > 0 && g->retrained.M >= 2) ||
                 (m->n > 0 && m->original.M > 0 && m->retrained.M >= 2);
    }
    out->run = tried;
    if (!tried) {
        snprintf(out->text, sizeof out->text, "not run: needs the original model and 2 retrained models");
        return;
    }
    for (int g = MIA_GAME_FORGET; g <= MIA_GAME_MODELS; g++) {
        const MiaFinding *best = NULL;
        for (int64_t i = 0; i < audit->count; i++) {
            const MiaFinding *f = &audit->finding[i];
            if (f->game != (MiaGame)g || isnan(f->found) || (best && best->found <= f->found)) continue;
            best = f;
        }
        used = strlen(out->text);
        if (best)
            snprintf(out->text + used, sizeof out->text - used,
                     best->found < 1 ? "%sin \"%s\" %.40s still finds a model that is %.0f%% the original"
                                     : "%sin \"%s\" %.40s finds it",
                     used ? ", " : "", mia_game_name((MiaGame)g), best->attack, 100 * best->found);
        else
            snprintf(out->text + used, sizeof out->text - used, "%sin \"%s\" no attack finds it", used ? ", " : "",
                     mia_game_name((MiaGame)g));
        out->passed |= best != NULL;
    }
}
