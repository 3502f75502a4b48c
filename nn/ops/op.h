/* nn/ops/op.h - an operation as a graph and a network see it: one file of nn/ops holds the builder with the rule for its
 * output's shape, its parameters, what it costs, and what messages call it. Its steps are in nn/onednn/ops. */
#ifndef NN_OPS_OP_H
#define NN_OPS_OP_H

#include <stddef.h>

#include "nn/graph.h"
#include "nn/node.h"

typedef struct NnPlan NnPlan; /* nn/net.c: places parameters in the flat block, in the order of the nodes */

typedef struct {
    const char *title; /* in messages about a node without a name: "a convolution" */
    /** Places the node's parameters and counts its multiplications. NULL: it has neither. */
    BaseStatus (*plan)(NnPlan *plan, NnNodeInfo *node);
} NnOperation;
/** That of a kind; not of NN_NODE_INPUT. */
const NnOperation *nn_operation_of(NnNodeKind kind);

/* ---- for plan ---- */

const NnNodeInfo *nn_plan_node(const NnPlan *plan, NnNode x);
/** A slice called @p layer and @p suffix; *index: its number among parameters, or among buffers by its role. */
BaseStatus nn_plan_slice(NnPlan *plan, const char *layer, const char *suffix, NnRole role, int ndim,
                         const int64_t shape[4], int *index);
/** Weight and bias of a layer that unlearning edits (NnLayer), and its multiplications; the weight has @p ndim axes. */
BaseStatus nn_plan_layer(NnPlan *plan, NnNodeInfo *node, int ndim);
/** Weight and bias of a norm. */
BaseStatus nn_plan_norm(NnPlan *plan, NnNodeInfo *node);
void nn_plan_count(NnPlan *plan, int64_t flops);

/* ---- what builders share ---- */

/** A sliding window along one side of a map. */
typedef struct {
    int64_t kernel, stride, pad, dilation;
} NnWindow;
/** Output side, or 0 where the window does not fit. */
int64_t nn_op_window(int64_t side, const NnWindow *window);
/** False where a window does not fit on @p in (which becomes the error). */
bool nn_op_window_fits(NnGraph *g, const char *what, const NnNodeInfo *in, const NnWindow *high, const NnWindow *wide);
/** A linear layer of at most @p tokens tokens or pixels, each by itself; @p packed: one of torch.nn.MultiheadAttention. */
NnNode nn_op_linear_node(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias, bool packed, int64_t tokens);

#endif
