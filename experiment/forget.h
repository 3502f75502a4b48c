/* experiment/forget.h - the forget sets of a config: read from its YAML, then opened on the data. */
#ifndef EXPERIMENT_FORGET_H
#define EXPERIMENT_FORGET_H

#include "experiment/config.h"

/**
 * A list of sets, or one that stands for a list of one: classes ("3", [3, 7]), or a map that lists images:
 * {index: FILE}, {random: 0.1, seed: 0} of all images, {class: 3, random: 0.5, seed: 0} of a class or of several.
 */
BaseStatus experiment_sets_read(const BaseYaml *node, ExperimentSet **sets, size_t *count);
/** On failure *out is empty, and the message begins with the line. */
BaseStatus experiment_set_open(const ExperimentSet *set, const SessionData *data, const DataOptions *options,
                               DataForget *out);
/** The key under which a map holds a path. */
#define EXPERIMENT_SET_INDEX "index"

#endif
