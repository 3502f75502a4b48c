/* nn/onednn/kit/native.h - what version2.c and version3.c each say in their version's words; for this folder only. */
#ifndef NN_ONEDNN_KIT_NATIVE_H
#define NN_ONEDNN_KIT_NATIVE_H

#include "nn/onednn/kit/describe.h"

/** How a tensor lies in memory; blocked false: in a way that only oneDNN knows. */
typedef struct {
    bool blocked;
    int64_t offset;
    dnnl_dims_t padded, strides;
    int blocks;         /* of channels and the like, innermost */
    int64_t block_axis; /* of the first of them */
} NnLayout;
void nn_native_layout(const NnMd *md, NnLayout *out);

/** md->type, ndims and dims are there; makes the rest. *own, where not NULL, is the kit's to destroy. */
dnnl_status_t nn_native_tagged(NnMd *md, dnnl_format_tag_t tag, void **own);
dnnl_status_t nn_native_strided(NnMd *md, const dnnl_dims_t strides, void **own);
void nn_native_destroy(void *own);

dnnl_status_t nn_native_memory(dnnl_engine_t engine, const NnMd *md, void *data, dnnl_memory_t *out);
dnnl_status_t nn_native_reorder(dnnl_engine_t engine, const NnMd *from, const NnMd *to, dnnl_primitive_desc_t *out);
dnnl_status_t nn_native_pd(dnnl_engine_t engine, const NnOp *op, const_dnnl_primitive_attr_t attr,
                           dnnl_primitive_desc_t *out);

dnnl_status_t nn_native_add_eltwise(dnnl_post_ops_t ops, const NnEltwise *function);
dnnl_status_t nn_native_add_sum(dnnl_post_ops_t ops);
dnnl_status_t nn_native_add_tensor(dnnl_post_ops_t ops, const NnMd *md);

/** Flags of the norms are called the same in both versions. */
static inline unsigned nn_native_flags(const NnOp *op)
{
    unsigned flags = dnnl_use_scale | dnnl_use_shift;
    if (op->fixed) flags |= dnnl_use_global_stats;
    if (op->relu) flags |= dnnl_fuse_norm_relu;
    return flags;
}

#endif
