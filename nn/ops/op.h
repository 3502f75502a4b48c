/* nn/ops/op.h - an operation as a graph and a network see it: one file of nn/ops holds the builder with the rule for its
 * output's shape, its parameters, what it costs, and what messages call it. Its steps are in nn/onednn/ops. */
#ifndef NN_OPS_OP_H
#define NN_OPS_OP_H

#include <stddef.h>

#include "nn/graph.h"
#include "nn/node.h"

typedef struct NnPlan NnPlan; /* nn/net.c: places parameters in the flat block, in the order of the nodes */

/* ---- in graph files (nn/graph_file.h, docs/graph.md) ---- */

typedef enum {
    NN_ATTRIBUTE_COUNT,  /* int64_t */
    NN_ATTRIBUTE_SQUARE, /* the same, which may be written as a pair of equals */
    NN_ATTRIBUTE_PAIR,   /* two int64_t side by side: height, width; equals may be written as one number */
    NN_ATTRIBUTE_SHAPE, /* of a vector: a list with ones around one number, that of `like`. Two int64_t: ones before it, and
                            behind it, of which `usual` is the default */
    NN_ATTRIBUTE_REAL,  /* double */
    NN_ATTRIBUTE_FLAG,  /* bool */
    NN_ATTRIBUTE_CHOICE /* int: the form's function for the first word, the next for the second, ... */
} NnAttributeKind;

typedef struct {
    const char *name;
    NnAttributeKind kind;
    size_t offset; /* in an NnNodeInfo */
    bool needed;   /* there is no default */
    double usual;  /* the default: number, 0 or 1, word's number */
    double least, most;
    const char *like;         /* the attribute before it in the table whose value is the default; NULL: `usual` is */
    const char *const *words; /* NULL-ended, of a choice */
} NnAttribute;

enum { NN_FORM_INPUTS = 64 }; /* of one node, at most */

/** How a graph file writes an operation: its name there, and attributes that are fields of its node. */
typedef struct NnForm {
    const char *name;    /* torch's */
    int least, most;     /* inputs */
    const char *tensors; /* of a node with a name, for people; NULL: it has none */
    const char *meaning; /* for people; NULL: torch's */
    const NnAttribute *attributes;
    size_t attribute_count;
    int function; /* of an activation */
    /** @p in [count] nodes; @p set: the attributes. */
    NnNode (*build)(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set);
    /** Whether a node of the operation is printed in this form. NULL: it is. */
    bool (*suits)(const struct NnForm *form, const NnNodeInfo *node);
} NnForm;
#define NN_ATTRIBUTES(table) .attributes = (table), .attribute_count = sizeof(table) / sizeof((table)[0])
#define NN_FORMS(...)                                                                                                  \
    .forms = (const NnForm *const[]) { __VA_ARGS__, NULL }
/* Rows of counts from 1, and of the usual epsilon of norms. */
#define NN_NEEDED(label, field)                                                                                        \
    {                                                                                                                  \
        .name = (label), .offset = offsetof(NnNodeInfo, field), .needed = true, .least = 1, .most = NN_GRAPH_LARGEST   \
    }
/* Beyond "padding", which is that above and on the left; and its meaning. */
#define NN_MORE_PADDING                                                                                                \
    {                                                                                                                  \
        "extra_padding", NN_ATTRIBUTE_PAIR, offsetof(NnNodeInfo, more_h), .usual = 0, .least = -NN_GRAPH_LARGEST,      \
                                                                          .most = NN_GRAPH_LARGEST                     \
    }
#define NN_MORE_PADDING_MEANS                                                                                          \
    "`extra_padding`: rows below and columns on the right beyond `padding`, fewer where below 0"
#define NN_EPSILON                                                                                                     \
    {                                                                                                                  \
        "eps", NN_ATTRIBUTE_REAL, offsetof(NnNodeInfo, epsilon), .usual = 1e-5, .least = 1e-30, .most = 0.99           \
    }

typedef struct {
    const char *title; /* in messages about a node without a name: "a convolution" */
    /** Places the node's parameters and counts its multiplications. NULL: it has neither. */
    BaseStatus (*plan)(NnPlan *plan, NnNodeInfo *node);
    const NnForm *const *forms; /* NULL-ended; another operation may have the same one */
} NnOperation;
/** That of a kind; not of NN_NODE_INPUT. */
const NnOperation *nn_operation_of(NnNodeKind kind);
/** Form number @p i of all operations in order, each once; NULL behind the last. */
const NnForm *nn_form_at(size_t i);

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
    int64_t more; /* padding at the end beyond pad */
} NnWindow;
/** Output side, or 0 where the window does not fit. */
int64_t nn_op_window(int64_t side, const NnWindow *window);
/** False where a window does not fit on @p in (which becomes the error). */
bool nn_op_window_fits(NnGraph *g, const char *what, const NnNodeInfo *in, const NnWindow *high, const NnWindow *wide);
/** A linear layer of at most @p tokens tokens or pixels, each by itself; @p packed: one of torch.nn.MultiheadAttention. */
NnNode nn_op_linear_node(NnGraph *g, NnNode x, const char *name, int64_t K, bool bias, bool packed, int64_t tokens);

#endif
