/* nn/weights.h - between a network and a checkpoint. */
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include "io/tensors.h"
#include "nn/net.h"

/** Copies every parameter and running statistic of @p net out of @p tensors. BASE_ESHAPE lists what is missing, what is
 *  unexpected, nearest names and both shapes. @p where: the file, for messages. */
BaseStatus nn_weights_load(NnNet *net, const IoTensors *tensors, const char *where);
/** A fresh state dict: every tensor in state_dict order, float32, num_batches_tracked as I64. */
BaseStatus nn_weights_export(NnNet *net, IoTensors **out);
/** Writes the network's values back into the tensors they came from: names, order and dtypes stay; a tensor whose values
 *  did not change keeps its bytes. */
BaseStatus nn_weights_update(const NnNet *net, IoTensors *tensors);

#endif
