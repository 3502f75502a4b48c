/* session/chance.c - a warning where a network only guesses, and whether its classes seem to be numbered otherwise. */
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "session/answers.h"
#include "session/data.h"

/* The answer that each class gets most often, [K] (-1: no images); the share of all images that get their class's. */
static double most_frequent(const EvalPredictions *p, const int64_t *confusion, int64_t *answer)
{
    int64_t agree = 0, K = p->K;
    for (int64_t c = 0; c < K; c++) {
        int64_t best = 0;
        answer[c] = -1;
        for (int64_t k = 0; k < K; k++)
            if (confusion[c * K + k] > best) best = confusion[c * K + k], answer[c] = k;
        agree += best;
    }
    return (double)agree / (double)p->n;
}

/* Most images of each class get one answer, and no two classes share it: another order of classes. */
static bool is_renumbering(const int64_t *answer, int64_t K, double share, uint8_t *taken, int64_t *moved)
{
    bool apart = share > 0.5;
    *moved = -1;
    for (int64_t c = 0; c < K; c++) {
        if (answer[c] < 0) continue;
        apart = apart && !taken[answer[c]];
        taken[answer[c]] = 1;
        if (*moved < 0 && answer[c] != c) *moved = c;
    }
    return apart && *moved >= 0;
}

/* Guessing gets 1 / K right. Above it: half of that where there are more than two classes, and three standard errors.
 */
static double barely(int64_t K, int64_t n)
{
    double chance = 1.0 / (double)K;
    return chance * (K > 2 ? 1.5 : 1) + 3 * sqrt(chance * (1 - chance) / (double)n);
}

BaseStatus session_chance_warn(const SessionPredictions *predictions, const SessionData *data)
{
    BaseStatus st = BASE_OK;
    const EvalPredictions *p = &predictions->p;
    int64_t *confusion = NULL, *answer = NULL, moved;
    uint8_t *taken = NULL;
    SessionTally tally = session_tally(p, NULL);
    if (p->n == 0 || p->K < 2 || (double)tally.right > barely(p->K, p->n) * (double)p->n) return BASE_OK;
    BASE_TRY(BASE_ALLOC(p->K * p->K, &confusion));
    BASE_TRY(BASE_ALLOC(p->K, &answer));
    BASE_TRY(BASE_ALLOC(p->K, &taken));
    eval_confusion(p, confusion);
    double share = most_frequent(p, confusion, answer);
    char right[32];
    session_percent_text(tally.right, tally.n, right);
    if (is_renumbering(answer, p->K, share, taken, &moved))
        base_warning(
            "accuracy on %s is %s of %lld images, but %.0f%% of them get the answer most common for their class, "
            "and no two classes share one: the model seems to number its classes in another order (images of %lld (%s) are called %lld (%s)); give --class-map "
            "FILE, or name the classes by the model's numbers",
            data->spec, right, (long long)tally.n, 100 * share, (long long)moved, data->train->class_names[moved],
            (long long)answer[moved], data->train->class_names[answer[moved]]);
    else
        base_warning("accuracy on %s is %s of %lld images, no better than guessing; likely causes: weights for other "
                     "data, or untrained ones; images prepared in another way than for training (now %s); classes in "
                     "another order (--class-map)",
                     data->spec, right, (long long)tally.n, data->prep);
out:
    base_free(confusion);
    base_free(answer);
    base_free(taken);
    return st;
}
