/* experiment/search_file.h - a search kept as a run file, so that no trial is made twice. */
#ifndef EXPERIMENT_SEARCH_FILE_H
#define EXPERIMENT_SEARCH_FILE_H

#include "experiment/search.h"

/** @p found false where there is no whole file of this
 * key; a file that does not fit the method's axes is not taken. */
BaseStatus experiment_search_load(const char *path, const char *key, const ExperimentMethod *method,
                                  ExperimentSearch *out, bool *found);
BaseStatus experiment_search_save(const char *path, const char *key, const ExperimentMethod *method,
                                  const ExperimentSearch *search);

#endif
