/* nn/onednn/ops/norm_pool.h - batch norm, ReLU and 2x2 max pooling in one step, where nn/kernels/normpool.h has it. */
#ifndef NN_ONEDNN_OPS_NORM_POOL_H
#define NN_ONEDNN_OPS_NORM_POOL_H

#include "nn/onednn/program.h"

/** Whether node @p pool takes maxima of 2x2 squares that do not overlap and cover the map. */
bool nn_pool_halves(const NnProgram *p, NnNode pool);
bool nn_norm_pool_fits(const NnProgram *p, NnNode norm, NnNode pool);
/** Reads state[norm].src; makes state[pool].value and fills state[norm].mean and .var. */
BaseStatus nn_norm_pool_forward(NnProgram *p, NnNode norm, NnNode pool);
/** @p diff: of the batch norm's input; the gradients of its weight and bias go to the gradient block. */
BaseStatus nn_norm_pool_gradient(NnProgram *p, NnNode norm, NnNode pool, const NnTensor *g, NnTensor *diff);

#endif
