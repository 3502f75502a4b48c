/* session/model.h - a network with its weights, held against the data it is to see. */
#ifndef SESSION_MODEL_H
#define SESSION_MODEL_H

#include "io/tensors.h"
#include "nn/arch/arch.h"
#include "nn/tuning.h"
#include "session/data.h"

/** Key of the metadata of what was made with a tuning table: its hash. */
#define SESSION_META_TUNING "expunge.tuning"

/** A network, and the file its weights came from (NULL for a fresh one). */
typedef struct {
    const NnArch *arch;
    NnNet *net;
    IoTensors *tensors;
    char hash[BASE_HASH_HEX]; /* of the weights */
    NnTuning *tuning;         /* NULL: none */
} SessionModel;
/** What session_model_open would refuse without any images: a file that is not a checkpoint, an unknown architecture, one
 *  whose tensors the file does not name (BASE_ESHAPE). Asked before images are read, which may take minutes. */
BaseStatus session_weights_check(const char *arch, const char *weights);
/** Reads weights, under other people's names too (nn/naming.h). @p arch "auto": recognised, and said in a notice. Their
 * class count must be the data's (BASE_ESHAPE names both). Data that came without a list of classes take the weights'
 * count: open the model before naming classes. Warns where the weights' metadata say that their images were prepared in
 * another way. */
BaseStatus session_model_open(const char *arch, const char *weights, SessionData *data, SessionModel *out);
/** A network with the data's class count and zero weights; BASE_ESHAPE where the images cannot be fed to it. */
BaseStatus session_model_create(const char *arch, const SessionData *data, SessionModel *out);
/** The network and its copies follow the tuning table at @p path from here on; NULL: nothing to do. */
BaseStatus session_model_tune(SessionModel *model, const char *path);
/** The table's hash; "" without one. */
const char *session_model_tuning(const SessionModel *model);
void session_model_free(SessionModel *model);

#endif
