/* mia/coins/coins.h - guesses about coins: points that a fair coin each held in the training or left out of it, and what
 * one model's scores on them prove about epsilon (math_epsilon_one_run). For audits. */
#ifndef MIA_COINS_COINS_H
#define MIA_COINS_COINS_H

#include "math/epsilon.h"

typedef struct {
    int64_t n, in;          /* points, and those held in */
    int choices;            /* numbers of guesses that were fixed beforehand; 0: too few points for any */
    int64_t guesses, right; /* of the choice with the largest bound; where all are 0, the one with the smallest p */
    int64_t guessed_in;     /* among these guesses */
    double epsilon;         /* lower bound at 1 - alpha for all choices together */
    double largest;         /* the ceiling: where every guess of every choice is right */
    double delta, alpha;
} MiaCoins;

/**
 * @param score [n]  higher: more likely held in. @p coin [n]: 1 held in, 0 left out.
 * @param share      of the points that is guessed, half of it as held in; 0: six choices at once, each at alpha / 6. They are
 *                   3, 10 and 30% of the points, the lowest scores alone or lowest and highest by halves: a score that
 *                   every easy image has says little, and one that no image has that was trained on says much. Choices that
 *                   are the same with so few points count once.
 * @param seed       of the order of ties.
 */
BaseStatus mia_coins(const double *score, const uint8_t *coin, int64_t n, double share, double delta, double alpha,
                     uint64_t seed, MiaCoins *out);
/** Which guesses these are, as a sentence for people. */
const char *mia_coins_text(double share);

#endif
