/* nn/onednn/ops/elementwise.h - operations that work element by element. */
#ifndef NN_ONEDNN_OPS_ELEMENTWISE_H
#define NN_ONEDNN_OPS_ELEMENTWISE_H

#include "nn/onednn/program.h"

/** Makes the value of @p x: in its input's storage where nothing else reads that and @p may_overwrite, and notes the
 *  input. */
BaseStatus nn_elementwise_value(NnProgram *p, NnNode x, bool may_overwrite);

#endif
