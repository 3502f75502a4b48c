/* nn/onednn/ops/activation.h - functions of one number as oneDNN has them. */
#ifndef NN_ONEDNN_OPS_ACTIVATION_H
#define NN_ONEDNN_OPS_ACTIVATION_H

#include "nn/onednn/program.h"

/** Of a ReLU or an activation; algorithm 0: oneDNN has none. */
NnEltwise nn_activation_eltwise(const NnNodeInfo *node);

#endif
