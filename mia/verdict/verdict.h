/* mia/verdict/verdict.h - what an audit concludes, from arrays of scores: three games, two controls, one verdict.
 *
 *   forget   the forgotten training points (members) against held-out points of the same classes: were these points
 *            trained on?
 *   models   the forgotten points under the unlearned model against the same under retrained ones: can the two kinds of
 *            model be distinguished?
 *   retain   training points of the kept classes (members) against held-out points of them: did unlearning expose
 *            others?
 *
 * With two or more retrained models every statistic (mia/verdict/statistics.h) of every attack in every game asks the
 * same question: would one more retrained model give this number (math/exchange.h)? All answers are one family
 * (math_closed), so that the chance of a false finding is alpha, however many attacks are made. Without two retrained
 * models nothing is known of how models vary: only "forget" is judged, against 1/2, under the assumption that
 * training and held-out points are exchangeable, and "suspicion" is its strongest word.
 */
#ifndef MIA_VERDICT_VERDICT_H
#define MIA_VERDICT_VERDICT_H

#include "mia/verdict/findings.h"

/**
 * "leaks" and "over-forgotten": the game's closed test is at most alpha; the word is that of a statistic that is significant
 * by itself ("leaks" first), else of the one with the smallest p. The share below the lowest 1% is no part of that test: what
 * it shows the AUC shows as over-forgotten where it is large, and it would dilute all others. "indistinguishable": in all three games every statistic of
 * every attack has its equality interval within its margin, no class and no point stands out, every attack of the panel
 * could be made, some attack finds the original (in "retain" a planted exposure), and no control failed; since each must
 * hold, no correction is needed. Two retrained models at least; with few the intervals are wide.
 *
 * Controls. "nothing": between each retrained model and the others nothing is found; a failure makes the audit invalid,
 * so it is tested at MIA_CONTROL_ALPHA, not at alpha. "something": which parts of the original each attack finds.
 *
 * @param scores  [attacks] at least one game with unlearned scores in all.
 * @return BASE_EARG, BASE_ENUMERIC as the statistics beneath (the attack and the game in the text). *out is empty on
 *         failure.
 *
 * Cost: O(A M n log(M n)) for A attacks and M models; the leave-one-out control takes O(R^2) numbers.
 */
BaseStatus mia_audit(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *out);

#endif
