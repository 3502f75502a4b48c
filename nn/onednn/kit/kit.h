/* nn/onednn/kit/kit.h - the toolkit under everything in nn/onednn: descriptors of tensors, descriptions of operations,
 * and the memory and primitives that oneDNN makes of them. This folder alone includes oneDNN's header and tells
 * version 2 from version 3; above it stand the constants that both share (dnnl_f32, dnnl_nhwc, DNNL_ARG_SRC) and the
 * types of this header.
 */
#ifndef NN_ONEDNN_KIT_KIT_H
#define NN_ONEDNN_KIT_KIT_H

#include <dnnl.h>
#include <stdbool.h>

#include "base/status.h"

#if DNNL_VERSION_MAJOR != 2 && DNNL_VERSION_MAJOR != 3
#error "oneDNN 2.6 or later, or 3.1 or later, is needed"
#endif

/** BASE_OK, or BASE_EBACKEND (BASE_ENOMEM) with oneDNN's status, what was asked and the layer in the text. */
BaseStatus nn_dnnl_status(dnnl_status_t status, const char *what, const char *layer);
#define NN_DNNL(call, what, layer) BASE_TRY(nn_dnnl_status((call), (what), (layer)))

/* ---- the CPU, as far as oneDNN may use it ---- */

bool nn_isa_has(dnnl_cpu_isa_t isa);
/** Its name in tuning tables: "avx512_core_bf16", "avx2", ... Static storage. */
const char *nn_isa_name(void);

/** Where primitives run, and in which order. */
typedef struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} NnDevice;
BaseStatus nn_device_open(NnDevice *out);
void nn_device_close(NnDevice *device);

/* ---- descriptors ---- */

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

/** What oneDNN made for one owner, and gives back with it. */
typedef struct {
    dnnl_engine_t engine; /* borrowed */
    BaseStatus failed;    /* a descriptor could not be made: the next nn_kit_* call ends with it */
    struct NnKitThing *things;
    int count, room;
} NnKit;
void nn_kit_clear(NnKit *kit);

/** @p dims [ndims]. A descriptor that cannot be made is empty, and the kit has failed. */
NnMd nn_md(NnKit *kit, dnnl_data_type_t type, dnnl_format_tag_t tag, int ndims, const int64_t *dims);
NnMd nn_md_strided(NnKit *kit, dnnl_data_type_t type, int ndims, const int64_t *dims, const int64_t *strides);
bool nn_md_equal(const NnMd *a, const NnMd *b);
/** Whether @p md is laid out as @p tag says. */
bool nn_md_is(const NnMd *md, dnnl_format_tag_t tag);
/** Whether both lie in memory alike, whatever their layouts are called: maps of one pixel whose channels fill their
 *  blocks are a plain [n, C]. */
bool nn_md_same_memory(const NnMd *a, const NnMd *b);
/** Elements from one index of the last axis to the next. */
int64_t nn_md_last_stride(const NnMd *md);
size_t nn_md_bytes(const NnMd *md);

/* ---- operations ---- */

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

/** What one primitive computes. Unused fields are 0. */
typedef struct {
    NnOpKind kind;
    dnnl_prop_kind_t prop;     /* dnnl_forward_inference, ..._training, dnnl_backward_data, ..._weights, dnnl_backward */
    dnnl_alg_kind_t algorithm; /* of convolution, pooling and element-wise functions */
    /* Of values. In the passes that make gradients of a convolution, a linear layer or a pooling, of the gradients that
     * stand in their places. NULL: none. */
    const NnMd *src, *weight, *bias, *dst;
    const NnMd *diff;       /* of the gradients, where values are read beside them; a sum: of the second term */
    const NnMd *statistics; /* layer norm: of mean and variance */
    dnnl_dims_t stride, kernel, pad;
    float epsilon;
    bool fixed; /* batch norm: on statistics that are given */
    bool relu;  /* batch norm: with the ReLU behind it */
    const_dnnl_primitive_desc_t hint; /* of the forward pass; NULL in it */
    struct {                          /* what happens to the result before it is stored, in this order */
        float scale;                  /* 0: as it is */
        bool sum;                     /* what the destination holds is added */
        const NnMd *add;              /* another tensor is, NN_ARG_ADDED; NULL: none */
        bool relu;
    } post;
} NnOp;

#define NN_ARG_ADDED (DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1) /* with scale 0 and no sum */

/** The implementation that oneDNN chooses; the kit keeps it. */
BaseStatus nn_kit_pd(NnKit *kit, const NnOp *op, const char *name, const_dnnl_primitive_desc_t *out);
BaseStatus nn_kit_reorder(NnKit *kit, const NnMd *from, const NnMd *to, const char *name,
                          const_dnnl_primitive_desc_t *out);
/** Memory over @p data, which is borrowed. */
BaseStatus nn_kit_memory(NnKit *kit, const NnMd *md, const void *data, dnnl_memory_t *out);
BaseStatus nn_kit_primitive(NnKit *kit, const_dnnl_primitive_desc_t pd, const char *name, dnnl_primitive_t *out);

/** A tensor of @p pd as it wants it: query = dnnl_query_src_md, dnnl_query_workspace_md, ... */
NnMd nn_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t query);
/** Of a norm's backward pass with @p others inputs beside it: whether it asks for the shift, which no formula needs.
 *  Version 2 does, version 3 does in some releases for some norms. */
bool nn_pd_wants_shift(const_dnnl_primitive_desc_t pd, int others);
bool nn_pd_is_reference(const_dnnl_primitive_desc_t pd); /* one of oneDNN's slow plain loops */

#endif
