/* nn/weights.h - between a network and a checkpoint. */
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include "io/tensors.h"
#include "nn/net.h"

/** Copies every parameter and running statistic of @p net out of @p tensors; nothing is copied where one does not fit.
 *  num_batches_tracked is taken if it exists. @p where: the file, for messages.
 *  @return BASE_OK; BASE_ESHAPE: one line listing what is missing, what is unexpected, nearest names and both shapes;
 *          BASE_EFORMAT: a NaN, an Inf or a negative variance, the tensor named; BASE_ENOMEM. */
BaseStatus nn_weights_load(NnNet *net, const IoTensors *tensors, const char *where);
/** The same out of a file. BASE_EIO and the errors of io_tensors_read too. */
BaseStatus nn_weights_read(NnNet *net, const char *path);
/** Copies what @p tensors hold of the network and leaves the rest as it is. BASE_ESHAPE, BASE_EFORMAT, BASE_ENOMEM. */
BaseStatus nn_weights_load_part(NnNet *net, const IoTensors *tensors, const char *where);
/** BASE_OK where names (or aliases) and shapes of @p tensors are those of @p net, which may be an outline; else the
 * error of nn_weights_load. */
BaseStatus nn_weights_fit(const NnNet *net, const IoTensors *tensors, const char *where);
/** Whether every name of @p net exists, with any shape. BASE_ENOMEM. */
BaseStatus nn_weights_named(const NnNet *net, const IoTensors *tensors, bool *out);
/** Share of the network's tensors that exist with their shape, 0 to 1. BASE_ENOMEM. */
BaseStatus nn_weights_share(const NnNet *net, const IoTensors *tensors, double *out);
/** A fresh state dict: every tensor in state_dict order, float32, num_batches_tracked as I64. Owned: io_tensors_free.
 */
BaseStatus nn_weights_export(NnNet *net, IoTensors **out);
/** Writes the network's values back into the tensors they came from: names, order and dtypes stay; a tensor whose
 * values did not change keeps its bytes, as do num_batches_tracked and every tensor that is not the network's.
 *  BASE_ESHAPE where a tensor of the network is not there or has another size; BASE_ENUMERIC where a value overflows
 * its dtype. */
BaseStatus nn_weights_update(const NnNet *net, IoTensors *tensors);
/** The same for tensors that are only some of the network's. */
BaseStatus nn_weights_update_part(const NnNet *net, IoTensors *tensors);

#endif
