/* nn/onednn/ops/tokens.c - what makes tokens of a map and a vector of tokens. Rows are [n, T, E]; pixels with channels
 * last are such rows. Of F class tokens c:
 *
 *   y_t = c_t + p_t, t < F    y_(F + j) = x_j + p_(F + j)
 *   dx_j = dy_(F + j)    dp_t = sum of dy_t over images    dc_t = dp_t */
#include <string.h>

#include "base/bf16.h"
#include "nn/onednn/ops/ops.h"

static int64_t offset_of(const NnProgram *p, NnNode x)
{
    return nn_prog_param_slice(p, nn_prog_node(p, x)->weight)->offset;
}

/* Tokens in front of the pixels' own. */
static int64_t class_tokens(const NnProgram *p, const NnJob *job)
{
    return job->node->in[1] < 0 ? 0 : nn_prog_node(p, job->node->in[1])->H;
}

/* Where the numbers of class token @p t are among the parameters: of one node, or of one in front of it. */
static int64_t class_offset(const NnProgram *p, const NnJob *job, int64_t t)
{
    NnNode x = job->node->in[1];
    const NnNodeInfo *node = nn_prog_node(p, x);
    while (t < node->H - node->tokens) {
        x = node->in[1];
        node = nn_prog_node(p, x);
    }
    return offset_of(p, x) + (t - (node->H - node->tokens)) * node->C;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnJob){.n = p->n,
                   .C = in->C,
                   .rows = in->H * in->W,
                   .element = (int64_t)dnnl_data_type_size(p->type),
                   .node = node,
                   .index = x};
}

/* y = x + b, [C]; x, y of @p element bytes, x NULL: 0, c added too where it is not NULL */
static void add_row(const void *x, const float *b, const float *c, int64_t C, int64_t element, void *y)
{
    const float *from = x;
    const uint16_t *from16 = x;
    float *to = y;
    uint16_t *to16 = y;
    for (int64_t i = 0; i < C; i++) {
        float v = b[i] + (c ? c[i] : 0);
        if (element == sizeof(float))
            to[i] = v + (x ? from[i] : 0);
        else
            to16[i] = base_bf16_from_f32(v + (x ? base_bf16_to_f32(from16[i]) : 0));
    }
}

/* job: in [n, rows, C] -> out [n, F + rows, C] */
static BaseStatus tokens_run(NnProgram *p, const NnJob *job)
{
    const float *params = nn_net_params(p->net), *positions = params + offset_of(p, job->index);
    const uint8_t *in = job->in;
    uint8_t *out = job->out;
    int64_t F = class_tokens(p, job), T = F + job->rows, run = job->C * job->element;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < job->n * T; i++) {
        int64_t t = i % T, image = i / T;
        const void *from = t < F ? NULL : in + (image * job->rows + t - F) * run;
        add_row(from, positions + t * job->C, t < F ? params + class_offset(p, job, t) : NULL, job->C, job->element,
                out + i * run);
    }
    return BASE_OK;
}

/* job: in = g [n, F + rows, C], out = dx [n, rows, C] or NULL */
static BaseStatus tokens_gradient_run(NnProgram *p, const NnJob *job)
{
    float *positions = p->grads + offset_of(p, job->index);
    const uint8_t *g = job->in;
    uint8_t *out = job->out;
    int64_t F = class_tokens(p, job), T = F + job->rows, run = job->C * job->element;
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < T; t++) {
        for (int64_t c = 0; c < job->C; c++) {
            double sum = 0;
            for (int64_t i = 0; i < job->n; i++) {
                const void *at = g + (i * T + t) * run + c * job->element;
                sum += (double)(job->element == sizeof(float) ? *(const float *)at
                                                              : base_bf16_to_f32(*(const uint16_t *)at));
            }
            positions[t * job->C + c] = (float)sum;
        }
        for (int64_t i = 0; out && t >= F && i < job->n; i++)
            memcpy(out + (i * job->rows + t - F) * run, g + (i * T + t) * run, (size_t)run);
    }
    for (int64_t t = 0; t < F; t++)
        memcpy(p->grads + class_offset(p, job, t), positions + t * job->C, (size_t)job->C * sizeof *positions);
    return BASE_OK;
}

/* job: in [n, rows, C] -> out [n, C] */
static BaseStatus first_run(NnProgram *p, const NnJob *job)
{
    const uint8_t *in = job->in;
    uint8_t *out = job->out;
    int64_t run = job->C * job->element;
    (void)p;
    for (int64_t i = 0; i < job->n; i++)
        memcpy(out + i * run, in + (i * job->rows + job->node->token) * run, (size_t)run);
    return BASE_OK;
}

/* job: in = g [n, C], out = dx [n, rows, C] */
static BaseStatus first_gradient_run(NnProgram *p, const NnJob *job)
{
    const uint8_t *g = job->in;
    uint8_t *out = job->out;
    int64_t run = job->C * job->element;
    (void)p;
    memset(out, 0, (size_t)(job->n * job->rows * run)); /* 0 has the bits 0 in float and bf16 */
    for (int64_t i = 0; i < job->n; i++)
        memcpy(out + (i * job->rows + job->node->token) * run, g + i * run, (size_t)run);
    return BASE_OK;
}

/* ---- their steps ---- */

typedef BaseStatus Run(NnProgram *p, const NnJob *job);

static BaseStatus forward_by(NnProgram *p, NnNode x, Run *run)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    NnJob job = job_of(p, x);
    NnNode in = job.node->in[0];
    const char *name = nn_prog_name(p, x);
    NnTensor rows = {0};
    NnMd plain = nn_md_map(p, in, p->type, dnnl_nhwc), map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->forward, name, &p->state[in].value, &plain, p->reuse, &rows));
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &state->value));
    job.in = rows.buf->data;
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, name, run, job));
    state->owned = state->only >= 0;
out:
    nn_prog_release(&rows);
    return st;
}

static BaseStatus gradient_by(NnProgram *p, NnNode x, const NnTensor *g, Run *run, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnJob job = job_of(p, x);
    NnNode in = job.node->in[0];
    const char *name = nn_prog_name(p, x);
    NnTensor rows = {0};
    NnMd map = nn_md_map(p, x, p->type, dnnl_nhwc), plain = nn_md_map(p, in, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, &map, true, &rows));
    if (p->state[in].needs_grad) BASE_TRY(nn_prog_tensor(p, &plain, true, diff));
    job.in = rows.buf->data;
    job.out = diff->buf ? diff->buf->data : NULL;
    BASE_TRY(nn_prog_own_step(&p->backward, name, run, job));
out:
    nn_prog_release(&rows);
    return st;
}

static BaseStatus tokens_forward(NnProgram *p, NnNode x) { return forward_by(p, x, tokens_run); }
static BaseStatus first_forward(NnProgram *p, NnNode x) { return forward_by(p, x, first_run); }

static BaseStatus tokens_gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    return gradient_by(p, x, g, tokens_gradient_run, diff);
}

/* A gradient comes here only if the input wants one. */
static BaseStatus first_gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    return gradient_by(p, x, g, first_gradient_run, diff);
}

const NnOpBackend nn_op_class_token = {0}; /* read where it is used */
const NnOpBackend nn_op_tokens = {.forward = tokens_forward, .gradient = tokens_gradient};
const NnOpBackend nn_op_first_token = {.forward = first_forward, .gradient = first_gradient};
