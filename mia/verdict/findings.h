/* mia/verdict/findings.h - what goes into a verdict, and what comes out: scores, options, findings, controls, words. */
#ifndef MIA_VERDICT_FINDINGS_H
#define MIA_VERDICT_FINDINGS_H

#include "mia/verdict/statistics.h"

typedef enum {
    MIA_LEAKS,             /* members more member-like than retraining would leave them */
    MIA_OVER_FORGOTTEN,    /* less */
    MIA_SUSPICION,         /* members and held-out points differ, and no retrained models say whether that is a leak */
    MIA_INDISTINGUISHABLE, /* within the margins, in every game, by attacks that would have found the original */
    MIA_UNDERPOWERED,      /* none of these could be shown */
    MIA_INVALID,           /* a control failed */
    MIA_VERDICTS
} MiaVerdict;
/** "leaks", "over-forgotten", ..; and what it means, a sentence. Static storage. */
const char *mia_verdict_name(MiaVerdict verdict);
const char *mia_verdict_meaning(MiaVerdict verdict);

typedef struct {
    const char *attack;
    MiaGameScores game[MIA_GAMES];
    bool
        undirected; /* in the game "models" a lower score tells unlearned models as well as a higher one: "leaks" both */
    bool panel;     /* one of those without which equality is not said */
    bool fitted;    /* scores were fitted to the roles of other points: without retrained models they are not judged */
} MiaAuditScores;

typedef struct {
    double alpha;      /* of a false "leaks", "over-forgotten" or "suspicion", over all attacks, games and statistics */
    double margin;     /* a difference of AUC smaller than this is none */
    double margin_tpr; /* the same for TPRs */
    int64_t draws;     /* of the power card */
    const char *const *class_name; /* [labels] for sentences; NULL: numbers */
    const char *unseen;  /* names of attacks of the panel that were not made: "entropy, logistic"; NULL or "": none */
    const double *plant; /* [planted.M] how large each planted leak is, in any unit, rising */
    const double *grade; /* [graded.M] what part of the original each graded model is, as 0.25; the largest first */
} MiaAuditOptions;

/** One statistic of one attack in one game. */
typedef struct {
    bool judged;
    double p, adjusted;      /* of no difference to the retrained models; over the whole family */
    double evidence;         /* e-value (math_exchange_evidence); 1: none */
    MathEstimate unlearned;  /* 95% over points; NaN for TPRs, and in "models", whose chance is the models' */
    MathEstimate retrained;  /* the centre of the retrained models; NaN where there are none */
    MathEstimate difference; /* to them (fewer than two, and in "models": to 1/2 or the one), 95% over models, for
                                these points; without two retrained models over points */
    MathEstimate equality;   /* the same at 1 - 2 alpha, for other points like these as well */
    bool one_cluster;        /* of a kind of points: nothing shows how others would vary, and equality has no bounds */
    MiaVerdict verdict;
} MiaJudgement;

/** One attack in one game. */
typedef struct {
    const char *attack;
    MiaGame game;
    MiaJudgement at[MIA_STATISTICS];
    MiaVerdict verdict;
    MathEstimate worst; /* difference of AUC in the class where p is least, simultaneous over classes; NaN: one class */
    int32_t worst_class;
    MathEstimate odd; /* the same of the class whose interval lies furthest from 0: what equality must hold for */
    int32_t odd_class;
    double found; /* the smallest part of the original (in "retain": of planted exposure) that this attack finds here;
                     NaN: not even the whole, or not tried */
} MiaFinding;

typedef struct {
    bool run;
    bool passed;    /* where run */
    char text[400]; /* what it found, or "needs ..." */
} MiaControl;

/** What this many points and retrained models would find with a probability of 80%. NaN: nothing of the kind. */
typedef struct {
    double auc;              /* smallest rise of the first attack's AUC in "forget", of leaks like the planted ones */
    double share;            /* smallest share of the forgotten points that are wholly exposed, the others not at all */
    double tpr;              /* what that share makes of the TPR at FPR 1% */
    int64_t exposed, points; /* that share in whole images, of so many */
    double chance;           /* with which so many are found: 80% or, since images are whole, more */
    int64_t retrained; /* so many retrained models would make the intervals narrow enough for equality; 0: as they are
                          they do, -1: no number up to 100 */
    double
        images; /* so many times as many images would, where the counting of images alone is too coarse; 0: they do */
} MiaPower;

/** Of the parts of the forgotten points, by class or subgroup, the one that stands out most. */
typedef struct {
    int32_t key;
    int64_t n, found; /* judged points (one of each cluster), and exposed ones */
    double
        p; /* of no exposed point in any part: Simes over a part's points (their p are positively dependent, Bates et al.
                 2023, Theorem 2), Bonferroni over parts; NaN: one part alone, or none was judged */
} MiaExposedPart;

/** The forgotten training points one by one: conformal p-values (Bates et al. 2023, Annals of Statistics 51) of each
 * against the held-out points of its class, of the score less the retrained models' mean. */
typedef struct {
    const char *attack; /* NULL: none could */
    double *p;          /* [n], owned; in the order of the game "models" */
    int64_t n;
    int64_t
        found; /* by Benjamini and Hochberg with a false discovery rate of MIA_EXPOSED_FDR over clusters; points of them */
    int64_t clusters, clusters_found; /* judged, and exposed; as n and found where each point is its own */
    MiaExposedPart worst_class, worst_subgroup;
} MiaExposed;
#define MIA_EXPOSED_FDR 0.1

typedef struct {
    MiaFinding *finding; /* [count], owned */
    int64_t count;
    bool played[MIA_GAMES];
    char missing[MIA_GAMES][400]; /* why a game was not played, or why it is underpowered */
    MiaVerdict game[MIA_GAMES];
    double adjusted[MIA_GAMES]; /* p of the game over the whole family; NaN: not judged */
    double evidence;            /* e-value over "forget" and "retain": the mean; 1: none */
    MiaControl nothing;         /* retrained against retrained */
    MiaControl something;       /* original against retrained, game by game */
    MiaPower power;
    MiaExposed exposed;
    MiaVerdict verdict;
    char qualified[160]; /* "by correctness only" behind "indistinguishable"; "" */
    char headline[500];  /* one sentence, failed controls first */
} MiaAudit;
void mia_audit_free(MiaAudit *audit);
/** The statistic of a finding with the smallest p among those that make its verdict, else among all. */
const MiaJudgement *mia_finding_first(const MiaFinding *finding, MiaStatistic *which);
/** The finding that a game's (MIA_GAMES: the audit's) verdict rests on: of those with that verdict the one with the
 *  smallest p, else the smallest p; NULL: none was judged. */
const MiaFinding *mia_audit_headline(const MiaAudit *audit, MiaGame game);

#define MIA_CONTROL_ALPHA 1e-5 /* of the control "nothing" */

/** Whether the attack is judged in this game: "models" and "retain" need two retrained models. */
bool mia_is_played(const MiaGameScores *g, MiaGame game);
/** The scores that a finding is made of. */
const MiaAuditScores *mia_scores_of(const MiaAuditScores *scores, int64_t attacks, const MiaFinding *finding);
/** Statistics of @p judged and the retrained models; of the retrained models among themselves where it is NULL. */
BaseStatus mia_table_against(const MiaGameScores *g, MiaGame game, const double *judged, MiaTable *out);

#endif
