/* run/audit/judge.h - from signals to findings: who plays which game, the scores of every attack under every model, and
 * what mia/verdict makes of them. A function of the signals alone: the same signals, the same numbers. */
#ifndef RUN_AUDIT_JUDGE_H
#define RUN_AUDIT_JUDGE_H

#include "run/audit/signals.h"
#include "run/curve.h"

/** The models whose scores stand in rows, in this order: the unlearned one, the original (where given), the retrained.
 */
typedef enum { RUN_AUDIT_UNLEARNED, RUN_AUDIT_ORIGINAL, RUN_AUDIT_RETRAINED, RUN_AUDIT_MODELS } RunAuditModel;
const char *run_audit_model_name(RunAuditModel model); /* "unlearned", .. */

/** The points of a game: members first. In "models" all are forgotten training points. */
typedef struct {
    int64_t n, members;
    int64_t *point;  /* [n] indices into the signals' points */
    uint8_t *member; /* [n] */
} RunAuditGame;

typedef struct {
    const RunAuditChoice *choice;
    bool plays[MIA_GAMES];
    char why_not[MIA_GAMES][240];
    double *score[MIA_GAMES];    /* [M, n]: rows as RunAuditModel; NULL where not played */
    MiaResult result[MIA_GAMES]; /* of the unlearned model; in "models" what an attack on groups of models reports */
    RunCurvePoint curve[RUN_CURVE_POINTS]; /* under the unlearned model, by how many shadow models */
    const char *curve_what;                /* "AUC", or a number of an attack on groups of models; NULL: no curve */
    int curve_count;
    double seconds;
} RunAuditAttack;

typedef struct {
    RunAuditGame game[MIA_GAMES];
    RunAuditAttack *attack; /* [count] as chosen */
    size_t count;
    int64_t M; /* models with scores */
    MiaAudit audit;
    MathEstimate right[RUN_AUDIT_MODELS][RUN_AUDIT_GROUPS]; /* accuracy; retrained: the mean over them */
} RunAuditResult;

/** @p signals is borrowed by *out too (its choice): it must live as long. BASE_EARG where no attack could be made. */
BaseStatus run_audit_judge(const RunAuditSignals *signals, RunAuditResult *out);
void run_audit_result_free(RunAuditResult *result);

/** Scores of one kind of model in a game: row 0 of it; *M how many. NULL and 0 where there is none. */
const double *run_audit_scores(const RunAuditResult *result, const RunAuditAttack *attack, MiaGame game,
                               RunAuditModel model, int64_t *M);
/** The finding of an attack in a game, or NULL. */
const MiaFinding *run_audit_finding(const RunAuditResult *result, const RunAuditAttack *attack, MiaGame game);

/** The forgotten training points by exposure: how much more member-like under the unlearned model than under the mean
 * of the retrained ones (none: the score itself), by the attack that told most in "models" (else "forget").
 *  @p order [n of "models"] out, positions in that game, most exposed first; @p exposure [n]. NULL attack: none. */
BaseStatus run_audit_exposed(const RunAuditResult *result, const RunAuditAttack **by, int64_t *order, double *exposure);

#endif
