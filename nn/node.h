/* nn/node.h - the inside of a graph and a network, for the files of nn/ only. */
#ifndef NN_NODE_H
#define NN_NODE_H

#include <stdint.h>

#include "base/status.h"

typedef struct NnGraph NnGraph; /* nn/graph.h */
typedef int32_t NnNode;

typedef enum {
    NN_NODE_INPUT,
    NN_NODE_CONV,
    NN_NODE_LINEAR,
    NN_NODE_NORM,
    NN_NODE_RELU,
    NN_NODE_MAX_POOL,
    NN_NODE_AVG_POOL,
    NN_NODE_FLATTEN,
    NN_NODE_ADD,
    NN_NODE_DROPOUT,
    NN_NODE_CLASS_TOKEN, /* no input; read by NN_NODE_TOKENS alone */
    NN_NODE_TOKENS,
    NN_NODE_FIRST_TOKEN,
    NN_NODE_LAYER_NORM,
    NN_NODE_GELU,
    NN_NODE_ATTENTION /* of [Q, K, V] stacked along the features */
} NnNodeKind;

typedef struct {
    NnNodeKind kind;
    NnNode in[2];     /* -1: none */
    const char *name; /* NULL where the node has no parameters */
    int64_t C, H, W;  /* output per image */
    int64_t kernel_h, kernel_w, stride, pad;
    bool bias;
    bool packed;    /* linear: parameters are <name>_weight and <name>_bias */
    int64_t heads;  /* attention */
    double p;       /* dropout */
    double epsilon; /* layer norm */
    /* filled by nn_net_create_take; -1: none */
    int weight, bias_slice; /* parameter slices */
    int mean, var;          /* buffer slices */
    int layer;              /* index of nn_net_layers */
} NnNodeInfo;

int nn_graph_size(const NnGraph *graph);
const NnNodeInfo *nn_graph_node(const NnGraph *graph, NnNode x);
/** The same to fill in; for nn_net_create_take. */
NnNodeInfo *nn_graph_edit(NnGraph *graph, NnNode x);
/** Nodes and names; the slices and layers that nn_net_create_take fills are none again. */
BaseStatus nn_graph_clone(const NnGraph *graph, NnGraph **out);
/** The first error of the builders, its text set again; BASE_OK without one. */
BaseStatus nn_graph_status(const NnGraph *graph);

#define NN_NORM_EPSILON  1e-5
#define NN_NORM_MOMENTUM 0.1

#endif
