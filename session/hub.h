/* session/hub.h - a folder of weights says how its images are prepared and what its classes are called; a command that says
 * something else is an error, unless it is to override that. */
#ifndef SESSION_HUB_H
#define SESSION_HUB_H

#include "data/data.h"
#include "io/hub.h"

typedef struct {
    IoHub *hub; /* NULL: the weights are a file alone */
    DataModel model;
} SessionHub;

/** Fills @p options, what is asked of the data, with what @p weights say where it is a folder; it borrows from @p out. @p
 *  override: options that stand already count, not the folder's. BASE_EUSAGE where they differ from the folder's, naming
 *  both; BASE_EFORMAT where its preparation is not known here and the options do not say it all. */
BaseStatus session_hub_open(const char *weights, bool override, DataOptions *options, SessionHub *out);
void session_hub_free(SessionHub *hub);

/** The same for the mean and std that a graph file says, where the architecture called @p name (NULL: none) is one. Errors of
 *  nn_arch_find too. */
BaseStatus session_graph_open(const char *name, bool override, DataOptions *options);

#endif
