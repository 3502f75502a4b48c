/* experiment/paths.h - the files that a config names, which lie beside it, wherever the program runs. */
#ifndef EXPERIMENT_PATHS_H
#define EXPERIMENT_PATHS_H

#include "base/yaml.h"

/** Rewrites the paths in @p root, just read from the file @p path, as this process reaches them: a relative one is
 *  relative to the folder of @p path. What --set adds later is relative to the working directory, as every path on a
 *  command line. */
BaseStatus experiment_paths_place(BaseYaml *root, const char *path);
/** Rewrites names of weights in methods, `original` and `retrained`, which are relative to the config that is run, in what
 *  a config inherits from @p name, a path as it extends it. */
BaseStatus experiment_paths_move(BaseYaml *root, const char *name);
/** After a failure @p st to read them: where one of them is not there, the message becomes its full path with the line
 *  that names it. Returns @p st. */
BaseStatus experiment_paths_explain(const BaseYaml *root, BaseStatus st);

#endif
