#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/results.h"
#include "base/random.h"
#include "io/json.h"

/* A made-up audit: every image has a difficulty of its own, every model its noise; the label's logit says how familiar
 * the image is. The lift is what a model gives to the forgotten images that it was trained on. */
enum { EACH = 60, K = 4 };
typedef struct {
    int64_t R, S;
    bool original;
    double unlearned_lift, original_lift;
    uint64_t seed;
    const char *attacks;
} World;

static void fill(const AuditSignals *s, const double *difficulty, double lift, uint64_t stream, double *z)
{
    BaseRandom r = base_random_make(s->seed, "model", stream);
    for (int64_t i = 0; i < s->N; i++) {
        for (int64_t k = 0; k < K; k++) z[i * K + k] = 0.7 * base_random_normal(&r);
        z[i * K + s->labels[i]] += difficulty[i] + (s->group[i] == AUDIT_FORGET_TRAIN ? lift : 0);
    }
}

static void shadows_make(AuditSignals *s, int64_t S, const double *difficulty)
{
    ModelShadowArrays *a = &s->shadow;
    a->S = a->U = a->R = S;
    assert_ok(BASE_ALLOC(S * s->N * K, &a->shadow_logits));
    assert_ok(BASE_ALLOC(S * s->N * K, &a->unlearned_logits));
    assert_ok(BASE_ALLOC(S * s->N * K, &a->retrained_logits));
    assert_ok(BASE_ALLOC(S * s->N, &a->shadow_keep));
    assert_ok(BASE_ALLOC(S * s->N, &a->unlearned_keep));
    assert_ok(BASE_ALLOC(S, &a->unlearned_pair));
    assert_ok(BASE_ALLOC(S, &a->retrained_pair));
    for (int64_t m = 0; m < S; m++) a->unlearned_pair[m] = a->retrained_pair[m] = 10 + m;
    for (int64_t m = 0; m < S; m++) {
        fill(s, difficulty, 0, 100 + (uint64_t)m, a->shadow_logits + m * s->N * K);
        fill(s, difficulty, 0.5, 200 + (uint64_t)m, a->unlearned_logits + m * s->N * K);
        fill(s, difficulty, 0, 300 + (uint64_t)m, a->retrained_logits + m * s->N * K);
        for (int64_t i = 0; i < s->N; i++) { /* the last ten held-out points of either kind are outside the pool */
            bool outside =
                (s->group[i] == AUDIT_FORGET_TEST || s->group[i] == AUDIT_RETAIN_TEST) && i % EACH >= EACH - 10;
            a->shadow_keep[m * s->N + i] = a->unlearned_keep[m * s->N + i] = !outside && (i + m) % 2;
            if (a->shadow_keep[m * s->N + i]) a->shadow_logits[(m * s->N + i) * K + s->labels[i]] += 1.5;
        }
    }
}

static AuditSignals world_make(World w)
{
    AuditSignals s = {.seed = w.seed, .N = 4 * EACH, .K = K, .R = w.R};
    BaseRandom r = base_random_make(w.seed, "world", 0);
    double difficulty[4 * EACH];
    base_param_defaults(audit_params, audit_param_count, &s.options);
    s.options.draws = 100;
    s.options.pictures = 3;
    assert_ok(audit_choose(w.attacks, w.S > 0, NULL, 0, &s.choice, &s.choice_count));
    assert_ok(BASE_ALLOC(s.N, &s.labels));
    assert_ok(BASE_ALLOC(s.N, &s.group));
    assert_ok(BASE_ALLOC(s.N, &s.point));
    assert_ok(BASE_ALLOC(s.N * K, &s.unlearned));
    assert_ok(BASE_ALLOC(s.R * s.N * K, &s.retrained));
    for (int64_t i = 0; i < s.N; i++) {
        s.group[i] = (uint8_t)(i / EACH);
        s.labels[i] = i < 2 * EACH ? 2 : (int32_t)(i % 2);
        s.point[i] = (ModelPoint){i, (i / EACH) % 2 == 1};
        difficulty[i] = 1 + base_random_normal(&r);
    }
    fill(&s, difficulty, w.unlearned_lift, 0, s.unlearned);
    if (w.original) {
        assert_ok(BASE_ALLOC(s.N * K, &s.original));
        fill(&s, difficulty, w.original_lift, 1, s.original);
    }
    for (int64_t m = 0; m < w.R; m++) fill(&s, difficulty, 0, 2 + (uint64_t)m, s.retrained + m * s.N * K);
    if (w.R == 0) {
        base_free(s.retrained);
        s.retrained = NULL;
    }
    if (w.S) shadows_make(&s, w.S, difficulty);
    audit_set_population_apart(&s);
    return s;
}

static char *results_text(const AuditSignals *s, const AuditResult *r)
{
    IoJson *json;
    char *text;
    assert_ok(audit_results(s, r, &json));
    assert_ok(io_json_text(json, &text));
    io_json_free(json);
    return text;
}

static MiaVerdict verdict_of(World w)
{
    AuditSignals s = world_make(w);
    AuditResult r;
    assert_ok(audit_judge(&s, &r));
    MiaVerdict verdict = r.audit.verdict;
    audit_result_free(&r);
    audit_signals_free(&s);
    return verdict;
}

static void leaks_are_found_and_nulls_are_not(void **state)
{
    (void)state;
    World leak = {6, 0, true, 2, 2.5, 1, "loss,correctness"}, null = leak;
    assert_int_equal(verdict_of(leak), MIA_LEAKS);
    null.unlearned_lift = 0;
    for (null.seed = 1; null.seed <= 5; null.seed++) /* level 0.05 in all: 5 of 5 without a finding is what to expect */
        assert_int_not_equal(verdict_of(null), MIA_LEAKS);
    null.seed = 1;
    null.unlearned_lift = -2.5;
    assert_int_equal(verdict_of(null), MIA_OVER_FORGOTTEN);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    for (int64_t R = 0; R <= 3; R++) {
        AuditSignals s = world_make((World){R, 0, R > 2, 0, 2.5, 7, "loss,logistic"});
        AuditResult r;
        assert_ok(audit_judge(&s, &r));
        const MiaAudit *a = &r.audit;
        assert_int_equal(a->played[MIA_GAME_MODELS], R >= 2);
        assert_int_equal(strncmp(a->missing[MIA_GAME_MODELS], "not run: needs", 14) == 0, R < 2);
        assert_int_equal(strstr(a->missing[MIA_GAME_FORGET], "needs 2 retrained") != NULL, R < 2);
        assert_int_equal(a->nothing.run, R >= 2);
        assert_int_equal(a->something.run, R > 2);
        if (R < 3) assert_int_not_equal(a->verdict, MIA_INDISTINGUISHABLE);
        assert_string_equal(r.attack[1].why_not[MIA_GAME_MODELS],
                            "is fitted to each model separately: its scores cannot be compared");
        assert_true(r.attack[1].plays[MIA_GAME_FORGET] && r.attack[1].plays[MIA_GAME_RETAIN]);
        audit_result_free(&r);
        audit_signals_free(&s);
    }
}

/* -loss of image i, by hand. */
static double naive_score(const double *z, int32_t y)
{
    double sum = 0;
    for (int k = 0; k < K; k++) sum += exp(z[k]);
    return z[y] - log(sum);
}

static void scores_are_those_of_their_models_and_points(void **state)
{
    (void)state;
    AuditSignals s = world_make((World){3, 0, true, 0.5, 1, 3, "loss"});
    AuditResult r;
    int64_t M, right = 0;
    assert_ok(audit_judge(&s, &r));
    for (int g = 0; g < MIA_GAMES; g++) {
        const AuditGame *game = &r.game[g];
        assert_int_equal(game->members, EACH);
        assert_int_equal(game->n, g == MIA_GAME_MODELS ? EACH : 2 * EACH);
        for (int model = 0; model < AUDIT_MODELS; model++) {
            const double *score = audit_scores(&r, &r.attack[0], (MiaGame)g, (AuditModel)model, &M);
            const double *logits[] = {s.unlearned, s.original, s.retrained};
            assert_int_equal(M, model == AUDIT_RETRAINED ? 3 : 1);
            for (int64_t m = 0; m < M; m++)
                for (int64_t i = 0; i < game->n; i++) {
                    int64_t at = game->point[i];
                    assert_int_equal(s.group[at], (g == MIA_GAME_RETAIN ? 2 : 0) + !game->member[i]);
                    double want = naive_score(logits[model] + (m * s.N + at) * K, s.labels[at]);
                    /* both sum four exponentials and take one logarithm: a few units in the last place */
                    assert_near(score[m * game->n + i], want, 1e-14, 1e-13);
                }
        }
    }
    for (int64_t i = 0; i < EACH; i++) {
        const double *z = s.unlearned + i * K;
        bool first = true;
        for (int k = 0; k < K; k++) first = first && (k == 2 || z[k] < z[2]);
        right += first;
    }
    assert_near(r.right[AUDIT_UNLEARNED][AUDIT_FORGET_TRAIN].value, (double)right / EACH, 0, 1e-15);
    assert_int_equal(r.right[AUDIT_RETRAINED][AUDIT_FORGET_TRAIN].n, EACH);
    audit_result_free(&r);
    audit_signals_free(&s);
}

static void the_most_exposed_come_first(void **state)
{
    (void)state;
    for (int64_t R = 0; R <= 2; R += 2) {
        AuditSignals s = world_make((World){R, 0, false, 0, 0, 5, "loss,correctness"});
        AuditResult r;
        const AuditAttack *by;
        int64_t order[EACH];
        double exposure[EACH];
        s.unlearned[17 * K + 2] += 30; /* image 17 is known by heart, and nobody else finds it easy */
        for (int64_t m = 0; m < R; m++) s.retrained[(m * s.N + 17) * K + 2] -= 5;
        assert_ok(audit_judge(&s, &r));
        assert_ok(audit_exposed(&r, &by, order, exposure));
        assert_string_equal(by->choice->attack->entry.name, "loss");
        assert_int_equal(order[0], 17);
        double want = naive_score(s.unlearned + 17 * K, 2);
        for (int64_t m = 0; m < R; m++) want -= naive_score(s.retrained + (m * s.N + 17) * K, 2) / (double)R;
        assert_near(exposure[0], want, 1e-13, 1e-13);
        for (int i = 1; i < EACH; i++) assert_true(exposure[i] <= exposure[i - 1]);
        audit_result_free(&r);
        audit_signals_free(&s);
    }
}

static void shadow_models_bring_their_attacks(void **state)
{
    (void)state;
    AuditSignals s = world_make((World){3, 8, true, 0.5, 1.5, 11, "lira_online,rmia_offline,ulira,klom,svc"});
    AuditResult r;
    int64_t population = 0;
    for (int64_t i = 0; i < s.N; i++) population += s.group[i] == AUDIT_POPULATION;
    assert_int_equal(population, 20); /* those outside the pool, all of them */
    assert_ok(audit_judge(&s, &r));
    const bool plays[][MIA_GAMES] = {{1, 1, 1}, {1, 1, 1}, {0, 1, 0}, {0, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < r.count; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            assert_int_equal(r.attack[i].plays[g], plays[i][g]);
            assert_int_equal(*r.attack[i].why_not[g] == '\0', plays[i][g]);
            assert_int_equal(audit_finding(&r, &r.attack[i], (MiaGame)g) != NULL, plays[i][g]);
        }
    assert_non_null(strstr(r.attack[4].why_not[MIA_GAME_FORGET], "fitted to the points"));
    assert_true(r.attack[3].result[MIA_GAME_MODELS].number_count > 0);
    assert_true(r.attack[0].curve_count >= 1 && r.attack[0].curve[r.attack[0].curve_count - 1].models == 8);
    audit_result_free(&r);
    audit_signals_free(&s);
}

/* An attack that is told what the original answered compares models on the forgotten points, and nothing else. */
static void who_knows_the_original_plays_models(void **state)
{
    (void)state;
    World world = {6, 8, true, 2, 2.5, 1, "iam"};
    AuditSignals s = world_make(world);
    AuditResult r;
    MiaScores by_hand = {.threshold = NAN};
    assert_ok(audit_judge(&s, &r));
    const AuditAttack *a = &r.attack[0];
    assert_int_equal(r.audit.verdict, MIA_LEAKS);
    assert_true(!a->plays[MIA_GAME_FORGET] && a->plays[MIA_GAME_MODELS] && !a->plays[MIA_GAME_RETAIN]);
    assert_non_null(strstr(a->why_not[MIA_GAME_FORGET], "is told the original's answers"));
    assert_non_null(strstr(a->why_not[MIA_GAME_RETAIN], "is told the original's answers"));
    assert_int_equal(a->curve_count, 0);
    /* its numbers are of the unlearned model, its scores of every model's own answers on the forgotten points */
    const AuditGame *game = &r.game[MIA_GAME_FORGET];
    MiaInput in = {.N = game->n, .K = K, .S = s.shadow.S};
    double *rows[2] = {NULL, NULL}, *shadow = NULL;
    uint8_t *keep = NULL, *role = NULL;
    assert_ok(BASE_ALLOC(in.N * K, &rows[0]));
    assert_ok(BASE_ALLOC(in.N * K, &rows[1]));
    assert_ok(BASE_ALLOC(in.S * in.N * K, &shadow));
    assert_ok(BASE_ALLOC(in.S * in.N, &keep));
    assert_ok(BASE_ALLOC(in.N, &role));
    for (int64_t i = 0; i < in.N; i++) {
        int64_t p = game->point[i];
        role[i] = game->member[i];
        memcpy(rows[0] + i * K, s.original + p * K, K * sizeof(double));
        memcpy(rows[1] + i * K, s.retrained + (2 * s.N + p) * K, K * sizeof(double));
        for (int64_t m = 0; m < in.S; m++) {
            memcpy(shadow + (m * in.N + i) * K, s.shadow.shadow_logits + (m * s.N + p) * K, K * sizeof(double));
            keep[m * in.N + i] = s.shadow.shadow_keep[m * s.N + p];
        }
    }
    in.logits = rows[1], in.original_logits = rows[0], in.shadow_logits = shadow, in.shadow_keep = keep;
    in.labels = game->label, in.role = role;
    assert_ok(BASE_ALLOC(in.N, &by_hand.score));
    assert_ok(a->choice->attack->score(&in, a->choice->params, &by_hand));
    int64_t R;
    const double *scores = audit_scores(&r, a, MIA_GAME_MODELS, AUDIT_RETRAINED, &R);
    assert_int_equal(R, 6);
    for (int64_t i = 0; i < EACH; i++) assert_near(scores[2 * EACH + i], by_hand.score[i], 0, 0);
    base_free(by_hand.score);
    for (int k = 0; k < 2; k++) base_free(rows[k]);
    base_free(shadow);
    base_free(keep);
    base_free(role);
    audit_result_free(&r);
    audit_signals_free(&s);
    world.unlearned_lift = 0;
    for (world.seed = 1; world.seed <= 2; world.seed++) assert_int_not_equal(verdict_of(world), MIA_LEAKS);
    world = (World){3, 8, false, 0.5, 0, 11, "lira_offline,iam"};
    s = world_make(world);
    assert_ok(audit_judge(&s, &r));
    assert_string_equal(r.attack[1].why_not[MIA_GAME_MODELS], "needs the original (--original)");
    audit_result_free(&r);
    audit_signals_free(&s);
}

static void shadow_attacks_without_shadows_are_left_out(void **state)
{
    (void)state;
    AuditSignals s = world_make((World){2, 0, false, 0, 0, 1, "loss,lira_online,ulira,attack_p"});
    AuditResult r;
    int64_t population = 0;
    for (int64_t i = 0; i < s.N; i++) population += s.group[i] == AUDIT_POPULATION;
    assert_int_equal(population, 30); /* attack_p asks for one: a quarter of either held-out kind */
    assert_ok(audit_judge(&s, &r));
    assert_non_null(strstr(r.attack[1].why_not[MIA_GAME_FORGET], "needs shadow models (--shadow)"));
    assert_non_null(strstr(r.attack[2].why_not[MIA_GAME_MODELS], "(--shadow)"));
    char *text = results_text(&s, &r);
    assert_non_null(strstr(text, "needs shadow models (--shadow)"));
    base_free(text);
    assert_true(r.attack[3].plays[MIA_GAME_FORGET]);
    audit_result_free(&r);
    audit_signals_free(&s);
    s = world_make((World){0, 0, false, 0, 0, 1, "lira_online"});
    assert_fails(audit_judge(&s, &r), BASE_EARG, "no attack has scores");
    audit_signals_free(&s);
}

static int64_t times(const char *text, const char *part)
{
    int64_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

static void signals_come_back_as_they_went(void **state)
{
    (void)state;
    char path[512];
    AuditSignals s = world_make((World){2, 4, true, 0.5, 1.5, 1234567890123456789u, "loss,lira_offline,klom"}), back;
    AuditResult r, again;
    BaseText lines = {0};
    int64_t differences = 0;
    snprintf(path, sizeof path, "%s/signals.h5", support_scratch());
    snprintf(s.options.shadow_method.s, sizeof s.options.shadow_method.s, "svd");
    assert_ok(audit_signals_write(&s, path));
    assert_ok(audit_signals_read(path, &back));
    assert_true(back.seed == s.seed && back.N == s.N && back.shadow.S == 4 && back.shadow.U == 4);
    assert_string_equal(back.options.shadow_method.s, "svd");
    assert_memory_equal(back.shadow.shadow_keep, s.shadow.shadow_keep, (size_t)(4 * s.N));
    assert_ok(audit_judge(&s, &r));
    assert_ok(audit_judge(&back, &again));
    char *first = results_text(&s, &r), *second = results_text(&back, &again), *report;
    assert_string_equal(first, second);
    const MiaResult *klom = &again.attack[2].result[MIA_GAME_MODELS];
    for (int k = 0; k < klom->number_count; k++) /* each of four pairs exchanged or not: the pairs came back, too */
        if (strcmp(klom->numbers[k].name, "klom_mean_null") == 0) assert_int_equal(klom->numbers[k].value.n, 16);
    assert_int_equal(times(second, "\"klom_mean_null\":"), 1);
    int64_t found = 0, left_out = 0; /* each game of each attack is the one or the other */
    for (size_t i = 0; i < r.count; i++)
        for (int g = 0; g < MIA_GAMES; g++) {
            bool finding = audit_finding(&r, &r.attack[i], (MiaGame)g) != NULL;
            found += finding;
            left_out += !finding && *r.attack[i].why_not[g];
        }
    assert_true(found > 0);
    assert_int_equal(times(first, "\"auc_retrained\":"), found);
    assert_int_equal(times(first, "\"why\":"), left_out);
    assert_ok(base_strdup(first, &report));
    assert_ok(audit_results_compare(second, report, &lines, &differences));
    assert_int_equal(differences, 0);
    char *digit = strstr(report, "\"retrained\": 2");
    digit[strlen("\"retrained\": ")] = '3';
    assert_ok(audit_results_compare(second, report, &lines, &differences));
    assert_int_equal(differences, 1);
    assert_string_equal(lines.data, "report.json models.retrained: the report says 3, but the signals give 2\n");
    base_text_free(&lines);
    base_free(first);
    base_free(second);
    base_free(report);
    audit_result_free(&r);
    audit_result_free(&again);
    audit_signals_free(&back);
    audit_signals_free(&s);
}

static void only_differences_that_count_are_told(void **state)
{
    (void)state;
    BaseText lines = {0};
    int64_t n = 0;
    const char *now = "{\"a\": 1.0000000000001, \"b\": [1, 2], \"c\": \"x\", \"d\": null}";
    assert_ok(audit_results_compare(now, "{\"a\": 1, \"b\": [1, 2], \"c\": \"x\", \"d\": null}", &lines, &n));
    assert_int_equal(n, 0);
    assert_ok(audit_results_compare(now, "{\"a\": 1.00001, \"b\": [1], \"c\": \"y\", \"e\": 0}", &lines, &n));
    assert_int_equal(n, 5); /* a, b[1], c, d is gone, e is new */
    assert_non_null(strstr(lines.data, "report.json b[1]: the report says nothing, but the signals give 2"));
    n = 0;
    assert_ok(audit_results_compare(now, "{}", &lines, &n));
    assert_int_equal(n, 4);
    base_text_free(&lines);
}

static void foreign_signals_are_one_line(void **state)
{
    (void)state;
    char path[512];
    AuditSignals s = world_make((World){1, 0, false, 0, 0, 1, "loss"}), back;
    snprintf(path, sizeof path, "%s/odd.h5", support_scratch());
    s.group[3] = 9;
    assert_ok(audit_signals_write(&s, path));
    assert_fails(audit_signals_read(path, &back), BASE_EFORMAT, "place 3");
    s.group[3] = 0;
    s.labels[5] = K;
    assert_ok(audit_signals_write(&s, path));
    assert_fails(audit_signals_read(path, &back), BASE_EFORMAT, "place 5");
    IoHdf5 *file;
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_set_text(file, "/", "format", "something else"));
    assert_ok(io_hdf5_save_take(file, path));
    assert_fails(audit_signals_read(path, &back), BASE_EFORMAT, "not a 'expunge audit signals 1' file");
    audit_signals_free(&s);
}

static void attacks_are_chosen_by_name(void **state)
{
    (void)state;
    AuditChoice *choice;
    size_t count, with;
    const char *const set[] = {"loss.thresholds=class"}, *const wrong[] = {"svc.C=2"}, *const odd[] = {"loss=3"};
    assert_ok(audit_choose(NULL, false, NULL, 0, &choice, &count));
    audit_choice_free(choice, count);
    assert_ok(audit_choose("auto", true, NULL, 0, &choice, &with));
    assert_true(with > count && count > 3);
    audit_choice_free(choice, with);
    assert_ok(audit_choose("all", false, NULL, 0, &choice, &count));
    assert_int_equal(count, base_registry_count(&mia_registry));
    audit_choice_free(choice, count);
    assert_ok(audit_choose("loss", false, set, 1, &choice, &count));
    audit_choice_free(choice, count);
    assert_fails(audit_choose("loss", false, wrong, 1, &choice, &count), BASE_EUSAGE, "attack 'svc' is not run");
    assert_fails(audit_choose("loss", false, odd, 1, &choice, &count), BASE_EUSAGE, "must be attack.key=value");
    assert_fails(audit_choose("loss,,svc", false, NULL, 0, &choice, &count), BASE_EUSAGE, "a name is missing");
    assert_fails(audit_choose("loss,loss", false, NULL, 0, &choice, &count), BASE_EUSAGE, "given twice");
    assert_fails(audit_choose("los", false, NULL, 0, &choice, &count), BASE_ENOTFOUND, "did you mean 'loss'");
}

typedef struct {
    AuditSignals s;
    AuditResult r;
    char path[512];
} Judged;

static BaseStatus judge_once(void *user)
{
    AuditResult r;
    BaseStatus st = audit_judge(user, &r);
    if (st == BASE_OK) audit_result_free(&r);
    return st;
}

static BaseStatus write_once(void *user)
{
    const Judged *j = user;
    return audit_signals_write(&j->s, j->path);
}

static BaseStatus read_once(void *user)
{
    const Judged *j = user;
    AuditSignals back;
    BaseStatus st = audit_signals_read(j->path, &back);
    if (st == BASE_OK) audit_signals_free(&back);
    return st;
}

static BaseStatus choose_once(void *user)
{
    static const char *const SET[] = {"loss.thresholds=class"};
    AuditChoice *choice;
    size_t count;
    BaseStatus st = audit_choose(user, true, SET, 1, &choice, &count);
    audit_choice_free(choice, count);
    return st;
}

/* Each allocation fails by itself, so that an error that nobody hands on is not hidden by the next. One attack of each
 * kind that has arrays of its own. */
static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    AuditSignals s = world_make((World){0, 0, true, 0, 1, 1, "loss"}); /* no bootstrap: math's own tests */
    support_fail_allocations(judge_once, &s, 2000);
    support_fail_each_allocation(judge_once, &s, 2000);
    audit_signals_free(&s);
    static Judged j;
    j.s = world_make((World){1, 4, true, 0.5, 1.5, 11, "rmia_offline,ulira"});
    j.s.options.curve_draws = 1;
    snprintf(j.path, sizeof j.path, "%s/signals.h5", support_scratch());
    support_fail_each_allocation(judge_once, &j.s, 20000);
    support_fail_each_allocation(write_once, &j, 2000);
    assert_ok(audit_signals_write(&j.s, j.path));
    support_fail_each_allocation(read_once, &j, 2000);
    audit_signals_free(&j.s);
    support_fail_each_allocation(choose_once, NULL, 200);
    support_fail_each_allocation(choose_once, "loss,svc", 200);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(leaks_are_found_and_nulls_are_not),
    cmocka_unit_test(what_is_missing_is_said),
    cmocka_unit_test(scores_are_those_of_their_models_and_points),
    cmocka_unit_test(the_most_exposed_come_first),
    cmocka_unit_test(shadow_models_bring_their_attacks),
    cmocka_unit_test(who_knows_the_original_plays_models),
    cmocka_unit_test(shadow_attacks_without_shadows_are_left_out),
    cmocka_unit_test(signals_come_back_as_they_went),
    cmocka_unit_test(only_differences_that_count_are_told),
    cmocka_unit_test(foreign_signals_are_one_line),
    cmocka_unit_test(attacks_are_chosen_by_name),
    cmocka_unit_test(running_out_of_memory_leaves_nothing),
};
SUPPORT_MAIN(tests)
