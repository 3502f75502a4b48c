/* nn/onednn/reload.h - copies of the network's numbers in the layout and type a primitive wants, with the load steps
 * that renew them. */
#ifndef NN_ONEDNN_RELOAD_H
#define NN_ONEDNN_RELOAD_H

#include "nn/onednn/program.h"

/** The weight of layer @p x, with batch norm (or scale by a vector) @p norm (-1: none) folded in. */
BaseStatus nn_reload_weight(NnProgram *p, NnNode x, NnNode norm, const NnMd *want, NnTensor *weight);
/** The bias that belongs to it; empty where there is none. */
BaseStatus nn_reload_bias(NnProgram *p, NnNode x, NnNode norm, NnTensor *bias);
/** A parameter or a running statistic where it stands, [count]. */
BaseStatus nn_prog_param(NnProgram *p, int slice, NnTensor *out);
BaseStatus nn_prog_buffer(NnProgram *p, int slice, NnTensor *out);
/** Shape of a layer's weight as oneDNN wants it: [K, C, kh, kw], with groups [G, K / G, C / G, kh, kw],
 * or [K, C]; @p any: in a layout of its choice. */
NnMd nn_md_weight(NnProgram *p, NnNode x, dnnl_data_type_t type, bool any);

#endif
