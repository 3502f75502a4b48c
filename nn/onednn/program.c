#include "nn/onednn/program.h"

#include <string.h>

#include "base/memory.h"

BaseStatus nn_dnnl_status(dnnl_status_t status, const char *what, const char *layer)
{
    static const char *const NAMES[] = {"success",       "out of memory", "invalid arguments", "unimplemented",
                                        "iterator ends", "runtime error", "not required"};
    if (status == dnnl_success) return BASE_OK;
    if (status == dnnl_out_of_memory) return base_error_set(BASE_ENOMEM, "not enough memory: %s of %s", what, layer);
    return base_error_set(BASE_EBACKEND, "oneDNN, %s of %s: %s (%d)", what, layer,
                          (size_t)status < sizeof NAMES / sizeof *NAMES ? NAMES[status] : "unknown", (int)status);
}

bool nn_has_avx512(void)
{
    return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

const NnNodeInfo *nn_prog_node(const NnProgram *p, NnNode x) { return nn_graph_node(p->graph, x); }

const char *nn_prog_name(const NnProgram *p, NnNode x)
{
    static const char *const KINDS[] = {"the input",     "a convolution", "a linear layer",  "a batch norm",
                                        "a ReLU",        "a max pool",    "an average pool", "a flatten",
                                        "an add",        "a dropout",     "a class token",   "a token list",
                                        "a first token", "a layer norm",  "a GELU",          "an attention"};
    const NnNodeInfo *node = nn_prog_node(p, x);
    return node->name ? node->name : KINDS[node->kind];
}

/* ---- descriptors ---- */

dnnl_memory_desc_t nn_md(dnnl_data_type_t type, dnnl_format_tag_t tag, int ndims, const int64_t *dims)
{
    dnnl_memory_desc_t md;
    dnnl_dims_t all = {0}; /* the size that oneDNN declares */
    memcpy(all, dims, (size_t)ndims * sizeof *dims);
    if (dnnl_memory_desc_init_by_tag(&md, ndims, all, type, tag) != dnnl_success) memset(&md, 0, sizeof md);
    return md;
}

dnnl_memory_desc_t nn_md_map(const NnProgram *p, NnNode x, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const int64_t dims[4] = {p->n, node->C, node->H, node->W};
    return nn_md(type, tag, 4, dims);
}

const dnnl_memory_desc_t *nn_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t query)
{
    return dnnl_primitive_desc_query_md(pd, query, 0);
}

/* One pixel maps whose channels fill their blocks lie in memory as a plain [n, C], whatever the layout is called. */
static bool is_dense_vector(const dnnl_memory_desc_t *md)
{
    if (md->ndims != 4 || md->dims[2] != 1 || md->dims[3] != 1 || md->format_kind != dnnl_blocked || md->offset0 != 0)
        return false;
    const dnnl_blocking_desc_t *blocks = &md->format_desc.blocking;
    if (memcmp(md->dims, md->padded_dims, 4 * sizeof *md->dims) != 0 || blocks->strides[0] != md->dims[1]) return false;
    if (blocks->inner_nblks == 0) return md->dims[1] == 1 || blocks->strides[1] == 1;
    return blocks->inner_nblks == 1 && blocks->inner_idxs[0] == 1;
}

static bool same_memory(const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b)
{
    return a->data_type == b->data_type && is_dense_vector(a) && is_dense_vector(b) && a->dims[0] == b->dims[0] &&
           a->dims[1] == b->dims[1];
}

/* ---- storage ---- */

static BaseStatus new_buf(NnProgram *p, size_t bytes, bool pooled, NnBuf **out)
{
    BaseStatus st = BASE_OK;
    NnBuf *buf = NULL;
    if (pooled)
        for (int i = 0; i < p->buf_count; i++) { /* the smallest free one that is large enough */
            NnBuf *b = p->bufs[i];
            if (b->pooled && b->refs == 0 && b->bytes >= bytes && (!buf || b->bytes < buf->bytes)) buf = b;
        }
    if (buf) {
        buf->refs = 1;
        *out = buf;
        return BASE_OK;
    }
    if (p->buf_count == p->buf_room) {
        BASE_TRY(BASE_GROW(&p->bufs, p->buf_room, 2 * p->buf_room + 32));
        p->buf_room = 2 * p->buf_room + 32;
    }
    BASE_TRY(BASE_ALLOC(1, &buf));
    *buf = (NnBuf){.bytes = bytes, .refs = 1, .pooled = pooled};
    BASE_TRY(base_alloc_bytes(bytes, 1, &buf->data));
    p->bufs[p->buf_count++] = buf;
    *out = buf;
    buf = NULL;
out:
    base_free(buf);
    return st;
}

static BaseStatus new_memory(NnProgram *p, const dnnl_memory_desc_t *md, void *data, dnnl_memory_t *out)
{
    BaseStatus st = BASE_OK;
    if (p->mem_count == p->mem_room) {
        BASE_TRY(BASE_GROW(&p->mems, p->mem_room, 2 * p->mem_room + 64));
        p->mem_room = 2 * p->mem_room + 64;
    }
    NN_DNNL(dnnl_memory_create(out, md, p->engine, data), "memory", "the network");
    p->mems[p->mem_count++] = *out;
out:
    return st;
}

BaseStatus nn_prog_tensor(NnProgram *p, const dnnl_memory_desc_t *md, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor t = {.md = *md};
    BASE_TRY(new_buf(p, dnnl_memory_desc_get_size(md), pooled, &t.buf));
    BASE_TRY(new_memory(p, md, t.buf->data, &t.mem));
    *out = t;
out:
    return st;
}

BaseStatus nn_prog_view_at(NnProgram *p, const NnTensor *from, size_t offset, const dnnl_memory_desc_t *md,
                           NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor t = {.md = *md, .buf = from->buf};
    void *data;
    NN_DNNL(dnnl_memory_get_data_handle(from->mem, &data), "memory", "the network");
    BASE_TRY(new_memory(p, md, (uint8_t *)data + offset, &t.mem));
    nn_prog_hold(&t);
    *out = t;
out:
    return st;
}

BaseStatus nn_prog_view(NnProgram *p, const NnTensor *from, const dnnl_memory_desc_t *md, NnTensor *out)
{
    return nn_prog_view_at(p, from, 0, md, out);
}

BaseStatus nn_prog_wrap(NnProgram *p, const dnnl_memory_desc_t *md, const void *data, NnTensor *out)
{
    union {
        const void *in;
        void *out;
    } handle = {.in = data}; /* oneDNN has no const memory; what is wrapped here is only read */
    *out = (NnTensor){.md = *md};
    return new_memory(p, md, handle.out, &out->mem);
}

BaseStatus nn_prog_grad_view(NnProgram *p, const dnnl_memory_desc_t *md, int64_t offset, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    if (p->grad_count == p->grad_room) {
        BASE_TRY(BASE_GROW(&p->grad_views, p->grad_room, 2 * p->grad_room + 32));
        p->grad_room = 2 * p->grad_room + 32;
    }
    BASE_TRY(nn_prog_wrap(p, md, NULL, out));
    p->grad_views[p->grad_count++] = (NnGradView){out->mem, offset};
out:
    return st;
}

void nn_prog_hold(NnTensor *t)
{
    if (t->buf) t->buf->refs++;
}

void nn_prog_release(NnTensor *t)
{
    if (t->buf) t->buf->refs--;
    *t = (NnTensor){0};
}

/* ---- steps ---- */

static BaseStatus add_step(NnSteps *steps, NnStep **out)
{
    BaseStatus st = BASE_OK;
    if (steps->count == steps->room) {
        BASE_TRY(BASE_GROW(&steps->items, steps->room, 2 * steps->room + 32));
        steps->room = 2 * steps->room + 32;
    }
    *out = &steps->items[steps->count++];
    **out = (NnStep){0};
out:
    return st;
}

BaseStatus nn_prog_pd(NnProgram *p, const void *desc, const_dnnl_primitive_attr_t attr,
                      const_dnnl_primitive_desc_t hint, const char *name, const_dnnl_primitive_desc_t *out)
{
    BaseStatus st = BASE_OK;
    if (p->pd_count == p->pd_room) {
        BASE_TRY(BASE_GROW(&p->pds, p->pd_room, 2 * p->pd_room + 64));
        p->pd_room = 2 * p->pd_room + 64;
    }
    dnnl_primitive_desc_t pd;
    NN_DNNL(dnnl_primitive_desc_create(&pd, desc, attr, p->engine, hint), "choosing an implementation", name);
    p->pds[p->pd_count++] = pd;
    *out = pd;
out:
    return st;
}

BaseStatus nn_prog_step(NnProgram *p, NnSteps *steps, const char *name, const_dnnl_primitive_desc_t pd, NnStep **out)
{
    BaseStatus st = BASE_OK;
    (void)p;
    dnnl_primitive_t prim;
    NN_DNNL(dnnl_primitive_create(&prim, pd), "making the primitive", name);
    st = add_step(steps, out);
    if (st != BASE_OK) {
        dnnl_primitive_destroy(prim);
        goto out;
    }
    (*out)->name = name;
    (*out)->prim = prim;
out:
    return st;
}

void nn_step_arg(NnStep *step, int arg, const NnTensor *t)
{
    if (t->mem && step->nargs < NN_STEP_ARGS) step->args[step->nargs++] = (dnnl_exec_arg_t){arg, t->mem};
}

BaseStatus nn_prog_own_step(NnSteps *steps, const char *name, BaseStatus (*run)(NnProgram *, const NnJob *), NnJob job)
{
    NnStep *step;
    BaseStatus st = add_step(steps, &step);
    if (st == BASE_OK) *step = (NnStep){.name = name, .run = run, .job = job};
    return st;
}

BaseStatus nn_prog_reorder(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, const NnTensor *to)
{
    BaseStatus st = BASE_OK;
    dnnl_primitive_desc_t pd = NULL;
    NN_DNNL(dnnl_reorder_primitive_desc_create(&pd, &from->md, p->engine, &to->md, p->engine, NULL), "a reorder", name);
    NnStep *step;
    BASE_TRY(nn_prog_step(p, steps, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_FROM, from);
    nn_step_arg(step, DNNL_ARG_TO, to);
out:
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

BaseStatus nn_prog_convert(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from,
                           const dnnl_memory_desc_t *want, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor t = {0};
    if (dnnl_memory_desc_equal(&from->md, want)) {
        t = *from;
        nn_prog_hold(&t);
    } else if (same_memory(&from->md, want)) {
        BASE_TRY(nn_prog_view(p, from, want, &t));
    } else {
        BASE_TRY(nn_prog_tensor(p, want, pooled, &t));
        BASE_TRY(nn_prog_reorder(p, steps, name, from, &t));
    }
    *out = t;
out:
    return st;
}

BaseStatus nn_prog_vector(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, bool pooled,
                          NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor flat = {0};
    const int64_t *dims = from->md.dims, rows[2] = {dims[0] * dims[2] * dims[3], dims[1]};
    dnnl_memory_desc_t plain = nn_md(from->md.data_type, dnnl_nhwc, 4, dims);
    dnnl_memory_desc_t vector = nn_md(from->md.data_type, dnnl_nc, 2, rows);
    BASE_TRY(nn_prog_convert(p, steps, name, from, &plain, pooled, &flat));
    BASE_TRY(nn_prog_view(p, &flat, &vector, out));
out:
    nn_prog_release(&flat);
    return st;
}

BaseStatus nn_program_run(NnProgram *p, const NnSteps *steps, dnnl_stream_t stream)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < steps->count; i++) {
        const NnStep *step = &steps->items[i];
        if (step->prim)
            NN_DNNL(dnnl_primitive_execute(step->prim, stream, step->nargs, step->args), "running", step->name);
        else
            BASE_TRY(step->run(p, &step->job));
    }
    NN_DNNL(dnnl_stream_wait(stream), "running", "the network");
out:
    return st;
}

/* ---- the whole ---- */

static void count_consumers(NnProgram *p)
{
    for (int i = 0; i < p->size; i++) p->state[i].only = -1;
    for (int i = 0; i < p->size; i++) {
        const NnNodeInfo *node = nn_prog_node(p, i);
        NnState *state = &p->state[i];
        state->needs_grad = node->weight >= 0 || (i == 0 && p->mode == NN_MODE_EVAL_INPUT);
        for (int k = 0; k < 2; k++) {
            if (node->in[k] < 0) continue;
            NnState *from = &p->state[node->in[k]];
            from->only = from->consumers++ == 0 ? i : -1;
            state->needs_grad = state->needs_grad || from->needs_grad;
        }
    }
    const NnNode read[] = {nn_net_output(p->net), p->watch}; /* by the caller too */
    for (int i = 0; i < (p->watch > 0 ? 2 : 1); i++) {
        p->state[read[i]].consumers++;
        p->state[read[i]].only = -1;
    }
}

BaseStatus nn_program_create(NnNet *net, NnMode mode, NnPrecision precision, int64_t n, const uint8_t *keep,
                             NnNode watch, dnnl_engine_t engine, NnProgram **out)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &p));
    p->net = net;
    p->graph = nn_net_graph(net);
    p->size = nn_graph_size(p->graph);
    p->mode = mode;
    p->type = precision == NN_BF16 ? dnnl_bf16 : dnnl_f32;
    p->n = n;
    p->keep = keep;
    p->watch = watch;
    p->reuse = keep && mode == NN_MODE_EVAL;
    p->engine = engine;
    BASE_TRY(BASE_ALLOC(p->size, &p->state));
    BASE_TRY(BASE_ALLOC(p->size, &p->diff));
    count_consumers(p);
    BASE_TRY(nn_build_forward(p));
    p->load_forward = p->load.count;
    if (mode != NN_MODE_EVAL) BASE_TRY(nn_build_backward(p));
    *out = p;
    p = NULL;
out:
    nn_program_free(p);
    return st;
}

static void steps_free(NnSteps *steps)
{
    for (int i = 0; i < steps->count; i++)
        if (steps->items[i].prim) dnnl_primitive_destroy(steps->items[i].prim);
    base_free(steps->items);
}

void nn_program_free(NnProgram *p)
{
    if (!p) return;
    steps_free(&p->load);
    steps_free(&p->forward);
    steps_free(&p->backward);
    for (int i = 0; i < p->pd_count; i++) dnnl_primitive_desc_destroy(p->pds[i]);
    for (int i = 0; i < p->mem_count; i++) dnnl_memory_destroy(p->mems[i]);
    for (int i = 0; i < p->buf_count; i++) {
        base_free(p->bufs[i]->data);
        base_free(p->bufs[i]);
    }
    base_free(p->pds);
    base_free(p->mems);
    base_free(p->bufs);
    base_free(p->grad_views);
    base_free(p->state);
    base_free(p->diff);
    base_free(p);
}
