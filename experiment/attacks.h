/* experiment/attacks.h - the experiment's attacks on one network, stored with it. */
#ifndef EXPERIMENT_ATTACKS_H
#define EXPERIMENT_ATTACKS_H

#include "experiment/config.h"
#include "store/store.h"

/** Every attack of the experiment on the predictions of the UNLEARNED network, whose hash is stored with each score. An
 *  attack that cannot be made here is stored with its reason. */
BaseStatus experiment_attacks(const ExperimentConfig *e, const EvalPredictions *train, const EvalPredictions *test,
                              const DataForget *forget, const char *weights_hash, uint64_t seed, StoreRun *run);

#endif
