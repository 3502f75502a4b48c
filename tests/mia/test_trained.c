/* The attacks that are fitted to members and non-members, or to non-members alone. */
#include "tests/mia/world.h"

#include <math.h>
#include <stdlib.h>

#include "math/stats.h"
#include "mia/fit/features.h"
#include "mia/fit/folds.h"
#include "mia/fit/logistic.h"
#include "mia/fit/mlp.h"
#include "mia/fit/quantile.h"
#include "mia/signal/signal.h"

static void folds_are_even(void **state)
{
    (void)state;
    enum { N = 500, K = 7, FOLDS = 4 };
    World w;
    int32_t fold[N], again[N];
    world_make(&w, N, K, 0, 0, 1, 1);
    assert_ok(mia_folds_make(&w.input, FOLDS, fold));
    assert_ok(mia_folds_make(&w.input, FOLDS, again));
    assert_memory_equal(fold, again, sizeof fold);
    w.input.seed++;
    assert_ok(mia_folds_make(&w.input, FOLDS, again));
    assert_memory_not_equal(fold, again, sizeof fold);
    for (int role = MIA_NONMEMBER; role <= MIA_MEMBER; role++)
        for (int c = -1; c < K; c++) {
            int count[FOLDS] = {0}, least = N, most = 0;
            for (int i = 0; i < N; i++) {
                if (w.role[i] == MIA_AUDITED) assert_int_equal(fold[i], -1);
                if (w.role[i] == role && (c < 0 || w.labels[i] == c)) count[fold[i]]++;
            }
            for (int f = 0; f < FOLDS; f++) {
                least = count[f] < least ? count[f] : least;
                most = count[f] > most ? count[f] : most;
            }
            assert_true(most - least <= 1);
        }
    world_free(&w);
}

/* Clusters lie in one fold, audited points in none; folds hold as many clusters of each role and class, to one. */
static void clusters_stay_together(void **state)
{
    (void)state;
    enum { N = 500, K = 3, FOLDS = 4 };
    World w;
    int32_t fold[N], cluster[N];
    int64_t count[MIA_AUDITED];
    int seen[2][FOLDS] = {{0}};
    world_make(&w, N, K, 0, 0, 1, 1);
    for (int i = 0; i < N; i++) {
        cluster[i] = i / 5 * 3 % 100; /* of all three roles */
        w.role[i] = (uint8_t)(i / 5 % 3 == 2 ? i % 3 : i / 5 % 3);
    }
    w.input.cluster = cluster;
    assert_ok(mia_folds_make(&w.input, FOLDS, fold));
    assert_ok(mia_folds_units(&w.input, count));
    assert_int_equal(count[MIA_NONMEMBER], 67); /* 34 alone, and each of the 33 mixed ones holds both */
    assert_int_equal(count[MIA_MEMBER], 66);
    for (int i = 0; i < N; i++) {
        if (w.role[i] == MIA_AUDITED)
            assert_int_equal(fold[i], -1);
        else
            assert_true(fold[i] >= 0 && fold[i] < FOLDS);
        for (int k = 0; k < N && w.role[i] != MIA_AUDITED; k++)
            if (cluster[k] == cluster[i] && w.role[k] != MIA_AUDITED) assert_int_equal(fold[k], fold[i]);
        if (i % 5 == 0 && i / 5 % 3 < 2) seen[i / 5 % 3][fold[i]]++;
    }
    for (int role = 0; role < 2; role++)
        for (int f = 0; f < FOLDS; f++) assert_true(seen[role][f] > 0);
    world_free(&w);
}

/* The published code's arrays, written out as it builds them: whole columns of every label of the set. */
static void published_modified_entropy(void **state)
{
    (void)state;
    enum { N = 60, K = 5 };
    World w;
    double got[N], p[N][K];
    world_make(&w, N, K, 0, 0, 2, 2);
    for (int i = 0; i < N; i++) {
        if (w.role[i] == MIA_AUDITED) w.labels[i] = 4; /* the forgotten class */
        if (w.role[i] != MIA_AUDITED && w.labels[i] == 4) w.labels[i] = 0;
        if (i % 7 == 0) w.logits[i * K + 2] += 200; /* the others' float32 probabilities are 0 */
        mia_signal_softmax(w.logits + i * K, K, p[i]);
    }
    assert_ok(mia_features_fill(&w.input, MIA_FEATURES_MODIFIED_ENTROPY_PUBLISHED, got));
    for (int role = 0; role < 3; role++) {
        bool column[K] = {false};
        for (int i = 0; i < N; i++)
            if (w.role[i] == role) column[w.labels[i]] = true;
        for (int i = 0; i < N; i++) {
            if (w.role[i] != role) continue;
            double sum = 0;
            for (int j = 0; j < K; j++) {
                float q = (float)p[i][j];
                double log_prob = q > 0 ? log((double)q) : log(1e-30), log_reverse_prob = log_prob;
                sum -= column[j] ? (1 - (double)q) * log_prob : (double)q * log_reverse_prob;
            }
            assert_near(got[i], sum, 0, 1e-14);
        }
    }
    /* the same prediction, another number, because its set holds other labels */
    for (int j = 0; j < K; j++) w.logits[2 * K + j] = w.logits[1 * K + j];
    assert_ok(mia_features_fill(&w.input, MIA_FEATURES_MODIFIED_ENTROPY_PUBLISHED, got));
    assert_true(fabs(got[2] - got[1]) > 0.1);
    MiaResult r = world_attack("svc", &w.input, SETTINGS("features", "modified_entropy_published"));
    assert_non_null(strstr(r.notes, "modified_entropy_published"));
    mia_result_free(&r);
    world_free(&w);
}

/* One point more lies behind the N that are asked for: nothing of it is looked at, and nothing is written for it. */
static void features_of_these_points(void **state)
{
    (void)state;
    enum { N = 30, K = 4, MOST = 8 };
    World w;
    world_make(&w, N + 1, K, 0, 0, 1, 3);
    double x[(N + 1) * MOST];
    w.input.N = N;
    for (int f = 0; mia_features_names[f]; f++) {
        int64_t width = mia_features_width((MiaFeatures)f, K);
        assert_true(width <= MOST);
        for (int64_t i = 0; i < (N + 1) * MOST; i++) x[i] = -7;
        assert_ok(mia_features_fill(&w.input, (MiaFeatures)f, x));
        for (int64_t i = 0; i < N * width; i++) assert_true(x[i] != -7);
        for (int64_t i = N * width; i < (N + 1) * MOST; i++) assert_near(x[i], -7, 0, 0);
    }
    world_free(&w);
}

static void features(void **state)
{
    (void)state;
    enum { N = 20, K = 3 };
    World w;
    double x[N * 6];
    world_make(&w, N, K, 0, 0, 2, 3);
    assert_int_equal(mia_features_width(MIA_FEATURES_PROBABILITIES, K), K);
    assert_int_equal(mia_features_width(MIA_FEATURES_SIGNALS, K), 6);
    assert_int_equal(mia_features_width(MIA_FEATURES_LOSS, K), 1);
    assert_ok(mia_features_fill(&w.input, MIA_FEATURES_SIGNALS, x));
    for (int i = 0; i < N; i++) {
        MiaSignals s = mia_signal_row(w.logits + i * K, K, w.labels[i]);
        const double want[] = {s.loss, s.phi, s.entropy, s.modified_entropy, s.hinge, s.correct};
        for (int j = 0; j < 6; j++) assert_near(x[i * 6 + j], want[j], 0, 0);
    }
    assert_ok(mia_features_fill(&w.input, MIA_FEATURES_LOSS, x));
    assert_near(x[7], mia_signal_row(w.logits + 7 * K, K, w.labels[7]).loss, 0, 0);
    assert_ok(mia_features_fill(&w.input, MIA_FEATURES_PROBABILITIES, x));
    assert_near(x[0] + x[1] + x[2], 1, 0, 1e-15);
    world_free(&w);
}

enum { ROWS = 120, COLUMNS = 4 };
typedef struct {
    double x[ROWS * COLUMNS], weight[ROWS];
    uint8_t member[ROWS];
    MiaFitRows rows;
} Rows;

static void rows_make(Rows *r, double shift)
{
    BaseRandom random = base_random_make(4, "rows", 0);
    for (int i = 0; i < ROWS; i++) {
        r->member[i] = i % 3 == 0;
        r->weight[i] = r->member[i] ? 1.5 : 0.75;
        for (int j = 0; j < COLUMNS; j++)
            r->x[i * COLUMNS + j] = base_random_normal(&random) + (j == 1 && r->member[i] ? shift : 0);
    }
    r->rows = (MiaFitRows){ROWS, COLUMNS, r->x, r->member, r->weight};
}

/* Central differences of the loss, step 1e-6: truncation h^2 f''' / 6 about 1e-12, rounding 1e-16 |L| / h about 1e-9.
 */
static void logistic_is_the_optimum(void **state)
{
    (void)state;
    static Rows r;
    const double COSTS[] = {1e-3, 1, 100};
    for (int c = 0; c < 3; c++) {
        rows_make(&r, 1.5);
        double model[COLUMNS + 1] = {0.3, -0.2, 0.1, 0.5, 0.7}, gradient[COLUMNS + 1], other[COLUMNS + 1];
        mia_logistic_loss(&r.rows, COSTS[c], model, gradient);
        for (int j = 0; j <= COLUMNS; j++) {
            memcpy(other, model, sizeof model);
            other[j] += 1e-6;
            double up = mia_logistic_loss(&r.rows, COSTS[c], other, NULL);
            other[j] -= 2e-6;
            double slope = (up - mia_logistic_loss(&r.rows, COSTS[c], other, NULL)) / 2e-6;
            assert_near(gradient[j], slope, 1e-7 * (1 + COSTS[c]), 1e-6);
        }
        double naive = 0; /* the objective by its definition */
        for (int j = 0; j < COLUMNS; j++) naive += model[j] * model[j] / 2;
        for (int i = 0; i < ROWS; i++) {
            double f = model[COLUMNS];
            for (int j = 0; j < COLUMNS; j++) f += model[j] * r.x[i * COLUMNS + j];
            naive += COSTS[c] * r.weight[i] * log(1 + exp(r.member[i] ? -f : f));
        }
        assert_near(mia_logistic_loss(&r.rows, COSTS[c], model, NULL), naive, 0, 1e-13);
        /* convex: a vanishing gradient is the optimum */
        assert_ok(mia_logistic_fit(&r.rows, COSTS[c], model));
        mia_logistic_loss(&r.rows, COSTS[c], model, gradient);
        for (int j = 0; j <= COLUMNS; j++) assert_near(gradient[j], 0, 1e-7 * COSTS[c], 0);
    }
    rows_make(&r, 1e4); /* separable: only the penalty holds it */
    double model[COLUMNS + 1], gradient[COLUMNS + 1];
    assert_ok(mia_logistic_fit(&r.rows, 1e6, model));
    mia_logistic_loss(&r.rows, 1e6, model, gradient);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(mia_logistic_decide(r.x + i * COLUMNS, COLUMNS, model) > 0, r.member[i]);
}

static void mlp_gradient(void **state)
{
    (void)state;
    enum { HIDDEN = 6, SIZE = HIDDEN * (COLUMNS + 2) + 1 };
    static Rows r;
    rows_make(&r, 1);
    MiaMlp how = {.hidden = HIDDEN, .epochs = 1, .batch_size = 10, .lr = 1e-3, .alpha = 0.01};
    assert_int_equal(mia_mlp_size(COLUMNS, &how), SIZE);
    double model[SIZE], gradient[SIZE], scratch[SIZE], hidden[HIDDEN];
    int64_t at[] = {3, 5, 6, 9, 11, 40, 41, 119};
    BaseRandom random = base_random_make(5, "mlp", 0);
    for (int k = 0; k < SIZE; k++) model[k] = base_random_normal(&random);
    for (int part = 0; part < 2; part++) {
        const int64_t *rows = part ? at : NULL;
        int64_t n = part ? 8 : ROWS;
        double loss = mia_mlp_loss(&r.rows, rows, n, &how, model, hidden, gradient), naive = 0, total = 0;
        for (int64_t i = 0; i < n; i++) { /* by the definition */
            int64_t row = rows ? rows[i] : i;
            double f = model[SIZE - 1];
            for (int k = 0; k < HIDDEN; k++) {
                double sum = model[HIDDEN * COLUMNS + k];
                for (int j = 0; j < COLUMNS; j++) sum += model[k * COLUMNS + j] * r.x[row * COLUMNS + j];
                f += model[HIDDEN * (COLUMNS + 1) + k] * (sum > 0 ? sum : 0);
            }
            assert_near(mia_mlp_decide(r.x + row * COLUMNS, COLUMNS, &how, model), f, 1e-14, 1e-13);
            naive += r.weight[row] * log(1 + exp(r.member[row] ? -f : f));
            total += r.weight[row];
        }
        naive /= total;
        for (int k = 0; k < SIZE - 1; k++)
            if (k < HIDDEN * COLUMNS || k >= HIDDEN * (COLUMNS + 1)) naive += how.alpha / 2 * model[k] * model[k];
        assert_near(loss, naive, 0, 1e-13);
        for (int k = 0; k < SIZE; k++) { /* a step of 1e-6 crosses no corner here */
            double kept = model[k];
            model[k] = kept + 1e-6;
            double up = mia_mlp_loss(&r.rows, rows, n, &how, model, hidden, scratch);
            model[k] = kept - 1e-6;
            double slope = (up - mia_mlp_loss(&r.rows, rows, n, &how, model, hidden, scratch)) / 2e-6;
            model[k] = kept;
            assert_near(gradient[k], slope, 1e-8, 1e-6);
        }
    }
}

/* Members on both sides of the non-members: no line parts them, a network does. */
static void mlp_learns_what_a_line_cannot(void **state)
{
    (void)state;
    enum { N = 900 };
    World w;
    world_make(&w, N, 2, 0, 0, 0, 6);
    for (int i = 0; i < N; i++) {
        BaseRandom r = base_random_make(6, "sides", (uint64_t)i);
        double side = base_random_below(&r, 2) ? 3 : -3, noise = base_random_normal(&r);
        w.logits[i * 2] = w.logits[i * 2 + 1] = 0;
        w.logits[i * 2 + w.labels[i]] = (w.role[i] == MIA_MEMBER ? side : 0) + 0.5 * noise;
    }
    MiaResult line = world_attack("logistic", &w.input, SETTINGS("features", "loss"));
    MiaResult net = world_attack("mlp", &w.input, SETTINGS("features", "loss", "epochs", "200"));
    MiaResult again = world_attack("mlp", &w.input, SETTINGS("features", "loss", "epochs", "200"));
    assert_memory_equal(net.score, again.score, N * sizeof *net.score);
    assert_true(line.auc.value < 0.8 && net.auc.value > 0.95);
    assert_true(net.balanced_accuracy > 0.9 && net.own_threshold);
    mia_result_free(&line);
    mia_result_free(&net);
    mia_result_free(&again);
    world_free(&w);
}

/* Features that only recall single points: a fit judges its own points well, others by chance. */
static void nobody_judges_what_it_saw(void **state)
{
    (void)state;
    enum { N = 240, K = 60 };
    World w;
    world_make(&w, N, K, 0, 0, 0, 7);
    const char *const COST[] = {"C", "1e6", "features", "probabilities", "folds", "0", NULL};
    MiaResult seen = world_attack("logistic", &w.input, COST);
    MiaResult unseen = world_attack("logistic", &w.input, SETTINGS("C", "1e6", "features", "probabilities"));
    assert_true(seen.auc.value > 0.85);
    assert_true(unseen.auc.lo < 0.5 && 0.5 < unseen.auc.hi);
    assert_non_null(strstr(seen.notes, "fitted to the members"));
    assert_non_null(strstr(unseen.notes, "by a fit on the folds before it"));
    mia_result_free(&seen);
    mia_result_free(&unseen);
    int members = 0;
    MiaResult none;
    for (int i = 0; i < N; i++)
        if (w.role[i] == MIA_MEMBER && members++ > 0) w.role[i] = MIA_AUDITED;
    assert_fails(world_try("logistic", &w.input, NULL, &none), BASE_EARG, "at least 2 members and 2 non-members");
    world_free(&w);
}

/* One-hot features alone: mean and deviation (ddof 0) of each class, in closed form; the ridge of 1e-9 moves them by as
 * much, the turns stop at 1e-11 of the likelihood, whose curvature makes that about 1e-5 of a deviation. */
static void gaussian_of_classes(void **state)
{
    (void)state;
    enum { N = 400, K = 3, D = K + 1 };
    static double x[N * D], value[N];
    double mean[K] = {0}, square[K] = {0}, count[K] = {0}, mu[D], g[D];
    for (int i = 0; i < N; i++) {
        BaseRandom r = base_random_make(8, "classes", (uint64_t)i);
        int c = i % 2; /* class 2 has no point */
        for (int j = 0; j < D; j++) x[i * D + j] = j == 0 || j == c + 1;
        value[i] = 5 * c + (1 + 3 * c) * base_random_normal(&r);
        mean[c] += value[i] / (N / 2);
        count[c]++;
    }
    for (int i = 0; i < N; i++) square[i % 2] += (value[i] - mean[i % 2]) * (value[i] - mean[i % 2]) / count[i % 2];
    MiaQuantileRows rows = {N, D, x, value, 1e-9};
    assert_ok(mia_quantile_gaussian(&rows, mu, g));
    for (int c = 0; c < 2; c++) {
        assert_near(mu[0] + mu[c + 1], mean[c], 1e-5, 0);
        assert_near(g[0] + g[c + 1], log(square[c]) / 2, 1e-4, 0);
    }
    assert_near(mu[3], 0, 0, 0);
    assert_near(g[3], 0, 0, 0);
    for (int i = 0; i < N; i++) value[i] = 2; /* no spread at all */
    assert_ok(mia_quantile_gaussian(&rows, mu, g));
    assert_near(mu[0] + mu[1], 2, 1e-9, 0);
}

/* right becomes (X^T W X + ridge)^-1 right, by elimination. */
static void twin_solve(const MiaQuantileRows *rows, const double *weight, double *right)
{
    long double a[8][9];
    int d = (int)rows->d;
    for (int j = 0; j < d; j++) {
        a[j][d] = right[j];
        for (int k = 0; k < d; k++) {
            a[j][k] = 0;
            for (int64_t i = 0; i < rows->n; i++)
                a[j][k] += (long double)weight[i] * rows->x[i * d + j] * rows->x[i * d + k];
        }
        if (j > 0) a[j][j] *= 1 + rows->ridge;
    }
    for (int j = 0; j < d; j++) /* definite: no pivots */
        for (int k = 0; k < d; k++)
            for (int c = d; k != j && c >= j; c--) a[k][c] -= a[k][j] / a[j][j] * a[j][c];
    for (int j = 0; j < d; j++) right[j] = (double)(a[j][d] / a[j][j]);
}

static double twin_likelihood(const MiaQuantileRows *rows, const double *residual, const double *g)
{
    long double sum = 0;
    for (int64_t i = 0; i < rows->n; i++) {
        double at = mia_quantile_dot(g, rows->x + i * rows->d, rows->d);
        sum += (long double)at + (long double)(residual[i] * residual[i]) * expl(-2 * (long double)at) / 2;
    }
    return (double)sum;
}

/* What quantile.h says, by turns in mu and g as long as one gains more than 1e-11 of the likelihood, so many at most: the
 * number that it took. */
static int twin_gaussian(const MiaQuantileRows *rows, int most, double *mu, double *g)
{
    enum { MOST = 64 };
    double weight[MOST], residual[MOST], step[8], mean = 0, square = 0, before = INFINITY;
    int64_t n = rows->n, d = rows->d;
    for (int64_t i = 0; i < n; i++) mean += rows->value[i] / (double)n;
    for (int64_t i = 0; i < n; i++) square += (rows->value[i] - mean) * (rows->value[i] - mean) / (double)n;
    memset(g, 0, (size_t)d * sizeof *g);
    g[0] = log(square) / 2;
    for (int turn = 1; turn <= most; turn++) {
        memset(mu, 0, (size_t)d * sizeof *mu);
        for (int64_t i = 0; i < n; i++) {
            weight[i] = exp(-2 * mia_quantile_dot(g, rows->x + i * d, d));
            for (int64_t j = 0; j < d; j++) mu[j] += weight[i] * rows->value[i] * rows->x[i * d + j];
        }
        twin_solve(rows, weight, mu);
        for (int64_t i = 0; i < n; i++)
            residual[i] = fmax(fabs(rows->value[i] - mia_quantile_dot(mu, rows->x + i * d, d)), 1e-6 * sqrt(square));
        for (int newton = 0; newton < 60; newton++) {
            double now = twin_likelihood(rows, residual, g), trial[8];
            memset(step, 0, sizeof step);
            for (int64_t i = 0; i < n; i++) {
                const double *x = rows->x + i * d;
                double r = residual[i] * exp(-mia_quantile_dot(g, x, d));
                weight[i] = 2 * r * r;
                for (int64_t j = 0; j < d; j++) step[j] += (1 - r * r) * x[j];
            }
            twin_solve(rows, weight, step);
            double length = 2, next = INFINITY;
            while (!(next < now) && length > 1e-9) {
                length /= 2;
                for (int64_t j = 0; j < d; j++) trial[j] = g[j] - length * step[j];
                next = twin_likelihood(rows, residual, trial);
            }
            if (!(next < now)) break;
            memcpy(g, trial, (size_t)d * sizeof *g);
        }
        double now = twin_likelihood(rows, residual, g);
        if (!(before - now > 1e-11 * fabs(now))) return turn;
        before = now;
    }
    return most + 1;
}

/* The same numbers as the naive twin's, where the turns settle, within what one more would change there (3e-6), and where
 * they do not: of those there are 200, the last of which moves the numbers by 1e-4 or more, rounding by some 1e-10. */
static void gaussian_as_its_twin(void **state)
{
    (void)state;
    enum { N = 35, D = 7, MOST = 200 };
    static const uint64_t ENDLESS[] = {1244, 1398, 1760, 1975};
    for (uint64_t i = 0; i < 24; i++) {
        bool endless = i >= 20;
        double x[N * D], value[N], mu[D], g[D], want_mu[D], want_g[D];
        BaseRandom r = base_random_make(endless ? ENDLESS[i - 20] : i + 1, "turns", 0);
        for (int k = 0; k < N; k++) {
            for (int j = 0; j < D; j++) x[k * D + j] = j ? base_random_normal(&r) : 1;
            value[k] = base_random_normal(&r);
        }
        const MiaQuantileRows rows = {N, D, x, value, 1e-9};
        assert_int_equal(twin_gaussian(&rows, MOST, want_mu, want_g) > MOST, endless);
        assert_ok(mia_quantile_gaussian(&rows, mu, g));
        for (int j = 0; j < D; j++) {
            assert_near(mu[j], want_mu[j], endless ? 1e-6 : 5e-6, 0);
            assert_near(g[j], want_g[j], endless ? 1e-6 : 5e-6, 0);
        }
    }
}

static double pinball(const double *x, const double *value, int64_t n, int64_t d, double level, const double *q)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double r = value[i] - mia_quantile_dot(q, x + i * d, d);
        sum += fmax(level * r, (level - 1) * r);
    }
    return sum;
}

/* The optimum of a convex loss: no direction lowers it, but for the rounded corner (1e-6 per point) and the stop. And the
 * share of points below is the level, within d / n. */
static void pinball_is_the_optimum(void **state)
{
    (void)state;
    enum { N = 300, D = 3 };
    static double x[N * D], value[N];
    const double LEVELS[] = {0.1, 0.5, 0.9, 0.99};
    for (int i = 0; i < N; i++) {
        BaseRandom r = base_random_make(9, "pinball", (uint64_t)i);
        x[i * D] = 1;
        for (int j = 1; j < D; j++) x[i * D + j] = base_random_normal(&r);
        value[i] = 2 * x[i * D + 1] + (1 + fabs(x[i * D + 2])) * base_random_normal(&r);
    }
    for (int l = 0; l < 4; l++) {
        double q[D], other[D];
        MiaQuantileRows rows = {N, D, x, value, 1e-9};
        assert_ok(mia_quantile_pinball(&rows, LEVELS[l], q));
        double best = pinball(x, value, N, D, LEVELS[l], q);
        int below = 0;
        for (int i = 0; i < N; i++) below += value[i] < mia_quantile_dot(q, x + i * D, D);
        assert_near(below / (double)N, LEVELS[l], 2.0 * D / N, 0);
        for (uint64_t round = 0; round < 200; round++) {
            BaseRandom r = base_random_make(10, "direction", round);
            double length = pow(10, -1 - (double)(round % 4));
            for (int j = 0; j < D; j++) other[j] = q[j] + length * base_random_normal(&r);
            assert_true(pinball(x, value, N, D, LEVELS[l], other) > best - 1e-3);
        }
    }
}

/* Population or folds of non-members, either head: the level is the false-positive rate. Tolerance: 4 standard errors
 * of a share of n judged and of the quantile of n fitted, and d / n for what was fitted. */
static void quantiles_hold(void **state)
{
    (void)state;
    enum { N = 6000, K = 4, Z = 3000 };
    World w;
    for (int population = 0; population < 2; population++) {
        world_make(&w, N, K, 0, population ? Z : 0, 3, 11);
        for (int head = 0; head < 2; head++) {
            MiaResult r =
                world_attack("quantile", &w.input, SETTINGS("head", head ? "pinball" : "gaussian", "fpr", "0.1"));
            double off =
                4 * sqrt(0.1 * 0.9 * (3.0 / N + 1.0 / 1600)) + (head ? 0.01 : 0.03); /* the hinge is no normal */
            assert_string_equal(r.numbers[1].name, "realised_fpr");
            assert_near(r.numbers[1].value.value, 0.1, off, 0);
            assert_near(r.numbers[0].value.value, 0.1, 0, 0);
            double fp = 0;
            for (int64_t i = 0; i < N; i++) fp += w.role[i] == MIA_NONMEMBER && r.score[i] >= r.threshold;
            assert_near(r.numbers[1].value.value, fp / (N / 3.0), 0, 1e-14);
            assert_true(r.auc.value > 0.85 && r.own_threshold);
            assert_non_null(strstr(r.notes, population ? "3000 population points" : "other 4 of 5 folds"));
            mia_result_free(&r);
        }
        world_free(&w);
    }
    MiaResult none;
    world_make(&w, 9, K, 0, 0, 3, 12);
    for (int i = 1; i < 9; i++)
        if (w.role[i] == MIA_NONMEMBER) w.role[i] = MIA_AUDITED;
    assert_fails(world_try("quantile", &w.input, NULL, &none), BASE_EARG, "there is only one");
    world_free(&w);
}

/* Classes whose hinges lie elsewhere: one threshold for all tells nothing, quantiles of each class do. */
static void quantiles_know_the_class(void **state)
{
    (void)state;
    enum { N = 3000, K = 2 };
    World w;
    world_make(&w, N, K, 0, 0, 0, 13);
    for (int i = 0; i < N; i++) {
        BaseRandom r = base_random_make(13, "offset", (uint64_t)i);
        w.logits[i * K] = w.logits[i * K + 1] = 0;
        w.logits[i * K + w.labels[i]] =
            base_random_normal(&r) + (w.role[i] == MIA_MEMBER ? 2 : 0) + (w.labels[i] ? 20 : -20);
    }
    MiaResult all = world_attack("loss", &w.input, NULL);
    MiaResult each = world_attack("quantile", &w.input, SETTINGS("features", "class"));
    assert_true(all.auc.value < 0.8);
    assert_near(each.auc.value, erfc(-2 / 2.0) / 2, 4 * 0.5 / sqrt(1000.0), 0); /* Phi(d / sqrt 2) */
    mia_result_free(&all);
    mia_result_free(&each);
    world_free(&w);
}

/* Right answers alone, the same for every point or for every point of a class: what the fit leaves over is rounding and
 * ridge, and must not tell members, judged by all non-members' fit, from non-members, judged by a fold's. */
static void exact_fits_tell_nobody_apart(void **state)
{
    (void)state;
    enum { N = 300, K = 5 };
    static const char *const HEADS[] = {"gaussian", "pinball"}, *const FEATURES[] = {"both", "class"};
    for (int v = 0; v < 8; v++) {
        World w;
        world_make(&w, N, K, 0, 0, 0, 15);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < K; j++) w.logits[i * K + j] = j != w.labels[i] ? 0 : v & 4 ? 1 + 0.37 * w.labels[i] : 5;
        MiaResult r =
            world_attack("quantile", &w.input, SETTINGS("head", HEADS[v & 1], "features", FEATURES[v >> 1 & 1]));
        for (int i = 0; i < N; i++) assert_near(r.score[i], 0, 0, 0);
        assert_near(r.auc.value, 0.5, 0, 0);
        mia_result_free(&r);
        world_free(&w);
    }
}

typedef struct {
    World world;
    const MiaAttack *attack;
    void *params;
} Memory;

static BaseStatus once(void *user)
{
    Memory *m = user;
    MiaResult r;
    BaseStatus st = mia_attack(m->attack, &m->world.input, m->params, &r);
    mia_result_free(&r);
    return st;
}

/* What the contract test's defaults do not reach: no population. */
static void without_memory(void **state)
{
    (void)state;
    const char *const HEADS[] = {"gaussian", "pinball"};
    for (int h = 0; h < 2; h++) {
        Memory m;
        world_make(&m.world, 60, 3, 0, 0, 1, 14);
        assert_ok(mia_find("quantile", &m.attack));
        const BaseEntry *e = &m.attack->entry;
        assert_ok(base_alloc_bytes(1, e->params_size, &m.params));
        base_param_defaults(e->params, e->param_count, m.params);
        assert_ok(base_param_set(e->params, e->param_count, m.params, "", "head", HEADS[h], "--set"));
        support_fail_allocations(once, &m, 500);
        base_free(m.params);
        world_free(&m.world);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(folds_are_even),
    cmocka_unit_test(clusters_stay_together),
    cmocka_unit_test(published_modified_entropy),
    cmocka_unit_test(features),
    cmocka_unit_test(features_of_these_points),
    cmocka_unit_test(logistic_is_the_optimum),
    cmocka_unit_test(mlp_gradient),
    cmocka_unit_test(mlp_learns_what_a_line_cannot),
    cmocka_unit_test(nobody_judges_what_it_saw),
    cmocka_unit_test(gaussian_of_classes),
    cmocka_unit_test(pinball_is_the_optimum),
    cmocka_unit_test(gaussian_as_its_twin),
    cmocka_unit_test(quantiles_hold),
    cmocka_unit_test(quantiles_know_the_class),
    cmocka_unit_test(exact_fits_tell_nobody_apart),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
