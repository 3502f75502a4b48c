/* nn/onednn/program.h - a compiled network: three lists of steps (load weights, forward, backward), each a oneDNN
 * primitive with its memories or a small routine of our own, and the storage they work on.
 */
#ifndef NN_ONEDNN_PROGRAM_H
#define NN_ONEDNN_PROGRAM_H

#include "nn/backend.h"
#include "nn/kernels/channels.h"
#include "nn/kernels/windows.h"
#include "nn/kernels/winograd.h"
#include "nn/node.h"
#include "nn/onednn/kit/kit.h"

/** Storage. Values live as long as the program; buffers of the backward pass go back to a pool when refs is 0. */
typedef struct {
    void *data;
    size_t bytes;
    int refs;
    bool pooled;
} NnBuf;

typedef struct {
    NnMd md;
    dnnl_memory_t mem; /* NULL: no tensor */
    NnBuf *buf;        /* NULL: someone else's storage */
} NnTensor;

typedef struct NnProgram NnProgram;

/** What a routine of our own works on; the routine says which fields it reads. */
typedef struct {
    const void *in, *in2;
    const float *weight, *bias;
    void *out;
    float *aux;
    uint8_t *bytes;
    int64_t n, C, H, W, K, rows, count;
    int64_t element; /* bytes of one */
    double p;
    const NnNodeInfo *node, *norm;
    int32_t index;
    bool relu;
    NnWinograd winograd;
    NnChannels channels;
    NnAdaptive adaptive;
    NnWindows windows;
} NnJob;

enum { NN_STEP_ARGS = 10 };
typedef struct {
    const char *name; /* of the layer, for errors */
    dnnl_primitive_t prim;
    int nargs;
    dnnl_exec_arg_t args[NN_STEP_ARGS];
    BaseStatus (*run)(NnProgram *program, const NnJob *job); /* where prim is NULL */
    NnJob job;
} NnStep;

/** What a primitive reads or writes as DNNL_ARG_...; an empty tensor, or NULL, is left out. {0} ends a list of them. */
typedef struct {
    int arg;
    const NnTensor *tensor;
} NnStepArg;

typedef struct {
    NnStep *items;
    int count;
} NnSteps;

/** What the forward pass leaves for the backward pass and for taps. */
typedef struct {
    NnTensor value;  /* the node's output; of a fused chain only the last node has one */
    NnTensor src;    /* the input as the primitive read it */
    NnTensor weight; /* unfolded: [F, K] */
    const_dnnl_primitive_desc_t pd;
    NnTensor workspace, mean, var, partial;
    NnNode normpool; /* max pool: the batch norm whose step computed it; 0: none */
    int consumers;
    NnNode only; /* the consumer where there is exactly one */
    bool done;   /* computed within an earlier node's step */
    bool relu;   /* norm: the ReLU after it is fused */
    bool owned;  /* nothing but its one consumer reads the value's storage */
    bool needs_grad;
    bool unfolded;           /* src is the patches of a convolution */
    uint8_t used[NN_PASSES]; /* convolution: 1 + the NnConvAlgorithm of each pass; 0: no such pass */
    int data_step;           /* convolution: the backward step where its data gradient starts */
} NnState;

typedef struct {
    dnnl_memory_t mem;
    int64_t offset; /* in the gradient block */
} NnGradView;

/** The input of a layer: before step @p step of the forward pass it is complete, and nothing has been written over it. */
typedef struct {
    int step, layer;
    NnTensor value; /* without a reference */
} NnTaken;

struct NnProgram {
    NnNet *net;
    const NnGraph *graph;
    int size;              /* nodes */
    NnMode mode;           /* NN_MODE_TRAIN also for NN_MODE_TRAIN_INPUT */
    bool input;            /* the gradient of the input is made */
    dnnl_data_type_t type; /* of activations and weights */
    int64_t n;
    NnKit kit; /* memory, descriptors and primitives */
    NnSteps load, forward, backward;
    NnTaken *taken; /* [taken_count] inputs of layers that the forward pass hands over, in its order */
    int taken_count;
    int load_forward;         /* of the load steps: those of the forward pass; the others serve the data gradients */
    NnState *state;           /* [size] */
    NnTensor *diff;           /* [size], while the backward pass is built */
    NnTensor logits, dlogits; /* plain float32 [n, K] */
    const uint8_t *keep;      /* [layers] 1: the input stays for a tap, or is handed over; only while reuse is set */
    bool hands_over;          /* it is handed over */
    bool reuse;               /* plain eval: storage of values that were read serves again */
    NnTensor dinput;          /* plain float32 [n, C, H, W]; empty where it is not asked for */
    NnNode watch;             /* whose value and gradient are kept for the caller; 0: none */
    NnTensor dwatch;          /* its gradient, plain float32 [n, C, H, W] */
    uint64_t version;         /* of the network's numbers that load last saw; 0: none */
    uint64_t dropout_key;
    float *grads; /* of the running backward pass */
    NnGradView *grad_views;
    int grad_count;
    NnBuf **bufs;
    int buf_count;
};

/* ---- what is asked of the graph ---- */

const NnNodeInfo *nn_prog_node(const NnProgram *p, NnNode x);
const char *nn_prog_name(const NnProgram *p, NnNode x); /* for messages: the layer's, or the kind's */
/** The consumer of @p x where it is the only one and of that kind; -1. */
NnNode nn_prog_next(const NnProgram *p, NnNode x, NnNodeKind kind);
/** dnnl_forward_inference in plain eval, else dnnl_forward_training. */
dnnl_prop_kind_t nn_prog_forward(const NnProgram *p);
const NnSlice *nn_prog_param_slice(const NnProgram *p, int slice);
const NnSlice *nn_prog_buffer_slice(const NnProgram *p, int slice);

/* ---- tensors ---- */

/** [n, C, H, W] of node @p x. */
NnMd nn_md_map(NnProgram *p, NnNode x, dnnl_data_type_t type, dnnl_format_tag_t tag);
/** [count], float32. */
NnMd nn_md_vector(NnProgram *p, int64_t count);
/** A tensor in fresh storage; @p pooled: from the backward pass's pool. */
BaseStatus nn_prog_tensor(NnProgram *p, const NnMd *md, bool pooled, NnTensor *out);
/** @p from's storage read as @p md; holds a reference. */
BaseStatus nn_prog_view(NnProgram *p, const NnTensor *from, const NnMd *md, NnTensor *out);
/** The same from byte @p offset of it on. */
BaseStatus nn_prog_view_at(NnProgram *p, const NnTensor *from, size_t offset, const NnMd *md, NnTensor *out);
/** Storage that is not the program's. */
BaseStatus nn_prog_wrap(NnProgram *p, const NnMd *md, const void *data, NnTensor *out);
/** A tensor whose storage is the caller's gradient block at @p offset. */
BaseStatus nn_prog_grad_view(NnProgram *p, const NnMd *md, int64_t offset, NnTensor *out);
/** Where a tensor's data lies, its own storage or not; NULL for an empty one. */
BaseStatus nn_prog_data(const NnTensor *t, float **out);
void nn_prog_hold(NnTensor *t);
void nn_prog_release(NnTensor *t); /* gives up the reference; *t becomes empty */

/* ---- steps ---- */

/** @p from in layout and type @p want: itself, a view, or a reorder added to @p steps. Holds a reference. */
BaseStatus nn_prog_convert(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, const NnMd *want,
                           bool pooled, NnTensor *out);
/** The same as tensor @p query of @p pd wants it. */
BaseStatus nn_prog_convert_for(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from,
                               const_dnnl_primitive_desc_t pd, dnnl_query_t query, bool pooled, NnTensor *out);
/** Map @p from, of node @p x, as rows [n * H * W, C], plain, in the program's type. */
BaseStatus nn_prog_rows(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *from, bool pooled, NnTensor *out);
/** The same in its own type, whatever node it is of. */
BaseStatus nn_prog_vector(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, bool pooled,
                          NnTensor *out);
BaseStatus nn_prog_reorder(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, const NnTensor *to);
/** The primitive of @p pd as the next step. */
BaseStatus nn_prog_step(NnProgram *p, NnSteps *steps, const char *name, const_dnnl_primitive_desc_t pd,
                        const NnStepArg *args);
/** The same of what oneDNN makes of @p op; *pd: for the backward pass, or NULL. */
BaseStatus nn_prog_op(NnProgram *p, NnSteps *steps, const char *name, const NnOp *op, const NnStepArg *args,
                      const_dnnl_primitive_desc_t *pd);
BaseStatus nn_prog_own_step(NnSteps *steps, const char *name, BaseStatus (*run)(NnProgram *, const NnJob *), NnJob job);

BaseStatus nn_program_run(NnProgram *p, const NnSteps *steps, dnnl_stream_t stream);
/** Gives back everything that is in it, and the program. */
void nn_program_free(NnProgram *p);

#endif
