/* nn/net.h - a network: its graph and its numbers. All trainable parameters are ONE float32 block with named slices in
 * torchvision's shapes and state_dict order (conv [K,C,kh,kw], linear [out,in]); running statistics are a second block.
 * Optimisers, masks, Fisher information, distance and restore are loops over a flat array. */
#ifndef NN_NET_H
#define NN_NET_H

#include <stdint.h>

#include "base/hash.h"
#include "nn/graph.h"

typedef struct NnNet NnNet;
typedef struct NnTuning NnTuning; /* nn/tuning.h */

typedef struct {
    const char *name; /* "features.0.weight" */
    NnRole role;
    int64_t offset, count; /* into the parameter block, or the buffer block for running statistics */
    int ndim;
    int64_t shape[4];
} NnSlice;

typedef enum { NN_LAYER_CONV, NN_LAYER_LINEAR } NnLayerKind;
/** A layer with a weight matrix [K, features]: what unlearning edits, and where inputs can be tapped. */
typedef struct {
    const char *name; /* parameter name without ".weight" ("_weight" of a packed attention projection) */
    NnLayerKind kind;
    int weight, bias; /* slice numbers; bias -1: none */
    int64_t C, H, W;  /* input per image; linear: C features, tokens (1: none), 1 */
    int64_t K, out_h, out_w;
    int64_t kernel_h, kernel_w, stride, pad_h, pad_w, dilation; /* dilation 1: taps side by side */
    int64_t more_h, more_w;                                     /* padding below and on the right beyond pad_h, pad_w */
    int64_t groups;   /* group g of K / groups rows of the weight sees channels g C / groups on; 1: all see all */
    int64_t features; /* C / groups * kernel_h * kernel_w */
} NnLayer;

/** Finishes @p graph (taken, freed even on failure) with @p output [K,1,1] as the logits; parameters start at 0. */
BaseStatus nn_net_create_take(NnGraph *graph, NnNode output, NnNet **out);
/** The same without numbers: names, shapes and counts only; parameters and running statistics are NULL. */
BaseStatus nn_net_outline_take(NnGraph *graph, NnNode output, NnNet **out);
BaseStatus nn_net_clone(const NnNet *net, NnNet **out);
/** Whether the last layer's outputs are the logits. They are not in SqueezeNet, whose classifier is a convolution, so that logits
 *  are means over the pixels of its rectified map, nor in DeiT with two classifiers, which are averaged. */
bool nn_net_ends_linear(const NnNet *net);
/** The layers that the logits are made of, with no other behind them: the last one, and in DeiT with two classifiers both.
 *  Their numbers in nn_net_layers, ascending; returns how many. */
enum { NN_CLASSIFIERS = 2 };
int nn_net_classifiers(const NnNet *net, int layers[NN_CLASSIFIERS]);
/** The same network with @p K >= classes outputs, the last layer linear: all numbers copied, what the new outputs need
 *  is 0. BASE_ESHAPE where the last node is not a linear layer. */
BaseStatus nn_net_widen(const NnNet *net, int64_t K, NnNet **out);
void nn_net_free(NnNet *net);
/** Copies all numbers from a network of the same graph. */
void nn_net_copy(NnNet *to, const NnNet *from);

const NnGraph *nn_net_graph(const NnNet *net);
NnNode nn_net_output(const NnNet *net); /* the node that nn_net_create_take was given */
void nn_net_input_shape(const NnNet *net, int64_t shape[3]);
int64_t nn_net_classes(const NnNet *net);
int64_t nn_net_param_count(const NnNet *net);
int64_t nn_net_buffer_count(const NnNet *net);
const float *nn_net_params(const NnNet *net);  /* [param_count] */
const float *nn_net_buffers(const NnNet *net); /* [buffer_count] */
/** Writable views; each call marks the network as changed, so that engines reload their copies at the next forward. */
float *nn_net_edit_params(NnNet *net);
float *nn_net_edit_buffers(NnNet *net);
uint64_t nn_net_version(const NnNet *net);   /* grows with every edit */
int64_t *nn_net_batches_tracked(NnNet *net); /* one count for all batch norms; written as ".num_batches_tracked" */

const NnSlice *nn_net_param_slices(const NnNet *net, int *count);
const NnSlice *nn_net_buffer_slices(const NnNet *net, int *count);
const NnLayer *nn_net_layers(const NnNet *net, int *count); /* front to back; the last is the classifier */
/** The table that engines of this network and of its later copies look in; borrowed, must outlive them. NULL: none. To
 *  be set before the first engine. */
void nn_net_set_tuning(NnNet *net, const NnTuning *tuning);
const NnTuning *nn_net_tuning(const NnNet *net);
/** What stands in front of every name in the file that the weights are from ("module."), so that people may call layers
 *  as PyTorch does; empty: nothing, or more than NN_PREFIX_SIZE. */
enum { NN_PREFIX_SIZE = 128 };
void nn_net_set_prefix(NnNet *net, const char *prefix);
const char *nn_net_prefix(const NnNet *net);
/** Floating-point operations of the weighted layers and of attention in one image's forward pass (2 per multiply-add,
 *  direct convolution). */
int64_t nn_net_flops(const NnNet *net);

/** PyTorch's default initialisation: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases of conv and linear
 * layers; norms 1, 0; running mean 0, variance 1; class token, positions and their biases N(0, 0.02^2); nn_vector 1e-6, slopes of PReLU 0.25. Stream (seed, "init", slice
 * name). */
void nn_net_init(NnNet *net, uint64_t seed);
/** SHA-256 over names, shapes, parameters and running statistics. */
BaseStatus nn_net_hash(const NnNet *net, char hex[BASE_HASH_HEX]);

#endif
