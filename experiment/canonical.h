/* experiment/canonical.h - what decides a result as one text: defaults written out, keys in a fixed order. Its hash names
 * runs and networks. */
#ifndef EXPERIMENT_CANONICAL_H
#define EXPERIMENT_CANONICAL_H

#include "experiment/config.h"

/** All that decides @p method's result apart from seed, data and forget set; NULL: the training of the original.
 *  @p search_sets: those of `search: {forget: ..}`, opened; NULL where the data are not: maps then stand as written. */
void experiment_config_canonical(const ExperimentConfig *experiment, const ExperimentMethod *method,
                                 const DataForget *search_sets, BaseText *out);
/** The part of it that a search adds: axes, budget, sets. Nothing for a method without a search. */
void experiment_config_canonical_search(const ExperimentConfig *experiment, const ExperimentMethod *method,
                                        const DataForget *search_sets, BaseText *out);

/** What @p method reads from files for one forget set, with its parameters and with every value of its search
 *  (UnlearnMethod.identify). */
BaseStatus experiment_method_identify(const ExperimentConfig *experiment, const ExperimentMethod *method,
                                      const DataForget *forget, uint64_t seed, BaseText *out);

#endif
