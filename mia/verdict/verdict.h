/* mia/verdict/verdict.h - what an audit concludes, from arrays of scores: three games, two controls, one verdict.
 *
 *   forget   the forgotten training points (members) against held-out points of the same classes: were these points
 *            trained on? The unlearned models' AUC less the retrained models', on the same points.
 *   models   unlearned against retrained models on the forgotten points: can the two kinds of model be distinguished?
 *            AUC 1/2 where not.
 *   retain   training points of the kept classes (members) against held-out points of them: did unlearning expose
 *            others?
 *
 * Controls: each retrained model against the other retrained ones (must be found nothing), the original against the
 * retrained ones (must be found something). A failed control is named in the first words of the headline.
 */
#ifndef MIA_VERDICT_VERDICT_H
#define MIA_VERDICT_VERDICT_H

#include "math/compare.h"

typedef enum { MIA_GAME_FORGET, MIA_GAME_MODELS, MIA_GAME_RETAIN, MIA_GAMES } MiaGame;
/** "forget", "models", "retain"; and the question it answers. Static storage. */
const char *mia_game_name(MiaGame game);
const char *mia_game_question(MiaGame game);

/** Scores [M, n] of M models; M = 0: there are none. Borrowed. */
typedef struct {
    const double *score;
    int64_t M;
} MiaModels;

/** One attack's scores for one game; higher = more as if the point had been trained on, in every game. Borrowed. */
typedef struct {
    int64_t n;             /* 0: the attack does not play this game */
    const uint8_t *member; /* [n] 0/1; NULL for the game "models" */
    MiaModels unlearned, retrained, original;
} MiaGameScores;

typedef struct {
    const char *attack;
    MiaGameScores game[MIA_GAMES];
    bool undirected; /* in the game "models" a lower score tells unlearned models as well as a higher one: "leaks" both
                      */
} MiaAuditScores;

typedef struct {
    double alpha;  /* of false "leaks" and "over-forgotten" over all attacks and games together, and of each control */
    double margin; /* AUC differences smaller than this are called indistinguishable */
    int64_t draws; /* of the two-way bootstrap */
    uint64_t seed;
} MiaAuditOptions;

/** One attack in one game. */
typedef struct {
    const char *attack;
    MiaGame game;
    MathEstimate unlearned, retrained; /* AUC, 95%; retrained NaN where there is none, and in "models" */
    MathEstimate difference;           /* to the retrained models ("models", or no retrained ones: to 1/2), 95% */
    double strict_level;               /* of the interval that decided on "leaks": 1 - alpha / (number of findings) */
    MathVerdict verdict;
    bool over_models; /* whether the interval allows for which models were trained */
} MiaFinding;

typedef struct {
    bool run;
    bool passed;    /* where run */
    char text[200]; /* what it found, or "needs ..." */
} MiaControl;

typedef struct {
    MiaFinding *finding; /* [count], owned */
    int64_t count;
    bool played[MIA_GAMES];
    char missing[MIA_GAMES][80]; /* "needs ..." where a game was not played, or cannot find equality */
    MathVerdict game[MIA_GAMES]; /* over the attacks: the worst finding; indistinguishable only if all are */
    MiaControl nothing;          /* retrained against retrained */
    MiaControl something;        /* original against retrained */
    MathVerdict verdict;
    char headline[400]; /* one sentence, failed controls first */
} MiaAudit;
void mia_audit_free(MiaAudit *audit);
/** The largest difference whose own 95% interval excludes 0 where the verdict is "underpowered": what one attack alone
 * would have found. NULL: none, or another verdict. */
const MiaFinding *mia_audit_suspicion(const MiaAudit *audit);

/**
 * With at least two retrained models each difference is judged by two one-sided tests (math_verdict) on an interval
 * over points and models; with one, over points only; with none, the AUC against 1/2. "indistinguishable" needs every
 * played game, two retrained models, no failed control, and an original that is found. With fewer than two retrained
 * models there is "leaks", also where an AUC lies below its reference (an attacker turns it round), or "underpowered".
 * "leaks" and "over-forgotten" are simultaneous over all findings (Bonferroni); "indistinguishable" must hold for each,
 * which needs no correction. The control "nothing" needs three retrained models: two differ by an unknown share of
 * their training.
 *
 * @param scores  [attacks] at least one game with unlearned scores in all.
 * @return BASE_EARG, BASE_ENUMERIC as the statistics beneath (the attack and the game in the text). *out is empty on
 *         failure.
 *
 * Cost: (R + 3) bootstraps per finding, R retrained models.
 */
BaseStatus mia_audit(const MiaAuditScores *scores, int64_t attacks, const MiaAuditOptions *options, MiaAudit *out);

#endif
