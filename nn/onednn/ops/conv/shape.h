/* nn/onednn/ops/conv/shape.h - a convolution's key among the shapes that algorithms are chosen by. */
#ifndef NN_ONEDNN_OPS_CONV_SHAPE_H
#define NN_ONEDNN_OPS_CONV_SHAPE_H

#include "nn/onednn/program.h"

/** Of pass @p pass of convolution @p x; algorithm: direct. */
NnTuningRow nn_conv_row(const NnProgram *p, NnNode x, NnPass pass);
NnPass nn_conv_forward_pass(const NnProgram *p);

#endif
