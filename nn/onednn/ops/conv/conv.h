/* nn/onednn/ops/conv/conv.h - the algorithms of convolutions, one file each: as oneDNN runs them itself (direct), as one
 * product over patches (unfold), and Winograd's. */
#ifndef NN_ONEDNN_OPS_CONV_CONV_H
#define NN_ONEDNN_OPS_CONV_CONV_H

#include "nn/onednn/ops/chain.h"

/** One group, square, no dilation, the same padding on all sides: what has a choice of algorithms, and a key. */
bool nn_conv_is_plain(const NnProgram *p, NnNode x);
/** The key of pass @p pass of convolution @p x among the shapes that algorithms are chosen by; algorithm: direct. */
NnTuningRow nn_conv_row(const NnProgram *p, NnNode x, NnPass pass);
NnPass nn_conv_forward_pass(const NnProgram *p);

/* Of each: pays: by the fixed rules. possible: where it can run at all. forward; weights: from @p g, the output's
 * gradient, that of weight and bias, to the gradient block; data: that of the input, made fresh. */

/** @p c, or NULL: nothing is folded in. */
BaseStatus nn_direct_forward_pd(NnProgram *p, NnNode x, const NnChain *c, const_dnnl_primitive_desc_t *out);
BaseStatus nn_direct_forward(NnProgram *p, NnNode x);
/** @p src: the layer's input in any layout. */
BaseStatus nn_direct_weights(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const NnTensor *src,
                             const NnTensor *g);
BaseStatus nn_direct_data(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const NnTensor *g, NnTensor *diff);

bool nn_unfold_pays(const NnProgram *p, NnNode x, NnPass pass);
bool nn_unfold_possible(const NnTuningRow *row); /* its patches stay below a limit */
BaseStatus nn_unfold_forward(NnProgram *p, NnNode x);
BaseStatus nn_unfold_weights(NnProgram *p, NnNode x, const NnTensor *g);
BaseStatus nn_unfold_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

bool nn_winograd_pays(const NnProgram *p, NnNode x);
bool nn_winograd_possible(const NnTuningRow *row);
BaseStatus nn_winograd_forward(NnProgram *p, NnNode x);
/** @p src, @p g in any layout. */
BaseStatus nn_winograd_weights(NnProgram *p, NnNode x, const NnTensor *src, const NnTensor *g);
BaseStatus nn_winograd_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

#endif
