/* experiment/extend.h - `extends: FILE`: a config that says only where it differs from another. */
#ifndef EXPERIMENT_EXTEND_H
#define EXPERIMENT_EXTEND_H

#include "base/yaml.h"

/** Places the paths of @p root, read from @p path (experiment/paths.h), and gives it what the file of its key `extends`
 *  holds and it lacks (maps key by key, lists and values whole); that file may extend another. A relative FILE is
 *  looked for beside the file that names it. BASE_EUSAGE where files extend each other. */
BaseStatus experiment_extend(BaseYaml *root, const char *path);

#endif
