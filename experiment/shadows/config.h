/* experiment/shadows/config.h - the key `shadows` of an experiment. */
#ifndef EXPERIMENT_SHADOWS_CONFIG_H
#define EXPERIMENT_SHADOWS_CONFIG_H

#include "experiment/config.h"

/** Reads `shadows: {..}` into e->shadows and marks the methods; those must be there. @p node NULL: no shadows. */
BaseStatus experiment_shadow_config_read(const BaseYaml *node, ExperimentConfig *experiment);

#endif
