/* mia/verdict/power.c - what an audit of so many points and models finds, from leaks that are planted in what the
 * retrained models show.
 *
 * With S from the data itself, t = T + offset / reach, T Student's on R - 1 degrees of freedom (math/exchange.h), and so a
 * leak that moves a statistic by `offset` is found with a probability that the data tell exactly. How the T of several
 * statistics go together is taken from the retrained models too (a Gaussian copula with their correlations). All statistics
 * of the game "retain" are taken to be silent. A finding is what it is in an audit: the closed test of one game.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "math/special.h"
#include "mia/verdict/parts.h"

enum { MOST_PLANTED = 8, EXPOSED = 4, TAILS = 192 };
/* Shares of members wholly exposed at which the rise of epsilon's evidence is worked out. */
static const double EXPOSED_AT[EXPOSED] = {0.01, 0.02, 0.05, 0.2};

/* A statistic that a leak moves. */
typedef struct {
    MathExchange x;
    MiaGame game;
    MiaStatistic which;
    double planted[MOST_PLANTED]; /* what x moves by at each planted leak */
    double base;                  /* EPSILON: x of one retrained model, */
    double exposed[EXPOSED];      /* and its rise at each share of EXPOSED_AT */
    double centre, count;
    bool against;
    double *apart; /* [R] the retrained models' x less their mean, over S; of length sqrt(R - 1) */
} Moved;

typedef struct {
    Moved *moved; /* [count] */
    int64_t count, family;
    const double *plant; /* [plants] */
    int64_t plants;
    double *draw;    /* [draws, count] T */
    double *all, *p; /* [count], [2 count]: one draw's p; those of one game, ascending, and of the others */
    double alpha;
    double *apart; /* [room, R] */
    int64_t draws, R;
    double tail[TAILS]; /* t of p_at, to one side */
    double images;      /* MiaPower */
} Work;

enum { ALL_ALIKE, SOME_WHOLLY };
/* Linear between the points (0, 0), (at[k], moved[k]); the last value beyond them. */
static double between(const double *at, const double *moved, int64_t points, double size)
{
    double from = 0, have = 0;
    for (int64_t k = 0; k < points; k++) {
        if (size <= at[k]) return have + (size - from) / (at[k] - from) * (moved[k] - have);
        from = at[k];
        have = moved[k];
    }
    return have;
}

/* The value that a move of x leads to. */
static double value_at(const Moved *m, double moved)
{
    MiaRow row = {.count = m->count};
    MathExchange x = {.centre = m->x.centre};
    return m->centre + mia_row_at(&row, &x, moved);
}

/* By how much x moves from its centre where the others' value is @p others and the share `size` of the members is above
 * everything. */
static double exposed_by(const Moved *m, double others, double size)
{
    MiaRow row = {.count = m->count};
    MathExchange x = {.centre = m->against ? 0 : m->x.centre};
    return mia_row_offset(&row, &x, others + (1 - others) * size);
}

/* By how much a leak of this size moves x. ALL_ALIKE: size as of the planted leaks. */
static double moved_by(const Work *w, const Moved *m, int leak, double size)
{
    return leak == ALL_ALIKE ? between(w->plant, m->planted, w->plants, size) : exposed_by(m, m->centre, size);
}

/* t of a draw T, with a leak. ALL_ALIKE: epsilon's evidence, which then varies more than among retrained models, is not counted
 * on. SOME_WHOLLY: T draws the others' share, above which the exposed stand; epsilon's evidence is the largest of several,
 * that of the exposed, which hardly varies, among them. */
static double t_of(const Work *w, const Moved *m, double T, int leak, double size)
{
    const bool epsilon = m->which == MIA_STATISTIC_EPSILON;
    T *= m->x.share;
    if (leak == ALL_ALIKE && epsilon) return T;
    if (leak == ALL_ALIKE || m->against) return T + moved_by(w, m, leak, size) / m->x.reach;
    if (epsilon) return fmax(T, (m->base + between(EXPOSED_AT, m->exposed, EXPOSED, size) - m->x.centre) / m->x.reach);
    return exposed_by(m, value_at(m, T * m->x.reach), size) / m->x.reach;
}

/* The tables' p: from 1/2 down to 1e-12. */
static double p_at(double k) { return 0.5 * pow(2e-12, k / (TAILS - 1)); }

/* p of t: to one side of epsilon's evidence, else to two. Between the points of the table log p is linear in t. */
static double p_of(const Work *w, const Moved *m, double t)
{
    const int sides = m->which == MIA_STATISTIC_EPSILON ? 1 : 2;
    int64_t below = 0, above = TAILS - 1;
    if (sides == 2) t = fabs(t);
    if (t <= w->tail[0]) return 1; /* 1/2 and more decides nothing */
    if (t >= w->tail[above]) return sides * p_at((double)above);
    while (above - below > 1) {
        int64_t middle = (below + above) / 2;
        if (w->tail[middle] <= t)
            below = middle;
        else
            above = middle;
    }
    return sides * p_at((double)below + (t - w->tail[below]) / (w->tail[above] - w->tail[below]));
}

/* Simes' test at alpha of @p p [count], ascending, among the whole family, the others' p being 1. */
static bool simes(const Work *w, const double *p, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (p[i] * (double)w->family <= w->alpha * (double)(i + 1)) return true;
    return false;
}

/* math_closed for the set of one game: its @p own [count] and @p others [rest], ascending, and the silent ones, whose p is
 * taken to be 1. */
static bool closed(const Work *w, const double *own, int64_t count, const double *others, int64_t rest)
{
    const int64_t silent = w->family - count - rest;
    if (simes(w, own, count)) return true; /* no set that it is joined with has worse ranks */
    for (int64_t joined = 0; joined <= rest; joined++) {
        const int64_t among = count + silent + joined;
        bool yes = false;
        for (int64_t i = 0, j = rest - joined, rank = 1; !yes && rank <= count + joined; rank++) {
            bool next = j == rest || (i < count && own[i] <= others[j]);
            yes = (next ? own[i++] : others[j++]) * (double)among <= w->alpha * (double)rank;
        }
        if (!yes) return false;
    }
    return true;
}

/* Whether a draw of T and a leak of this size lead to a finding in some game. */
static bool finds(const Work *w, const double *T, int leak, double size)
{
    double *const own = w->p, *const others = w->p + w->count;
    for (int64_t i = 0; i < w->count; i++) w->all[i] = p_of(w, &w->moved[i], t_of(w, &w->moved[i], T[i], leak, size));
    for (int game = 0; game < MIA_GAMES; game++) {
        int64_t count = 0, rest = 0;
        for (int64_t i = 0; i < w->count; i++)
            *((int)w->moved[i].game == game ? &own[count++] : &others[rest++]) = w->all[i];
        qsort(own, (size_t)count, sizeof *own, base_ascending_f64);
        qsort(others, (size_t)rest, sizeof *others, base_ascending_f64);
        if (count && closed(w, own, count, others, rest)) return true;
    }
    return false;
}

static double power(const Work *w, int leak, double size)
{
    int64_t found = 0;
    for (int64_t d = 0; d < w->draws; d++) found += finds(w, w->draw + d * w->count, leak, size);
    return (double)found / (double)w->draws;
}

/* The smallest size that is found with 80%; NaN where `most` is not. */
static double smallest(const Work *w, int leak, double most)
{
    double lo = 0, hi = most;
    if (w->count == 0 || power(w, leak, most) < 0.8) return NAN;
    for (int i = 0; i < 30; i++) {
        double mid = (lo + hi) / 2;
        if (power(w, leak, mid) < 0.8)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

/* Student's quantile of the normal z, from a table: between its points linearly, which is right to 1e-3. */
enum { TABLE = 801 };
static double student(const double *table, double z)
{
    double at = (fmin(fmax(z, -4), 4) + 4) * (TABLE - 1) / 8;
    int64_t below = base_smaller((int64_t)at, TABLE - 2);
    return table[below] + (at - (double)below) * (table[below + 1] - table[below]);
}

static BaseStatus draw(Work *w)
{
    BaseStatus st = BASE_OK;
    double table[TABLE], freedom = (double)(w->R - 1), *weight = NULL;
    BaseRandom random = base_random_make(0, "power", 0);
    BASE_TRY(BASE_ALLOC(w->draws * w->count, &w->draw));
    BASE_TRY(BASE_ALLOC(w->count, &w->all));
    BASE_TRY(BASE_ALLOC(2 * w->count, &w->p));
    BASE_TRY(BASE_ALLOC(w->R, &weight));
    for (int i = 0; i < TABLE; i++) {
        double below = 1 - math_normal_upper(8.0 * i / (TABLE - 1) - 4);
        table[i] = math_stats_t_quantile(below, freedom);
    }
    for (int k = 0; k < TAILS; k++) w->tail[k] = math_stats_t_quantile(1 - p_at(k), freedom);
    for (int64_t d = 0; d < w->draws; d++) {
        for (int64_t r = 0; r < w->R; r++) weight[r] = base_random_normal(&random);
        for (int64_t i = 0; i < w->count; i++) {
            double z = 0;
            for (int64_t r = 0; r < w->R; r++) z += weight[r] * w->moved[i].apart[r] / sqrt(freedom);
            w->draw[d * w->count + i] = student(table, z);
        }
    }
out:
    base_free(weight);
    return st;
}

/* Whether the interval of equality would fit into its margin with R models, were there no difference; *of_margin: what
 * part of the margin it reaches. @p points: variance over points. */
static bool fits(const MiaRow *row, const MathExchange *x, double points, MiaStatistic s, int64_t R,
                 const MiaAuditOptions *options, double *of_margin)
{
    MathExchange with = *x;
    double now = (double)(x->freedom + 1);
    *of_margin = 0;
    if (isnan(x->p) || x->ranked || isnan(points)) return true;
    with.reach = x->reach / sqrt(1 + 1 / now) * sqrt(1 + 1 / (double)R);
    with.freedom = (double)(R - 1);
    double half = math_exchange_half(&with, points, 1 - 2 * options->alpha);
    double most = fmax(fabs(mia_row_at(row, x, half)), fabs(mia_row_at(row, x, -half)));
    *of_margin = most / (s == MIA_STATISTIC_AUC ? options->margin : options->margin_tpr);
    return *of_margin < 1;
}

/* The smallest number of models from @p least on with which it fits; MOST_MODELS + 1: none. More models are never worse.
 * Where the counting of images alone keeps it from fitting, *images grows to how many times as many there should be: widths
 * fall with the root of their number. */
enum { MOST_MODELS = 100 };
static int64_t enough(const MiaRow *row, const MathExchange *x, MiaStatistic s, int64_t least,
                      const MiaAuditOptions *options, double *images)
{
    const double points = mia_row_points(row);
    int64_t most = MOST_MODELS + 1;
    double reaches, ignored;
    MathExchange bare = *x; /* of models alone */
    bare.reach *= x->share;
    if (least > MOST_MODELS || fits(row, x, points, s, least, options, &reaches)) return least;
    if (!fits(row, x, points, s, MOST_MODELS, options, &reaches)) {
        bool coarse = s != MIA_STATISTIC_AUC && 2 / row->count > options->margin_tpr; /* two images are the margin */
        if (!coarse && !fits(row, &bare, 0, s, MOST_MODELS, options, &ignored)) return most;
        *images = fmax(*images, reaches * reaches);
        return least;
    }
    for (most = MOST_MODELS; most - least > 1;) { /* most fits, least does not */
        int64_t middle = (least + most) / 2;
        if (fits(row, x, points, s, middle, options, &reaches))
            most = middle;
        else
            least = middle;
    }
    return most;
}

/* x of the planted models less that of the model they were planted in. */
static BaseStatus plant(const MiaGameScores *g, MiaGame game, int64_t plants, double *moved /* [plants, STATISTICS] */)
{
    BaseStatus st = BASE_OK;
    double base[MIA_STATISTICS] = {0};
    MiaTable table = {0};
    for (int64_t k = -1; k < plants; k++) {
        mia_table_free(&table);
        BASE_TRY(mia_table_against(g, game, k < 0 ? g->retrained.score : g->planted.score + k * g->n, &table));
        for (int s = 0; s < MIA_STATISTICS; s++) {
            MathExchange x = mia_row_exchange(&table.row[s], table.M);
            double at = game == MIA_GAME_MODELS ? x.offset : table.row[s].x[0];
            if (k < 0)
                base[s] = at;
            else
                moved[k * MIA_STATISTICS + s] = at - base[s];
        }
    }
out:
    mia_table_free(&table);
    return st;
}

/* The rise of epsilon's evidence, had shares of the first retrained model's members scores above all others. */
static BaseStatus expose(const MiaGameScores *g, Moved *m)
{
    BaseStatus st = BASE_OK;
    double *score = NULL, most = -INFINITY, least = INFINITY;
    int64_t *member = NULL, members = 0;
    MiaTable table = {0};
    BaseRandom random = base_random_make(0, "exposed", 0);
    BASE_TRY(BASE_ALLOC_RAW(g->n, &score));
    BASE_TRY(BASE_ALLOC_RAW(g->n, &member));
    for (int64_t i = 0; i < g->n; i++)
        if (g->member[i]) member[members++] = i;
    base_random_shuffle(&random, member, members);
    memcpy(score, g->retrained.score, (size_t)g->n * sizeof *score);
    for (int64_t i = 0; i < g->n; i++) {
        most = fmax(most, score[i]);
        least = fmin(least, score[i]);
    }
    for (int64_t k = -1, done = 0; k < EXPOSED; k++) {
        for (; k >= 0 && done < llround(EXPOSED_AT[k] * (double)members); done++)
            score[member[done]] += most - least + 1;
        mia_table_free(&table);
        BASE_TRY(mia_table_against(g, MIA_GAME_FORGET, score, &table));
        if (k < 0)
            m->base = table.row[MIA_STATISTIC_EPSILON].x[0];
        else
            m->exposed[k] = table.row[MIA_STATISTIC_EPSILON].x[0] - m->base;
    }
out:
    mia_table_free(&table);
    base_free(score);
    base_free(member);
    return st;
}

static BaseStatus look(const MiaAuditScores *scores, const MiaAuditOptions *options, const MiaFinding *f,
                       int64_t *needed, Work *w)
{
    BaseStatus st = BASE_OK;
    const MiaGameScores *g = &scores->game[f->game];
    double moved[MOST_PLANTED * MIA_STATISTICS];
    MiaTable table = {0};
    BASE_TRY(mia_table_against(g, f->game, g->unlearned.score, &table));
    w->plants = base_smaller(g->planted.M, MOST_PLANTED);
    if (f->game != MIA_GAME_RETAIN) BASE_TRY(plant(g, f->game, w->plants, moved));
    for (int s = 0; s < MIA_STATISTICS; s++) {
        const MiaRow *row = &table.row[s];
        MathExchange x = mia_row_exchange(row, table.M);
        bool finite = true;
        if (s != MIA_STATISTIC_EPSILON) *needed = enough(row, &x, (MiaStatistic)s, *needed, options, &w->images);
        if (!f->at[s].judged) continue;
        if (f->game == MIA_GAME_RETAIN || x.ranked || isnan(x.p)) continue;
        if (s == MIA_STATISTIC_EPSILON && x.centre < -7)
            continue; /* equal scores throughout: no rank is drawn (p = 1) */
        Moved m = {.x = x,
                   .game = f->game,
                   .which = (MiaStatistic)s,
                   .centre = mia_row_reference(row, &x),
                   .count = row->count,
                   .against = f->game == MIA_GAME_MODELS && s == MIA_STATISTIC_AUC};
        for (int64_t k = 0; k < w->plants; k++) {
            m.planted[k] = moved[k * MIA_STATISTICS + s];
            finite = finite && isfinite(m.planted[k]);
        }
        if (s == MIA_STATISTIC_EPSILON) BASE_TRY(expose(g, &m));
        double square = 0;
        m.apart = w->apart + w->count * w->R;
        for (int64_t r = 0; r < w->R; r++) {
            m.apart[r] = row->x[r + 1] - x.centre;
            square += m.apart[r] * m.apart[r];
        }
        for (int64_t r = 0; r < w->R; r++) m.apart[r] /= sqrt(square / (double)(w->R - 1));
        if (finite) w->moved[w->count++] = m;
    }
out:
    mia_table_free(&table);
    return st;
}

static const Moved *first_of(const Work *w, MiaStatistic which)
{
    for (int64_t i = 0; i < w->count; i++)
        if (w->moved[i].game == MIA_GAME_FORGET && w->moved[i].which == which) return &w->moved[i];
    return NULL;
}

BaseStatus mia_power(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *audit)
{
    BaseStatus st = BASE_OK;
    Work w = {.draws = options->draws, .plant = options->plant, .alpha = options->alpha};
    int64_t R = 0, needed;
    audit->power = (MiaPower){.auc = NAN, .share = NAN, .tpr = NAN, .chance = NAN};
    for (int64_t i = 0; i < attacks; i++)
        for (int g = 0; g < MIA_GAMES; g++) R = base_larger(R, scores[i].game[g].retrained.M);
    if (R < 2) return BASE_OK;
    needed = R;
    w.R = R;
    BASE_TRY(BASE_ALLOC(audit->count * MIA_STATISTICS, &w.moved));
    BASE_TRY(BASE_ALLOC(audit->count * MIA_STATISTICS * R, &w.apart));
    for (int64_t i = 0; i < audit->count; i++) {
        const MiaFinding *f = &audit->finding[i];
        for (int s = 0; s < MIA_STATISTICS; s++) w.family += f->at[s].judged;
        BASE_TRY(look(mia_scores_of(scores, attacks, f), options, f, &needed, &w));
    }
    audit->power.retrained = needed == R ? 0 : needed > MOST_MODELS ? -1 : needed;
    audit->power.images = w.images;
    if (w.count == 0) goto out;
    BASE_TRY(draw(&w));
    const Moved *auc = first_of(&w, MIA_STATISTIC_AUC), *tpr = first_of(&w, MIA_STATISTIC_TPR_1);
    double size = w.plants ? smallest(&w, ALL_ALIKE, options->plant[w.plants - 1]) : NAN;
    if (auc && !isnan(size)) audit->power.auc = value_at(auc, moved_by(&w, auc, ALL_ALIKE, size)) - auc->centre;
    audit->power.share = smallest(&w, SOME_WHOLLY, 1);
    for (int64_t i = 0; i < attacks && audit->power.points == 0;
         i++) { /* whole images: no part of one can be exposed */
        const MiaGameScores *g = &scores[i].game[MIA_GAME_FORGET];
        for (int64_t k = 0; k < g->n; k++) audit->power.points += g->member[k] != 0;
    }
    if (!isnan(audit->power.share) && audit->power.points > 0) {
        audit->power.exposed = (int64_t)ceil(audit->power.share * (double)audit->power.points - 1e-9);
        audit->power.share = (double)audit->power.exposed / (double)audit->power.points;
        audit->power.chance = power(&w, SOME_WHOLLY, audit->power.share);
    }
    if (tpr && !isnan(audit->power.share))
        audit->power.tpr = value_at(tpr, moved_by(&w, tpr, SOME_WHOLLY, audit->power.share));
out:
    base_free(w.moved);
    base_free(w.draw);
    base_free(w.apart);
    base_free(w.all);
    base_free(w.p);
    return st;
}
