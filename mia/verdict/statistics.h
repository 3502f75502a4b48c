/* mia/verdict/statistics.h - what a game looks at: numbers of one model's scores on fixed points, the same function for
 * every model, so that models made alike have numbers drawn alike (math/exchange.h). In "models" a rate of the judged model
 * is among R others, one of the retrained models' among R - 1: alike on average. */
#ifndef MIA_VERDICT_STATISTICS_H
#define MIA_VERDICT_STATISTICS_H

#include "math/exchange.h"

typedef enum { MIA_GAME_FORGET, MIA_GAME_MODELS, MIA_GAME_RETAIN, MIA_GAMES } MiaGame;
/** "forget", "models", "retain"; and the question it answers. Static storage. */
const char *mia_game_name(MiaGame game);
const char *mia_game_question(MiaGame game);

/** Scores [M, n] of M models; M = 0: there are none. Borrowed. */
typedef struct {
    const double *score;
    int64_t M;
} MiaModels;

/** One attack's scores for one game; higher = more as if the point had been trained on, in every game. Borrowed. */
typedef struct {
    int64_t n;             /* 0: the attack does not play this game */
    const uint8_t *member; /* [n] 0/1; NULL for the game "models" */
    const int32_t *label; /* [n] class of each point: members are compared with non-members of their class; NULL: one */
    const int32_t *subgroup; /* [n] parts whose exposure is reported; NULL: none */
    const int32_t *fold; /* [n] one fit judged one fold: AUCs compare within it, and leave out what is < 0; NULL: one */
    const int32_t *cluster; /* [n] points of one number depend on each other (copies, one person); NULL: none do */
    uint64_t seed;          /* of the draw of one point of each cluster */
    MiaModels unlearned, retrained, original;
    MiaModels graded;  /* the original, part of the way: most first */
    MiaModels planted; /* the first retrained model with a leak of growing size: the members raised */
} MiaGameScores;

typedef enum {
    /** "forget", "retain": the share of pairs of a member and a non-member of its class and fold in which the member's
     *  score is higher, ties half; the mean over members. "models": P(this model's score of a point > another model's of any). */
    MIA_STATISTIC_AUC,
    /** The share of members above the threshold with that share of non-members above it, each score less the median of
     *  its class's non-members, over their interquartile range. "models": this model's points among the others'. */
    MIA_STATISTIC_TPR_1,  /* 1% */
    MIA_STATISTIC_TPR_01, /* 0.1% */
    /** The same from below: members under the lowest 1%. More of them: over-forgotten points stand out. */
    MIA_STATISTIC_LOW_1,
    /** "forget", "retain": how surely the members fill the top, or the non-members the bottom, of all scores, as a privacy
     *  loss epsilon > 0 would have it: the largest normal quantile, over top and bottom k = 4, 8, 16, .., n/2, of Fisher's
     *  exact p of so many members among them, within classes where fewer than two models are compared with. Each score less the median of its class, over its interquartile range. */
    MIA_STATISTIC_EPSILON,
    MIA_STATISTICS
} MiaStatistic;
/** "AUC", "TPR at FPR 1%", "TPR at FPR 0.1%", "share below the lowest 1%", "z of epsilon > 0"; the rate (NaN: none). */
const char *mia_statistic_name(MiaStatistic statistic);
double mia_statistic_fpr(MiaStatistic statistic);

/** One statistic of a judged model (row 0) and R = M - 1 others. */
typedef struct {
    bool defined;  /* in every model */
    double *value; /* [M], within 0..1; EPSILON: the quantile itself, as x */
    double *x;     /* [M] on the probit scale of count + 1 points, on which a shift of all scores is about a constant */
    double count;  /* points that the value is a share of */
    double floor;  /* variance of an x from the counting of points, where it is coarse; else 0 */
    double *paired; /* [M] variance over other points like these of a model's value less the mean of the others'; AUC */
    double points;  /* variance over other points like these of value[0] - the others' mean, less what the others show
                      among themselves: what their spread over models does not hold */
    double own; /* variance over other points like these of value[0] by itself (math_clusters_auc_variance); NaN for one
                   cluster of a kind; AUC in "forget" and "retain" alone */
    double clusters; /* of the smaller kind */
    int64_t looks;   /* EPSILON: how many p the largest quantile is chosen among */
    int scale;       /* how an x becomes a difference of values; see mia_row_at */
} MiaRow;
typedef struct {
    MiaRow row[MIA_STATISTICS];
    int64_t M;
    double *store; /* owned */
} MiaTable;

/**
 * @param model  [M] rows of n scores: the judged one, then the others. M >= 1 ("models": 2).
 * @param apart  the first is judged: in "models" the others' TPRs are among the others alone, since a judged model that
 *               fills the top would leave none of them there. false: all are alike.
 * Two-valued scores have no TPR. A TPR needs 1 / fpr - 1 non-members ("models": points of the others).
 * O(M n log(M n)) time, O(M n) memory. BASE_EARG where no class has members and non-members.
 */
BaseStatus mia_statistics(const MiaGameScores *game, MiaGame which, const double *const *model, int64_t M, bool apart,
                          MiaTable *out);
void mia_table_free(MiaTable *table);

/** Row 0 against the others. */
MathExchange mia_row_exchange(const MiaRow *row, int64_t M);
/** Its difference to the others with an interval at @p level, both back on the scale of values; @p more_points: for
 *  other points like these as well. n: the count. */
MathEstimate mia_row_difference(const MiaRow *row, const MathExchange *x, bool more_points, double level);
/** row->points as a variance of x. */
double mia_row_points(const MiaRow *row);
/** The others' centre, back on the scale of values: what row 0's value less the difference is. */
double mia_row_reference(const MiaRow *row, const MathExchange *x);
/** The offset of a model whose value is @p value ("models": AUC against the others); NaN for two-valued scores there. */
double mia_row_offset(const MiaRow *row, const MathExchange *x, double value);
/** The difference of values where x were @p offset from the others' centre. */
double mia_row_at(const MiaRow *row, const MathExchange *x, double offset);

#endif
