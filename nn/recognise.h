/* nn/recognise.h - which architecture a checkpoint belongs to. */
#ifndef NN_RECOGNISE_H
#define NN_RECOGNISE_H

#include "nn/arch/arch.h"

typedef struct {
    const NnArch *arch;
    int64_t shape[3], K;   /* input, classes */
    const NnArch *nearest; /* where none is recognised: that with most of its tensors; NULL: none has any */
} NnRecognised;

/**
 * The architecture of nn/arch/list.h whose tensors @p tensors are: every name (or alias, nn/naming.h) and every shape.
 * @param data  the data's [C, H, W], for architectures that take any input; NULL: those are not looked at.
 * @param where the file, for messages.
 * @return BASE_OK; BASE_ESHAPE with the nearest one and how it differs; BASE_ENOMEM.
 */
BaseStatus nn_recognise(const IoTensors *tensors, const int64_t data[3], const char *where, NnRecognised *out);

/** An architecture that has all tensors of @p tensors, which was recognised as @p arch, and computes something else
 *  (NnArch.like); *out NULL: there is none. BASE_ENOMEM. */
BaseStatus nn_recognise_like(const NnArch *arch, const IoTensors *tensors, const NnArch **out);

/**
 * Takes the shortest prefix off the tensors' names ("model.", "net.backbone.") without which they are @p arch's, or
 * some architecture's where it is NULL; leaves the names as they are where none is. Aliases are set (nn_naming_apply),
 * for the copies too. Where @p data is NULL, shapes do not count. BASE_ENOMEM.
 */
BaseStatus nn_recognise_names(IoTensors *tensors, const NnArch *arch, const int64_t data[3]);

/** An outline of @p arch for the checkpoint, whose names are right, if not its shapes: those of other images, perhaps.
 *  Owned: nn_net_free. BASE_ESHAPE, BASE_EARG, BASE_ENOMEM. */
BaseStatus nn_recognise_outline(const NnArch *arch, const IoTensors *tensors, NnNet **out);

#endif
