/* tests/coverage/coverage.h - how often do printed intervals hold what they should? Worlds with a known truth, trial by trial;
 * the quick tier against a binomial limit, EXPUNGE_LONG=1 against the stated figures with the rows of docs/results/coverage
 * (to the folder EXPUNGE_TABLES where that is set). */
#ifndef TESTS_COVERAGE_COVERAGE_H
#define TESTS_COVERAGE_COVERAGE_H

#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "math/stats.h"

/** CLOSE: the target to 1.5 points. AT_LEAST: the target less 1.5 points and up, called conservative. LABELLED: what the
 *  documents say of this world instead, with the coverage that they promise in `target`, as AT_LEAST. */
typedef enum { CLOSE, AT_LEAST, LABELLED } Promise;
/** A printed interval: what it is of, where it is printed, and the function that makes it. */
typedef struct {
    const char *of, *printed, *function;
    Promise promise;
    double target; /* 0.95 */
} Number;

/** One number in one trial. lo NaN: no interval was given. truth NaN: the mean of the values of all trials. */
typedef struct {
    double value, lo, hi, truth;
} Shot;
static inline Shot shot_of(MathEstimate e, double truth) { return (Shot){e.value, e.lo, e.hi, truth}; }

enum { MOST_NUMBERS = 12 };
typedef struct World World;
struct World {
    const char *what, *n, *models, *clusters; /* texts of the table */
    const Number *number;                     /* [count] */
    int count;
    void (*trial)(const World *world, BaseRandom *random, uint64_t trial, Shot *shot);
    double p[8];
    int quick, lengthy; /* trials; 0: the usual ones */
    unsigned skip;      /* bit i: number i is not defined in this world */
    double promised;    /* above 0: LABELLED with this are the numbers .. */
    unsigned labelled;  /* .. of these bits, in place of their own promise */
};

static inline bool coverage_is_long(void) { return getenv("EXPUNGE_LONG") != NULL; }
static inline double coverage_normal(double x) { return 0.5 * erfc(-x / sqrt(2)); }

/* The smallest k with P(Bin(n, p) >= k) <= 0.001. */
static inline int64_t coverage_too_many(int64_t n, double p)
{
    int64_t k = 0;
    while (math_stats_binomial_upper(k, n, p) > 0.001) k++;
    return k;
}

static inline FILE *coverage_table(const char *part)
{
    const char *folder = coverage_is_long() ? getenv("EXPUNGE_TABLES") : NULL;
    char path[1000];
    if (!folder) return NULL;
    snprintf(path, sizeof path, "%s/%s.csv", folder, part);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static inline bool coverage_holds(Promise promise, int64_t given, int64_t missed, double target)
{
    double miss = 1 - target, most = promise == LABELLED ? miss : miss + 0.015,
           covered = 1 - (double)missed / (double)given;
    if (!coverage_is_long()) {
        bool few = promise != CLOSE || given - missed < coverage_too_many(given, fmin(1, target + 0.015));
        return missed < coverage_too_many(given, most) && few;
    }
    return covered >= 1 - most && (promise != CLOSE || covered <= target + 0.015);
}

/* Counts number @p k of a world, writes its row, and says whether it keeps its promise. */
static inline bool coverage_row(const World *w, int k, Shot *all, int64_t trials, FILE *file)
{
    char label[40] = "nominal";
    const Number *n = &w->number[k];
    const Promise promise = w->labelled >> k & 1 ? LABELLED : n->promise;
    double mean = 0, target = promise == LABELLED ? w->promised : n->target;
    int64_t given = 0, missed = 0, values = 0;
    for (int64_t t = 0; t < trials; t++) {
        const Shot *s = &all[t * MOST_NUMBERS + k];
        if (!isnan(s->value)) mean += (s->value - mean) / (double)++values;
    }
    for (int64_t t = 0; t < trials; t++) {
        const Shot *s = &all[t * MOST_NUMBERS + k];
        double truth = isnan(s->truth) ? mean : s->truth;
        if (isnan(s->lo) || isnan(s->hi)) continue;
        given++;
        missed += !(s->lo <= truth + 1e-12 && truth - 1e-12 <= s->hi);
    }
    if (given < trials / 2) {
        print_message("# %s, %s: an interval in only %lld of %lld trials\n", n->of, w->what, (long long)given,
                      (long long)trials);
        return false;
    }
    MathEstimate covered = math_stats_share(given - missed, given, 0.99);
    bool good = coverage_holds(promise, given, missed, target);
    if (coverage_is_long() || !good)
        print_message("# %-28.28s %-46.46s %-9.9s %-6.6s %-12.12s %5.1f%% [%5.1f %5.1f] of %lld%s\n", n->of, w->what,
                      w->n, w->models, w->clusters, 100 * covered.value, 100 * covered.lo, 100 * covered.hi,
                      (long long)given, good ? "" : " BROKEN");
    if (promise == AT_LEAST) snprintf(label, sizeof label, "conservative");
    if (promise == LABELLED) snprintf(label, sizeof label, "at least %.0f%%", 100 * target);
    if (file)
        fprintf(file, "\"%s\",\"%s\",%s,\"%s\",%s,%s,%s,%.3g,%lld,%lld,%.4f,%.4f,%.4f,%s\n", n->of, n->printed,
                n->function, w->what, w->n, w->models, w->clusters, 100 * n->target, (long long)trials,
                (long long)given, 100 * covered.value, 100 * covered.lo, 100 * covered.hi, label);
    return good;
}

/** Runs every world; the rows go to <part>.csv. Each trial has its own stream, so the number of threads changes nothing. */
static inline void coverage_run(const char *part, const World *world, size_t worlds)
{
    FILE *file = coverage_table(part);
    const char *only = getenv("EXPUNGE_WORLD"); /* while working on one: a part of its text */
    int broken = 0;
    for (size_t i = 0; i < worlds; i++) {
        const World *w = &world[i];
        int64_t trials = coverage_is_long() ? w->lengthy ? w->lengthy : 4000 : w->quick ? w->quick : 100;
        Shot *all;
        if (only && !strstr(w->what, only)) continue;
        assert_ok(BASE_ALLOC(trials * MOST_NUMBERS, &all));
#pragma omp parallel for schedule(dynamic)
        for (int64_t t = 0; t < trials; t++) {
            BaseRandom r = base_random_make(i, part, (uint64_t)t);
            w->trial(w, &r, (uint64_t)t, all + t * MOST_NUMBERS);
        }
        for (int k = 0; k < w->count; k++)
            if (!(w->skip >> k & 1)) broken += !coverage_row(w, k, all, trials, file);
        base_free(all);
    }
    if (file) assert_int_equal(fclose(file), 0);
    if (broken) fail_msg("%d intervals do not hold what they promise", broken);
}

#endif
