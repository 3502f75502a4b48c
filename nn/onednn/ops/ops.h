/* nn/onednn/ops/ops.h - the back-end half of each operation: its steps in the forward and the backward pass. One file
 * per operation, one row of compile.c's table. */
#ifndef NN_ONEDNN_OPS_OPS_H
#define NN_ONEDNN_OPS_OPS_H

#include "nn/onednn/program.h"

typedef struct {
    /** Makes state[x].value out of its inputs' values. NULL: nothing to do. */
    BaseStatus (*forward)(NnProgram *p, NnNode x);
    /** @p g (taken): the gradient of the output; adds to those of the inputs and of the parameters. */
    BaseStatus (*backward)(NnProgram *p, NnNode x, NnTensor *g);
    /** In its place where there is one input: @p diff, made fresh or left empty, is what is added to its gradient. */
    BaseStatus (*gradient)(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);
} NnOpBackend;

extern const NnOpBackend nn_op_convolution, nn_op_linear, nn_op_batch_norm, nn_op_relu, nn_op_pooling, nn_op_flatten,
    nn_op_add, nn_op_dropout, nn_op_class_token, nn_op_tokens, nn_op_first_token, nn_op_layer_norm, nn_op_gelu,
    nn_op_attention;

#endif
