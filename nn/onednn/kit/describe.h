/* nn/onednn/kit/describe.h - tensors and operations in our own words. */
#ifndef NN_ONEDNN_KIT_DESCRIBE_H
#define NN_ONEDNN_KIT_DESCRIBE_H

#include <dnnl.h>
#include <stdbool.h>

#if DNNL_VERSION_MAJOR != 2 && DNNL_VERSION_MAJOR != 3
#error "oneDNN 2.6 or later, or 3.1 or later, is needed"
#endif

/** Type, shape and layout of a tensor. A value, good for as long as the kit that made it. */
typedef struct {
    dnnl_data_type_t type;
    int ndims; /* 0: no tensor */
    dnnl_dims_t dims;
#if DNNL_VERSION_MAJOR == 2
    dnnl_memory_desc_t native;
#else
    const_dnnl_memory_desc_t native; /* the kit's, or its primitive descriptor's */
#endif
} NnMd;

bool nn_md_equal(const NnMd *a, const NnMd *b);
size_t nn_md_bytes(const NnMd *md);
/** A tensor of @p pd as it wants it: query = dnnl_query_src_md, dnnl_query_workspace_md, ... */
NnMd nn_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t query);

typedef enum {
    NN_OP_CONVOLUTION,
    NN_OP_INNER_PRODUCT,
    NN_OP_MATMUL,
    NN_OP_BATCH_NORM,
    NN_OP_LAYER_NORM,
    NN_OP_ELEMENTWISE,
    NN_OP_SOFTMAX, /* over the last axis */
    NN_OP_POOLING,
    NN_OP_SUM
} NnOpKind;

/** A function of one number, in oneDNN's words; 0: none. */
typedef struct {
    dnnl_alg_kind_t algorithm;
    float alpha, beta;
} NnEltwise;

/** What one primitive computes. Unused fields are 0. */
typedef struct {
    NnOpKind kind;
    dnnl_prop_kind_t prop; /* dnnl_forward_inference, ..._training, dnnl_backward_data, ..._weights, dnnl_backward */
    dnnl_alg_kind_t algorithm; /* of convolution, pooling and element-wise functions */
    /* Of values. In the passes that make gradients of a convolution, a linear layer or a pooling, of the gradients that
     * stand in their places. NULL: none. */
    const NnMd *src, *weight, *bias, *dst;
    const NnMd *diff;       /* of the gradients, where values are read beside them; a sum: of the second term */
    const NnMd *statistics; /* layer norm: of mean and variance */
    dnnl_dims_t stride, kernel;
    dnnl_dims_t pad, end; /* padding in front, and behind */
    dnnl_dims_t dilation; /* 0: none */
    float alpha, beta;    /* of an element-wise function */
    float epsilon;
    bool fixed;                       /* batch norm: on statistics that are given */
    bool relu;                        /* batch norm: with the ReLU after it */
    const_dnnl_primitive_desc_t hint; /* of the forward pass; NULL in it */
    struct {                          /* what happens to the result before it is stored, in this order */
        float scale;                  /* 0: as it is */
        bool sum;                     /* what the destination holds is added */
        const NnMd *add;              /* another tensor is, NN_ARG_ADDED; NULL: none */
        NnEltwise function;
    } post;
} NnOp;

#define NN_ARG_ADDED (DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1) /* with scale 0 and no sum */

#endif
