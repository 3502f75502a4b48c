/* mia/mia.h - the frame of membership-inference attacks: one file and one row (mia/list.h) each. Arrays in, scores out:
 * an attack never sees a network, so it works on logits from any framework. */
#ifndef MIA_MIA_H
#define MIA_MIA_H

#include "base/registry.h"
#include "math/epsilon.h"
#include "math/holdout.h"

typedef enum { MIA_NONMEMBER, MIA_MEMBER, MIA_AUDITED } MiaRole;

/** Everything borrowed. N points with the target's logits; the optional parts are NULL / 0 where absent. */
typedef struct {
    int64_t N, K;
    const double *logits;   /* [N, K] */
    const int32_t *labels;  /* [N] */
    const uint8_t *role;    /* [N] MiaRole */
    const int32_t *cluster; /* [N] points of one number depend on each other (copies, one person); NULL: none do */
    int64_t S;
    const double *shadow_logits; /* [S, N, K] */
    const uint8_t *shadow_keep;  /* [S, N] 1: the point trained shadow s */
    int64_t Z;
    const double *population_logits; /* [Z, K] */
    const int32_t *population_labels;
    const double *shadow_population_logits; /* [S, Z, K] */
    int64_t U, R;
    const double *unlearned_logits; /* [U, N, K] */
    const double *retrained_logits; /* [R, N, K] */
    const uint8_t *unlearned_keep;  /* [U, N] 1: the point trained unlearned model u; NULL: each trained every one */
    const double *original_logits;  /* [N, K] of the model that the target was made from by unlearning */
    const int64_t *unlearned_pair, *retrained_pair; /* [U], [R] models of one number were made from the same data; NULL:
                                                       none were */
    uint64_t seed;
} MiaInput;

/** A number that an attack reports beside its scores: "mean_klom". Names are JSON keys: a-z, 0-9, _. */
typedef struct {
    char name[40];
    MathEstimate value; /* NaN where it is not defined for this input */
} MiaNumber;
enum { MIA_NUMBERS = 24, MIA_NOTES = 512 };

/** How the scores of members and non-members came about. Bounds that hold at their level need scores that do not depend
 * on who of these points is a member. */
typedef enum {
    MIA_UNFITTED,     /* from each point itself, other points and other models */
    MIA_CROSS_FITTED, /* from a fit to the roles of other points */
    MIA_FITTED,       /* from a fit to the role of this point as well */
} MiaFitted;

/** Raw outcome of one attack; the statistics come from mia_attack. */
typedef struct {
    double *score; /* [N] out, higher = more member-like; the frame allocates */
    MiaFitted fitted;
    int32_t *fold; /* [N], or NULL: one. By an attack with its own threshold whose scores come from several fits, which
                      allocates it: points compare within their fold, and not at all where it is < 0 */
    double threshold; /* set by an attack that has its own decision rule (svc: 0); NaN: the frame chooses */
    bool unranked;    /* scores differ by less than they are accurate to: on which side of the attack's own threshold
                         a point lies holds, an order of the points does not; no ROC then */
    char notes[MIA_NOTES]; /* what a reader must know beside the number: "fitted on 4000 + 4000 of 48600 + 5400 points"
                            */
    MiaNumber numbers[MIA_NUMBERS]; /* by mia_scores_add */
    int number_count;
} MiaScores;
/** Appends a number; a name given twice replaces the first, and behind MIA_NUMBERS nothing is kept. */
void mia_scores_add(MiaScores *scores, const char *name, MathEstimate value);

enum {
    MIA_NEEDS_SHADOW = 1,
    MIA_NEEDS_POPULATION = 2,
    MIA_NEEDS_UNLEARNED = 4,
    MIA_NEEDS_RETRAINED = 8,
    MIA_NEEDS_SHADOW_POPULATION = 16, /* shadow_population_logits; the first two are needed too */
    MIA_NEEDS_ORIGINAL = 32,          /* it is told what the original, which knew the members, answered */
    MIA_NEEDS_OTHERS = 63,            /* any of these: more than the target's own logits */
    MIA_WITHOUT_ROLES = 64, /* compares models, not members: members or non-members may be missing; no ROC then */
    MIA_UNDIRECTED = 128, /* on one point a higher score may mean trained on or never seen: a retrained model may be as
                            sure of a wrong class as another was of the right one. Models are compared to both sides */
};

typedef struct {
    BaseEntry entry;
    unsigned needs;
    bool in_auto;      /* an audit makes it unasked where what it needs is there; false: it ranks points as another
                         does, or is fitted to the points that it judges */
    bool panel;        /* one of those that must be made before an audit says "indistinguishable" */
    const char *curve; /* of attacks that compare models: which number its learning curve shows; NULL: none */
    bool headline;     /* the papers' own "MIA", which published tables print; with a wiring of this kind, and of one
                         attack */
    const char *sets;  /* one line: what member, non-member and audited mean for it */
    BaseStatus (*score)(const MiaInput *input, const void *params, MiaScores *out);
} MiaAttack;
extern const BaseRegistry mia_registry;

/** Level of the epsilon bounds, and their delta. */
#define MIA_EPSILON_ALPHA 0.05
#define MIA_EPSILON_DELTA 1e-5

enum { MIA_FPRS = 3 }; /* 0.001, 0.01, 0.1 */
extern const double mia_fprs[MIA_FPRS];

/** One attack's result: role 1 against role 0, and what it says of role 2. With clusters, intervals take each as one: that
 *  of the AUC and of shares over clusters; TPRs, holdout and epsilon are of one point of each cluster, drawn by lot under the
 *  seed (math/clusters.h), and NaN where no member or no non-member is drawn. Where one of roles 0 and 1 is missing (only
 *  with MIA_WITHOUT_ROLES), or scores are unranked, roc is empty and what follows from it is NaN. With folds the roc is
 *  theirs (math_roc_within), and only compared points count in what is said of roles 0 and 1. */
typedef struct {
    double *score; /* [N], owned */
    int32_t *fold; /* [N], owned; NULL: one. < 0: not compared; so is a fold that lacks members or non-members */
    MathRoc roc;   /* owned */
    MathAuc auc;   /* no interval where MIA_FITTED, nor of tpr: what the fit gains on its own points is no chance */
    MathTprAtFpr tpr[MIA_FPRS];
    double balanced_accuracy, threshold; /* in-sample optimum unless the attack has its own threshold */
    bool own_threshold, unranked;
    MiaFitted fitted;
    MathBalanced holdout; /* at a threshold chosen on half of the points, judged on the other half; with own_threshold
                             at that, judged on all. NaN for MIA_FITTED, or where a kind has one point */
    MathEpsilon epsilon, epsilon_gaussian; /* simultaneous, and under Gaussian DP; NaN unless MIA_UNFITTED */
    MathEstimate member_share;             /* of role 2: share called member at the threshold; NaN without role 2 */
    MathEstimate efficacy;                 /* 1 - member_share: the "MIA" of the unlearning papers */
    double seconds;
    char notes[MIA_NOTES];
    MiaNumber numbers[MIA_NUMBERS];
    int number_count;
} MiaResult;
void mia_result_free(MiaResult *result);

BaseStatus mia_find(const char *name, const MiaAttack **out);
/** BASE_EARG/ESHAPE in one line each: NaN logits, labels out of range, a class of role 0/1 empty, missing needs. */
BaseStatus mia_input_check(const MiaInput *input, unsigned needs);
/** The clusters of the points of one role, packed: *out owned by the caller; NULL where there are no clusters. */
BaseStatus mia_input_clusters(const MiaInput *input, MiaRole role, int32_t **out);
/** Scores every point, then judges. @p params NULL: the defaults. *out is empty on failure, BASE_ENUMERIC where a score
 * is not finite. */
BaseStatus mia_attack(const MiaAttack *attack, const MiaInput *input, const void *params, MiaResult *out);

/** Which images fill the roles. The published "MIA" numbers differ in nothing but this. */
typedef enum {
    MIA_SET_NONE,
    MIA_SET_RETAIN_TRAIN,
    MIA_SET_RETAIN_TEST,
    MIA_SET_FORGET_TRAIN,
    MIA_SET_FORGET_TEST
} MiaSet;
typedef struct {
    const char *name;     /* "paper", "salun", "forget", "retain" */
    const char *question; /* one line a person understands */
    MiaSet member, nonmember, audited;
    bool balance;  /* cut members down to as many as there are non-members (a seeded draw) */
    bool headline; /* the one that published tables print */
} MiaWiring;
extern const MiaWiring mia_wirings[];
extern const size_t mia_wiring_count;
BaseStatus mia_wiring_find(const char *name, const MiaWiring **out);

#endif
