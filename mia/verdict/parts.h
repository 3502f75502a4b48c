/* mia/verdict/parts.h - what the files of mia/verdict share. */
#ifndef MIA_VERDICT_PARTS_H
#define MIA_VERDICT_PARTS_H

#include "mia/verdict/findings.h"

/* classes.c */
/** Of the differences of AUC by class, with intervals that hold for all classes at once: that with the smallest p
 *  (finding->worst), and that whose interval lies furthest from 0 (finding->odd). */
BaseStatus mia_worst_class(const MiaGameScores *g, MiaGame game, MiaFinding *finding);

/* control.c */
BaseStatus mia_control_nothing(const MiaAuditScores *scores, int64_t attacks, double leak, MiaControl *out);
/** The smallest part of the original (in "retain": of planted exposure) that this attack tells from retrained models; NaN:
 *  none. @p table of the judged model, for its centre. */
double mia_smallest_found(const MiaAuditScores *scores, MiaGame game, const MiaTable *table,
                          const MiaAuditOptions *options, BaseStatus *st);
void mia_control_something(const MiaAuditScores *scores, int64_t attacks, MiaAudit *audit);

/* equal.c */
/** Whether nothing but equality is left in a game; else audit->missing[game] says what stands against it. */
bool mia_game_is_equal(const MiaAuditScores *scores, int64_t attacks, MiaGame game, const MiaAuditOptions *options,
                       MiaAudit *audit);
/** "by loss, entropy only" */
void mia_qualify(const MiaAuditScores *scores, int64_t attacks, MiaAudit *audit);

/* exposed.c */
BaseStatus mia_expose(const MiaAuditScores *scores, int64_t attacks, MiaExposed *out);

/* power.c */
BaseStatus mia_power(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *audit);

#endif
