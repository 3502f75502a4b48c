/* nn/onednn/kit/version2.c - oneDNN 2: descriptors are plain structs, and an operation has a struct of its own before
 * it is a primitive. */
#include "nn/onednn/kit/native.h"

#if DNNL_VERSION_MAJOR == 2

#include <string.h>

dnnl_status_t nn_native_tagged(NnMd *md, dnnl_format_tag_t tag, void **own)
{
    (void)own;
    return dnnl_memory_desc_init_by_tag(&md->native, md->ndims, md->dims, md->type, tag);
}

dnnl_status_t nn_native_strided(NnMd *md, const dnnl_dims_t strides, void **own)
{
    (void)own;
    return dnnl_memory_desc_init_by_strides(&md->native, md->ndims, md->dims, md->type, strides);
}

void nn_native_destroy(void *own) { (void)own; }

bool nn_md_equal(const NnMd *a, const NnMd *b) { return dnnl_memory_desc_equal(&a->native, &b->native) != 0; }

size_t nn_md_bytes(const NnMd *md) { return dnnl_memory_desc_get_size(&md->native); }

void nn_native_layout(const NnMd *md, NnLayout *out)
{
    const dnnl_memory_desc_t *from = &md->native;
    const dnnl_blocking_desc_t *blocks = &from->format_desc.blocking;
    *out = (NnLayout){.blocked = from->format_kind == dnnl_blocked, .offset = from->offset0};
    if (!out->blocked) return;
    memcpy(out->padded, from->padded_dims, sizeof out->padded);
    memcpy(out->strides, blocks->strides, sizeof out->strides);
    out->blocks = blocks->inner_nblks;
    out->block_axis = blocks->inner_idxs[0];
}

NnMd nn_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t query)
{
    NnMd md = {0};
    const dnnl_memory_desc_t *native = dnnl_primitive_desc_query_md(pd, query, 0);
    if (!native) return md;
    md.native = *native;
    md.type = native->data_type;
    md.ndims = native->ndims;
    memcpy(md.dims, native->dims, sizeof md.dims);
    return md;
}

dnnl_status_t nn_native_memory(dnnl_engine_t engine, const NnMd *md, void *data, dnnl_memory_t *out)
{
    return dnnl_memory_create(out, &md->native, engine, data);
}

dnnl_status_t nn_native_reorder(dnnl_engine_t engine, const NnMd *from, const NnMd *to, dnnl_primitive_desc_t *out)
{
    return dnnl_reorder_primitive_desc_create(out, &from->native, engine, &to->native, engine, NULL);
}

dnnl_status_t nn_native_add_eltwise(dnnl_post_ops_t ops, const NnEltwise *function)
{
    return dnnl_post_ops_append_eltwise(ops, 1, function->algorithm, function->alpha, function->beta);
}

dnnl_status_t nn_native_add_sum(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1); }

dnnl_status_t nn_native_add_tensor(dnnl_post_ops_t ops, const NnMd *md)
{
    return dnnl_post_ops_append_binary(ops, dnnl_binary_add, &md->native);
}

/* The operation in oneDNN's words: one of these, whose first member says which. */
typedef union {
    dnnl_primitive_kind_t kind;
    dnnl_convolution_desc_t convolution;
    dnnl_inner_product_desc_t inner_product;
    dnnl_matmul_desc_t matmul;
    dnnl_batch_normalization_desc_t batch_norm;
    dnnl_layer_normalization_desc_t layer_norm;
    dnnl_eltwise_desc_t eltwise;
    dnnl_softmax_desc_t softmax;
    dnnl_pooling_desc_t pooling;
    dnnl_binary_desc_t binary;
} Desc;

static const dnnl_memory_desc_t *of(const NnMd *md) { return md ? &md->native : NULL; }

static dnnl_status_t convolution(const NnOp *op, Desc *d)
{
    dnnl_convolution_desc_t *c = &d->convolution;
    if (op->prop == dnnl_backward_data)
        return dnnl_dilated_convolution_backward_data_desc_init(
            c, op->algorithm, of(op->src), of(op->weight), of(op->dst), op->stride, op->dilation, op->pad, op->end);
    if (op->prop == dnnl_backward_weights)
        return dnnl_dilated_convolution_backward_weights_desc_init(c, op->algorithm, of(op->src), of(op->weight),
                                                                   of(op->bias), of(op->dst), op->stride, op->dilation,
                                                                   op->pad, op->end);
    return dnnl_dilated_convolution_forward_desc_init(c, op->prop, op->algorithm, of(op->src), of(op->weight),
                                                      of(op->bias), of(op->dst), op->stride, op->dilation, op->pad,
                                                      op->end);
}

static dnnl_status_t inner_product(const NnOp *op, Desc *d)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_inner_product_backward_data_desc_init(&d->inner_product, of(op->src), of(op->weight), of(op->dst));
    if (op->prop == dnnl_backward_weights)
        return dnnl_inner_product_backward_weights_desc_init(&d->inner_product, of(op->src), of(op->weight),
                                                             of(op->bias), of(op->dst));
    return dnnl_inner_product_forward_desc_init(&d->inner_product, op->prop, of(op->src), of(op->weight), of(op->bias),
                                                of(op->dst));
}

static dnnl_status_t batch_norm(const NnOp *op, Desc *d)
{
    if (op->prop == dnnl_backward)
        return dnnl_batch_normalization_backward_desc_init(&d->batch_norm, op->prop, of(op->diff), of(op->src),
                                                           op->epsilon, nn_native_flags(op));
    return dnnl_batch_normalization_forward_desc_init(&d->batch_norm, op->prop, of(op->src), op->epsilon,
                                                      nn_native_flags(op));
}

static dnnl_status_t layer_norm(const NnOp *op, Desc *d)
{
    if (op->prop == dnnl_backward)
        return dnnl_layer_normalization_backward_desc_init(&d->layer_norm, op->prop, of(op->diff), of(op->src),
                                                           of(op->statistics), op->epsilon, nn_native_flags(op));
    return dnnl_layer_normalization_forward_desc_init(&d->layer_norm, op->prop, of(op->src), of(op->statistics),
                                                      op->epsilon, nn_native_flags(op));
}

static dnnl_status_t elementwise(const NnOp *op, Desc *d)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_eltwise_backward_desc_init(&d->eltwise, op->algorithm, of(op->diff), of(op->src), op->alpha,
                                               op->beta);
    return dnnl_eltwise_forward_desc_init(&d->eltwise, op->prop, op->algorithm, of(op->src), op->alpha, op->beta);
}

static dnnl_status_t softmax(const NnOp *op, Desc *d)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_softmax_backward_desc_init(&d->softmax, of(op->diff), of(op->dst), op->dst->ndims - 1);
    return dnnl_softmax_forward_desc_init(&d->softmax, op->prop, of(op->src), op->src->ndims - 1);
}

static dnnl_status_t pooling(const NnOp *op, Desc *d)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_pooling_backward_desc_init(&d->pooling, op->algorithm, of(op->src), of(op->dst), op->stride,
                                               op->kernel, op->pad, op->end);
    return dnnl_pooling_forward_desc_init(&d->pooling, op->prop, op->algorithm, of(op->src), of(op->dst), op->stride,
                                          op->kernel, op->pad, op->end);
}

static dnnl_status_t describe(const NnOp *op, Desc *d)
{
    switch (op->kind) {
    case NN_OP_CONVOLUTION: return convolution(op, d);
    case NN_OP_INNER_PRODUCT: return inner_product(op, d);
    case NN_OP_MATMUL: return dnnl_matmul_desc_init(&d->matmul, of(op->src), of(op->weight), of(op->bias), of(op->dst));
    case NN_OP_BATCH_NORM: return batch_norm(op, d);
    case NN_OP_LAYER_NORM: return layer_norm(op, d);
    case NN_OP_ELEMENTWISE: return elementwise(op, d);
    case NN_OP_SOFTMAX: return softmax(op, d);
    case NN_OP_POOLING: return pooling(op, d);
    case NN_OP_SUM: return dnnl_binary_desc_init(&d->binary, dnnl_binary_add, of(op->src), of(op->diff), of(op->dst));
    }
    return dnnl_invalid_arguments;
}

dnnl_status_t nn_native_pd(dnnl_engine_t engine, const NnOp *op, const_dnnl_primitive_attr_t attr,
                           dnnl_primitive_desc_t *out)
{
    Desc desc;
    dnnl_status_t status = describe(op, &desc);
    return status == dnnl_success ? dnnl_primitive_desc_create(out, &desc, attr, engine, op->hint) : status;
}

#else
typedef int NnOtherVersion; /* an empty file is no C */
#endif
