/* experiment/given.h - logits that a row is given in place of a network (UnlearnMethod.logits).
 *
 * An HDF5 file with /train and /test, floats [images, classes] in the order of the data set as the config opens it; /train has
 * all of the training split, with the images that `validation` holds out. An attribute data_hash of "/" is optional. */
#ifndef EXPERIMENT_GIVEN_H
#define EXPERIMENT_GIVEN_H

#include "session/answers.h"

/** Shapes and data_hash; reads no logits. BASE_EFORMAT, BASE_ESHAPE. */
BaseStatus experiment_given_check(const char *path, const SessionData *data);
/** The logits of each part of @p split as a network's predictions. BASE_ENUMERIC where one is not finite. @p out: free also
 *  after a failure. */
BaseStatus experiment_given_read(const char *path, const SessionData *data, const SessionSplit *split,
                                 SessionPredictions out[EVAL_SPLITS]);

#endif
