/* models/beside.h - what stands beside the weights in a checkpoint and was made from the forgotten data too. */
#ifndef MODELS_BESIDE_H
#define MODELS_BESIDE_H

#include "session/model.h"
#include "unlearn/unlearn.h"

typedef enum {
    MODEL_BESIDE_UNLEARN, /* copies of the weights are unlearned too, each by itself */
    MODEL_BESIDE_DROP,    /* they are not written */
    MODEL_BESIDE_KEEP     /* they, and what the file asks for that no checkpoint needs, go back as they came */
} ModelBeside;

/** "unlearn" (NULL: so too), "drop", "keep". BASE_EUSAGE. */
BaseStatus model_beside_parse(const char *text, ModelBeside *out);
/** "unlearned", "dropped", "kept". */
const char *model_beside_done(ModelBeside how);
/**
 * Does to the copies of the model's weights (IoTensors.copies) what @p how says. Unlearning: the same method,
 * parameters, images and seed, with the copy in the place of the original; a copy that holds only some of the weights
 * has the original's in the others' place. Nothing where @p out cannot hold them (its format is not that of the
 * weights); NULL: it is still to be named, and can. Warns of what stays as it was.
 */
BaseStatus model_beside_apply(ModelBeside how, const UnlearnMethod *method, const UnlearnContext *context,
                              const void *params, const char *weights, const char *out, SessionModel *model);

#endif
