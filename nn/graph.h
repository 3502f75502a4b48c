/* nn/graph.h - a network's shape: a graph of layers, built front to back by nn/arch/<name>.c; a builder is in its operation's
 * file of nn/ops.
 *
 * Builders return a node; the first error sticks and nn_net_create_take reports it, so that an architecture file reads
 * like a drawing. Names are torchvision's ("features.0", "layer1.0.conv1"); parameters append ".weight", ".bias",
 * ".running_mean", ".running_var", ".num_batches_tracked".
 */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include <stdint.h>

#include "base/status.h"

#define NN_LAYER_NORM_EPSILON 1e-6

typedef struct NnGraph NnGraph;
typedef int32_t NnNode;

/** What a parameter, or a running statistic, is for. */
typedef enum {
    NN_WEIGHT,
    NN_BIAS,
    NN_NORM_WEIGHT,
    NN_NORM_BIAS,
    NN_RUNNING_MEAN,
    NN_RUNNING_VAR,
    NN_EMBEDDING,
    NN_SCALE,
    NN_SLOPE,
    NN_POSITION_BIAS
} NnRole;

/** Functions of one number; of torch.nn, with its defaults. */
typedef enum {
    NN_SIGMOID,      /* 1 / (1 + exp(-x)) */
    NN_TANH,         /* */
    NN_SILU,         /* x sigmoid(x) (arXiv 1702.03118) */
    NN_HARD_SIGMOID, /* min(max(x / 6 + 1 / 2, 0), 1) (arXiv 1905.02244) */
    NN_HARD_SWISH,   /* x hard_sigmoid(x) (the same) */
    NN_RELU6,        /* min(max(x, 0), 6) */
    NN_LEAKY_RELU,   /* by nn_leaky_relu */
    NN_GELU,         /* x (1 + erf(x / sqrt(2))) / 2 (arXiv 1606.08415) */
    NN_GELU_TANH,    /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (the same) */
    NN_HALF          /* x / 2 */
} NnFunction;

/** Input [C, H, W] per image; a flat input has H = W = 1. */
BaseStatus nn_graph_create(int64_t C, int64_t H, int64_t W, NnGraph **out);
void nn_graph_free(NnGraph *graph);
NnNode nn_input(NnGraph *g);
/** [C,H,W] of a node, per image. */
void nn_node_shape(const NnGraph *g, NnNode x, int64_t shape[3]);

NnNode nn_conv(NnGraph *g, NnNode x, const char *name, int64_t K, int64_t kernel, int64_t stride, int64_t pad,
               bool bias);
/** A convolution of any kind. Left out: kernel_w, pad_w and more_w: as for the height; stride, dilation, groups: 1. */
typedef struct {
    int64_t K, kernel_h, kernel_w, stride, pad_h, pad_w;
    int64_t more_h,
        more_w;       /* zeros below and on the right beyond pad_h, pad_w, which are those above and on the left */
    int64_t dilation; /* pixels from one tap of the kernel to the next */
    int64_t groups;   /* group g of K / groups outputs sees channels g C / groups on; C groups: depthwise */
    bool bias;
} NnConv;
NnNode nn_conv_of(NnGraph *g, NnNode x, const char *name, NnConv conv);
NnNode nn_batch_norm(NnGraph *g, NnNode x, const char *name); /* eps 1e-5, momentum 0.1; maps or vectors */
NnNode nn_batch_norm_of(NnGraph *g, NnNode x, const char *name, double epsilon, double momentum);
NnNode nn_group_norm(NnGraph *g, NnNode x, const char *name, int64_t groups);   /* eps 1e-5 */
NnNode nn_linear(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias); /* x must be flat */
NnNode nn_relu(NnGraph *g, NnNode x);
NnNode nn_activation(NnGraph *g, NnNode x, NnFunction function);
NnNode nn_leaky_relu(NnGraph *g, NnNode x, double slope); /* x, or slope x where x < 0 */
NnNode nn_max_pool(NnGraph *g, NnNode x, int64_t kernel, int64_t stride, int64_t pad);
/** The same with @p more_h rows below and @p more_w columns on the right beyond @p pad, none of which is ever the maximum. */
NnNode nn_max_pool_of(NnGraph *g, NnNode x, int64_t kernel, int64_t stride, int64_t pad, int64_t more_h,
                      int64_t more_w);
NnNode nn_avg_pool(NnGraph *g, NnNode x, int64_t kernel, int64_t stride); /* kernel 0: the whole map */
NnNode nn_adaptive_pool(NnGraph *g, NnNode x, int64_t H, int64_t W);      /* torch.nn.AdaptiveAvgPool2d, up too */
NnNode nn_flatten(NnGraph *g, NnNode x);                                  /* [C,H,W] -> [C*H*W,1,1], C slowest */
NnNode nn_add(NnGraph *g, NnNode a, NnNode b);
NnNode nn_concat(NnGraph *g, NnNode a, NnNode b); /* channels of a, then those of b */
/** The learned vector @p name [C, 1, 1], for nn_scale; drawn first, where state dicts have it. Starts at 1e-6. */
NnNode nn_vector(NnGraph *g, const char *name, int64_t C);
/** Every channel of @p x times that of @p by [C, 1, 1]: a gate that the image sets, or an nn_vector. */
NnNode nn_scale(NnGraph *g, NnNode x, NnNode by);
NnNode nn_prelu(NnGraph *g, NnNode x, const char *name, bool each); /* slopes <name>.weight, one per channel or one */
NnNode nn_dropout(NnGraph *g, NnNode x, double p);                  /* train mode only; inverted scaling */
NnNode nn_stochastic_depth(NnGraph *g, NnNode x, double p); /* of whole images (arXiv 1603.09382); else the same */

/* Transformers (Vaswani et al. 2017; arXiv 2010.11929): T tokens of E features are a map [E, T, 1]. */
/** @p count learned vectors @p name [1, count, E], for nn_tokens: a class token, and a distillation token after it (arXiv
 *  2012.12877). */
NnNode nn_class_token(NnGraph *g, const char *name, int64_t count, int64_t E);
/** The same behind the class tokens @p first (-1: none), which only it may read. */
NnNode nn_class_token_behind(NnGraph *g, NnNode first, const char *name, int64_t count, int64_t E);
/** A map's pixels, row by row, as tokens after @p first (class tokens; -1: none), plus learned positions @p name
 *  [1, T, E]. */
NnNode nn_tokens(NnGraph *g, NnNode x, NnNode first, const char *name);
NnNode nn_token(NnGraph *g, NnNode x, int64_t index); /* [E, T, 1] -> [E, 1, 1] */
NnNode nn_first_token(NnGraph *g, NnNode x);
/** Over the features of each token or pixel; @p epsilon: 1e-6 (NN_LAYER_NORM_EPSILON) in torchvision, 1e-12 in
 *  transformers. */
NnNode nn_layer_norm(NnGraph *g, NnNode x, const char *name, double epsilon);
NnNode nn_token_linear(NnGraph *g, NnNode x, const char *name, int64_t K); /* every token or pixel by itself; bias */
NnNode nn_token_linear_plain(NnGraph *g, NnNode x, const char *name, int64_t K); /* the same without bias */
/** Self-attention as torch.nn.MultiheadAttention names and packs it: <name>.in_proj_weight [3 E, E] gives queries, keys
 *  and values, each of @p heads slices; softmax(Q K^T / sqrt(E / heads)) V; <name>.out_proj. Two layers to tap. */
NnNode nn_attention(NnGraph *g, NnNode x, const char *name, int64_t heads);
/** Self-attention inside windows of @p window x @p window pixels of a map, moved down and right by @p shift unless one
 *  fills a side (Swin, arXiv 2103.14030), as torchvision names and computes it: a map that windows do not fill is padded
 *  with zeros; <name>.relative_position_bias_table, <name>.qkv, <name>.proj. Two layers to tap; what <name>.qkv sees of
 *  padding is zeros. It is made of the builders below. */
NnNode nn_window_attention(NnGraph *g, NnNode x, const char *name, int64_t heads, int64_t window, int64_t shift);
/** The learned table @p name [(2 window - 1)^2, heads], for nn_window_core. */
NnNode nn_position_bias(NnGraph *g, const char *name, int64_t window, int64_t heads);
/** Queries, keys and values [3 E, H', W'] in whole windows -> the H x W pixels at the top left of [E, H', W']. */
NnNode nn_window_core(NnGraph *g, NnNode x, NnNode bias, int64_t H, int64_t W, int64_t shift);
NnNode nn_pad(NnGraph *g, NnNode x, int64_t H, int64_t W); /* zeros below and on the right, to H x W */
/** [C, H, W] -> [4 C, H / 2, W / 2], rounded up, zeros behind an odd side: the pixels (0, 0), (1, 0), (0, 1), (1, 1) (row,
 *  column) of each 2 x 2. */
NnNode nn_patch_merge(NnGraph *g, NnNode x);
/** Names formatted like printf for the builders above; the text is copied. */
const char *nn_name(NnGraph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
