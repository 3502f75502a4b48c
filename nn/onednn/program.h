/* nn/onednn/program.h - inside the engine: a network compiled for one mode, precision and batch size into three lists
 * of steps (load weights, forward, backward), each a oneDNN primitive with its memories or a small routine of our own.
 */
#ifndef NN_ONEDNN_PROGRAM_H
#define NN_ONEDNN_PROGRAM_H

#include <dnnl.h>

#include "nn/engine.h"
#include "nn/node.h"
#include "nn/tuning.h"

/** Storage. Values live as long as the program; buffers of the backward pass go back to a pool when refs is 0. */
typedef struct {
    void *data;
    size_t bytes;
    int refs;
    bool pooled;
} NnBuf;

typedef struct {
    dnnl_memory_desc_t md;
    dnnl_memory_t mem; /* NULL: no tensor */
    NnBuf *buf;        /* NULL: someone else's storage */
} NnTensor;

typedef struct NnProgram NnProgram;
typedef struct NnStep NnStep;

/** What a routine of our own works on; the routine says which fields it reads. */
typedef struct {
    const void *in, *in2;
    const float *weight, *bias;
    void *out;
    float *aux;
    uint8_t *bytes;
    int64_t n, C, H, W, K, kernel, stride, pad, out_h, out_w, tile, rows, count;
    int64_t element; /* bytes of one */
    double p;
    const NnNodeInfo *node, *norm;
    int32_t index;
    bool relu;
} NnJob;

enum { NN_STEP_ARGS = 10 };
struct NnStep {
    const char *name; /* of the layer, for errors */
    dnnl_primitive_t prim;
    int nargs;
    dnnl_exec_arg_t args[NN_STEP_ARGS];
    BaseStatus (*run)(NnProgram *program, const NnJob *job); /* where prim is NULL */
    NnJob job;
};

typedef struct {
    NnStep *items;
    int count, room;
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
    bool relu;   /* norm: the ReLU behind it is fused */
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

struct NnProgram {
    NnNet *net;
    const NnGraph *graph;
    int size; /* nodes */
    NnMode mode;
    dnnl_data_type_t type; /* of activations and weights */
    int64_t n;
    dnnl_engine_t engine; /* borrowed */
    NnSteps load, forward, backward;
    int load_forward;         /* of the load steps: those of the forward pass; the others serve the data gradients */
    NnState *state;           /* [size] */
    NnTensor *diff;           /* [size], while the backward pass is built */
    NnTensor logits, dlogits; /* plain float32 [n, K] */
    const uint8_t *keep;      /* [layers] 1: the input stays for a tap; only while reuse is set */
    bool reuse;               /* plain eval: storage of values that were read serves again */
    NnTensor dinput;          /* plain float32 [n, C, H, W]; empty but in NN_MODE_EVAL_INPUT */
    NnNode watch;             /* whose value and gradient are kept for the caller; 0: none */
    NnTensor dwatch;          /* its gradient, plain float32 [n, C, H, W] */
    uint64_t version;         /* of the network's numbers that load last saw; 0: none */
    uint64_t dropout_key;
    float *grads; /* of the running backward pass */
    NnGradView *grad_views;
    int grad_count, grad_room;
    NnBuf **bufs;
    int buf_count, buf_room;
    dnnl_memory_t *mems;
    int mem_count, mem_room;
    dnnl_primitive_desc_t *pds;
    int pd_count, pd_room;
};

/** BASE_OK, or BASE_EBACKEND (BASE_ENOMEM) with oneDNN's status, what was asked and the layer in the text. */
BaseStatus nn_dnnl_status(dnnl_status_t status, const char *what, const char *layer);
#define NN_DNNL(call, what, layer) BASE_TRY(nn_dnnl_status((call), (what), (layer)))

/* program.c */
/** @p keep [layers]: whose inputs stay; NULL: everything stays. @p watch: a node, or 0. */
BaseStatus nn_program_create(NnNet *net, NnMode mode, NnPrecision precision, int64_t n, const uint8_t *keep,
                             NnNode watch, dnnl_engine_t engine, NnProgram **out);
void nn_program_free(NnProgram *p);
BaseStatus nn_program_run(NnProgram *p, const NnSteps *steps, dnnl_stream_t stream);

bool nn_has_avx512(void); /* in what oneDNN may use */
const NnNodeInfo *nn_prog_node(const NnProgram *p, NnNode x);
const char *nn_prog_name(const NnProgram *p, NnNode x); /* for messages: the layer's, or the kind's */
dnnl_memory_desc_t nn_md(dnnl_data_type_t type, dnnl_format_tag_t tag, int ndims, const int64_t *dims);
dnnl_memory_desc_t nn_md_map(const NnProgram *p, NnNode x, dnnl_data_type_t type, dnnl_format_tag_t tag);
/** A tensor in fresh storage; @p pooled: from the backward pass's pool. */
BaseStatus nn_prog_tensor(NnProgram *p, const dnnl_memory_desc_t *md, bool pooled, NnTensor *out);
/** @p from's storage read as @p md; holds a reference. */
BaseStatus nn_prog_view(NnProgram *p, const NnTensor *from, const dnnl_memory_desc_t *md, NnTensor *out);
/** The same from byte @p offset of it on. */
BaseStatus nn_prog_view_at(NnProgram *p, const NnTensor *from, size_t offset, const dnnl_memory_desc_t *md,
                           NnTensor *out);
/** Storage that is not the program's. */
BaseStatus nn_prog_wrap(NnProgram *p, const dnnl_memory_desc_t *md, const void *data, NnTensor *out);
void nn_prog_hold(NnTensor *t);
void nn_prog_release(NnTensor *t); /* gives up the reference; *t becomes empty */
/** @p from in layout and type @p want: itself, a view, or a reorder added to @p steps. Holds a reference. */
BaseStatus nn_prog_convert(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from,
                           const dnnl_memory_desc_t *want, bool pooled, NnTensor *out);
/** [n, C, H, W] in any layout as plain rows [n * H * W, C]. */
BaseStatus nn_prog_vector(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, bool pooled,
                          NnTensor *out);
BaseStatus nn_prog_reorder(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, const NnTensor *to);
/** A primitive descriptor the program keeps. @p attr is borrowed, may be NULL. */
BaseStatus nn_prog_pd(NnProgram *p, const void *desc, const_dnnl_primitive_attr_t attr,
                      const_dnnl_primitive_desc_t hint, const char *name, const_dnnl_primitive_desc_t *out);
/** The primitive of @p pd as the next step; the pointer is good until the next step is added. */
BaseStatus nn_prog_step(NnProgram *p, NnSteps *steps, const char *name, const_dnnl_primitive_desc_t pd, NnStep **out);
void nn_step_arg(NnStep *step, int arg, const NnTensor *t);
BaseStatus nn_prog_own_step(NnSteps *steps, const char *name, BaseStatus (*run)(NnProgram *, const NnJob *), NnJob job);
/** A tensor whose storage is the caller's gradient block at @p offset. */
BaseStatus nn_prog_grad_view(NnProgram *p, const dnnl_memory_desc_t *md, int64_t offset, NnTensor *out);
const dnnl_memory_desc_t *nn_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t query);

/* reload.c: copies of the network's weights in the primitives' layouts */
BaseStatus nn_reload_weight(NnProgram *p, NnNode x, NnNode norm, const dnnl_memory_desc_t *want, NnTensor *weight);
BaseStatus nn_reload_bias(NnProgram *p, NnNode x, NnNode norm, NnTensor *bias);
BaseStatus nn_prog_param(NnProgram *p, int slice, NnTensor *out);
BaseStatus nn_prog_buffer(NnProgram *p, int slice, NnTensor *out);
/** Shape of a layer's weight as oneDNN wants it: [K, C, kh, kw] or [K, C]. */
dnnl_memory_desc_t nn_md_weight(const NnProgram *p, NnNode x, dnnl_data_type_t type, bool any);

/* convolution.c: which algorithm runs a convolution, and what oneDNN's own ones compute, directly or by Winograd's */
/** The table's row for pass @p pass of convolution @p x, else the fixed rules'. @p rule, or NULL: the rules' alone. */
NnConvAlgorithm nn_conv_algorithm(const NnProgram *p, NnNode x, NnPass pass, NnConvAlgorithm *rule);
/** That convolution's key; algorithm: direct. */
NnTuningRow nn_conv_row(const NnProgram *p, NnNode x, NnPass pass);
NnPass nn_conv_forward_pass(const NnProgram *p);
/** Whether oneDNN on this machine takes a 3x3 shape of stride 1 by Winograd's algorithm within the memory allowed. */
bool nn_conv_winograd_possible(const NnTuningRow *row);
BaseStatus nn_conv_forward_pd(NnProgram *p, NnNode x, bool bias, const_dnnl_primitive_attr_t attr,
                              const_dnnl_primitive_desc_t *out);
BaseStatus nn_conv_data_pd(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_desc_t *out);
BaseStatus nn_conv_weights_pd(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint,
                              const_dnnl_primitive_desc_t *out);
void nn_conv_geometry(const NnNodeInfo *node, dnnl_dims_t stride, dnnl_dims_t kernel, dnnl_dims_t pad);

/* maxpool.c: 2x2 max pooling without AVX-512, on float32 maps in blocks of 8 channels */
bool nn_maxpool_fits(const NnProgram *p, NnNode x);
/** Reads state[x].src; makes its value and, for a backward pass, its workspace. */
BaseStatus nn_maxpool_forward(NnProgram *p, NnNode x);
/** @p g as the value lies, @p diff as the source does. */
BaseStatus nn_maxpool_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

/* normpool.c: batch norm, ReLU and 2x2 max pooling in one step */
bool nn_normpool_fits(const NnProgram *p, NnNode norm, NnNode pool);
/** Reads state[norm].src; makes state[pool].value and fills state[norm].mean and .var. */
BaseStatus nn_normpool_forward(NnProgram *p, NnNode norm, NnNode pool);
/** @p diff: of the batch norm's input; the gradients of its weight and bias go to the gradient block. */
BaseStatus nn_normpool_backward(NnProgram *p, NnNode norm, NnNode pool, const NnTensor *g, NnTensor *diff);

/* unfold.c: convolutions of small maps as matrix products. A patch is one row of F = kh * kw * C, C fastest. */
typedef struct {
    NnTensor a, b, c;     /* c = a b + bias (+ other), plain 2-d */
    NnTensor bias, other; /* empty: none */
    const_dnnl_primitive_attr_t attr;
} NnMatmul;
bool nn_unfold_pays(const NnProgram *p, NnNode x, NnPass pass); /* by the fixed rules */
bool nn_unfold_possible(const NnTuningRow *row);                /* its patches stay below a limit */
dnnl_memory_desc_t nn_unfold_md(const NnProgram *p, NnNode x);  /* of the patches, [n * oh * ow, F] */
/** The patches of convolution @p x's input, [n * oh * ow, F]. */
BaseStatus nn_unfold_source(NnProgram *p, NnSteps *steps, NnNode x, bool pooled, NnTensor *out);
/** The weight as [F, K], stored as [K, F]. */
BaseStatus nn_unfold_weight(NnProgram *p, NnNode x, NnNode norm, NnTensor *out);
/** Output [n, K, oh, ow] of @p x (or its gradient) as rows [n * oh * ow, K]. */
BaseStatus nn_unfold_rows(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *map, NnTensor *out);
/** @p pack: where b is repacked for speed; NULL: taken as it is. */
BaseStatus nn_unfold_product(NnProgram *p, NnSteps *steps, NnNode x, const NnMatmul *m, NnSteps *pack);
/** The transpose of nn_unfold_source: gradients of patches summed into that of the input. */
BaseStatus nn_unfold_fold(NnProgram *p, NnNode x, const NnTensor *patches, NnTensor *out);
/** The bias gradient of @p x: rows [n * oh * ow, K] summed into the gradient block. */
BaseStatus nn_unfold_bias(NnProgram *p, NnNode x, const NnTensor *rows);
/** The same storage seen as the transposed matrix. */
BaseStatus nn_unfold_transposed(NnProgram *p, const NnTensor *from, NnTensor *out);

/* winograd.c: Winograd's algorithm without AVX-512, where oneDNN has none, on float32 maps in blocks of 8 channels */
bool nn_winograd_ours(NnConvAlgorithm algorithm); /* that is what this file runs here */
bool nn_winograd_pays(const NnProgram *p, NnNode x);
bool nn_winograd_possible(const NnTuningRow *row);
dnnl_memory_desc_t nn_winograd_md(const NnProgram *p, NnNode x); /* of a map */
/** @p src and @p dst as nn_winograd_md says, and @p other, which is added (empty: nothing). */
BaseStatus nn_winograd_forward(NnProgram *p, NnNode x, NnNode norm, const NnTensor *src, const NnTensor *other,
                               bool relu, const NnTensor *dst);
/** From the output's gradient, in any layout: that of weight and bias, to the gradient block; that of the input. */
BaseStatus nn_winograd_weights(NnProgram *p, NnNode x, const NnTensor *src, const NnTensor *g);
BaseStatus nn_winograd_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

/* attention.c, tokens.c, layernorm.c: transformers. @p diff: the gradient of the one input, made fresh; parameters'
 * gradients go to the gradient block. */
BaseStatus nn_attention_forward(NnProgram *p, NnNode x);
BaseStatus nn_attention_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);
BaseStatus nn_tokens_forward(NnProgram *p, NnNode x);
BaseStatus nn_tokens_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);
BaseStatus nn_first_token_forward(NnProgram *p, NnNode x);
BaseStatus nn_first_token_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);
BaseStatus nn_layer_norm_forward(NnProgram *p, NnNode x);
BaseStatus nn_layer_norm_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);
BaseStatus nn_gelu_forward(NnProgram *p, NnNode x);
BaseStatus nn_gelu_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff);

/* forward.c, backward.c: the steps of the whole graph */
BaseStatus nn_build_forward(NnProgram *p);
BaseStatus nn_build_backward(NnProgram *p);
BaseStatus nn_dropout_run(NnProgram *p, const NnJob *job);

/* bf16 is the upper half of a float32; rounded to nearest even */
static inline float nn_bf16_to_f32(uint16_t half)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = (uint32_t)half << 16};
    return u.value;
}
static inline uint16_t nn_bf16_from_f32(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = {.value = value};
    return value != value ? 0x7fc0 : (uint16_t)((u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16);
}

#endif
