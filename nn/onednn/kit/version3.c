/* nn/onednn/kit/version3.c - oneDNN 3: descriptors are handles that somebody must destroy, and each operation has a
 * call of its own. */
#include "nn/onednn/kit/native.h"

#if DNNL_VERSION_MAJOR == 3

#include <string.h>

static dnnl_status_t take(NnMd *md, dnnl_status_t status, dnnl_memory_desc_t made, void **own)
{
    if (status == dnnl_success) md->native = *own = made;
    return status;
}

dnnl_status_t nn_native_tagged(NnMd *md, dnnl_format_tag_t tag, void **own)
{
    dnnl_memory_desc_t made = NULL;
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&made, md->ndims, md->dims, md->type, tag);
    return take(md, status, made, own);
}

dnnl_status_t nn_native_strided(NnMd *md, const dnnl_dims_t strides, void **own)
{
    dnnl_memory_desc_t made = NULL;
    dnnl_status_t status = dnnl_memory_desc_create_with_strides(&made, md->ndims, md->dims, md->type, strides);
    return take(md, status, made, own);
}

void nn_native_destroy(void *own) { dnnl_memory_desc_destroy(own); }

bool nn_md_equal(const NnMd *a, const NnMd *b)
{
    return a->native == b->native || (a->native && b->native && dnnl_memory_desc_equal(a->native, b->native));
}

size_t nn_md_bytes(const NnMd *md) { return md->native ? dnnl_memory_desc_get_size(md->native) : 0; }

static void copy_dims(const NnMd *md, dnnl_query_t what, dnnl_dims_t out)
{
    const dnnl_dims_t *found = NULL;
    if (dnnl_memory_desc_query(md->native, what, (void *)&found) == dnnl_success && found)
        memcpy(out, *found, (size_t)md->ndims * sizeof *out);
}

void nn_native_layout(const NnMd *md, NnLayout *out)
{
    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    const dnnl_dims_t *axes = NULL;
    int32_t blocks = 0;
    *out = (NnLayout){0};
    if (!md->native || dnnl_memory_desc_query(md->native, dnnl_query_format_kind, &kind) != dnnl_success) return;
    out->blocked = kind == dnnl_blocked;
    if (!out->blocked) return;
    dnnl_memory_desc_query(md->native, dnnl_query_submemory_offset_s64, &out->offset);
    copy_dims(md, dnnl_query_padded_dims, out->padded);
    copy_dims(md, dnnl_query_strides, out->strides);
    if (dnnl_memory_desc_query(md->native, dnnl_query_inner_nblks_s32, &blocks) == dnnl_success) out->blocks = blocks;
    if (blocks > 0 && dnnl_memory_desc_query(md->native, dnnl_query_inner_idxs, (void *)&axes) == dnnl_success)
        out->block_axis = (*axes)[0];
}

NnMd nn_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t query)
{
    NnMd md = {.native = dnnl_primitive_desc_query_md(pd, query, 0)};
    int32_t ndims = 0;
    if (!md.native || dnnl_memory_desc_query(md.native, dnnl_query_ndims_s32, &ndims) != dnnl_success || ndims == 0)
        return (NnMd){0};
    md.ndims = ndims;
    dnnl_memory_desc_query(md.native, dnnl_query_data_type, &md.type);
    copy_dims(&md, dnnl_query_dims, md.dims);
    return md;
}

dnnl_status_t nn_native_memory(dnnl_engine_t engine, const NnMd *md, void *data, dnnl_memory_t *out)
{
    return dnnl_memory_create(out, md->native, engine, data);
}

dnnl_status_t nn_native_reorder(dnnl_engine_t engine, const NnMd *from, const NnMd *to, dnnl_primitive_desc_t *out)
{
    return dnnl_reorder_primitive_desc_create(out, from->native, engine, to->native, engine, NULL);
}

dnnl_status_t nn_native_add_eltwise(dnnl_post_ops_t ops, const NnEltwise *function)
{
    return dnnl_post_ops_append_eltwise(ops, function->algorithm, function->alpha, function->beta);
}

dnnl_status_t nn_native_add_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}

dnnl_status_t nn_native_add_tensor(dnnl_post_ops_t ops, const NnMd *md)
{
    return dnnl_post_ops_append_binary(ops, dnnl_binary_add, md->native);
}

/* ---- operations: engine, what it is, attributes, where it goes ---- */

typedef const_dnnl_primitive_attr_t Attr;
typedef dnnl_primitive_desc_t *Out;

static const dnnl_dims_t NONE = {0}; /* dilation of a pooling */

static const_dnnl_memory_desc_t of(const NnMd *md) { return md ? md->native : NULL; }

static dnnl_status_t convolution(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_convolution_backward_data_primitive_desc_create(out, e, op->algorithm, of(op->src), of(op->weight),
                                                                    of(op->dst), op->stride, op->dilation, op->pad,
                                                                    op->end, op->hint, attr);
    if (op->prop == dnnl_backward_weights)
        return dnnl_convolution_backward_weights_primitive_desc_create(
            out, e, op->algorithm, of(op->src), of(op->weight), of(op->bias), of(op->dst), op->stride, op->dilation,
            op->pad, op->end, op->hint, attr);
    return dnnl_convolution_forward_primitive_desc_create(out, e, op->prop, op->algorithm, of(op->src), of(op->weight),
                                                          of(op->bias), of(op->dst), op->stride, op->dilation, op->pad,
                                                          op->end, attr);
}

static dnnl_status_t inner_product(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_inner_product_backward_data_primitive_desc_create(out, e, of(op->src), of(op->weight), of(op->dst),
                                                                      op->hint, attr);
    if (op->prop == dnnl_backward_weights)
        return dnnl_inner_product_backward_weights_primitive_desc_create(out, e, of(op->src), of(op->weight),
                                                                         of(op->bias), of(op->dst), op->hint, attr);
    return dnnl_inner_product_forward_primitive_desc_create(out, e, op->prop, of(op->src), of(op->weight), of(op->bias),
                                                            of(op->dst), attr);
}

static dnnl_status_t batch_norm(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward)
        return dnnl_batch_normalization_backward_primitive_desc_create(out, e, op->prop, of(op->diff), of(op->diff),
                                                                       of(op->src), op->epsilon, nn_native_flags(op),
                                                                       op->hint, attr);
    return dnnl_batch_normalization_forward_primitive_desc_create(out, e, op->prop, of(op->src), of(op->src),
                                                                  op->epsilon, nn_native_flags(op), attr);
}

static dnnl_status_t layer_norm(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward)
        return dnnl_layer_normalization_backward_primitive_desc_create(out, e, op->prop, of(op->diff), of(op->diff),
                                                                       of(op->src), of(op->statistics), op->epsilon,
                                                                       nn_native_flags(op), op->hint, attr);
    return dnnl_layer_normalization_forward_primitive_desc_create(
        out, e, op->prop, of(op->src), of(op->src), of(op->statistics), op->epsilon, nn_native_flags(op), attr);
}

static dnnl_status_t elementwise(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_eltwise_backward_primitive_desc_create(out, e, op->algorithm, of(op->diff), of(op->diff),
                                                           of(op->src), op->alpha, op->beta, op->hint, attr);
    return dnnl_eltwise_forward_primitive_desc_create(out, e, op->prop, op->algorithm, of(op->src), of(op->src),
                                                      op->alpha, op->beta, attr);
}

static dnnl_status_t softmax(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_softmax_backward_primitive_desc_create(out, e, dnnl_softmax_accurate, of(op->diff), of(op->diff),
                                                           of(op->dst), op->dst->ndims - 1, op->hint, attr);
    return dnnl_softmax_forward_primitive_desc_create(out, e, op->prop, dnnl_softmax_accurate, of(op->src), of(op->src),
                                                      op->src->ndims - 1, attr);
}

static dnnl_status_t pooling(dnnl_engine_t e, const NnOp *op, Attr attr, Out out)
{
    if (op->prop == dnnl_backward_data)
        return dnnl_pooling_backward_primitive_desc_create(out, e, op->algorithm, of(op->src), of(op->dst), op->stride,
                                                           op->kernel, NONE, op->pad, op->end, op->hint, attr);
    return dnnl_pooling_forward_primitive_desc_create(out, e, op->prop, op->algorithm, of(op->src), of(op->dst),
                                                      op->stride, op->kernel, NONE, op->pad, op->end, attr);
}

dnnl_status_t nn_native_pd(dnnl_engine_t engine, const NnOp *op, Attr attr, Out out)
{
    switch (op->kind) {
    case NN_OP_CONVOLUTION: return convolution(engine, op, attr, out);
    case NN_OP_INNER_PRODUCT: return inner_product(engine, op, attr, out);
    case NN_OP_MATMUL:
        return dnnl_matmul_primitive_desc_create(out, engine, of(op->src), of(op->weight), of(op->bias), of(op->dst),
                                                 attr);
    case NN_OP_BATCH_NORM: return batch_norm(engine, op, attr, out);
    case NN_OP_LAYER_NORM: return layer_norm(engine, op, attr, out);
    case NN_OP_ELEMENTWISE: return elementwise(engine, op, attr, out);
    case NN_OP_SOFTMAX: return softmax(engine, op, attr, out);
    case NN_OP_POOLING: return pooling(engine, op, attr, out);
    case NN_OP_SUM:
        return dnnl_binary_primitive_desc_create(out, engine, dnnl_binary_add, of(op->src), of(op->diff), of(op->dst),
                                                 attr);
    }
    return dnnl_invalid_arguments;
}

#else
typedef int NnOtherVersion; /* an empty file is no C */
#endif
