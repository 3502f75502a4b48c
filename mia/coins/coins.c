/* mia/coins/coins.c - the numbers of guesses depend on n alone, so that Bonferroni over them is a proof. */
#include "mia/coins/coins.h"

#include "base/param.h"

typedef struct {
    int64_t in, out;
} Choice;

static const double SHARES[] = {0.03, 0.1, 0.3};
enum { CHOICES = 2 * BASE_COUNT(SHARES) };

const char *mia_coins_text(double share)
{
    return share > 0
               ? "Half of the guesses are the highest scores, which are called held in, half the lowest."
               : "The lowest scores are called left out, or by halves the highest held in as well; 3, 10 or 30% of the "
                 "canaries, all six choices fixed beforehand and corrected for (Bonferroni); shown is the choice that "
                 "proves most.";
}

static void add(Choice c, Choice choice[CHOICES], int *count)
{
    for (int i = 0; i < *count; i++)
        if (choice[i].in == c.in && choice[i].out == c.out) return;
    if (c.in + c.out > 0) choice[(*count)++] = c;
}

static int choices_of(int64_t n, double share, Choice choice[CHOICES])
{
    int count = 0;
    for (int i = 0; i < (share > 0 ? 1 : (int)BASE_COUNT(SHARES)); i++) {
        int64_t guesses = (int64_t)((share > 0 ? share : SHARES[i]) * (double)n);
        if (share == 0) add((Choice){0, guesses}, choice, &count);
        add((Choice){guesses / 2, guesses - guesses / 2}, choice, &count);
    }
    return count;
}

BaseStatus mia_coins(const double *score, const uint8_t *coin, int64_t n, double share, double delta, double alpha,
                     uint64_t seed, MiaCoins *out)
{
    BaseStatus st = BASE_OK;
    Choice choice[CHOICES];
    MiaCoins c = {.n = n, .choices = choices_of(n, share, choice), .delta = delta, .alpha = alpha};
    double least = 2;
    *out = (MiaCoins){0};
    for (int64_t i = 0; i < n; i++) c.in += coin[i];
    for (int i = 0; i < c.choices; i++) {
        MathEpsilon e;
        BASE_TRY(math_epsilon_one_run(score, coin, n, choice[i].in, choice[i].out, true, delta, alpha / c.choices, seed,
                                      &e));
        double p = math_epsilon_one_run_p(n, e.P + e.N, e.right, 0, delta);
        if (e.largest > c.largest) c.largest = e.largest;
        if (e.epsilon < c.epsilon || (e.epsilon == c.epsilon && p >= least)) continue;
        least = p;
        c.epsilon = e.epsilon;
        c.guesses = e.P + e.N;
        c.guessed_in = e.P;
        c.right = e.right;
    }
    *out = c;
out:
    return st;
}
