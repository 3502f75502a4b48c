/* nn/onednn/program.c - tensors with counted storage, conversions of layout, and the loop that runs the steps. */
#include "nn/onednn/program.h"

#include <string.h>

#include "base/memory.h"
#include "nn/ops/op.h"

/* ---- what is asked of the graph ---- */

const NnNodeInfo *nn_prog_node(const NnProgram *p, NnNode x) { return nn_graph_node(p->graph, x); }

const char *nn_prog_name(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    if (node->name) return node->name;
    return node->kind == NN_NODE_INPUT ? "the input" : nn_operation_of(node->kind)->title;
}

NnNode nn_prog_next(const NnProgram *p, NnNode x, NnNodeKind kind)
{
    NnNode next = p->state[x].only;
    return next >= 0 && nn_prog_node(p, next)->kind == kind ? next : -1;
}

dnnl_prop_kind_t nn_prog_forward(const NnProgram *p)
{
    return p->mode == NN_MODE_EVAL ? dnnl_forward_inference : dnnl_forward_training;
}

const NnSlice *nn_prog_param_slice(const NnProgram *p, int slice)
{
    int count;
    return &nn_net_param_slices(p->net, &count)[slice];
}

const NnSlice *nn_prog_buffer_slice(const NnProgram *p, int slice)
{
    int count;
    return &nn_net_buffer_slices(p->net, &count)[slice];
}

/* ---- tensors ---- */

NnMd nn_md_map(NnProgram *p, NnNode x, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const int64_t dims[4] = {p->n, node->C, node->H, node->W};
    return nn_md(&p->kit, type, tag, 4, dims);
}

NnMd nn_md_vector(NnProgram *p, int64_t count) { return nn_md(&p->kit, dnnl_f32, dnnl_x, 1, &count); }

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
    BASE_TRY(BASE_GROW_BY_ONE(&p->bufs, p->buf_count));
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

BaseStatus nn_prog_tensor(NnProgram *p, const NnMd *md, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor t = {.md = *md};
    BASE_TRY(new_buf(p, nn_md_bytes(md), pooled, &t.buf));
    BASE_TRY(nn_kit_memory(&p->kit, md, t.buf->data, &t.mem));
    *out = t;
out:
    return st;
}

BaseStatus nn_prog_view_at(NnProgram *p, const NnTensor *from, size_t offset, const NnMd *md, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor t = {.md = *md, .buf = from->buf};
    void *data;
    NN_DNNL(dnnl_memory_get_data_handle(from->mem, &data), "memory", "the network");
    BASE_TRY(nn_kit_memory(&p->kit, md, (uint8_t *)data + offset, &t.mem));
    nn_prog_hold(&t);
    *out = t;
out:
    return st;
}

BaseStatus nn_prog_view(NnProgram *p, const NnTensor *from, const NnMd *md, NnTensor *out)
{
    return nn_prog_view_at(p, from, 0, md, out);
}

BaseStatus nn_prog_wrap(NnProgram *p, const NnMd *md, const void *data, NnTensor *out)
{
    *out = (NnTensor){.md = *md};
    return nn_kit_memory(&p->kit, md, data, &out->mem);
}

BaseStatus nn_prog_grad_view(NnProgram *p, const NnMd *md, int64_t offset, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_GROW_BY_ONE(&p->grad_views, p->grad_count));
    BASE_TRY(nn_prog_wrap(p, md, NULL, out));
    p->grad_views[p->grad_count++] = (NnGradView){out->mem, offset};
out:
    return st;
}

BaseStatus nn_prog_data(const NnTensor *t, float **out)
{
    BaseStatus st = BASE_OK;
    void *data = NULL;
    if (t->mem) NN_DNNL(dnnl_memory_get_data_handle(t->mem, &data), "memory", "the network");
    *out = data;
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
    BASE_TRY(BASE_GROW_BY_ONE(&steps->items, steps->count));
    *out = &steps->items[steps->count++];
    **out = (NnStep){0};
out:
    return st;
}

BaseStatus nn_prog_step(NnProgram *p, NnSteps *steps, const char *name, const_dnnl_primitive_desc_t pd,
                        const NnStepArg *args)
{
    BaseStatus st = BASE_OK;
    NnStep *step;
    dnnl_primitive_t prim;
    BASE_TRY(nn_kit_primitive(&p->kit, pd, name, &prim));
    BASE_TRY(add_step(steps, &step));
    *step = (NnStep){.name = name, .prim = prim};
    for (; args->arg; args++)
        if (args->tensor && args->tensor->mem && step->nargs < NN_STEP_ARGS)
            step->args[step->nargs++] = (dnnl_exec_arg_t){args->arg, args->tensor->mem};
out:
    return st;
}

BaseStatus nn_prog_op(NnProgram *p, NnSteps *steps, const char *name, const NnOp *op, const NnStepArg *args,
                      const_dnnl_primitive_desc_t *pd)
{
    const_dnnl_primitive_desc_t made;
    BaseStatus st = nn_kit_pd(&p->kit, op, name, &made);
    if (st == BASE_OK && pd) *pd = made;
    return st == BASE_OK ? nn_prog_step(p, steps, name, made, args) : st;
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
    const_dnnl_primitive_desc_t pd;
    BaseStatus st = nn_kit_reorder(&p->kit, &from->md, &to->md, name, &pd);
    const NnStepArg args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {0}};
    return st == BASE_OK ? nn_prog_step(p, steps, name, pd, args) : st;
}

BaseStatus nn_prog_convert(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, const NnMd *want,
                           bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor t = {0};
    BASE_TRY(p->kit.failed); /* an empty wish would equal an empty tensor */
    if (nn_md_equal(&from->md, want)) {
        t = *from;
        nn_prog_hold(&t);
    } else if (nn_md_same_memory(&from->md, want)) {
        BASE_TRY(nn_prog_view(p, from, want, &t));
    } else {
        BASE_TRY(nn_prog_tensor(p, want, pooled, &t));
        BASE_TRY(nn_prog_reorder(p, steps, name, from, &t));
    }
    *out = t;
out:
    return st;
}

BaseStatus nn_prog_convert_for(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from,
                               const_dnnl_primitive_desc_t pd, dnnl_query_t query, bool pooled, NnTensor *out)
{
    NnMd want = nn_pd_md(pd, query);
    return nn_prog_convert(p, steps, name, from, &want, pooled, out);
}

/* @p type: of the rows */
static BaseStatus as_rows(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, dnnl_data_type_t type,
                          bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnTensor flat = {0};
    const int64_t *dims = from->md.dims, rows[2] = {dims[0] * dims[2] * dims[3], dims[1]};
    NnMd plain = nn_md(&p->kit, type, dnnl_nhwc, 4, dims), vector = nn_md(&p->kit, type, dnnl_nc, 2, rows);
    BASE_TRY(nn_prog_convert(p, steps, name, from, &plain, pooled, &flat));
    BASE_TRY(nn_prog_view(p, &flat, &vector, out));
out:
    nn_prog_release(&flat);
    return st;
}

BaseStatus nn_prog_rows(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *from, bool pooled, NnTensor *out)
{
    return as_rows(p, steps, nn_prog_name(p, x), from, p->type, pooled, out);
}

BaseStatus nn_prog_vector(NnProgram *p, NnSteps *steps, const char *name, const NnTensor *from, bool pooled,
                          NnTensor *out)
{
    return as_rows(p, steps, name, from, from->md.type, pooled, out);
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

void nn_program_free(NnProgram *p)
{
    if (!p) return;
    nn_kit_clear(&p->kit);
    for (int i = 0; i < p->buf_count; i++) {
        base_free(p->bufs[i]->data);
        base_free(p->bufs[i]);
    }
    base_free(p->taken);
    base_free(p->load.items);
    base_free(p->forward.items);
    base_free(p->backward.items);
    base_free(p->bufs);
    base_free(p->grad_views);
    base_free(p->state);
    base_free(p->diff);
    base_free(p);
}
