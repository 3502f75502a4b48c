/* experiment/bind.h - a config against the data and the network: forget sets become classes and positions, methods check themselves. */
#ifndef EXPERIMENT_BIND_H
#define EXPERIMENT_BIND_H

#include "experiment/config.h"
#include "session/model.h"

/** The experiment's forget sets on @p data, whether every method can forget them, and its own check on @p model; *forget is owned:
 *  experiment_forget_free. Wrong: a class that does not exist, a set named twice, a layer that does not exist. */
BaseStatus experiment_config_bind(const ExperimentConfig *experiment, const SessionData *data,
                                  const SessionModel *model, DataForget **forget, size_t *count);
/** The sets of `search: {forget: ..}`; none where there is no such key. Every method with a search checks itself against
 *  each, as above. *sets owned: experiment_forget_free. */
BaseStatus experiment_config_bind_search(const ExperimentConfig *experiment, const SessionData *data,
                                         const SessionModel *model, DataForget **sets, size_t *count);
void experiment_forget_free(DataForget *forget, size_t count);

#endif
