/* nn/onednn/kit/kit.h - the toolkit under everything in nn/onednn: descriptors of tensors and descriptions of
 * operations (describe.h), and the memory and primitives that oneDNN makes of them. This folder alone includes oneDNN's
 * header and tells version 2 from version 3; above it stand the constants that both share (dnnl_f32, dnnl_nhwc,
 * DNNL_ARG_SRC) and the types of these two headers. */
#ifndef NN_ONEDNN_KIT_KIT_H
#define NN_ONEDNN_KIT_KIT_H

#include "base/status.h"
#include "nn/onednn/kit/describe.h"

/** BASE_OK, or BASE_EBACKEND (BASE_ENOMEM) with oneDNN's status, what was asked and the layer in the text. */
BaseStatus nn_dnnl_status(dnnl_status_t status, const char *what, const char *layer);
#define NN_DNNL(call, what, layer) BASE_TRY(nn_dnnl_status((call), (what), (layer)))

/* ---- the CPU, as far as oneDNN may use it ---- */

/** Of x86-64; on other processors false. */
bool nn_isa_has(dnnl_cpu_isa_t isa);
/** Instructions for bf16: on x86-64 by the instruction set, elsewhere where oneDNN multiplies bf16 matrices by more than
 *  its plain loops. */
bool nn_isa_has_bf16(void);
/** Its name in tuning tables: "avx512_core_bf16", "avx2", ...; "generic" where it is not x86-64. Static storage. */
const char *nn_isa_name(void);

/** Where primitives run, and in which order. */
typedef struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} NnDevice;
BaseStatus nn_device_open(NnDevice *out);
void nn_device_close(NnDevice *device);

/* ---- descriptors ---- */

/** What oneDNN made for one owner, and gives back with it. */
typedef struct {
    dnnl_engine_t engine; /* borrowed */
    BaseStatus failed;    /* a descriptor could not be made: the next nn_kit_* call ends with it */
    struct NnKitThing *things;
    int count;
} NnKit;
void nn_kit_clear(NnKit *kit);

/** @p dims [ndims]. A descriptor that cannot be made is empty, and the kit has failed. */
NnMd nn_md(NnKit *kit, dnnl_data_type_t type, dnnl_format_tag_t tag, int ndims, const int64_t *dims);
NnMd nn_md_strided(NnKit *kit, dnnl_data_type_t type, int ndims, const int64_t *dims, const int64_t *strides);
/** Whether @p md is laid out as @p tag says. */
bool nn_md_is(const NnMd *md, dnnl_format_tag_t tag);
/** Channels that lie side by side in a map's memory, of [n, C / block, H, W, block]; 0: it lies otherwise, or C is
 *  padded. */
int64_t nn_md_block(const NnMd *md);
/** Whether both lie in memory alike, whatever their layouts are called: maps of one pixel whose channels fill their
 *  blocks are a plain [n, C]. */
bool nn_md_same_memory(const NnMd *a, const NnMd *b);
/** Elements from one index of the last axis to the next. */
int64_t nn_md_last_stride(const NnMd *md);

/* ---- primitives ---- */

/** The implementation that oneDNN chooses; the kit keeps it. */
BaseStatus nn_kit_pd(NnKit *kit, const NnOp *op, const char *name, const_dnnl_primitive_desc_t *out);
BaseStatus nn_kit_reorder(NnKit *kit, const NnMd *from, const NnMd *to, const char *name,
                          const_dnnl_primitive_desc_t *out);
/** Memory over @p data, which is borrowed. */
BaseStatus nn_kit_memory(NnKit *kit, const NnMd *md, const void *data, dnnl_memory_t *out);
BaseStatus nn_kit_primitive(NnKit *kit, const_dnnl_primitive_desc_t pd, const char *name, dnnl_primitive_t *out);

/** Of a norm's backward pass with @p others inputs beside it: whether it asks for the shift, which no formula needs.
 *  Version 2 does, version 3 does in some releases for some norms. */
bool nn_pd_wants_shift(const_dnnl_primitive_desc_t pd, int others);
bool nn_pd_is_reference(const_dnnl_primitive_desc_t pd); /* one of oneDNN's slow plain loops */

#endif
