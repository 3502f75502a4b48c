/* nn/onednn/ops/attention.c - multi-head self-attention (Vaswani et al. 2017) on [Q, K, V] stacked along the features,
 * as one projection made them. For each image and head, d = E / heads, rows = tokens:
 *
 *   S = Q K^T / sqrt(d)    P = softmax of the rows of S    O = P V
 *   dV = P^T dO    dP = dO V^T    dS = P (dP - rowsum(P dP))    dQ = dS K / sqrt(d)    dK = dS^T Q / sqrt(d)
 *
 * Heads are strided views of the token rows: nothing is copied to take them apart or to put them together. */
#include <math.h>

#include "nn/onednn/ops/ops.h"

/* Views [n, heads, T, d] of one node's rows, or [n, heads, d, T]. */
typedef struct {
    NnProgram *p;
    const char *name;
    int64_t T, E, heads, d;
} Shape;

static Shape shape_of(NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return (Shape){p, nn_prog_name(p, x), node->H, node->C, node->heads, node->C / node->heads};
}

/* Part @p part (Q, K, V) of @p rows [n, T, parts E], as it is or with each head transposed. */
static BaseStatus heads_of(const Shape *s, const NnTensor *rows, int64_t parts, int64_t part, bool transposed,
                           NnTensor *out)
{
    int64_t width = parts * s->E;
    int64_t dims[4] = {s->p->n, s->heads, s->T, s->d}, strides[4] = {s->T * width, s->d, width, 1};
    if (transposed) dims[2] = s->d, dims[3] = s->T, strides[2] = 1, strides[3] = width;
    NnMd md = nn_md_strided(&s->p->kit, s->p->type, 4, dims, strides);
    size_t offset = (size_t)(part * s->E) * dnnl_data_type_size(s->p->type);
    return nn_prog_view_at(s->p, rows, offset, &md, out);
}

static BaseStatus scores(const Shape *s, bool pooled, NnTensor *out)
{
    const int64_t dims[4] = {s->p->n, s->heads, s->T, s->T};
    NnMd md = nn_md(&s->p->kit, s->p->type, dnnl_abcd, 4, dims);
    return nn_prog_tensor(s->p, &md, pooled, out);
}

static BaseStatus transposed_view(const Shape *s, const NnTensor *from, NnTensor *out)
{
    NnMd md = nn_md(&s->p->kit, s->p->type, dnnl_abdc, 4, from->md.dims);
    return nn_prog_view(s->p, from, &md, out);
}

/* c = factor a b for every image and head */
static BaseStatus product(const Shape *s, NnSteps *steps, const NnTensor *a, const NnTensor *b, double factor,
                          const NnTensor *c)
{
    NnOp op = {.kind = NN_OP_MATMUL, .src = &a->md, .weight = &b->md, .dst = &c->md, .post.scale = (float)factor};
    const NnStepArg args[] = {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}, {0}};
    return nn_prog_op(s->p, steps, s->name, &op, args, NULL);
}

/* Row by row, in place. */
static BaseStatus softmax(const Shape *s, NnNode x, const NnTensor *values)
{
    NnOp op = {.kind = NN_OP_SOFTMAX, .prop = nn_prog_forward(s->p), .src = &values->md};
    const NnStepArg args[] = {{DNNL_ARG_SRC, values}, {DNNL_ARG_DST, values}, {0}};
    return nn_prog_op(s->p, &s->p->forward, s->name, &op, args, &s->p->state[x].pd);
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const Shape s = shape_of(p, x);
    NnNode in = nn_prog_node(p, x)->in[0];
    NnState *state = &p->state[x];
    bool eval = p->mode == NN_MODE_EVAL;
    NnTensor q = {0}, k = {0}, v = {0}, o = {0};
    NnMd stacked = nn_md_map(p, in, p->type, dnnl_nhwc), map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->forward, s.name, &p->state[in].value, &stacked, false, &state->src));
    BASE_TRY(heads_of(&s, &state->src, 3, 0, false, &q));
    BASE_TRY(heads_of(&s, &state->src, 3, 1, true, &k));
    BASE_TRY(heads_of(&s, &state->src, 3, 2, false, &v));
    BASE_TRY(scores(&s, eval, &state->workspace));
    BASE_TRY(product(&s, &p->forward, &q, &k, 1 / sqrt((double)s.d), &state->workspace));
    BASE_TRY(softmax(&s, x, &state->workspace));
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &state->value));
    BASE_TRY(heads_of(&s, &state->value, 1, 0, false, &o));
    BASE_TRY(product(&s, &p->forward, &state->workspace, &v, 1, &o));
    if (eval) nn_prog_release(&state->workspace);
    state->owned = state->only >= 0;
out:
    nn_prog_release(&q);
    nn_prog_release(&k);
    nn_prog_release(&v);
    nn_prog_release(&o);
    return st;
}

/* dS out of dP, in place */
static BaseStatus softmax_gradient(const Shape *s, NnNode x, const NnTensor *d)
{
    const NnState *state = &s->p->state[x];
    NnOp op = {.kind = NN_OP_SOFTMAX,
               .prop = dnnl_backward_data,
               .dst = &state->workspace.md,
               .diff = &d->md,
               .hint = state->pd};
    const NnStepArg args[] = {{DNNL_ARG_DST, &state->workspace}, {DNNL_ARG_DIFF_DST, d}, {DNNL_ARG_DIFF_SRC, d}, {0}};
    return nn_prog_op(s->p, &s->p->backward, s->name, &op, args, NULL);
}

/* dV, then dP in @p d */
static BaseStatus values_gradient(const Shape *s, NnNode x, const NnTensor *dout, const NnTensor *diff, NnTensor *d)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &s->p->state[x];
    NnTensor v = {0}, dv = {0}, turned = {0};
    BASE_TRY(transposed_view(s, &state->workspace, &turned));
    BASE_TRY(heads_of(s, diff, 3, 2, false, &dv));
    BASE_TRY(product(s, &s->p->backward, &turned, dout, 1, &dv));
    BASE_TRY(heads_of(s, &state->src, 3, 2, true, &v));
    BASE_TRY(scores(s, true, d));
    BASE_TRY(product(s, &s->p->backward, dout, &v, 1, d));
out:
    nn_prog_release(&v);
    nn_prog_release(&dv);
    nn_prog_release(&turned);
    return st;
}

/* Out of dS: dQ from the keys, or dK from the queries. */
static BaseStatus key_gradient(const Shape *s, NnNode x, const NnTensor *ds, int64_t part, const NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnTensor turned = {0}, other = {0}, to = {0};
    BASE_TRY(heads_of(s, &s->p->state[x].src, 3, 1 - part, false, &other));
    BASE_TRY(heads_of(s, diff, 3, part, false, &to));
    if (part == 1) BASE_TRY(transposed_view(s, ds, &turned));
    BASE_TRY(product(s, &s->p->backward, part == 1 ? &turned : ds, &other, 1 / sqrt((double)s->d), &to));
out:
    nn_prog_release(&turned);
    nn_prog_release(&other);
    nn_prog_release(&to);
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const Shape s = shape_of(p, x);
    NnTensor rows = {0}, dout = {0}, d = {0};
    NnMd map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->backward, s.name, g, &map, true, &rows));
    BASE_TRY(heads_of(&s, &rows, 1, 0, false, &dout));
    BASE_TRY(nn_prog_tensor(p, &p->state[x].src.md, true, diff));
    BASE_TRY(values_gradient(&s, x, &dout, diff, &d));
    BASE_TRY(softmax_gradient(&s, x, &d));
    BASE_TRY(key_gradient(&s, x, &d, 0, diff));
    BASE_TRY(key_gradient(&s, x, &d, 1, diff));
out:
    nn_prog_release(&rows);
    nn_prog_release(&dout);
    nn_prog_release(&d);
    return st;
}

const NnOpBackend nn_op_attention = {.forward = forward, .gradient = gradient};
