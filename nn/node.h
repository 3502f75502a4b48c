/* nn/node.h - the inside of a graph and a network, for the files of nn/ only. */
#ifndef NN_NODE_H
#define NN_NODE_H

#include <stdint.h>

#include "base/status.h"

typedef struct NnGraph NnGraph; /* nn/graph.h */
typedef int32_t NnNode;

typedef enum {
    NN_NODE_INPUT,
#define X(KIND, name) NN_NODE_##KIND,
#include "nn/ops/list.h"
} NnNodeKind;

typedef struct {
    NnNodeKind kind;
    NnNode in[2];     /* -1: none */
    const char *name; /* NULL where the node has no parameters */
    int64_t C, H, W;  /* output per image */
    int64_t kernel_h, kernel_w, stride, pad_h, pad_w, dilation;
    int64_t more_h, more_w; /* padding below and on the right beyond pad_h, pad_w */
    int64_t groups;         /* of channels that do not mix */
    bool bias;
    bool packed;              /* linear: parameters are <name>_weight and <name>_bias */
    int64_t heads;            /* attention */
    int64_t token;            /* first token: how many stand before it */
    int64_t tokens;           /* class token: its own, behind those of its second input */
    int64_t window;           /* window attention: side */
    int64_t shift_h, shift_w; /* window attention */
    double p;                 /* dropout */
    bool whole;               /* dropout: of whole images */
    double epsilon, momentum; /* norms; batch norm */
    int function;             /* activation: an NnFunction */
    double slope;             /* leaky ReLU, below 0 */
    int64_t ones[2];          /* vector: axes of size 1 before and behind that of the channels */
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
/** Adds the nodes of @p from, but for its input, to @p graph, which has an input alone. The last one, or -1. */
NnNode nn_graph_append(NnGraph *graph, const NnGraph *from);
/** The first error of the builders, its text set again; BASE_OK without one. */
BaseStatus nn_graph_status(const NnGraph *graph);

/* ---- for builders (nn/ops): the first error is kept, and later builders see it and do nothing ---- */

/** -1; keeps the error that was just set. */
NnNode nn_graph_fail(NnGraph *graph, BaseStatus st);
/** False where an earlier builder failed, or @p x is not a node of this graph (which becomes the error). */
bool nn_graph_usable(NnGraph *graph, NnNode x, const char *what);
/** False where @p name is empty or another node's (which becomes the error). */
bool nn_graph_fresh_name(NnGraph *graph, const char *name, const char *what);
/** The node @p info at the end of the graph; @p name is copied; NULL: none. */
NnNode nn_graph_add(NnGraph *graph, NnNodeInfo info, const char *name);
/** A node that has its input's shape but for H; one with a name, which norms have, has a bias. */
NnNode nn_graph_like(NnGraph *graph, NnNode x, NnNodeKind kind, int64_t H, const char *name);
enum {
    NN_GRAPH_LARGEST = 1 << 20
}; /* a map's side, a kernel, a channel count: far above any network, far below an
                                        overflow of their products */

#endif
