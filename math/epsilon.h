/* math/epsilon.h - empirical lower bounds on the epsilon of differential privacy, from the scores of an attack.
 *
 * (eps, delta)-DP confines every attack: TPR <= e^eps FPR + delta and TNR <= e^eps FNR + delta, so confident bounds on
 * the rates of one attack bound eps from below. What is easily done wrong is the threshold: taking the best of many on
 * the same points gives "eps > 0" for pure noise in 30 to 97 of 100 audits. Each method here holds at its level:
 * P(bound > true eps) <= alpha, whatever the scores. All are "no evidence" at 0, never "private".
 *
 * The members' and non-members' scores are taken as independent draws. Where one model scored all points that holds given
 * that model, and the bound speaks of that model.
 */
#ifndef MATH_EPSILON_H
#define MATH_EPSILON_H

#include "math/roc.h"

typedef enum {
    MATH_EPSILON_SPLIT,        /* threshold chosen on a quarter of the points, Clopper-Pearson on the others */
    MATH_EPSILON_SIMULTANEOUS, /* Clopper-Pearson at ranks fixed beforehand, all at once (Bonferroni) */
    MATH_EPSILON_GAUSSIAN, /* as simultaneous, but under mu-Gaussian DP: stronger, and true only of such mechanisms */
    MATH_EPSILON_ONE_RUN,  /* Steinke, arXiv 2305.08846: only where each point had its own fair coin */
    MATH_EPSILON_METHODS
} MathEpsilonMethod;
/** "split", "simultaneous", "gaussian", "one_run"; and one sentence on how and under which assumption. Static storage. */
const char *math_epsilon_method_name(MathEpsilonMethod method);
const char *math_epsilon_method_text(MathEpsilonMethod method);

typedef struct {
    MathEpsilonMethod method;
    double epsilon;        /* >= 0, at confidence 1 - alpha */
    double largest;        /* what a faultless attack would prove with these n, delta, alpha and method: the ceiling */
    double mu, largest_mu; /* GAUSSIAN: the same for mu; else NaN */
    double delta, alpha;
    double threshold; /* member iff score >= threshold; NaN where epsilon is 0, and for ONE_RUN */
    int64_t P, N;     /* members and non-members that the bound rests on; ONE_RUN: guesses "in" and "out" */
    int64_t right;    /* ONE_RUN: guesses that are right; else 0 */
} MathEpsilon;

/** At one threshold that does not depend on these points: tp of P members and fp of N non-members are called members.
 *  max over both orientations of log((lower(tp, P) - delta) / upper(fp, N)), at least 0, with the one-sided
 *  Clopper-Pearson bounds at alpha / 2 each; both orientations rest on the same two events. O(1). */
double math_epsilon_clopper_pearson(int64_t tp, int64_t P, int64_t fp, int64_t N, double delta, double alpha);
/** The eps of a mu-GDP mechanism at delta: delta = Phi(-eps/mu + mu/2) - e^eps Phi(-eps/mu - mu/2),
 *  solved in the log domain, so that delta may be 1e-300. 0 where delta >= 2 Phi(mu/2) - 1; infinite for
 *  delta = 0 and mu > 0; NaN for mu or delta outside [0, inf), [0, 1). */
double math_epsilon_of_mu(double mu, double delta);
/** log of that delta, for eps >= 0 and mu > 0. */
double math_epsilon_log_delta(double epsilon, double mu);

/** @p score, @p member [n]; 0 <= delta < 1, 0 < alpha < 1. Each is BASE_EARG outside these ranges or where a class is
 *  empty (split: has fewer than 2 points; gaussian: delta = 0), BASE_ENUMERIC on NaN. O(n log n). */
BaseStatus math_epsilon_split(const double *score, const uint8_t *member, int64_t n, double delta, double alpha,
                              uint64_t seed, MathEpsilon *out);
BaseStatus math_epsilon_simultaneous(const double *score, const uint8_t *member, int64_t n, double delta, double alpha,
                                     MathEpsilon *out);
BaseStatus math_epsilon_gaussian(const double *score, const uint8_t *member, int64_t n, double delta, double alpha,
                                 MathEpsilon *out);

/**
 * One-run auditing (Steinke, arXiv 2305.08846): the @p in highest scores are guessed members, the
 * @p out lowest non-members, ties in a seeded random order; of r = in + out guesses v are right. With q = 1/(1 + e^-eps),
 *     p(eps) = P[Bin(r, q) >= v] + 2 m delta max_i P[v > Bin(r, q) >= v - i] / i
 * and eps is the largest with p(eps) <= alpha. The numbers of guesses must not depend on these points.
 *
 * @param independent_coins  the caller's word that each of the n points was put in or left out by its own fair coin.
 *                           false: BASE_EARG. A forget set that somebody chose is not such a set.
 * Cost O(n log n + 100 v).
 */
BaseStatus math_epsilon_one_run(const double *score, const uint8_t *member, int64_t n, int64_t in, int64_t out,
                                bool independent_coins, double delta, double alpha, uint64_t seed, MathEpsilon *result);
/** p(eps) itself, for m points, r guesses, v right. O(v). */
double math_epsilon_one_run_p(int64_t m, int64_t r, int64_t v, double epsilon, double delta);

#endif
