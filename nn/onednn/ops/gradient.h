/* nn/onednn/ops/gradient.h - what the backward halves of operations share. A gradient's storage goes back to the pool
 * once its node is done; where nothing else reads it, the next gradient is computed in place. */
#ifndef NN_ONEDNN_OPS_GRADIENT_H
#define NN_ONEDNN_OPS_GRADIENT_H

#include "nn/onednn/program.h"

/** Adds @p d (taken) to the gradient of node @p x. */
BaseStatus nn_gradient_add_take(NnProgram *p, NnNode x, NnTensor *d);
/** @p g (taken) as @p want, and where the gradient with respect to the input may be written: over it, or beside it. */
BaseStatus nn_gradient_in_place_take(NnProgram *p, const char *name, NnTensor *g, const NnMd *want, NnTensor *diff_dst,
                                     NnTensor *diff_src);
/** Where the gradient of parameter slice @p slice lies in the gradient block, as a vector. */
BaseStatus nn_gradient_vector(NnProgram *p, int slice, NnTensor *out);
/** Where a primitive writes a weight's gradient: straight into the gradient block, or in its own layout @p md and then
 *  there (@p plain). */
BaseStatus nn_gradient_weight(NnProgram *p, NnNode x, const NnMd *md, NnTensor *written, NnTensor *plain);

/** The steps that both kinds of weighted layer share: source and output gradient in, weight and bias gradients out. */
BaseStatus nn_gradient_weights_step(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t pd, const NnTensor *src,
                                    const NnTensor *g);
/** Weight and output gradient in, input gradient out. */
BaseStatus nn_gradient_data_step(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t pd, const NnTensor *g,
                                 NnTensor *diff_src);

#endif
