/* run/retrained.h - retrained networks on a user's own data: what an unlearned network is compared with. */
#ifndef RUN_RETRAINED_H
#define RUN_RETRAINED_H

#include "run/models.h"

/** Borrowed. */
typedef struct {
    const char *arch;
    const RunData *data;
    const DataView *train; /* what the original was trained on; the forgotten classes are left out of it here */
    const DataClasses *forget;
    const NnTrainConfig *training;
    NnPrecision precision;
    NnTuning *tuning; /* NULL: none */
    uint64_t seed;    /* network i starts from a stream (seed, "retrained", i) of its own */
    int64_t count;
    const char *folder; /* where the networks are kept, and taken from; made where it is missing */
} RunRetrainTask;

/** Trains what the folder does not hold yet; a call that was killed goes on where it stopped. @p paths [count] owned
 *  texts, @p costs [count] (of the training, also where it was cached); caller's storage, freed and emptied on failure.
 */
BaseStatus run_retrained_make(const RunRetrainTask *task, char **paths, RunCost *costs);

#endif
