/* nn/onednn/ops/ops.h - the back-end half of each operation: its steps in the forward and the backward pass. One file
 * per operation, or for a few that are alike. */
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

#define X(KIND, name) extern const NnOpBackend nn_op_##name;
#include "nn/ops/list.h"

#endif
