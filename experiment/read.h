/* experiment/read.h - a config from its file and --set: every unknown key, wrong type or value out of range is one
 * `file:line: ...` before any work. */
#ifndef EXPERIMENT_READ_H
#define EXPERIMENT_READ_H

#include "experiment/config.h"

/** *out owned: experiment_config_free. */
BaseStatus experiment_config_read(const char *path, const char *const *assignments, size_t assignment_count,
                                  ExperimentConfig **out);

#endif
