/* examples/scores.c - how well scores tell members from non-members, and what that proves about epsilon.
 *
 *     cc scores.c $(pkg-config --cflags --libs expunge) -o scores && ./scores
 */
#include <expunge.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 2000 };

static void check(expunge_status status)
{
    if (status == EXPUNGE_OK) return;
    fprintf(stderr, "%s: %s\n", expunge_status_name(status), expunge_error_text());
    exit(1);
}

int main(void)
{
    static double score[POINTS];
    static uint8_t member[POINTS];
    expunge_estimate auc, tpr;
    expunge_epsilon_bound bound;
    for (int i = 0; i < POINTS; i++) {
        member[i] = i % 2 == 0;
        score[i] = rand() / (double)RAND_MAX + (member[i] ? 0.5 : 0);
    }
    check(expunge_auc(score, member, POINTS, 0.95, &auc));
    check(expunge_tpr_at_fpr(score, member, POINTS, 0.01, &tpr));
    check(expunge_epsilon("simultaneous", score, member, POINTS, 1e-5, 0.05, 0, &bound));
    printf("AUC %.3f [%.3f, %.3f]\n", auc.value, auc.lo, auc.hi);
    printf("TPR at 1%% FPR %.3f [%.3f, %.3f]\n", tpr.value, tpr.lo, tpr.hi);
    printf("epsilon at least %.2f (a faultless attack would show %.2f)\n", bound.epsilon, bound.largest);
    return auc.lo > 0.5 ? 0 : 1;
}
