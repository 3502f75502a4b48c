/* Layer norm (arXiv 1607.06450) over the features of each token, and GELU (arXiv 1606.08415) by the
 * error function:
 *
 *   y = (x - mean) / sqrt(var + 1e-6) gamma + beta, var biased        gelu(x) = x (1 + erf(x / sqrt(2))) / 2 */
#include "nn/onednn/program.h"

static dnnl_prop_kind_t forward_kind(const NnProgram *p)
{
    return p->mode == NN_MODE_EVAL ? dnnl_forward_inference : dnnl_forward_training;
}

/* A node's value (or gradient) as rows [n * T, C], plain. */
static BaseStatus rows_of(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *from, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor typed = {0};
    const int64_t dims[2] = {p->n * node->H * node->W, node->C};
    dnnl_memory_desc_t plain = nn_md_map(p, x, p->type, dnnl_nhwc), rows = nn_md(p->type, dnnl_nc, 2, dims);
    BASE_TRY(nn_prog_convert(p, steps, nn_prog_name(p, x), from, &plain, pooled, &typed));
    BASE_TRY(nn_prog_view(p, &typed, &rows, out));
out:
    nn_prog_release(&typed);
    return st;
}

static const unsigned FLAGS = dnnl_use_scale | dnnl_use_shift;

BaseStatus nn_layer_norm_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnTensor dst = {0}, scale, shift;
    dnnl_memory_desc_t map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(rows_of(p, &p->forward, node->in[0], &p->state[node->in[0]].value, p->reuse, &state->src));
    const int64_t tokens = state->src.md.dims[0];
    dnnl_memory_desc_t statistics = nn_md(dnnl_f32, dnnl_x, 1, &tokens);
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &state->value));
    BASE_TRY(nn_prog_view(p, &state->value, &state->src.md, &dst));
    dnnl_layer_normalization_desc_t desc;
    NN_DNNL(dnnl_layer_normalization_forward_desc_init(&desc, forward_kind(p), &state->src.md, &statistics,
                                                       (float)NN_LAYER_NORM_EPSILON, FLAGS),
            "the layer norm", node->name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, node->name, &state->pd));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    if (p->mode != NN_MODE_EVAL) {
        BASE_TRY(nn_prog_tensor(p, &statistics, false, &state->mean));
        BASE_TRY(nn_prog_tensor(p, &statistics, false, &state->var));
    }
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, state->pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_SCALE, &scale);
    nn_step_arg(step, DNNL_ARG_SHIFT, &shift);
    nn_step_arg(step, DNNL_ARG_MEAN, &state->mean);
    nn_step_arg(step, DNNL_ARG_VARIANCE, &state->var);
    nn_step_arg(step, DNNL_ARG_DST, &dst);
    state->owned = state->only >= 0;
out:
    nn_prog_release(&dst);
    return st;
}

static BaseStatus vector_grad(NnProgram *p, int number, NnTensor *out)
{
    int count;
    const NnSlice *slice = &nn_net_param_slices(p->net, &count)[number];
    dnnl_memory_desc_t md = nn_md(dnnl_f32, dnnl_x, 1, &slice->count);
    return nn_prog_grad_view(p, &md, slice->offset, out);
}

BaseStatus nn_layer_norm_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor dout = {0}, din = {0}, scale, shift, dscale, dshift;
    dnnl_memory_desc_t map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(rows_of(p, &p->backward, x, g, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &map, true, diff));
    BASE_TRY(nn_prog_view(p, diff, &state->src.md, &din));
    dnnl_layer_normalization_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    NN_DNNL(dnnl_layer_normalization_backward_desc_init(&desc, dnnl_backward, &dout.md, &state->src.md, &state->mean.md,
                                                        (float)NN_LAYER_NORM_EPSILON, FLAGS),
            "the gradient", node->name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, state->pd, node->name, &pd));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    BASE_TRY(vector_grad(p, node->weight, &dscale));
    BASE_TRY(vector_grad(p, node->bias_slice, &dshift));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_MEAN, &state->mean);
    nn_step_arg(step, DNNL_ARG_VARIANCE, &state->var);
    nn_step_arg(step, DNNL_ARG_DIFF_DST, &dout);
    nn_step_arg(step, DNNL_ARG_SCALE, &scale);
    nn_step_arg(step, DNNL_ARG_SHIFT, &shift); /* not needed, but asked for */
    nn_step_arg(step, DNNL_ARG_DIFF_SRC, &din);
    nn_step_arg(step, DNNL_ARG_DIFF_SCALE, &dscale);
    nn_step_arg(step, DNNL_ARG_DIFF_SHIFT, &dshift);
out:
    nn_prog_release(&dout);
    nn_prog_release(&din);
    return st;
}

BaseStatus nn_gelu_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x], *from = &p->state[nn_prog_node(p, x)->in[0]];
    const char *name = nn_prog_name(p, x);
    state->src = from->value;
    nn_prog_hold(&state->src);
    state->owned = state->only >= 0;
    if (from->owned && p->mode == NN_MODE_EVAL) { /* elsewhere the gradient needs the input */
        state->value = from->value;
        nn_prog_hold(&state->value);
    } else {
        BASE_TRY(nn_prog_tensor(p, &from->value.md, p->reuse, &state->value));
    }
    dnnl_eltwise_desc_t desc;
    NN_DNNL(dnnl_eltwise_forward_desc_init(&desc, forward_kind(p), dnnl_eltwise_gelu_erf, &state->src.md, 0, 0),
            "the GELU", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, name, &state->pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, name, state->pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_DST, &state->value);
out:
    return st;
}

BaseStatus nn_gelu_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    NnTensor dout = {0};
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, &state->src.md, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, diff));
    dnnl_eltwise_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    NN_DNNL(dnnl_eltwise_backward_desc_init(&desc, dnnl_eltwise_gelu_erf, &dout.md, &state->src.md, 0, 0),
            "the gradient", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, state->pd, name, &pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_DIFF_DST, &dout);
    nn_step_arg(step, DNNL_ARG_DIFF_SRC, diff);
out:
    nn_prog_release(&dout);
    return st;
}
