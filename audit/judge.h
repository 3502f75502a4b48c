/* audit/judge.h - from signals to findings: who plays which game, the scores of every attack under every model, and
 * what mia/verdict makes of them. A function of the signals alone: the same signals, the same numbers. */
#ifndef AUDIT_JUDGE_H
#define AUDIT_JUDGE_H

#include "audit/coins.h"
#include "mia/curve/curve.h"

/** The models whose scores stand in rows, in this order: the unlearned one, the original (where given), the retrained.
 */
typedef enum { AUDIT_UNLEARNED, AUDIT_ORIGINAL, AUDIT_RETRAINED, AUDIT_MODELS } AuditModel;
/** Planted models, for the power card: the first retrained model's logits, those of the forgotten training points' own
 *  labels raised by so many standard deviations of that logit over the others'. */
enum { AUDIT_PLANTED = 4 };
extern const double audit_planted[AUDIT_PLANTED];
const char *audit_model_name(AuditModel model); /* "unlearned", .. */

/** The points of a game: members first. In "models" all are forgotten training points. */
typedef struct {
    int64_t n, members;
    int64_t *point;              /* [n] indices into the signals' points */
    uint8_t *member;             /* [n] */
    int32_t *label;              /* [n] */
    int32_t *cluster, *subgroup; /* [n]; NULL: the signals have none */
} AuditGame;

typedef struct {
    const AuditChoice *choice;
    bool plays[MIA_GAMES];
    char why_not[MIA_GAMES][240];
    double *score[MIA_GAMES];    /* [M + G, n]: rows as AuditModel, then graded and planted; NULL where not played */
    MiaResult result[MIA_GAMES]; /* of the unlearned model; in "models" what an attack on groups of models reports */
    MiaCurvePoint curve[MIA_CURVE_POINTS]; /* under the unlearned model, by how many shadow models */
    const char *curve_what;                /* "AUC", or a number of an attack on groups of models; NULL: no curve */
    int curve_count;
    double seconds;
} AuditAttack;

typedef struct {
    AuditGame game[MIA_GAMES];
    AuditAttack *attack; /* [count] as chosen */
    size_t count;
    int64_t M, G; /* models with scores; graded and planted ones behind them */
    MiaAudit audit;
    AuditCoins coins;
    MathEstimate right[AUDIT_MODELS][AUDIT_GROUPS]; /* accuracy; retrained: the mean over them */
} AuditResult;

/** @p signals is borrowed by *out too (its choice): it must live as long. BASE_EARG where no attack could be made. */
BaseStatus audit_judge(const AuditSignals *signals, AuditResult *out);
void audit_result_free(AuditResult *result);

/** Scores of one kind of model in a game: row 0 of it; *M how many. NULL and 0 where there is none. */
const double *audit_scores(const AuditResult *result, const AuditAttack *attack, MiaGame game, AuditModel model,
                           int64_t *M);
/** The finding of an attack in a game, or NULL. */
const MiaFinding *audit_finding(const AuditResult *result, const AuditAttack *attack, MiaGame game);

/** The forgotten training points by exposure: how much more member-like under the unlearned model than under the mean
 * of the retrained ones (none: the score itself), by the attack with the smallest p in "models" (else "forget").
 *  @p order [n of "models"] out, positions in that game, most exposed first; @p exposure [n]. NULL attack: none. */
BaseStatus audit_exposed(const AuditResult *result, const AuditAttack **by, int64_t *order, double *exposure);

#endif
