/* nn/onednn/ops/conv/winograd.h - Winograd's algorithm, on float32 maps in blocks of channels: oneDNN 3 has none. */
#ifndef NN_ONEDNN_OPS_CONV_WINOGRAD_H
#define NN_ONEDNN_OPS_CONV_WINOGRAD_H

#include "nn/onednn/ops/chain.h"

bool nn_winograd_pays(const NnProgram *p, NnNode x); /* by the fixed rules */
bool nn_winograd_possible(const NnTuningRow *row);
BaseStatus nn_winograd_forward(NnProgram *p, NnNode x);
/** From the output's gradient, in any layout: that of weight and bias, to the gradient block; that of the input. */
BaseStatus nn_winograd_weights(NnProgram *p, NnNode x, const NnTensor *src, const NnTensor *g);
BaseStatus nn_winograd_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

#endif
