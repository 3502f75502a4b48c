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

/** First member of such an attack's parameters. */
typedef struct {
    int64_t thresholds, chosen_on; /* indices of the names below */
} MiaThreshold;
typedef enum { MIA_THRESHOLD_GLOBAL, MIA_THRESHOLD_CLASS } MiaThresholdKind;
typedef enum { MIA_THRESHOLD_POINTS, MIA_THRESHOLD_SHADOWS } MiaThresholdSource;
extern const char *const mia_threshold_kinds[];   /* global, class */
extern const char *const mia_threshold_sources[]; /* points, shadows */

/** The score of every point: sign * signal, less the thresholds where they are not the frame's own choice (global on
 *  points). Class thresholds on points are chosen on half of them and judge the other half; audited points are judged
 * by thresholds of all. BASE_EARG where shadow models are wanted and absent. O(n log n), memory O(n), with shadows O(S
 * n). */
BaseStatus mia_threshold_score(const MiaInput *input, const MiaThreshold *how, MiaSignalKind kind, MiaSignalMode mode,
                               double sign, MiaScores *out);

#endif
