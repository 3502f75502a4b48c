/* nn/onednn/kit/kit.c - what both versions of oneDNN share: statuses, instruction sets, ownership, and the choice of an
 * implementation. */
#include "nn/onednn/kit/kit.h"

#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "nn/onednn/kit/native.h"

BaseStatus nn_dnnl_status(dnnl_status_t status, const char *what, const char *layer)
{
    static const char *const NAMES[] = {"success",       "out of memory", "invalid arguments", "unimplemented",
                                        "iterator ends", "runtime error", "not required"};
    if (status == dnnl_success) return BASE_OK;
    if (status == dnnl_out_of_memory) return base_error_set(BASE_ENOMEM, "not enough memory: %s of %s", what, layer);
    return base_error_set(BASE_EBACKEND, "oneDNN, %s of %s: %s (%d)", what, layer,
                          (size_t)status < BASE_COUNT(NAMES) ? NAMES[status] : "unknown", (int)status);
}

bool nn_isa_has(dnnl_cpu_isa_t isa) { return isa && (dnnl_get_effective_cpu_isa() & isa) == isa; }

const char *nn_isa_name(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } NAMES[] = {{dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
                 {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
                 {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
                 {dnnl_cpu_isa_avx512_core, "avx512_core"},
                 {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
                 {dnnl_cpu_isa_avx2, "avx2"},
                 {dnnl_cpu_isa_avx, "avx"},
                 {dnnl_cpu_isa_sse41, "sse41"}};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++)
        if (nn_isa_has(NAMES[i].isa)) return NAMES[i].name;
    return "generic";
}

BaseStatus nn_device_open(NnDevice *out)
{
    BaseStatus st = BASE_OK;
    *out = (NnDevice){0};
    NN_DNNL(dnnl_engine_create(&out->engine, dnnl_cpu, 0), "the engine", "the network");
    NN_DNNL(dnnl_stream_create(&out->stream, out->engine, dnnl_stream_default_flags), "the stream", "the network");
out:
    if (st != BASE_OK) nn_device_close(out);
    return st;
}

void nn_device_close(NnDevice *device)
{
    if (device->stream) dnnl_stream_destroy(device->stream);
    if (device->engine) dnnl_engine_destroy(device->engine);
    *device = (NnDevice){0};
}

/* ---- ownership ---- */

typedef enum { DESCRIPTOR, MEMORY, PD, PRIMITIVE } ThingKind;
struct NnKitThing {
    ThingKind kind;
    union {
        void *descriptor;
        dnnl_memory_t memory;
        dnnl_primitive_desc_t pd;
        dnnl_primitive_t primitive;
    } as;
};

/* Room for one more, before it is made: what exists is always kept. */
static BaseStatus make_room(NnKit *kit)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(kit->failed);
    BASE_TRY(BASE_GROW_BY_ONE(&kit->things, kit->count));
out:
    return st;
}

static void thing_destroy(const struct NnKitThing *thing)
{
    switch (thing->kind) {
    case DESCRIPTOR: nn_native_destroy(thing->as.descriptor); break;
    case MEMORY: dnnl_memory_destroy(thing->as.memory); break;
    case PD: dnnl_primitive_desc_destroy(thing->as.pd); break;
    case PRIMITIVE: dnnl_primitive_destroy(thing->as.primitive); break;
    }
}

void nn_kit_clear(NnKit *kit)
{
    while (kit->count > 0) thing_destroy(&kit->things[--kit->count]); /* memory before its descriptor */
    base_free(kit->things);
    *kit = (NnKit){.engine = kit->engine};
}

/* ---- descriptors ---- */

/* @p strides NULL: as @p tag says */
static NnMd make_md(NnKit *kit, dnnl_data_type_t type, int ndims, const int64_t *dims, dnnl_format_tag_t tag,
                    const int64_t *strides)
{
    BaseStatus st = BASE_OK;
    NnMd md = {.type = type, .ndims = ndims};
    dnnl_dims_t steps = {0};
    void *own = NULL;
    memcpy(md.dims, dims, (size_t)ndims * sizeof *dims);
    if (strides) memcpy(steps, strides, (size_t)ndims * sizeof *strides);
    BASE_TRY(make_room(kit));
    NN_DNNL(strides ? nn_native_strided(&md, steps, &own) : nn_native_tagged(&md, tag, &own), "a descriptor",
            "the network");
    if (own) kit->things[kit->count++] = (struct NnKitThing){.kind = DESCRIPTOR, .as.descriptor = own};
out:
    if (st == BASE_OK) return md;
    kit->failed = st;
    return (NnMd){0};
}

NnMd nn_md(NnKit *kit, dnnl_data_type_t type, dnnl_format_tag_t tag, int ndims, const int64_t *dims)
{
    return make_md(kit, type, ndims, dims, tag, NULL);
}

NnMd nn_md_strided(NnKit *kit, dnnl_data_type_t type, int ndims, const int64_t *dims, const int64_t *strides)
{
    return make_md(kit, type, ndims, dims, dnnl_format_tag_undef, strides);
}

bool nn_md_is(const NnMd *md, dnnl_format_tag_t tag)
{
    NnMd other = {.type = md->type, .ndims = md->ndims};
    void *own = NULL;
    memcpy(other.dims, md->dims, sizeof other.dims);
    bool is = md->ndims > 0 && nn_native_tagged(&other, tag, &own) == dnnl_success && nn_md_equal(md, &other);
    if (own) nn_native_destroy(own);
    return is;
}

int64_t nn_md_block(const NnMd *md)
{
    if (nn_md_is(md, dnnl_nhwc)) return md->dims[1];
    if (md->dims[1] % 16 == 0 && nn_md_is(md, dnnl_nChw16c)) return 16;
    if (md->dims[1] % 8 == 0 && nn_md_is(md, dnnl_nChw8c)) return 8;
    return nn_md_is(md, dnnl_nchw) ? 1 : 0;
}

static bool is_dense_vector(const NnMd *md)
{
    NnLayout at;
    if (md->ndims != 4 || md->dims[2] != 1 || md->dims[3] != 1) return false;
    nn_native_layout(md, &at);
    if (!at.blocked || at.offset != 0) return false;
    if (memcmp(md->dims, at.padded, 4 * sizeof *md->dims) != 0 || at.strides[0] != md->dims[1]) return false;
    if (at.blocks == 0) return md->dims[1] == 1 || at.strides[1] == 1;
    return at.blocks == 1 && at.block_axis == 1;
}

bool nn_md_same_memory(const NnMd *a, const NnMd *b)
{
    return a->type == b->type && is_dense_vector(a) && is_dense_vector(b) && a->dims[0] == b->dims[0] &&
           a->dims[1] == b->dims[1];
}

int64_t nn_md_last_stride(const NnMd *md)
{
    NnLayout at;
    nn_native_layout(md, &at);
    return at.strides[md->ndims - 1];
}

/* ---- primitives ---- */

static BaseStatus make_attr(const NnOp *op, const char *name, dnnl_primitive_attr_t *out)
{
    BaseStatus st = BASE_OK;
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_attr_t attr = NULL;
    *out = NULL;
    bool scaled = op->post.scale != 0 && op->post.scale != 1; /* NOLINT: exactly 1 */
    if (!scaled && !op->post.sum && !op->post.add && !op->post.function.algorithm) return BASE_OK;
    NN_DNNL(dnnl_post_ops_create(&ops), "post-ops", name);
    NN_DNNL(dnnl_primitive_attr_create(&attr), "attributes", name);
    const NnEltwise by = {dnnl_eltwise_linear, op->post.scale, 0};
    if (scaled) NN_DNNL(nn_native_add_eltwise(ops, &by), "post-ops", name);
    if (op->post.sum) NN_DNNL(nn_native_add_sum(ops), "post-ops", name);
    if (op->post.add) NN_DNNL(nn_native_add_tensor(ops, op->post.add), "post-ops", name);
    if (op->post.function.algorithm) NN_DNNL(nn_native_add_eltwise(ops, &op->post.function), "post-ops", name);
    NN_DNNL(dnnl_primitive_attr_set_post_ops(attr, ops), "post-ops", name);
    *out = attr;
    attr = NULL;
out:
    if (ops) dnnl_post_ops_destroy(ops);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

BaseStatus nn_kit_pd(NnKit *kit, const NnOp *op, const char *name, const_dnnl_primitive_desc_t *out)
{
    BaseStatus st = BASE_OK;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd;
    BASE_TRY(make_room(kit));
    BASE_TRY(make_attr(op, name, &attr));
    NN_DNNL(nn_native_pd(kit->engine, op, attr, &pd), "choosing an implementation", name);
    kit->things[kit->count++] = (struct NnKitThing){.kind = PD, .as.pd = pd};
    *out = pd;
out:
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

BaseStatus nn_kit_reorder(NnKit *kit, const NnMd *from, const NnMd *to, const char *name,
                          const_dnnl_primitive_desc_t *out)
{
    BaseStatus st = BASE_OK;
    dnnl_primitive_desc_t pd;
    BASE_TRY(make_room(kit));
    NN_DNNL(nn_native_reorder(kit->engine, from, to, &pd), "a reorder", name);
    kit->things[kit->count++] = (struct NnKitThing){.kind = PD, .as.pd = pd};
    *out = pd;
out:
    return st;
}

BaseStatus nn_kit_memory(NnKit *kit, const NnMd *md, const void *data, dnnl_memory_t *out)
{
    BaseStatus st = BASE_OK;
    union {
        const void *in;
        void *out;
    } handle = {.in = data}; /* oneDNN has no memory that is only read */
    BASE_TRY(make_room(kit));
    NN_DNNL(nn_native_memory(kit->engine, md, handle.out, out), "memory", "the network");
    kit->things[kit->count++] = (struct NnKitThing){.kind = MEMORY, .as.memory = *out};
out:
    return st;
}

BaseStatus nn_kit_primitive(NnKit *kit, const_dnnl_primitive_desc_t pd, const char *name, dnnl_primitive_t *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(make_room(kit));
    NN_DNNL(dnnl_primitive_create(out, pd), "making the primitive", name);
    kit->things[kit->count++] = (struct NnKitThing){.kind = PRIMITIVE, .as.primitive = *out};
out:
    return st;
}

#ifdef __x86_64__
bool nn_isa_has_bf16(void) { return nn_isa_has(dnnl_cpu_isa_avx512_core_bf16); }
#else
bool nn_isa_has_bf16(void)
{
    NnDevice device;
    if (nn_device_open(&device) != BASE_OK) return false;
    NnKit kit = {.engine = device.engine};
    const int64_t dims[2] = {64, 64};
    NnMd from = nn_md(&kit, dnnl_bf16, dnnl_ab, 2, dims), to = nn_md(&kit, dnnl_f32, dnnl_ab, 2, dims);
    NnOp op = {.kind = NN_OP_MATMUL, .src = &from, .weight = &from, .dst = &to};
    const_dnnl_primitive_desc_t pd;
    bool has = nn_kit_pd(&kit, &op, "a bf16 product", &pd) == BASE_OK && !nn_pd_is_reference(pd);
    nn_kit_clear(&kit);
    nn_device_close(&device);
    return has;
}
#endif

bool nn_pd_wants_shift(const_dnnl_primitive_desc_t pd, int others)
{
    int32_t inputs = 0;
    return dnnl_primitive_desc_query(pd, dnnl_query_num_of_inputs_s32, 0, &inputs) == dnnl_success && inputs > others;
}

bool nn_pd_is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = NULL;
    return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name) == dnnl_success &&
           strstr(name, "ref") != NULL;
}
