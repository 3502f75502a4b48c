/* eval/probe/features.h - what networks make of images: inputs of their layers, one row per image.
 *
 * Of an input that is a map, the row is its mean over the pixels (of tokens, over these). svd has a row for each patch, but
 * here images are compared, as a whole: patches of two networks would be rows that are not independent, and maps laid out
 * would be 10^5 numbers an image which differ with the place of an object more than with what it is. The mean is what
 * the classifier itself gets of the last map in most networks. */
#ifndef EVAL_PROBE_FEATURES_H
#define EVAL_PROBE_FEATURES_H

#include "data/data.h"
#include "nn/backend.h"

/** Inputs of the layers @p first to @p end - 1 (of nn_net_layers) from one forward pass in eval mode: rows [l - first] is
 *  [view->n, the layer's C], the caller's. The network is not changed. BASE_ENUMERIC where a logit is not finite. */
BaseStatus eval_probe_inputs(const NnNet *net, int first, int end, const DataView *view, NnPrecision precision,
                             float *const *rows);

#endif
