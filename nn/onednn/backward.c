/* The backward pass as steps, from the logits to the first layer with parameters. A gradient's storage goes back to the
 * pool once its node is done; where nothing else reads it, the next gradient is computed in place. */
#include <string.h>

#include "base/memory.h"
#include "nn/onednn/program.h"

/* Adds @p d (taken) to the gradient of node @p x. */
static BaseStatus contribute_take(NnProgram *p, NnNode x, NnTensor *d)
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
    dnnl_binary_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    NN_DNNL(dnnl_binary_desc_init(&desc, dnnl_binary_add, &sum->md, &same.md, &fresh.md), "a sum of gradients", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, name, &pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC_0, sum);
    nn_step_arg(step, DNNL_ARG_SRC_1, &same);
    nn_step_arg(step, DNNL_ARG_DST, &fresh);
    nn_prog_release(sum);
    *sum = fresh;
    fresh = (NnTensor){0};
out:
    nn_prog_release(&fresh);
    nn_prog_release(&same);
    nn_prog_release(d);
    return st;
}

/* @p g (taken) as @p want, and where the gradient with respect to the input may be written: over it, or beside it. */
static BaseStatus in_place_take(NnProgram *p, const char *name, NnTensor *g, const dnnl_memory_desc_t *want,
                                NnTensor *diff_dst, NnTensor *diff_src)
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

static int64_t slice_offset(const NnProgram *p, int slice)
{
    int count;
    return nn_net_param_slices(p->net, &count)[slice].offset;
}

/* Where a primitive writes a weight's gradient: straight into the gradient block, or in its own layout and then there.
 */
static BaseStatus weight_grad(NnProgram *p, NnNode x, const dnnl_memory_desc_t *md, NnTensor *written, NnTensor *plain)
{
    BaseStatus st = BASE_OK;
    dnnl_memory_desc_t flat = nn_md_weight(p, x, dnnl_f32, false);
    BASE_TRY(nn_prog_grad_view(p, &flat, slice_offset(p, nn_prog_node(p, x)->weight), plain));
    if (dnnl_memory_desc_equal(md, &flat))
        *written = *plain;
    else
        BASE_TRY(nn_prog_tensor(p, md, true, written));
out:
    return st;
}

static BaseStatus vector_grad(NnProgram *p, int slice_number, NnTensor *out)
{
    int count;
    const NnSlice *slice = &nn_net_param_slices(p->net, &count)[slice_number];
    dnnl_memory_desc_t md = nn_md(dnnl_f32, dnnl_x, 1, &slice->count);
    return nn_prog_grad_view(p, &md, slice->offset, out);
}

/* The step that both kinds of weighted layer share: source and output gradient in, weight and bias gradients out. */
static BaseStatus weights_step(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t pd, const NnTensor *src_any,
                               const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor src = {0}, diff_dst = {0}, diff_weight = {0}, plain = {0}, diff_bias = {0};
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, src_any, nn_pd_md(pd, dnnl_query_src_md), true, &src));
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, g, nn_pd_md(pd, dnnl_query_diff_dst_md), true, &diff_dst));
    BASE_TRY(weight_grad(p, x, nn_pd_md(pd, dnnl_query_diff_weights_md), &diff_weight, &plain));
    if (node->bias) BASE_TRY(vector_grad(p, node->bias_slice, &diff_bias));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &src);
    nn_step_arg(step, DNNL_ARG_DIFF_DST, &diff_dst);
    nn_step_arg(step, DNNL_ARG_DIFF_WEIGHTS, &diff_weight);
    nn_step_arg(step, DNNL_ARG_DIFF_BIAS, &diff_bias);
    if (diff_weight.mem != plain.mem) BASE_TRY(nn_prog_reorder(p, &p->backward, node->name, &diff_weight, &plain));
out:
    nn_prog_release(&src);
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_weight);
    return st;
}

static BaseStatus data_step(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t pd, const NnTensor *g,
                            NnTensor *diff_src)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor diff_dst = {0}, weight = {0};
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, g, nn_pd_md(pd, dnnl_query_diff_dst_md), true, &diff_dst));
    BASE_TRY(nn_reload_weight(p, x, -1, nn_pd_md(pd, dnnl_query_weights_md), &weight));
    BASE_TRY(nn_prog_tensor(p, nn_pd_md(pd, dnnl_query_diff_src_md), true, diff_src));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, &step));
    nn_step_arg(step, DNNL_ARG_DIFF_DST, &diff_dst);
    nn_step_arg(step, DNNL_ARG_WEIGHTS, &weight);
    nn_step_arg(step, DNNL_ARG_DIFF_SRC, diff_src);
out:
    nn_prog_release(&diff_dst);
    return st;
}

static BaseStatus unfolded_weights(NnProgram *p, NnNode x, const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor patches = {0}, rows = {0}, turned = {0}, product = {0}, written = {0}, plain = {0};
    BASE_TRY(nn_unfold_rows(p, &p->backward, x, g, &rows));
    if (state->unfolded) {
        patches = state->src;
        nn_prog_hold(&patches);
    } else {
        BASE_TRY(nn_unfold_source(p, &p->backward, x, true, &patches));
    }
    const int64_t dims[2] = {node->C, patches.md.dims[1]};
    dnnl_memory_desc_t shape = nn_md_weight(p, x, dnnl_f32, false), matrix = nn_md(dnnl_f32, dnnl_ab, 2, dims);
    dnnl_memory_desc_t stored = nn_md(dnnl_f32, dnnl_acdb, 4, shape.dims);
    if (node->kernel_h == 1) { /* [K, 1, 1, C] is [K, C, 1, 1] */
        BASE_TRY(nn_prog_grad_view(p, &matrix, slice_offset(p, node->weight), &product));
    } else {
        BASE_TRY(weight_grad(p, x, &stored, &written, &plain));
        BASE_TRY(nn_prog_view(p, &written, &matrix, &product));
    }
    BASE_TRY(nn_unfold_transposed(p, &rows, &turned));
    NnMatmul m = {.a = turned, .b = patches, .c = product};
    BASE_TRY(nn_unfold_product(p, &p->backward, x, &m, NULL));
    if (node->bias) BASE_TRY(nn_unfold_bias(p, x, &rows));
    if (written.mem != plain.mem) BASE_TRY(nn_prog_reorder(p, &p->backward, node->name, &written, &plain));
out:
    nn_prog_release(&patches);
    nn_prog_release(&rows);
    nn_prog_release(&turned);
    nn_prog_release(&product);
    nn_prog_release(&written);
    return st;
}

static BaseStatus unfolded_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    NnTensor weight, patches = {0}, rows = {0}, turned = {0};
    dnnl_memory_desc_t md = nn_unfold_md(p, x);
    if (state->unfolded)
        weight = state->weight;
    else
        BASE_TRY(nn_unfold_weight(p, x, -1, &weight));
    BASE_TRY(nn_unfold_rows(p, &p->backward, x, g, &rows));
    BASE_TRY(nn_unfold_transposed(p, &weight, &turned));
    BASE_TRY(nn_prog_tensor(p, &md, true, &patches));
    NnMatmul m = {.a = rows, .b = turned, .c = patches};
    BASE_TRY(nn_unfold_product(p, &p->backward, x, &m, NULL));
    BASE_TRY(nn_unfold_fold(p, x, &patches, diff));
out:
    nn_prog_release(&patches);
    nn_prog_release(&rows);
    nn_prog_release(&turned);
    return st;
}

static BaseStatus backward_conv(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnState *state = &p->state[x];
    NnTensor diff = {0};
    const_dnnl_primitive_desc_t pd, hint = state->pd; /* a product has none */
    if (!hint) {
        uint8_t used = state->used[NN_PASS_FORWARD];
        BASE_TRY(nn_conv_forward_pd(p, x, nn_prog_node(p, x)->bias, NULL, &hint));
        state->used[NN_PASS_FORWARD] = used;
    }
    const NnTensor *src = state->unfolded ? &p->state[in].value : &state->src;
    NnConvAlgorithm algorithm = nn_conv_algorithm(p, x, NN_PASS_WEIGHTS, NULL);
    state->used[NN_PASS_WEIGHTS] = (uint8_t)(1 + algorithm);
    if (algorithm == NN_CONV_UNFOLD) {
        BASE_TRY(unfolded_weights(p, x, g));
    } else if (nn_winograd_ours(algorithm)) {
        BASE_TRY(nn_winograd_weights(p, x, src, g));
    } else {
        BASE_TRY(nn_conv_weights_pd(p, x, hint, &pd));
        BASE_TRY(weights_step(p, x, pd, src, g));
    }
    state->data_step = p->backward.count;
    if (!p->state[in].needs_grad) goto out;
    algorithm = nn_conv_algorithm(p, x, NN_PASS_DATA, NULL);
    state->used[NN_PASS_DATA] = (uint8_t)(1 + algorithm);
    if (algorithm == NN_CONV_UNFOLD) {
        BASE_TRY(unfolded_data(p, x, g, &diff));
    } else if (nn_winograd_ours(algorithm)) {
        BASE_TRY(nn_winograd_data(p, x, g, &diff));
    } else {
        BASE_TRY(nn_conv_data_pd(p, x, hint, &pd));
        BASE_TRY(data_step(p, x, pd, g, &diff));
    }
    nn_prog_release(g);
    BASE_TRY(contribute_take(p, in, &diff));
out:
    nn_prog_release(&diff);
    return st;
}

static BaseStatus linear_weights(NnProgram *p, NnNode x, const dnnl_memory_desc_t *src, const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    dnnl_memory_desc_t diff_weight = nn_md_weight(p, x, dnnl_f32, true), bias = nn_md(dnnl_f32, dnnl_x, 1, &node->C);
    dnnl_inner_product_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    NN_DNNL(dnnl_inner_product_backward_weights_desc_init(&desc, src, &diff_weight, node->bias ? &bias : NULL, &g->md),
            "the weight gradient", node->name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, p->state[x].pd, node->name, &pd));
    BASE_TRY(weights_step(p, x, pd, &p->state[x].src, g));
out:
    return st;
}

static BaseStatus linear_data(NnProgram *p, NnNode x, const dnnl_memory_desc_t *src, const NnTensor *g, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor diff = {0}, plain = {0};
    dnnl_memory_desc_t weight = nn_md_weight(p, x, p->type, true), rows = nn_md(p->type, dnnl_nc, 2, src->dims);
    dnnl_memory_desc_t map = nn_md_map(p, node->in[0], p->type, dnnl_nhwc);
    dnnl_inner_product_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    NN_DNNL(dnnl_inner_product_backward_data_desc_init(&desc, src, &weight, &g->md), "the data gradient", node->name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, p->state[x].pd, node->name, &pd));
    BASE_TRY(data_step(p, x, pd, g, &diff));
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, &diff, &rows, true, &plain));
    BASE_TRY(nn_prog_view(p, &plain, &map, out));
out:
    nn_prog_release(&diff);
    nn_prog_release(&plain);
    return st;
}

static BaseStatus backward_linear(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor flat = {0}, typed = {0}, diff = {0};
    const int64_t rows = p->n * node->H, in_dims[2] = {rows, nn_prog_node(p, node->in[0])->C},
                  out_dims[2] = {rows, node->C};
    dnnl_memory_desc_t src = nn_md(p->type, dnnl_format_tag_any, 2, in_dims),
                       dst = nn_md(p->type, dnnl_nc, 2, out_dims);
    BASE_TRY(nn_prog_vector(p, &p->backward, node->name, g, true, &flat));
    nn_prog_release(g);
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, &flat, &dst, true, &typed));
    nn_prog_release(&flat);
    BASE_TRY(linear_weights(p, x, &src, &typed));
    if (!p->state[node->in[0]].needs_grad) goto out;
    BASE_TRY(linear_data(p, x, &src, &typed, &diff));
    nn_prog_release(&typed);
    BASE_TRY(contribute_take(p, node->in[0], &diff));
out:
    nn_prog_release(&flat);
    nn_prog_release(&typed);
    nn_prog_release(&diff);
    return st;
}

static BaseStatus backward_norm(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor diff_dst = {0}, diff_src = {0}, scale, shift, diff_scale, diff_shift;
    unsigned flags = dnnl_use_scale | dnnl_use_shift;
    if (p->mode != NN_MODE_TRAIN) flags |= dnnl_use_global_stats;
    if (state->relu) flags |= dnnl_fuse_norm_relu;
    BASE_TRY(in_place_take(p, node->name, g, &state->src.md, &diff_dst, &diff_src));
    dnnl_batch_normalization_desc_t desc;
    NN_DNNL(dnnl_batch_normalization_backward_desc_init(&desc, dnnl_backward, &diff_dst.md, &state->src.md,
                                                        (float)NN_NORM_EPSILON, flags),
            "the gradient", node->name);
    const_dnnl_primitive_desc_t pd;
    BASE_TRY(nn_prog_pd(p, &desc, NULL, state->pd, node->name, &pd));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    BASE_TRY(vector_grad(p, node->weight, &diff_scale));
    BASE_TRY(vector_grad(p, node->bias_slice, &diff_shift));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_MEAN, &state->mean);
    nn_step_arg(step, DNNL_ARG_VARIANCE, &state->var);
    nn_step_arg(step, DNNL_ARG_DIFF_DST, &diff_dst);
    nn_step_arg(step, DNNL_ARG_SCALE, &scale);
    nn_step_arg(step, DNNL_ARG_SHIFT, &shift);
    nn_step_arg(step, DNNL_ARG_WORKSPACE, &state->workspace);
    nn_step_arg(step, DNNL_ARG_DIFF_SRC, &diff_src);
    nn_step_arg(step, DNNL_ARG_DIFF_SCALE, &diff_scale);
    nn_step_arg(step, DNNL_ARG_DIFF_SHIFT, &diff_shift);
    nn_prog_release(&diff_dst);
    BASE_TRY(contribute_take(p, node->in[0], &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

static BaseStatus backward_relu(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    const NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    NnTensor diff_dst = {0}, diff_src = {0};
    if (p->state[in].relu) return contribute_take(p, in, g); /* the batch norm before it does both */
    BASE_TRY(in_place_take(p, name, g, &state->value.md, &diff_dst, &diff_src));
    dnnl_eltwise_desc_t desc;
    const_dnnl_primitive_desc_t hint, pd;
    NN_DNNL(dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_training, dnnl_eltwise_relu_use_dst_for_bwd,
                                           &state->value.md, 0, 0),
            "the ReLU", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, name, &hint));
    NN_DNNL(
        dnnl_eltwise_backward_desc_init(&desc, dnnl_eltwise_relu_use_dst_for_bwd, &diff_dst.md, &state->value.md, 0, 0),
        "the gradient", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, hint, name, &pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_DST, &state->value);
    nn_step_arg(step, DNNL_ARG_DIFF_DST, &diff_dst);
    nn_step_arg(step, DNNL_ARG_DIFF_SRC, &diff_src);
    nn_prog_release(&diff_dst);
    BASE_TRY(contribute_take(p, in, &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

/* oneDNN's own step. */
static BaseStatus pool_step(NnProgram *p, NnNode x, const NnTensor *diff_dst, const NnTensor *diff_src)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const char *name = nn_prog_name(p, x);
    dnnl_dims_t stride, kernel, pad;
    nn_conv_geometry(node, stride, kernel, pad);
    dnnl_pooling_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    dnnl_alg_kind_t kind = node->kind == NN_NODE_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
    NN_DNNL(dnnl_pooling_backward_desc_init(&desc, kind, &diff_src->md, &diff_dst->md, stride, kernel, pad, pad),
            "the gradient", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, p->state[x].pd, name, &pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->backward, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_DIFF_DST, diff_dst);
    nn_step_arg(step, DNNL_ARG_WORKSPACE, &p->state[x].workspace);
    nn_step_arg(step, DNNL_ARG_DIFF_SRC, diff_src);
out:
    return st;
}

static BaseStatus backward_pool(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    NnTensor diff_dst = {0}, diff_src = {0};
    if (state->normpool) {
        BASE_TRY(nn_normpool_backward(p, state->normpool, x, g, &diff_src));
        nn_prog_release(g);
        BASE_TRY(contribute_take(p, nn_prog_node(p, state->normpool)->in[0], &diff_src));
        goto out;
    }
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &state->value.md, true, &diff_dst));
    nn_prog_release(g);
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, &diff_src));
    BASE_TRY(nn_maxpool_fits(p, x) ? nn_maxpool_backward(p, x, &diff_dst, &diff_src)
                                   : pool_step(p, x, &diff_dst, &diff_src));
    nn_prog_release(&diff_dst);
    BASE_TRY(contribute_take(p, nn_prog_node(p, x)->in[0], &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

static BaseStatus backward_flatten(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnTensor flat = {0}, map = {0};
    dnnl_memory_desc_t vector = nn_md_map(p, x, g->md.data_type, dnnl_nhwc);
    bool pixel = nn_prog_node(p, in)->H == 1 && nn_prog_node(p, in)->W == 1;
    dnnl_memory_desc_t order = nn_md_map(p, in, g->md.data_type, pixel ? dnnl_nhwc : dnnl_nchw);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &vector, true, &flat));
    nn_prog_release(g);
    BASE_TRY(nn_prog_view(p, &flat, &order, &map));
    nn_prog_release(&flat);
    BASE_TRY(contribute_take(p, in, &map));
out:
    nn_prog_release(&flat);
    nn_prog_release(&map);
    return st;
}

static BaseStatus backward_add(NnProgram *p, NnNode x, NnTensor *g)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor other = *g;
    nn_prog_hold(&other);
    BaseStatus st = contribute_take(p, node->in[0], g);
    BaseStatus second = contribute_take(p, node->in[1], &other);
    return st != BASE_OK ? st : second;
}

static BaseStatus backward_dropout(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor diff_dst = {0}, diff_src = {0};
    if (p->mode != NN_MODE_TRAIN || node->p <= 0) return contribute_take(p, node->in[0], g);
    BASE_TRY(in_place_take(p, nn_prog_name(p, x), g, &state->value.md, &diff_dst, &diff_src));
    int64_t bytes = (int64_t)dnnl_data_type_size(diff_dst.md.data_type);
    NnJob job = {.in = diff_dst.buf->data,
                 .out = diff_src.buf->data,
                 .C = bytes,
                 .count = (int64_t)dnnl_memory_desc_get_size(&diff_dst.md) / bytes,
                 .p = node->p,
                 .index = x};
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), nn_dropout_run, job));
    nn_prog_release(&diff_dst);
    BASE_TRY(contribute_take(p, node->in[0], &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

/* Nodes with one input that has a gradient, which their own files compute. */
static BaseStatus backward_token(NnProgram *p, NnNode x, NnTensor *g)
{
    static BaseStatus (*const GRADIENT[])(NnProgram *, NnNode, const NnTensor *,
                                          NnTensor *) = {[NN_NODE_TOKENS] = nn_tokens_backward,
                                                         [NN_NODE_FIRST_TOKEN] = nn_first_token_backward,
                                                         [NN_NODE_LAYER_NORM] = nn_layer_norm_backward,
                                                         [NN_NODE_GELU] = nn_gelu_backward,
                                                         [NN_NODE_ATTENTION] = nn_attention_backward};
    NnTensor diff = {0};
    const NnNodeInfo *node = nn_prog_node(p, x);
    BaseStatus st = GRADIENT[node->kind](p, x, g, &diff);
    nn_prog_release(g);
    if (st == BASE_OK) st = contribute_take(p, node->in[0], &diff);
    nn_prog_release(&diff);
    return st;
}

BaseStatus nn_build_backward(NnProgram *p)
{
    static BaseStatus (*const BUILD[])(NnProgram *, NnNode, NnTensor *) = {
        [NN_NODE_CONV] = backward_conv,         [NN_NODE_LINEAR] = backward_linear,
        [NN_NODE_NORM] = backward_norm,         [NN_NODE_RELU] = backward_relu,
        [NN_NODE_MAX_POOL] = backward_pool,     [NN_NODE_AVG_POOL] = backward_pool,
        [NN_NODE_FLATTEN] = backward_flatten,   [NN_NODE_ADD] = backward_add,
        [NN_NODE_DROPOUT] = backward_dropout,   [NN_NODE_TOKENS] = backward_token,
        [NN_NODE_FIRST_TOKEN] = backward_token, [NN_NODE_LAYER_NORM] = backward_token,
        [NN_NODE_GELU] = backward_token,        [NN_NODE_ATTENTION] = backward_token};
    BaseStatus st = BASE_OK;
    NnNode last = nn_net_output(p->net);
    dnnl_memory_desc_t map = nn_md_map(p, last, dnnl_f32, dnnl_nhwc);
    BASE_TRY(nn_prog_tensor(p, &map, false, &p->dlogits));
    p->diff[last] = p->dlogits;
    nn_prog_hold(&p->diff[last]);
    for (int i = last; i > 0; i--) {
        if (!p->diff[i].mem) continue; /* nothing before it has parameters */
        NnTensor g = p->diff[i];
        p->diff[i] = (NnTensor){0};
        if (i == p->watch) { /* a copy, before the storage serves on */
            dnnl_memory_desc_t plain = nn_md_map(p, i, dnnl_f32, dnnl_nchw);
            BASE_TRY(nn_prog_tensor(p, &plain, false, &p->dwatch));
            BASE_TRY(nn_prog_reorder(p, &p->backward, "the watched map", &g, &p->dwatch));
        }
        st = BUILD[nn_prog_node(p, i)->kind](p, i, &g);
        nn_prog_release(&g);
        if (st != BASE_OK) goto out;
    }
    if (p->diff[0].mem)
        BASE_TRY(nn_prog_convert(p, &p->backward, "the input", &p->diff[0], &p->state[0].value.md, false, &p->dinput));
out:
    return st;
}
