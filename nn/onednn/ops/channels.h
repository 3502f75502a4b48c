/* nn/onednn/ops/channels.h - maps as the loops of nn/kernels/channels.h walk them. */
#ifndef NN_ONEDNN_OPS_CHANNELS_H
#define NN_ONEDNN_OPS_CHANNELS_H

#include "nn/onednn/program.h"

/** @p from, of @p type, in a layout that the loops can walk: its own, or channels last. Holds a reference. */
BaseStatus nn_channels_open(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *from, dnnl_data_type_t type,
                            bool pooled, NnTensor *out);
/** How the pixels of such a map lie. */
NnChannels nn_channels_of(const NnMd *md);
/** The map of node @p x, laid out as @p like is. */
NnMd nn_channels_md(NnProgram *p, NnNode x, const NnMd *like);
/** total [C], or [1] where @p each is false: the sum of rows [n, C]. */
void nn_channels_total(const float *rows, int64_t n, int64_t C, bool each, float *total);

#endif
