/* nn/onednn/ops/conv/direct.h - convolutions as oneDNN runs them itself. */
#ifndef NN_ONEDNN_OPS_CONV_DIRECT_H
#define NN_ONEDNN_OPS_CONV_DIRECT_H

#include "nn/onednn/ops/chain.h"

/** @p c, or NULL: nothing is folded in. */
BaseStatus nn_direct_forward_pd(NnProgram *p, NnNode x, const NnChain *c, const_dnnl_primitive_desc_t *out);
BaseStatus nn_direct_forward(NnProgram *p, NnNode x);
/** @p src: the layer's input in any layout, @p g: the output's gradient. To the gradient block. */
BaseStatus nn_direct_weights(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const NnTensor *src,
                             const NnTensor *g);
/** @p diff: the input's gradient, made fresh. */
BaseStatus nn_direct_data(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const NnTensor *g, NnTensor *diff);

#endif
