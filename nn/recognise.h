/* nn/recognise.h - which architecture a checkpoint belongs to. */
#ifndef NN_RECOGNISE_H
#define NN_RECOGNISE_H

#include "nn/arch/arch.h"

typedef struct {
    const NnArch *arch;
    int64_t shape[3], K; /* input, classes */
} NnRecognised;

/**
 * The architecture of nn/arch/list.h whose tensors @p tensors are: every name (or alias, nn/naming.h) and every shape.
 * @param data  the data's [C, H, W], for architectures that take any input; NULL: those are not looked at.
 * @param where the file, for messages.
 * @return BASE_OK; BASE_ESHAPE with the nearest one and how it differs; BASE_ENOMEM.
 */
BaseStatus nn_recognise(const IoTensors *tensors, const int64_t data[3], const char *where, NnRecognised *out);

#endif
