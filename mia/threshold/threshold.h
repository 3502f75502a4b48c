/* mia/threshold/threshold.h - one signal against a threshold, for all classes or for each class its own.
 *
 * After Song & Mittal, as in the code of Unlearn-Sparse: member iff s(x, y) >= tau_y, tau chosen where the attacker
 * knows who is a member: on shadow models. tau maximises balanced accuracy, the highest of equals. The score is s -
 * tau_y, so 0 is the threshold for everybody.
 */
#ifndef MIA_THRESHOLD_THRESHOLD_H
#define MIA_THRESHOLD_THRESHOLD_H

#include "mia/mia.h"
#include "mia/signal/signal.h"

typedef struct {
    int64_t thresholds, chosen_on; /* indices of the names below */
} MiaThreshold;
typedef enum { MIA_THRESHOLD_GLOBAL, MIA_THRESHOLD_CLASS } MiaThresholdKind;
typedef enum { MIA_THRESHOLD_POINTS, MIA_THRESHOLD_SHADOWS } MiaThresholdSource;
extern const char *const mia_threshold_kinds[];   /* global, class */
extern const char *const mia_threshold_sources[]; /* points, shadows */
/** The two rows of an attack's parameter table; its struct T has a MiaThreshold `t`. */
#define MIA_THRESHOLD_PARAMS(T)                                                                                        \
    {"thresholds",                                                                                                     \
     BASE_KIND_CHOICE,                                                                                                 \
     offsetof(T, t.thresholds),                                                                                        \
     MIA_THRESHOLD_GLOBAL,                                                                                             \
     0,                                                                                                                \
     0,                                                                                                                \
     0,                                                                                                                \
     mia_threshold_kinds,                                                                                              \
     "one threshold, or one for each class that has members and non-members"},                                         \
    {                                                                                                                  \
        "chosen_on", BASE_KIND_CHOICE, offsetof(T, t.chosen_on), MIA_THRESHOLD_POINTS, 0, 0, 0, mia_threshold_sources, \
            "where thresholds are chosen: points, members and non-members (the other half for class); or shadows"      \
    }

/** Of the attacks whose signal the literature also computes with its logarithms cut off. */
typedef struct {
    MiaThreshold t;
    int64_t compat; /* index of mia_signal_loss_modes */
} MiaThresholdCut;
#define MIA_THRESHOLD_CUT_PARAMS                                                                                       \
    MIA_THRESHOLD_PARAMS(MiaThresholdCut),                                                                             \
        BASE_PARAM_CHOICE(MiaThresholdCut, compat, 0, mia_signal_loss_modes,                                           \
                          "how the signal is computed: exactly, or with logarithms cut off as in tensorflow/privacy")

/** MiaAttack.sets of every attack of this kind. */
#define MIA_THRESHOLD_SETS                                                                                             \
    "member and non-member: the points whose signals are compared; thresholds are chosen on them or on shadow "        \
    "models; "                                                                                                         \
    "audited: the points whose membership is in question"

/** The score of every point: sign * signal, less the thresholds where they are not the frame's own choice (global on
 *  points). Class thresholds on points are chosen on half of them and judge the other half; audited points are judged
 * by thresholds of all. BASE_EARG where shadow models are wanted and absent. O(n log n), memory O(n), with shadows O(S
 * n). */
BaseStatus mia_threshold_score(const MiaInput *input, const MiaThreshold *how, MiaSignalKind kind, MiaSignalMode mode,
                               double sign, MiaScores *out);

#endif
