/* nn/onednn/ops/gradient.c - sums where paths meet, and the two steps that most layers share: weights and data. */
#include "nn/onednn/ops/gradient.h"

#include "nn/onednn/reload.h"

BaseStatus nn_gradient_add_take(NnProgram *p, NnNode x, NnTensor *d)
{
    BaseStatus st = BASE_OK;
    NnTensor *sum = &p->diff[x], fresh = {0}, same = {0};
    const char *name = nn_prog_name(p, x);
    if (!p->state[x].needs_grad) goto out;
    if (!sum->mem) {
        *sum = *d;
        *d = (NnTensor){0};
        goto out;
    }
    BASE_TRY(nn_prog_convert(p, &p->backward, name, d, &sum->md, true, &same));
    if (sum->buf->refs == 1) {
        fresh = *sum;
        nn_prog_hold(&fresh);
    } else {
        BASE_TRY(nn_prog_tensor(p, &sum->md, true, &fresh));
    }
    NnOp op = {.kind = NN_OP_SUM, .src = &sum->md, .diff = &same.md, .dst = &fresh.md};
    const NnStepArg args[] = {{DNNL_ARG_SRC_0, sum}, {DNNL_ARG_SRC_1, &same}, {DNNL_ARG_DST, &fresh}, {0}};
    BASE_TRY(nn_prog_op(p, &p->backward, name, &op, args, NULL));
    nn_prog_release(sum);
    *sum = fresh;
    fresh = (NnTensor){0};
out:
    nn_prog_release(&fresh);
    nn_prog_release(&same);
    nn_prog_release(d);
    return st;
}

BaseStatus nn_gradient_in_place_take(NnProgram *p, const char *name, NnTensor *g, const NnMd *want, NnTensor *diff_dst,
                                     NnTensor *diff_src)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, want, true, diff_dst));
    nn_prog_release(g);
    if (diff_dst->buf->refs == 1) {
        *diff_src = *diff_dst;
        nn_prog_hold(diff_src);
    } else {
        BASE_TRY(nn_prog_tensor(p, want, true, diff_src));
    }
out:
    nn_prog_release(g);
    return st;
}

BaseStatus nn_gradient_vector(NnProgram *p, int slice, NnTensor *out)
{
    NnMd md = nn_md_vector(p, nn_prog_param_slice(p, slice)->count);
    return nn_prog_grad_view(p, &md, nn_prog_param_slice(p, slice)->offset, out);
}

BaseStatus nn_gradient_weight(NnProgram *p, NnNode x, const NnMd *md, NnTensor *written, NnTensor *plain)
{
    BaseStatus st = BASE_OK;
    NnMd flat = nn_md_weight(p, x, dnnl_f32, false);
    BASE_TRY(nn_prog_grad_view(p, &flat, nn_prog_param_slice(p, nn_prog_node(p, x)->weight)->offset, plain));
    if (nn_md_equal(md, &flat))
        *written = *plain;
    else
        BASE_TRY(nn_prog_tensor(p, md, true, written));
out:
    return st;
}

BaseStatus nn_gradient_weights_step(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t pd, const NnTensor *src_any,
                                    const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor src = {0}, diff_dst = {0}, diff_weight = {0}, plain = {0}, diff_bias = {0};
    NnMd written = nn_pd_md(pd, dnnl_query_diff_weights_md);
    BASE_TRY(nn_prog_convert_for(p, &p->backward, node->name, src_any, pd, dnnl_query_src_md, true, &src));
    BASE_TRY(nn_prog_convert_for(p, &p->backward, node->name, g, pd, dnnl_query_diff_dst_md, true, &diff_dst));
    BASE_TRY(nn_gradient_weight(p, x, &written, &diff_weight, &plain));
    if (node->bias) BASE_TRY(nn_gradient_vector(p, node->bias_slice, &diff_bias));
    const NnStepArg args[] = {{DNNL_ARG_SRC, &src},
                              {DNNL_ARG_DIFF_DST, &diff_dst},
                              {DNNL_ARG_DIFF_WEIGHTS, &diff_weight},
                              {DNNL_ARG_DIFF_BIAS, &diff_bias},
                              {0}};
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, args));
    if (diff_weight.mem != plain.mem) BASE_TRY(nn_prog_reorder(p, &p->backward, node->name, &diff_weight, &plain));
out:
    nn_prog_release(&src);
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_weight);
    return st;
}

BaseStatus nn_gradient_data_step(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t pd, const NnTensor *g,
                                 NnTensor *diff_src)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor diff_dst = {0}, weight = {0};
    NnMd wanted = nn_pd_md(pd, dnnl_query_weights_md), made = nn_pd_md(pd, dnnl_query_diff_src_md);
    BASE_TRY(nn_prog_convert_for(p, &p->backward, node->name, g, pd, dnnl_query_diff_dst_md, true, &diff_dst));
    BASE_TRY(nn_reload_weight(p, x, -1, &wanted, &weight));
    BASE_TRY(nn_prog_tensor(p, &made, true, diff_src));
    const NnStepArg args[] = {
        {DNNL_ARG_DIFF_DST, &diff_dst}, {DNNL_ARG_WEIGHTS, &weight}, {DNNL_ARG_DIFF_SRC, diff_src}, {0}};
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, args));
out:
    nn_prog_release(&diff_dst);
    return st;
}
