/* nn/tuning.h - which algorithm runs a convolution: a table keyed by shape, instruction set and threads, which stands
 * in front of the fixed rules of nn/onednn. It is written by `expunge bench --tune` and only read by everything else:
 * nothing is timed inside a run, so that the same table gives the same bits.
 *
 * The file is text. Its first line is "expunge-tuning 1", '#' starts a comment, every other line is a row of 13 words:
 *   instruction set, threads, precision, pass, images, channels, height, width, filters, kernel, stride, pad, algorithm
 */
#ifndef NN_TUNING_H
#define NN_TUNING_H

#include "base/param.h"
#include "nn/backend.h"

const char *nn_pass_name(NnPass pass);
const char *nn_conv_algorithm_name(NnConvAlgorithm algorithm);
BaseStatus nn_tuning_create(NnTuning **out);
void nn_tuning_free(NnTuning *tuning);
BaseStatus nn_tuning_copy(const NnTuning *tuning, NnTuning **out);
/** BASE_EFORMAT where a value is out of range, the algorithm cannot run the shape, or the shape is listed already; the
 *  isa is taken by name. */
BaseStatus nn_tuning_add(NnTuning *tuning, const NnTuningRow *row);
/** @return BASE_EIO, or BASE_EFORMAT with "file:line: ..." for the first fault. One notice where no row is of this
 *  instruction set and thread count. */
BaseStatus nn_tuning_read(const char *path, NnTuning **out);
/** Rows in the order of their keys: what nn_tuning_hash is the SHA-256 of. */
BaseStatus nn_tuning_text(const NnTuning *tuning, BaseText *out);
/** Of the rows, whatever their order and the comments between them. */
const char *nn_tuning_hash(const NnTuning *tuning);
/** What the table says of @p key (its algorithm is not read): that of the same shape with the fewest images from
 *  key->n on, else with the most. false: nothing. */
bool nn_tuning_find(const NnTuning *tuning, const NnTuningRow *key, NnConvAlgorithm *out);

/** What one distinct convolution of a network took in one pass. */
typedef struct {
    NnTuningRow row;                    /* algorithm: the fastest */
    double seconds[NN_CONV_ALGORITHMS]; /* of all layers of this shape together; NaN: cannot run it */
    int layers;
    NnConvAlgorithm rule; /* what the fixed rules take */
} NnTuned;

/** Times the candidates of every convolution of @p net between its own neighbours, on random images: training passes of
 *  @p train_batch images, inference of @p infer_batch, the fastest of @p repeats runs each. @p tuning gets a row for
 *  each; the choice of the fixed rules stays unless another is more than 3% faster. @p rows owned (base_free). */
BaseStatus nn_tune(const NnNet *net, NnPrecision precision, int64_t train_batch, int64_t infer_batch, int repeats,
                   NnTuning *tuning, NnTuned **rows, int *count);

#endif
