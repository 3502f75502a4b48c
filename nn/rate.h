/* nn/rate.h - what this machine reaches: plain kernels, and a network on random data. For people and benchmarks; no
 * result depends on it. */
#ifndef NN_RATE_H
#define NN_RATE_H

#include "nn/backend.h"

/** FLOP/s of products [2048, 2048] x [2048, 2048]: oneDNN's, eight in a row so that copies in and out weigh little, or
 *  in float32 OpenBLAS's where they are faster. */
BaseStatus nn_rate_product(NnPrecision precision, double seconds, double *rate);
/** Bytes read and written per second by a plain copy of 256 MiB on all threads. */
BaseStatus nn_rate_copy(double seconds, double *rate);

/** A network with random images and labels, ready to be timed. */
typedef struct NnRate NnRate;
/** @p net is borrowed; training moves its numbers (by SGD with a rate so small that the loss stays finite). */
BaseStatus nn_rate_create(NnNet *net, NnPrecision precision, bool train, int64_t batch, NnRate **out);
void nn_rate_free(NnRate *rate);
/** Images per second of whole training steps, or of inference, over at least so many seconds; the first call runs two
 *  batches before. */
BaseStatus nn_rate_run(NnRate *rate, double seconds, double *images_per_second);
/** All of that at once. */
BaseStatus nn_rate_measure(NnNet *net, NnPrecision precision, bool train, int64_t batch, double seconds,
                           double *images_per_second);

#endif
