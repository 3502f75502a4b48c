/* audit/judge.c - cuts out the points of each game, scores them under every model, and compares the groups. */
#include "audit/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "math/clusters.h"
#include "mia/signal/signal.h"

const double audit_planted[AUDIT_PLANTED] = {0.25, 0.5, 1, 2};

const char *audit_model_name(AuditModel model)
{
    static const char *const NAMES[] = {"unlearned", "original", "retrained"};
    return NAMES[model];
}

void audit_result_free(AuditResult *r)
{
    for (size_t i = 0; r->attack && i < r->count; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            base_free(r->attack[i].score[g]);
            mia_result_free(&r->attack[i].result[g]);
        }
    for (int g = 0; g < MIA_GAMES; g++) {
        base_free(r->game[g].point);
        base_free(r->game[g].member);
        base_free(r->game[g].label);
        base_free(r->game[g].cluster);
        base_free(r->game[g].subgroup);
    }
    base_free(r->attack);
    mia_audit_free(&r->audit);
    *r = (AuditResult){0};
}

static BaseStatus make_game(const AuditSignals *s, AuditGroup in, AuditGroup out, AuditGame *game)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(s->N, &game->point));
    BASE_TRY(BASE_ALLOC(s->N, &game->member));
    BASE_TRY(BASE_ALLOC_RAW(s->N, &game->label));
    if (s->cluster) BASE_TRY(BASE_ALLOC_RAW(s->N, &game->cluster));
    if (s->subgroup) BASE_TRY(BASE_ALLOC_RAW(s->N, &game->subgroup));
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < s->N; i++) {
            if (s->group[i] != (pass == 0 ? in : out) || (pass == 1 && in == out)) continue;
            game->member[game->n] = pass == 0;
            game->label[game->n] = s->labels[i];
            if (s->cluster) game->cluster[game->n] = s->cluster[i];
            if (s->subgroup) game->subgroup[game->n] = s->subgroup[i];
            game->point[game->n++] = i;
            game->members += pass == 0;
        }
out:
    return st;
}

/* The arrays of one game as an attack takes them: copies of the rows of its points. */
typedef struct {
    MiaInput input;
    int64_t *population; /* [Z] points */
    double *logits, *original, *shadow, *unlearned, *retrained, *population_logits, *shadow_population;
    int32_t *labels, *population_labels;
    uint8_t *role, *shadow_keep, *unlearned_keep;
} Table;

static void table_free(Table *t)
{
    void *const blocks[] = {t->population,     t->logits,
                            t->shadow,         t->unlearned,
                            t->retrained,      t->population_logits,
                            t->labels,         t->population_labels,
                            t->role,           t->shadow_keep,
                            t->unlearned_keep, t->shadow_population,
                            t->original};
    for (size_t i = 0; i < BASE_COUNT(blocks); i++) base_free(blocks[i]);
    *t = (Table){0};
}

/* Rows @p point [n] of @p from [models, N, K] to *out [models, n, K]; NULL stays NULL. */
static BaseStatus take_rows(const AuditSignals *s, const double *from, int64_t models, const int64_t *point, int64_t n,
                            double **out)
{
    BaseStatus st = BASE_OK;
    size_t row = (size_t)s->K * sizeof *from;
    if (!from || n == 0) return BASE_OK;
    if (!*out) BASE_TRY(BASE_ALLOC_RAW(models * n * s->K, out));
    for (int64_t m = 0; m < models; m++)
        for (int64_t i = 0; i < n; i++) memcpy(*out + (m * n + i) * s->K, from + (m * s->N + point[i]) * s->K, row);
out:
    return st;
}

static BaseStatus take_flags(const AuditSignals *s, const uint8_t *from, int64_t models, const AuditGame *game,
                             uint8_t **out)
{
    BaseStatus st = BASE_OK;
    if (!from) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(models * game->n, out));
    for (int64_t m = 0; m < models; m++)
        for (int64_t i = 0; i < game->n; i++) (*out)[m * game->n + i] = from[m * s->N + game->point[i]];
out:
    return st;
}

static BaseStatus take_population(const AuditSignals *s, Table *t)
{
    BaseStatus st = BASE_OK;
    MiaInput *in = &t->input;
    BASE_TRY(BASE_ALLOC_RAW(s->N, &t->population));
    BASE_TRY(BASE_ALLOC_RAW(s->N, &t->population_labels));
    for (int64_t i = 0; i < s->N; i++) {
        if (s->group[i] != AUDIT_POPULATION) continue;
        t->population_labels[in->Z] = s->labels[i];
        t->population[in->Z++] = i;
    }
    BASE_TRY(take_rows(s, s->shadow.shadow_logits, s->shadow.S, t->population, in->Z, &t->shadow_population));
    in->population_labels = t->population_labels;
    in->shadow_population_logits = t->shadow_population;
out:
    return st;
}

static BaseStatus table_make(const AuditSignals *s, const AuditGame *game, Table *t)
{
    BaseStatus st = BASE_OK;
    const ModelShadowArrays *a = &s->shadow;
    MiaInput *in = &t->input;
    *in = (MiaInput){.N = game->n, .K = s->K, .seed = s->seed};
    BASE_TRY(BASE_ALLOC_RAW(game->n, &t->labels));
    BASE_TRY(BASE_ALLOC_RAW(game->n, &t->role));
    for (int64_t i = 0; i < game->n; i++) {
        t->labels[i] = s->labels[game->point[i]];
        t->role[i] = game->member[i] ? MIA_MEMBER : MIA_NONMEMBER;
    }
    BASE_TRY(take_rows(s, a->shadow_logits, a->S, game->point, game->n, &t->shadow));
    BASE_TRY(take_flags(s, a->shadow_keep, a->S, game, &t->shadow_keep));
    BASE_TRY(take_rows(s, a->unlearned_logits, a->U, game->point, game->n, &t->unlearned));
    BASE_TRY(take_flags(s, a->unlearned_keep, a->U, game, &t->unlearned_keep));
    BASE_TRY(take_rows(s, a->retrained_logits, a->R, game->point, game->n, &t->retrained));
    in->labels = t->labels;
    in->role = t->role;
    in->cluster = game->cluster;
    in->S = a->S;
    in->shadow_logits = t->shadow;
    in->shadow_keep = t->shadow_keep;
    in->U = a->U;
    in->unlearned_logits = t->unlearned;
    in->unlearned_keep = t->unlearned_keep;
    in->R = a->R;
    in->retrained_logits = t->retrained;
    BASE_TRY(take_rows(s, s->original, 1, game->point, game->n, &t->original));
    in->original_logits = t->original;
    in->unlearned_pair = a->unlearned_pair;
    in->retrained_pair = a->retrained_pair;
    BASE_TRY(take_population(s, t));
out:
    return st;
}

/* Logits [N, K] of row @p m of AuditModel's order. */
static const double *logits_of(const AuditSignals *s, int64_t m)
{
    if (m == 0) return s->unlearned;
    m--;
    if (s->original && m-- == 0) return s->original;
    return s->retrained + m * s->N * s->K;
}

/* to = part * to + (1 - part) * the rows of @p from. */
static void mix_rows(const AuditSignals *s, const double *from, const int64_t *point, int64_t n, double part,
                     double *to)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < s->K; k++)
            to[i * s->K + k] = part * to[i * s->K + k] + (1 - part) * from[point[i] * s->K + k];
}

static double margin_of(const double *z, int64_t K, int32_t label)
{
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < K; k++) most = k == label ? most : fmax(most, z[k]);
    for (int64_t k = 0; k < K; k++) sum += k == label ? 0 : exp(z[k] - most);
    return z[label] - most - log(sum);
}

/* Raises the logits of the members' own labels by @p size standard deviations of their margin over all labels. */
static void raise_members(const AuditGame *game, int64_t K, double size, double *z)
{
    double mean = 0, square = 0;
    for (int64_t i = 0; i < game->n; i++) mean += margin_of(z + i * K, K, game->label[i]) / (double)game->n;
    for (int64_t i = 0; i < game->n; i++) {
        double off = margin_of(z + i * K, K, game->label[i]) - mean;
        square += off * off / (double)game->n;
    }
    for (int64_t i = 0; i < game->n; i++)
        if (game->member[i]) z[i * K + game->label[i]] += size * sqrt(square);
}

static BaseStatus table_target(const AuditSignals *s, const AuditGame *game, int64_t m, Table *t)
{
    BaseStatus st = BASE_OK;
    int64_t grade = m - 1 - (s->original != NULL) - s->R;
    int64_t grades = s->original ? AUDIT_GRADES : 0, planted = grade - grades;
    bool weights = grade >= 0 && planted < 0 && s->graded;
    const double *logits = grade < 0      ? logits_of(s, m)
                           : planted >= 0 ? s->retrained
                           : weights      ? s->graded + grade * s->N * s->K
                                          : s->original;
    BASE_TRY(take_rows(s, logits, 1, game->point, game->n, &t->logits));
    BASE_TRY(take_rows(s, logits, 1, t->population, t->input.Z, &t->population_logits));
    if (planted >= 0) {
        raise_members(game, s->K, audit_planted[planted], t->logits);
    } else if (grade >= 0 && !weights) {
        mix_rows(s, s->retrained, game->point, game->n, audit_grades[grade], t->logits);
        mix_rows(s, s->retrained, t->population, t->input.Z, audit_grades[grade], t->population_logits);
    }
    t->input.logits = t->logits;
    t->input.population_logits = t->population_logits;
out:
    return st;
}

static bool of_groups(const MiaAttack *attack)
{
    return (attack->needs & (MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED)) != 0;
}

/* What such an attack says of a point depends on more than the audited model: models may be compared on the same
 * points, but not members with others. */
static bool plays_models_only(const MiaAttack *attack)
{
    return of_groups(attack) || (attack->needs & MIA_NEEDS_ORIGINAL) != 0;
}

/* Says in why_not what the attack lacks to play; false: it lacks something. */
static bool may_play(const AuditSignals *s, const AuditGame *game, const MiaAttack *attack, MiaGame g, const Table *t,
                     char why_not[240])
{
    bool groups = of_groups(attack);
    const char *why = NULL;
    if (groups && g != MIA_GAME_MODELS)
        why = "compares models: it plays the game \"models\"";
    else if ((attack->needs & MIA_NEEDS_ORIGINAL) && g != MIA_GAME_MODELS)
        why = "is told the original's answers, which say who was trained on: it plays the game \"models\"";
    else if ((attack->needs & MIA_NEEDS_ORIGINAL) && !s->original)
        why = "needs the original (--original)";
    else if ((attack->needs & MIA_NEEDS_SHADOW) && s->shadow.S == 0)
        why = "needs shadow models (--shadow)";
    else if (groups && (s->shadow.U == 0 || s->shadow.R == 0))
        why = "needs shadow models that unlearned and that were retrained (--shadow)";
    else if ((attack->needs & MIA_NEEDS_POPULATION) && t->input.Z == 0)
        why = "needs held-out points that trained no shadow model";
    else if (game->members == 0)
        why = "needs trained-on points of these classes";
    else if (game->members == game->n)
        why = "needs held-out points of these classes (the test split has none)";
    if (why) snprintf(why_not, 240, "%s", why);
    return !why;
}

/* Scores [M, n] of the points of @p game under every model. */
static BaseStatus play(const AuditSignals *s, const AuditGame *game, int64_t M, Table *t, AuditAttack *a, MiaGame g)
{
    BaseStatus st = BASE_OK;
    MiaResult result = {0};
    const MiaAttack *attack = a->choice->attack;
    if (!may_play(s, game, attack, g, t, a->why_not[g])) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(M * game->n, &a->score[g]));
    for (int64_t m = 0; m < M; m++) {
        BASE_TRY(table_target(s, game, m, t));
        st = mia_attack(attack, &t->input, a->choice->params, &result);
        if (st != BASE_OK) goto out;
        memcpy(a->score[g] + m * game->n, result.score, (size_t)game->n * sizeof(double));
        if (m == 0) {
            a->result[g] = result;
            result = (MiaResult){0};
        }
        mia_result_free(&result);
    }
    a->plays[g] = true;
out:
    mia_result_free(&result);
    if (st != BASE_OK) {
        base_free(a->score[g]);
        a->score[g] = NULL;
        mia_result_free(&a->result[g]);
    }
    if (st == BASE_EARG || st == BASE_ENUMERIC) { /* what this input lacks is said in the report */
        snprintf(a->why_not[g], sizeof a->why_not[g], "%.230s", base_error_text());
        base_error_clear();
        st = BASE_OK;
    }
    return st;
}

static void refuse(AuditAttack *a, MiaGame g, const char *why)
{
    a->plays[g] = false;
    base_free(a->score[g]);
    a->score[g] = NULL;
    snprintf(a->why_not[g], sizeof a->why_not[g], "%s", why);
}

/* AUCs are compared within classes: where none has members and others, no attack can play. */
static BaseStatus refuse_apart(const AuditSignals *s, const AuditGame *game, AuditAttack *a, MiaGame g)
{
    BaseStatus st = BASE_OK;
    uint8_t *seen = NULL; /* of each class: 1 members, 2 others */
    bool shared = false;
    if (!a->plays[g]) return BASE_OK;
    BASE_TRY(BASE_ALLOC(s->K, &seen));
    for (int64_t i = 0; i < game->n; i++) {
        uint8_t *class = &seen[game->label[i]];
        *class |= game->member[i] ? 1 : 2;
        shared = shared || *class == 3;
    }
    if (!shared) refuse(a, g, "needs a class with both trained-on and held-out points");
out:
    base_free(seen);
    return st;
}

/* The rows' first @p members columns of what was played on members and others together. */
static BaseStatus cut_to_members(const AuditGame *from, int64_t M, const double *score, double **out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(M * from->members, out));
    for (int64_t m = 0; m < M; m++)
        memcpy(*out + m * from->members, score + m * from->n, (size_t)from->members * sizeof **out);
out:
    return st;
}

/* Every attack's scores in "forget" and "retain"; "models" takes the forgotten training points of "forget". An attack
 * that plays "models" only is played on those points too, then moved. */
static BaseStatus play_forget(const AuditSignals *s, AuditResult *r, Table *t, AuditAttack *a)
{
    BaseStatus st = BASE_OK;
    const AuditGame *game = &r->game[MIA_GAME_FORGET];
    const MiaAttack *attack = a->choice->attack;
    if (plays_models_only(attack)) {
        double *all = NULL;
        /* without roles an attack looks at shadow models alone: under every model the same */
        BASE_TRY(play(s, game, attack->needs & MIA_WITHOUT_ROLES ? 1 : r->M + r->G, t, a, MIA_GAME_MODELS));
        may_play(s, game, attack, MIA_GAME_FORGET, t, a->why_not[MIA_GAME_FORGET]);
        if (!a->plays[MIA_GAME_MODELS]) goto out;
        if (attack->needs & MIA_WITHOUT_ROLES) {
            refuse(a, MIA_GAME_MODELS, "does not use the audited model: its numbers are reported separately");
            goto out;
        }
        all = a->score[MIA_GAME_MODELS];
        a->score[MIA_GAME_MODELS] = NULL;
        st = cut_to_members(game, r->M + r->G, all, &a->score[MIA_GAME_MODELS]);
        base_free(all);
        goto out;
    }
    BASE_TRY(play(s, game, r->M + r->G, t, a, MIA_GAME_FORGET));
    if (!a->plays[MIA_GAME_FORGET]) {
        snprintf(a->why_not[MIA_GAME_MODELS], sizeof a->why_not[0], "%s", a->why_not[MIA_GAME_FORGET]);
    } else if (a->result[MIA_GAME_FORGET].fitted != MIA_UNFITTED) {
        snprintf(a->why_not[MIA_GAME_MODELS], sizeof a->why_not[0],
                 "is fitted to each model separately: its scores cannot be compared");
    } else {
        BASE_TRY(cut_to_members(game, r->M + r->G, a->score[MIA_GAME_FORGET], &a->score[MIA_GAME_MODELS]));
        a->plays[MIA_GAME_MODELS] = true;
    }
    if (a->result[MIA_GAME_FORGET].fitted == MIA_FITTED)
        refuse(a, MIA_GAME_FORGET, "is fitted to the points that it would judge");
    BASE_TRY(refuse_apart(s, game, a, MIA_GAME_FORGET));
out:
    return st;
}

static BaseStatus curve_of(const AuditSignals *s, AuditResult *r, Table *t, AuditAttack *a)
{
    BaseStatus st = BASE_OK;
    bool numbers = a->choice->attack->curve && a->result[MIA_GAME_MODELS].number_count > 0;
    bool made = a->plays[MIA_GAME_FORGET] || numbers;
    if (!made || s->shadow.S == 0) return BASE_OK;
    BASE_TRY(table_target(s, &r->game[MIA_GAME_FORGET], 0, t));
    st = mia_curve(a->choice->attack, &t->input, a->choice->params, s->options.curve_draws, &a->curve_what, a->curve,
                   &a->curve_count);
    if (st == BASE_EARG) { /* too few models for a curve */
        base_error_clear();
        st = BASE_OK;
    }
out:
    return st;
}

static BaseStatus play_all(const AuditSignals *s, AuditResult *r)
{
    BaseStatus st = BASE_OK;
    Table table[2] = {{.population = NULL}, {.population = NULL}};
    BASE_TRY(table_make(s, &r->game[MIA_GAME_FORGET], &table[0]));
    BASE_TRY(table_make(s, &r->game[MIA_GAME_RETAIN], &table[1]));
    for (size_t i = 0; i < s->choice_count; i++) {
        AuditAttack *a = &r->attack[i];
        double start = base_clock_wall();
        BASE_TRY(base_cancel_check());
        base_progress("attacks", (int64_t)i, (int64_t)s->choice_count, a->choice->attack->entry.name);
        BASE_TRY(play_forget(s, r, &table[0], a));
        BASE_TRY(play(s, &r->game[MIA_GAME_RETAIN], r->M + r->G, &table[1], a, MIA_GAME_RETAIN));
        if (a->result[MIA_GAME_RETAIN].fitted == MIA_FITTED)
            refuse(a, MIA_GAME_RETAIN, "is fitted to the points that it would judge");
        BASE_TRY(refuse_apart(s, &r->game[MIA_GAME_RETAIN], a, MIA_GAME_RETAIN));
        BASE_TRY(curve_of(s, r, &table[0], a));
        a->seconds = base_clock_wall() - start;
    }
    base_progress("attacks", (int64_t)s->choice_count, (int64_t)s->choice_count, NULL);
out:
    table_free(&table[0]);
    table_free(&table[1]);
    return st;
}

const double *audit_scores(const AuditResult *r, const AuditAttack *a, MiaGame g, AuditModel model, int64_t *M)
{
    bool has_original = r->right[AUDIT_ORIGINAL][AUDIT_FORGET_TRAIN].n > 0;
    int64_t first = model == AUDIT_UNLEARNED ? 0 : model == AUDIT_ORIGINAL ? 1 : 1 + has_original;
    *M = model == AUDIT_UNLEARNED ? 1 : model == AUDIT_ORIGINAL ? has_original : r->M - 1 - has_original;
    return *M && a->score[g] ? a->score[g] + first * r->game[g].n : NULL;
}

const MiaFinding *audit_finding(const AuditResult *r, const AuditAttack *a, MiaGame g)
{
    for (int64_t i = 0; i < r->audit.count; i++) {
        const MiaFinding *f = &r->audit.finding[i];
        if (f->game == g && strcmp(f->attack, a->choice->attack->entry.name) == 0) return f;
    }
    return NULL;
}

/* The points of @p group that model row @p m answers rightly, and their clusters, packed; returns how many there are. */
static int64_t mark_right(const AuditSignals *s, int64_t m, AuditGroup group, uint8_t *right, int32_t *cluster)
{
    const double *logits = logits_of(s, m);
    int64_t n = 0;
    for (int64_t i = 0; i < s->N; i++) {
        if (s->group[i] != group) continue;
        if (s->cluster) cluster[n] = s->cluster[i];
        right[n++] = audit_is_right(s, logits, i);
    }
    return n;
}

static BaseStatus fill_accuracy(const AuditSignals *s, AuditResult *r)
{
    BaseStatus st = BASE_OK;
    uint8_t *right = NULL;
    int32_t *cluster = NULL;
    BASE_TRY(BASE_ALLOC_RAW(s->N, &right));
    if (s->cluster) BASE_TRY(BASE_ALLOC_RAW(s->N, &cluster));
    for (int model = 0; model < AUDIT_MODELS; model++) {
        int64_t first = model == 0 ? 0 : model == 1 ? 1 : 1 + (s->original != NULL);
        int64_t M = model == 0 ? 1 : model == 1 ? s->original != NULL : s->R;
        for (int g = 0; g < AUDIT_GROUPS; g++) {
            MathEstimate *to = &r->right[model][g];
            double sum = 0;
            int64_t n = 0;
            *to = math_estimate(NAN, 0);
            for (int64_t m = 0; m < M; m++) {
                n = mark_right(s, first + m, (AuditGroup)g, right, cluster);
                for (int64_t i = 0; i < n; i++) sum += right[i];
            }
            if (M == 1) BASE_TRY(math_clusters_share(right, cluster, n, 0.95, to));
            if (M > 1) *to = math_estimate(sum / (double)(n * M), n); /* several models: no binomial interval */
        }
    }
out:
    base_free(right);
    base_free(cluster);
    return st;
}

/* The attacks of the panel that were not chosen. */
static void list_unseen(const AuditSignals *s, BaseText *out)
{
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const MiaAttack *attack = base_registry_at(&mia_registry, i);
        bool seen = !attack->panel;
        for (size_t k = 0; k < s->choice_count; k++) seen |= s->choice[k].attack == attack;
        if (!seen) base_text_add(out, "%s%s", out->size ? ", " : "", attack->entry.name);
    }
}

static BaseStatus conclude(const AuditSignals *s, AuditResult *r)
{
    BaseStatus st = BASE_OK;
    MiaAuditScores *scores = NULL;
    BaseText unseen = {0};
    BASE_TRY(BASE_ALLOC(r->count, &scores));
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        scores[i].attack = a->choice->attack->entry.name;
        scores[i].undirected = (a->choice->attack->needs & MIA_UNDIRECTED) != 0;
        scores[i].panel = a->choice->attack->panel;
        scores[i].fitted = a->result[MIA_GAME_FORGET].fitted != MIA_UNFITTED;
        for (int g = 0; g < MIA_GAMES; g++) {
            MiaGameScores *to = &scores[i].game[g];
            MiaModels *const models[AUDIT_MODELS] = {&to->unlearned, &to->original, &to->retrained};
            if (!a->plays[g]) continue;
            to->n = r->game[g].n;
            to->member = g == MIA_GAME_MODELS ? NULL : r->game[g].member;
            to->label = g == MIA_GAME_MODELS ? NULL : r->game[g].label;
            to->fold = a->result[g].fold; /* of points, roles and seed alone: every model's */
            to->cluster = r->game[g].cluster;
            to->seed = s->seed;
            to->subgroup = r->game[g].subgroup;
            int64_t grades = r->G ? r->G - AUDIT_PLANTED : 0;
            double *graded = r->G ? a->score[g] + r->M * r->game[g].n : NULL;
            to->graded = (MiaModels){graded, grades};
            if (r->G) to->planted = (MiaModels){graded + grades * r->game[g].n, AUDIT_PLANTED};
            for (int k = 0; k < AUDIT_MODELS; k++)
                models[k]->score = audit_scores(r, a, (MiaGame)g, (AuditModel)k, &models[k]->M);
        }
    }
    list_unseen(s, &unseen);
    BASE_TRY(unseen.st);
    MiaAuditOptions options = {.alpha = s->options.alpha,
                               .margin = s->options.margin,
                               .margin_tpr = s->options.margin_tpr,
                               .draws = s->options.draws,
                               .class_name = (const char *const *)s->class_name,
                               .unseen = unseen.data,
                               .grade = audit_grades,
                               .plant = audit_planted};
    base_progress("judging", 0, 1, NULL);
    st = mia_audit(scores, (int64_t)r->count, &options, &r->audit);
    base_progress("judging", 1, 1, NULL);
out:
    base_text_free(&unseen);
    base_free(scores);
    return st;
}

BaseStatus audit_judge(const AuditSignals *s, AuditResult *out)
{
    BaseStatus st = BASE_OK;
    AuditResult r = {.count = s->choice_count, .M = 1 + (s->original != NULL) + s->R};
    r.G = s->R < 2 ? 0 : AUDIT_PLANTED + (s->original ? AUDIT_GRADES : 0);
    *out = (AuditResult){0};
    BASE_TRY(make_game(s, AUDIT_FORGET_TRAIN, AUDIT_FORGET_TEST, &r.game[MIA_GAME_FORGET]));
    BASE_TRY(make_game(s, AUDIT_FORGET_TRAIN, AUDIT_FORGET_TRAIN, &r.game[MIA_GAME_MODELS]));
    BASE_TRY(make_game(s, AUDIT_RETAIN_TRAIN, AUDIT_RETAIN_TEST, &r.game[MIA_GAME_RETAIN]));
    BASE_TRY(BASE_ALLOC(r.count, &r.attack));
    for (size_t i = 0; i < r.count; i++) r.attack[i].choice = &s->choice[i];
    BASE_TRY(fill_accuracy(s, &r));
    BASE_TRY(play_all(s, &r));
    BASE_TRY(conclude(s, &r));
    BASE_TRY(audit_coins_judge(s, &r.coins));
    *out = r;
    r = (AuditResult){0};
out:
    audit_result_free(&r);
    return st;
}

typedef struct {
    double exposure;
    int64_t at;
} Exposed;

static int most_first(const void *a, const void *b)
{
    const Exposed *x = a, *y = b;
    if (x->exposure != y->exposure) return x->exposure < y->exposure ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The attack with the smallest p in @p g whose scores are finer than right and wrong; NULL: none plays. */
static const AuditAttack *strongest(const AuditResult *r, MiaGame g)
{
    const AuditAttack *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        const MiaFinding *f = audit_finding(r, a, g);
        if (!f || !a->plays[MIA_GAME_FORGET] || a->result[MIA_GAME_FORGET].fitted != MIA_UNFITTED) continue;
        const MiaJudgement *j = &f->at[MIA_STATISTIC_AUC];
        if (strcmp(f->attack, "correctness") == 0 || (best && !(j->p < least))) continue;
        least = j->p;
        best = a;
    }
    return best;
}

BaseStatus audit_exposed(const AuditResult *r, const AuditAttack **by, int64_t *order, double *exposure)
{
    BaseStatus st = BASE_OK;
    Exposed *sorted = NULL;
    MiaGame g = r->audit.played[MIA_GAME_MODELS] ? MIA_GAME_MODELS : MIA_GAME_FORGET;
    const AuditAttack *a = strongest(r, g);
    int64_t n = r->game[MIA_GAME_MODELS].n, R, one;
    *by = a;
    if (!a) return BASE_OK;
    const double *mine = audit_scores(r, a, g, AUDIT_UNLEARNED, &one);
    const double *theirs = audit_scores(r, a, g, AUDIT_RETRAINED, &R);
    BASE_TRY(BASE_ALLOC_RAW(n, &sorted));
    for (int64_t i = 0; i < n; i++) { /* members come first in "forget" */
        double mean = 0;
        for (int64_t m = 0; m < R; m++) mean += theirs[m * r->game[g].n + i] / (double)R;
        sorted[i] = (Exposed){mine[i] - mean, i};
    }
    qsort(sorted, (size_t)n, sizeof *sorted, most_first);
    for (int64_t i = 0; i < n; i++) {
        order[i] = sorted[i].at;
        exposure[i] = sorted[i].exposure;
    }
out:
    base_free(sorted);
    return st;
}
