/* nn/onednn/reload.c - copies of the network's numbers in the layout and type a primitive wants, with the steps that
 * renew them.
 *
 * Where a batch norm follows directly and runs on fixed statistics (NN_MODE_EVAL), it is folded:
 *   s = gamma / sqrt(var + eps)      W' = s W      b' = (b - mean) s + beta                    per output channel
 * and a scale by a learned vector s likewise, with mean = beta = 0. */
#include "nn/onednn/reload.h"

#include <math.h>

static const float *param_values(const NnProgram *p, int slice)
{
    return nn_net_params(p->net) + nn_prog_param_slice(p, slice)->offset;
}

static const float *buffer_values(const NnProgram *p, int slice)
{
    return nn_net_buffers(p->net) + nn_prog_buffer_slice(p, slice)->offset;
}

static double fold_scale(const NnProgram *p, const NnNodeInfo *norm, int64_t k)
{
    if (norm->kind == NN_NODE_SCALE) return param_values(p, nn_prog_node(p, norm->in[1])->weight)[k];
    return param_values(p, norm->weight)[k] / sqrt(buffer_values(p, norm->var)[k] + norm->epsilon);
}

/* job: node, norm, K, rows = features of one output channel, out */
static BaseStatus fold_weight(NnProgram *p, const NnJob *job)
{
    const float *weight = param_values(p, job->node->weight);
    float *out = job->out;
    for (int64_t k = 0; k < job->K; k++) {
        double scale = fold_scale(p, job->norm, k);
        for (int64_t i = k * job->rows; i < (k + 1) * job->rows; i++) out[i] = (float)(scale * weight[i]);
    }
    return BASE_OK;
}

static BaseStatus fold_bias(NnProgram *p, const NnJob *job)
{
    const float *bias = job->node->bias ? param_values(p, job->node->bias_slice) : NULL;
    bool moved = job->norm->kind == NN_NODE_NORM;
    const float *mean = moved ? buffer_values(p, job->norm->mean) : NULL;
    const float *beta = moved ? param_values(p, job->norm->bias_slice) : NULL;
    float *out = job->out;
    for (int64_t k = 0; k < job->K; k++)
        out[k] = (float)(((bias ? bias[k] : 0.0) - (moved ? mean[k] : 0.0)) * fold_scale(p, job->norm, k) +
                         (moved ? beta[k] : 0.0));
    return BASE_OK;
}

NnMd nn_md_weight(NnProgram *p, NnNode x, dnnl_data_type_t type, bool any)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnSlice *slice = nn_prog_param_slice(p, node->weight);
    dnnl_format_tag_t plain = slice->ndim == 4 ? dnnl_oihw : dnnl_oi;
    if (node->groups > 1) { /* the same numbers with an axis more */
        const int64_t dims[5] = {node->groups, node->C / node->groups, slice->shape[1], node->kernel_h, node->kernel_w};
        return nn_md(&p->kit, type, any ? dnnl_format_tag_any : dnnl_goihw, 5, dims);
    }
    return nn_md(&p->kit, type, any ? dnnl_format_tag_any : plain, slice->ndim, slice->shape);
}

static BaseStatus wrap_vector(NnProgram *p, int64_t count, const float *values, NnTensor *out)
{
    NnMd md = nn_md_vector(p, count);
    return nn_prog_wrap(p, &md, values, out);
}

BaseStatus nn_prog_param(NnProgram *p, int slice, NnTensor *out)
{
    return wrap_vector(p, nn_prog_param_slice(p, slice)->count, param_values(p, slice), out);
}

BaseStatus nn_prog_buffer(NnProgram *p, int slice, NnTensor *out)
{
    return wrap_vector(p, nn_prog_buffer_slice(p, slice)->count, buffer_values(p, slice), out);
}

BaseStatus nn_reload_weight(NnProgram *p, NnNode x, NnNode norm, const NnMd *want, NnTensor *weight)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnSlice *slice = nn_prog_param_slice(p, node->weight);
    NnMd plain = nn_md_weight(p, x, dnnl_f32, false);
    NnTensor master = {0};
    if (norm < 0) {
        BASE_TRY(nn_prog_wrap(p, &plain, param_values(p, node->weight), &master));
    } else {
        BASE_TRY(nn_prog_tensor(p, &plain, !nn_md_equal(&plain, want), &master));
        NnJob job = {.out = master.buf->data,
                     .K = node->C,
                     .rows = slice->count / node->C,
                     .node = node,
                     .norm = nn_prog_node(p, norm)};
        BASE_TRY(nn_prog_own_step(&p->load, node->name, fold_weight, job));
    }
    BASE_TRY(nn_prog_convert(p, &p->load, node->name, &master, want, false, weight));
out:
    nn_prog_release(&master);
    return st;
}

BaseStatus nn_reload_bias(NnProgram *p, NnNode x, NnNode norm, NnTensor *bias)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    *bias = (NnTensor){0};
    if (norm < 0) {
        if (node->bias) BASE_TRY(nn_prog_param(p, node->bias_slice, bias));
        goto out;
    }
    NnMd md = nn_md_vector(p, node->C);
    BASE_TRY(nn_prog_tensor(p, &md, false, bias));
    NnJob job = {.out = bias->buf->data, .K = node->C, .node = node, .norm = nn_prog_node(p, norm)};
    BASE_TRY(nn_prog_own_step(&p->load, node->name, fold_bias, job));
out:
    return st;
}
