/* nn/onednn/ops/conv/unfold.h - a convolution as one matrix product over unfolded patches, for small maps: oneDNN's AMX
 * convolutions fill their tiles along the output width, so that maps of 4 and 2 pixels leave most of a tile empty (in
 * float32 only the weight gradient at 2x2 suffers), while the product's rows run over images and positions together:
 *
 *   Y [M, K] = X [M, F] W [F, K]      dX = dY W^T      dW^T [K, F] = dY^T X
 *   M = n oh ow,  F = kh kw C, C fastest
 */
#ifndef NN_ONEDNN_OPS_CONV_UNFOLD_H
#define NN_ONEDNN_OPS_CONV_UNFOLD_H

#include "nn/onednn/ops/chain.h"

bool nn_unfold_pays(const NnProgram *p, NnNode x, NnPass pass); /* by the fixed rules */
bool nn_unfold_possible(const NnTuningRow *row);                /* its patches stay below a limit */
BaseStatus nn_unfold_forward(NnProgram *p, NnNode x);
/** From the output's gradient: that of weight and bias, to the gradient block; that of the input, made fresh. */
BaseStatus nn_unfold_weights(NnProgram *p, NnNode x, const NnTensor *g);
BaseStatus nn_unfold_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

#endif
