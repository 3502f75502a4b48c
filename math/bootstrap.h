/* math/bootstrap.h - intervals that know of two sources of chance: which points, and which models. Points scored by one
 * model share that model's randomness, so an interval over points alone is too narrow for "models trained like these". */
#ifndef MATH_BOOTSTRAP_H
#define MATH_BOOTSTRAP_H

#include "math/roc.h"

/** Scores of n points by M models, all borrowed. */
typedef struct {
    const double *score; /* [M, n] */
    int64_t M;
    const double *threshold; /* [M] chosen on other data, member iff score >= threshold; NULL: no balanced accuracy */
} MathModelScores;

enum {
    MATH_BOOTSTRAP_FPRS = 3,
    MATH_FEW_MODELS =
        6 /* a side with fewer borrows the other side's spread: t on 1 degree of freedom is 12.7, on 4 2.8 */
};
typedef enum {
    MATH_STATISTIC_AUC,
    MATH_STATISTIC_BALANCED, /* (TPR + TNR) / 2 at the given thresholds */
    MATH_STATISTIC_TPR,      /* TPR at fpr[0]; the next two at fpr[1] and fpr[2] */
    MATH_STATISTICS = MATH_STATISTIC_TPR + MATH_BOOTSTRAP_FPRS
} MathStatistic;

/** Each the mean over models, with an interval. n: points. value NaN where not defined (no thresholds; N < 1 / fpr). */
typedef struct {
    MathEstimate a[MATH_STATISTICS], b[MATH_STATISTICS], difference[MATH_STATISTICS];
    bool over_models; /* false: one model on either side; the intervals speak of these models alone */
} MathBootstrap;

typedef struct {
    double level;
    int64_t draws;                   /* >= 100 */
    double fpr[MATH_BOOTSTRAP_FPRS]; /* in (0, 1) */
    uint64_t seed;
} MathBootstrapOptions;

/**
 * Two-way bootstrap: every draw takes fresh models and points, with replacement, each independently,
 * members and non-members apart; the models of a and of b apart, the points of both alike.
 *
 * The draws give the variance of a mean over models in two parts. points: what is left when the models' share is taken
 * out. models: S^2 / M, S^2 the variance of the statistic over models, on M - 1 degrees of freedom. A side of fewer than
 * MATH_FEW_MODELS takes S^2 pooled over both sides on their joint degrees of freedom, the other side's carried over on the
 * probit scale: "unlearned models vary as retrained ones do", an assumption, but one model has no spread of its own. Half the
 * width is sqrt(t^2 points + t_{M-1}^2 models) for a and b on the logit scale; at 0 and 1, where no draw varies,
 * exact over points. The TPR at an FPR lies between those at the two order statistics that enclose the FPR's threshold.
 *
 * @param b  models to compare with on the same points (the retrained ones), or NULL.
 * @return BASE_EARG for an empty side of members or non-members, bad options; BASE_ENUMERIC for NaN scores.
 *
 * Cost: O(M n log n + draws M n) time, O(M n) memory. One thread; same seed, same bits.
 */
BaseStatus math_bootstrap(const MathModelScores *a, const MathModelScores *b, const uint8_t *member, int64_t n,
                          const MathBootstrapOptions *options, MathBootstrap *out);

#endif
