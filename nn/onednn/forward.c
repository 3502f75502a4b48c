/* The forward pass of a graph as steps. A chain that one primitive can run is one step: convolution or linear layer
 * with the batch norm behind it folded in (fixed statistics only), an addition and a ReLU; batch norm with ReLU. */
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/onednn/program.h"

typedef struct {
    NnNode norm;  /* folded; -1 */
    NnNode add;   /* -1 */
    NnNode other; /* what is added */
    NnNode relu;  /* -1 */
    NnNode last;  /* whose value the step computes */
} Chain;

static NnNode next_of_kind(const NnProgram *p, NnNode x, NnNodeKind kind)
{
    NnNode next = p->state[x].only;
    return next >= 0 && nn_prog_node(p, next)->kind == kind ? next : -1;
}

static Chain find_chain(const NnProgram *p, NnNode x, bool with_add)
{
    Chain c = {.norm = -1, .add = -1, .other = -1, .relu = -1, .last = x};
    if (p->mode == NN_MODE_EVAL) {
        c.norm = next_of_kind(p, c.last, NN_NODE_NORM);
        if (c.norm >= 0) c.last = c.norm;
        NnNode add = with_add ? next_of_kind(p, c.last, NN_NODE_ADD) : -1;
        if (add >= 0) {
            const NnNodeInfo *node = nn_prog_node(p, add);
            NnNode other = node->in[0] == c.last ? node->in[1] : node->in[0];
            if (p->state[other].value.mem && p->state[other].value.md.data_type == p->type) {
                c.add = c.last = add;
                c.other = other;
            }
        }
    }
    c.relu = next_of_kind(p, c.last, NN_NODE_RELU);
    if (c.relu >= 0) c.last = c.relu;
    return c;
}

static void finish_chain(NnProgram *p, const Chain *c)
{
    if (c->norm >= 0) p->state[c->norm].done = true;
    if (c->add >= 0) p->state[c->add].done = true;
    if (c->relu >= 0) p->state[c->relu].done = true;
    p->state[c->last].owned = p->state[c->last].only >= 0;
}

/* Attributes of a chain's post-ops. *out NULL where there are none. */
static BaseStatus chain_attr(const Chain *c, const dnnl_memory_desc_t *other, const char *name,
                             dnnl_primitive_attr_t *out)
{
    BaseStatus st = BASE_OK;
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_attr_t attr = NULL;
    *out = NULL;
    if (c->add < 0 && c->relu < 0) return BASE_OK;
    NN_DNNL(dnnl_post_ops_create(&ops), "post-ops", name);
    NN_DNNL(dnnl_primitive_attr_create(&attr), "attributes", name);
    if (c->add >= 0) NN_DNNL(dnnl_post_ops_append_binary(ops, dnnl_binary_add, other), "post-ops", name);
    if (c->relu >= 0) NN_DNNL(dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0), "post-ops", name);
    NN_DNNL(dnnl_primitive_attr_set_post_ops(attr, ops), "post-ops", name);
    *out = attr;
    attr = NULL;
out:
    if (ops) dnnl_post_ops_destroy(ops);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

static dnnl_prop_kind_t forward_kind(const NnProgram *p)
{
    return p->mode == NN_MODE_EVAL ? dnnl_forward_inference : dnnl_forward_training;
}

static BaseStatus conv_pd(NnProgram *p, NnNode x, const Chain *c, const_dnnl_primitive_desc_t *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    dnnl_primitive_attr_t attr = NULL;
    BASE_TRY(chain_attr(c, c->add >= 0 ? &p->state[c->other].value.md : NULL, node->name, &attr));
    BASE_TRY(nn_conv_forward_pd(p, x, node->bias || c->norm >= 0, attr, out));
out:
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

static bool is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = NULL;
    return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success &&
           strstr(name, "ref") != 0;
}

static BaseStatus linear_pd(NnProgram *p, NnNode x, const Chain *c, const_dnnl_primitive_desc_t *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    dnnl_primitive_attr_t attr = NULL;
    /* logits leave in float32, so that bf16 does not round them */
    dnnl_data_type_t out_type = c->last == nn_net_output(p->net) ? dnnl_f32 : p->type;
    const int64_t rows = p->n * node->H, in_dims[2] = {rows, nn_prog_node(p, node->in[0])->C},
                  out_dims[2] = {rows, node->C};
    dnnl_memory_desc_t src = nn_md(p->type, dnnl_format_tag_any, 2, in_dims),
                       dst = nn_md(out_type, dnnl_nc, 2, out_dims);
    /* many rows: as fast on plain weights, and in float32 those need no copy */
    dnnl_memory_desc_t weight = nn_md_weight(p, x, p->type, node->H == 1), bias = nn_md(dnnl_f32, dnnl_x, 1, &node->C);
    dnnl_inner_product_desc_t desc;
    NN_DNNL(dnnl_inner_product_forward_desc_init(&desc, forward_kind(p), &src, &weight,
                                                 node->bias || c->norm >= 0 ? &bias : NULL, &dst),
            "the product", node->name);
    BASE_TRY(chain_attr(c, NULL, node->name, &attr));
    BASE_TRY(nn_prog_pd(p, &desc, attr, NULL, node->name, out));
out:
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

static BaseStatus forward_linear(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    Chain c = find_chain(p, x, false);
    NnTensor flat = {0}, weight, bias, dst = {0};
    BASE_TRY(linear_pd(p, x, &c, &state->pd));
    BASE_TRY(nn_prog_vector(p, &p->forward, node->name, &p->state[node->in[0]].value, false, &flat));
    BASE_TRY(
        nn_prog_convert(p, &p->forward, node->name, &flat, nn_pd_md(state->pd, dnnl_query_src_md), false, &state->src));
    BASE_TRY(nn_reload_weight(p, x, c.norm, nn_pd_md(state->pd, dnnl_query_weights_md), &weight));
    BASE_TRY(nn_reload_bias(p, x, c.norm, &bias));
    const dnnl_memory_desc_t *rows = nn_pd_md(state->pd, dnnl_query_dst_md);
    dnnl_memory_desc_t map = nn_md_map(p, x, rows->data_type, dnnl_nhwc);
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &p->state[c.last].value));
    BASE_TRY(nn_prog_view(p, &p->state[c.last].value, rows, &dst));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, state->pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_WEIGHTS, &weight);
    nn_step_arg(step, DNNL_ARG_BIAS, &bias);
    nn_step_arg(step, DNNL_ARG_DST, &dst);
    finish_chain(p, &c);
out:
    nn_prog_release(&flat);
    nn_prog_release(&dst);
    return st;
}

static BaseStatus forward_unfolded(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    Chain c = find_chain(p, x, true);
    NnTensor bias, other = {0}, dst = {0};
    dnnl_primitive_attr_t attr = NULL;
    /* in plain eval nothing reads the patches again, and the weights are packed once for many batches */
    bool eval = p->mode == NN_MODE_EVAL;
    BASE_TRY(nn_unfold_source(p, &p->forward, x, eval, &state->src));
    if (c.add >= 0) BASE_TRY(nn_unfold_rows(p, &p->forward, x, &p->state[c.other].value, &other));
    BASE_TRY(chain_attr(&c, &other.md, node->name, &attr));
    BASE_TRY(nn_unfold_weight(p, x, c.norm, &state->weight));
    BASE_TRY(nn_reload_bias(p, x, c.norm, &bias));
    dnnl_memory_desc_t map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &p->state[c.last].value));
    BASE_TRY(nn_unfold_rows(p, &p->forward, x, &p->state[c.last].value, &dst));
    NnMatmul product = {.a = state->src, .b = state->weight, .c = dst, .bias = bias, .other = other, .attr = attr};
    BASE_TRY(nn_unfold_product(p, &p->forward, x, &product, eval ? &p->load : NULL));
    state->unfolded = true;
    if (eval) nn_prog_release(&state->src);
    finish_chain(p, &c);
out:
    nn_prog_release(&other);
    nn_prog_release(&dst);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

static BaseStatus forward_winograd(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNode from = nn_prog_node(p, x)->in[0];
    NnTensor *src = &p->state[x].src, other = {0};
    dnnl_memory_desc_t in = nn_winograd_md(p, from), out = nn_winograd_md(p, x);
    Chain c = find_chain(p, x, true);
    BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[from].value, &in, false, src));
    if (c.add >= 0)
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[c.other].value, &out, true, &other));
    NnTensor *dst = &p->state[c.last].value;
    BASE_TRY(nn_prog_tensor(p, &out, p->reuse, dst));
    BASE_TRY(nn_winograd_forward(p, x, c.norm, src, &other, c.relu >= 0, dst));
    finish_chain(p, &c);
out:
    nn_prog_release(&other);
    return st;
}

static BaseStatus forward_conv(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnPass pass = nn_conv_forward_pass(p);
    NnConvAlgorithm algorithm = nn_conv_algorithm(p, x, pass, NULL);
    if (algorithm == NN_CONV_UNFOLD || nn_winograd_ours(algorithm)) {
        state->used[pass] = (uint8_t)(1 + algorithm);
        return algorithm == NN_CONV_UNFOLD ? forward_unfolded(p, x) : forward_winograd(p, x);
    }
    Chain c = find_chain(p, x, true);
    const_dnnl_primitive_desc_t pd = NULL;
    BaseStatus chosen = conv_pd(p, x, &c, &pd);
    if (c.add >= 0 && (chosen != BASE_OK || is_reference(pd) ||
                       !dnnl_memory_desc_equal(nn_pd_md(pd, dnnl_query_dst_md), &p->state[c.other].value.md))) {
        c = find_chain(p, x, false); /* the addition gets a step of its own */
        chosen = conv_pd(p, x, &c, &pd);
    }
    BASE_TRY(chosen);
    state->pd = pd;
    NnTensor weight, bias;
    BASE_TRY(nn_prog_convert(p, &p->forward, node->name, &p->state[node->in[0]].value, nn_pd_md(pd, dnnl_query_src_md),
                             false, &state->src));
    BASE_TRY(nn_reload_weight(p, x, c.norm, nn_pd_md(pd, dnnl_query_weights_md), &weight));
    BASE_TRY(nn_reload_bias(p, x, c.norm, &bias));
    NnTensor *dst = &p->state[c.last].value;
    BASE_TRY(nn_prog_tensor(p, nn_pd_md(pd, dnnl_query_dst_md), p->reuse, dst));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_WEIGHTS, &weight);
    nn_step_arg(step, DNNL_ARG_BIAS, &bias);
    nn_step_arg(step, DNNL_ARG_DST, dst);
    if (c.add >= 0) nn_step_arg(step, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, &p->state[c.other].value);
    finish_chain(p, &c);
out:
    return st;
}

/* Running statistics as PyTorch keeps them: r += 0.1 (batch - r), the variance over m - 1. job: in = mean, aux = var */
static BaseStatus move_statistics(NnProgram *p, const NnJob *job)
{
    int count;
    const NnSlice *slices = nn_net_buffer_slices(p->net, &count);
    float *buffers = nn_net_edit_buffers(p->net);
    float *running_mean = buffers + slices[job->node->mean].offset,
          *running_var = buffers + slices[job->node->var].offset;
    const float *mean = job->in, *var = job->aux;
    double unbiased = (double)job->rows / (double)(job->rows - 1);
    for (int64_t k = 0; k < job->C; k++) {
        running_mean[k] = (float)((1 - NN_NORM_MOMENTUM) * running_mean[k] + NN_NORM_MOMENTUM * mean[k]);
        running_var[k] = (float)((1 - NN_NORM_MOMENTUM) * running_var[k] + NN_NORM_MOMENTUM * unbiased * var[k]);
    }
    return BASE_OK;
}

static BaseStatus norm_vectors(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    if (p->mode == NN_MODE_TRAIN) {
        dnnl_memory_desc_t md = nn_md(dnnl_f32, dnnl_x, 1, &node->C);
        BASE_TRY(nn_prog_tensor(p, &md, false, &state->mean));
        BASE_TRY(nn_prog_tensor(p, &md, false, &state->var));
    } else {
        BASE_TRY(nn_prog_buffer(p, node->mean, &state->mean));
        BASE_TRY(nn_prog_buffer(p, node->var, &state->var));
    }
out:
    return st;
}

static BaseStatus norm_moves(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    if (p->mode == NN_MODE_TRAIN) {
        NnJob job = {.in = state->mean.buf->data,
                     .aux = state->var.buf->data,
                     .C = node->C,
                     .rows = p->n * node->H * node->W,
                     .node = node};
        BASE_CHECK(job.rows > 1, BASE_ESHAPE,
                   "%s: batch statistics of one value a channel: a training batch of 1 needs "
                   "maps larger than 1x1 here",
                   node->name);
        BASE_TRY(nn_prog_own_step(&p->forward, node->name, move_statistics, job));
    }
out:
    return st;
}

static BaseStatus forward_normpool(NnProgram *p, NnNode x, NnNode relu, NnNode pool)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_normpool_forward(p, x, pool));
    BASE_TRY(norm_moves(p, x));
    p->state[relu].done = p->state[pool].done = true;
    p->state[pool].normpool = x;
    p->state[pool].owned = p->state[pool].only >= 0;
out:
    return st;
}

static BaseStatus forward_norm(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnNode relu = next_of_kind(p, x, NN_NODE_RELU);
    NnNode pool = relu >= 0 ? next_of_kind(p, relu, NN_NODE_MAX_POOL) : -1;
    state->relu = relu >= 0;
    state->src = p->state[node->in[0]].value;
    nn_prog_hold(&state->src);
    BASE_TRY(norm_vectors(p, x));
    if (pool >= 0 && nn_normpool_fits(p, x, pool)) return forward_normpool(p, x, relu, pool);
    unsigned flags = dnnl_use_scale | dnnl_use_shift;
    if (p->mode != NN_MODE_TRAIN) flags |= dnnl_use_global_stats;
    if (state->relu) flags |= dnnl_fuse_norm_relu;
    dnnl_batch_normalization_desc_t desc;
    NN_DNNL(dnnl_batch_normalization_forward_desc_init(&desc, forward_kind(p), &state->src.md, (float)NN_NORM_EPSILON,
                                                       flags),
            "the batch norm", node->name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, node->name, &state->pd));
    NnNode last = state->relu ? relu : x;
    NnTensor *dst = &p->state[last].value, scale, shift;
    BASE_TRY(nn_prog_tensor(p, &state->src.md, p->reuse, dst));
    const dnnl_memory_desc_t *ws = nn_pd_md(state->pd, dnnl_query_workspace_md);
    if (dnnl_memory_desc_get_size(ws)) BASE_TRY(nn_prog_tensor(p, ws, false, &state->workspace));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, state->pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_SCALE, &scale);
    nn_step_arg(step, DNNL_ARG_SHIFT, &shift);
    nn_step_arg(step, DNNL_ARG_DST, dst);
    nn_step_arg(step, DNNL_ARG_WORKSPACE, &state->workspace);
    nn_step_arg(step, DNNL_ARG_MEAN, &state->mean);
    nn_step_arg(step, DNNL_ARG_VARIANCE, &state->var);
    BASE_TRY(norm_moves(p, x));
    if (relu >= 0) p->state[relu].done = true;
    p->state[last].owned = p->state[last].only >= 0;
out:
    return st;
}

/* The value of a node that works element by element: in its input's storage where nothing else reads that. */
static BaseStatus elementwise_value(NnProgram *p, NnNode x)
{
    NnState *state = &p->state[x], *from = &p->state[nn_prog_node(p, x)->in[0]];
    state->owned = state->only >= 0;
    state->src = from->value;
    nn_prog_hold(&state->src);
    if (!from->owned) return nn_prog_tensor(p, &from->value.md, p->reuse, &state->value);
    state->value = from->value;
    nn_prog_hold(&state->value);
    return BASE_OK;
}

static BaseStatus forward_relu(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    BASE_TRY(elementwise_value(p, x));
    dnnl_eltwise_desc_t desc;
    NN_DNNL(dnnl_eltwise_forward_desc_init(&desc, forward_kind(p), dnnl_eltwise_relu, &state->src.md, 0, 0), "the ReLU",
            nn_prog_name(p, x));
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, nn_prog_name(p, x), &state->pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, nn_prog_name(p, x), state->pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_DST, &state->value);
out:
    return st;
}

static BaseStatus forward_pool(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    state->src = p->state[node->in[0]].value;
    nn_prog_hold(&state->src);
    state->owned = state->only >= 0;
    if (nn_maxpool_fits(p, x)) return nn_maxpool_forward(p, x);
    dnnl_memory_desc_t dst = nn_md_map(p, x, state->src.md.data_type, dnnl_format_tag_any);
    dnnl_dims_t stride, kernel, pad;
    nn_conv_geometry(node, stride, kernel, pad);
    dnnl_pooling_desc_t desc;
    dnnl_alg_kind_t kind = node->kind == NN_NODE_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
    NN_DNNL(
        dnnl_pooling_forward_desc_init(&desc, forward_kind(p), kind, &state->src.md, &dst, stride, kernel, pad, pad),
        "the pooling", name);
    BASE_TRY(nn_prog_pd(p, &desc, NULL, NULL, name, &state->pd));
    BASE_TRY(nn_prog_tensor(p, nn_pd_md(state->pd, dnnl_query_dst_md), p->reuse, &state->value));
    const dnnl_memory_desc_t *ws = nn_pd_md(state->pd, dnnl_query_workspace_md);
    if (dnnl_memory_desc_get_size(ws)) BASE_TRY(nn_prog_tensor(p, ws, false, &state->workspace));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, name, state->pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &state->src);
    nn_step_arg(step, DNNL_ARG_DST, &state->value);
    nn_step_arg(step, DNNL_ARG_WORKSPACE, &state->workspace);
out:
    return st;
}

static BaseStatus forward_flatten(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnState *state = &p->state[x], *from = &p->state[in];
    NnTensor plain = {0};
    dnnl_memory_desc_t flat = nn_md_map(p, x, from->value.md.data_type, dnnl_nhwc);
    dnnl_memory_desc_t order = nn_md(from->value.md.data_type, dnnl_nchw, 4, from->value.md.dims);
    if (from->value.md.dims[2] == 1 && from->value.md.dims[3] == 1)
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &from->value, &flat, false, &state->value));
    else {
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &from->value, &order, false, &plain));
        BASE_TRY(nn_prog_view(p, &plain, &flat, &state->value));
    }
    state->owned = state->only >= 0 && from->owned;
out:
    nn_prog_release(&plain);
    return st;
}

static BaseStatus forward_add(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const char *name = nn_prog_name(p, x);
    Chain c = {.norm = -1, .add = -1, .relu = next_of_kind(p, x, NN_NODE_RELU), .last = x};
    if (c.relu >= 0) c.last = c.relu;
    NnState *a = &p->state[node->in[0]], *b = &p->state[node->in[1]];
    NnTensor other = {0}, *dst = &p->state[c.last].value;
    dnnl_primitive_attr_t attr = NULL;
    BASE_TRY(nn_prog_convert(p, &p->forward, name, &b->value, &a->value.md, false, &other));
    if (a->owned && p->mode == NN_MODE_EVAL) { /* elsewhere a ReLU before it needs its output for the backward pass */
        *dst = a->value;
        nn_prog_hold(dst);
    } else {
        BASE_TRY(nn_prog_tensor(p, &a->value.md, p->reuse, dst));
    }
    dnnl_binary_desc_t desc;
    NN_DNNL(dnnl_binary_desc_init(&desc, dnnl_binary_add, &a->value.md, &other.md, &dst->md), "the addition", name);
    BASE_TRY(chain_attr(&c, NULL, name, &attr));
    const_dnnl_primitive_desc_t pd;
    BASE_TRY(nn_prog_pd(p, &desc, attr, NULL, name, &pd));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, &p->forward, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC_0, &a->value);
    nn_step_arg(step, DNNL_ARG_SRC_1, &other);
    nn_step_arg(step, DNNL_ARG_DST, dst);
    finish_chain(p, &c);
out:
    nn_prog_release(&other);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

/* job: in, out [count] of the program's element size in C bytes, p, index = node. An element's fate is a function of
 * (key, node, position), so that the backward pass finds the same one. */
BaseStatus nn_dropout_run(NnProgram *p, const NnJob *job)
{
    uint64_t stream = base_random_mix(p->dropout_key + base_random_mix((uint64_t)job->index + 1));
    uint64_t limit = (uint64_t)(job->p * 0x1p53);
    float scale = (float)(1 / (1 - job->p));
    const float *in = job->in;
    float *out = job->out;
    const uint16_t *in16 = job->in;
    uint16_t *out16 = job->out;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < job->count; i++) {
        float keep = base_random_mix(stream + (uint64_t)i * 0x9e3779b97f4a7c15u) >> 11 < limit ? 0 : scale;
        if (job->C == 4) {
            out[i] = keep > 0 ? in[i] * keep : 0;
        } else {
            out16[i] = keep > 0 ? nn_bf16_from_f32(nn_bf16_to_f32(in16[i]) * keep) : 0;
        }
    }
    return BASE_OK;
}

static BaseStatus forward_dropout(NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x], *from = &p->state[node->in[0]];
    if (p->mode != NN_MODE_TRAIN || node->p <= 0) {
        state->value = from->value;
        nn_prog_hold(&state->value);
        state->owned = state->only >= 0 && from->owned;
        return BASE_OK;
    }
    BaseStatus st = elementwise_value(p, x);
    if (st != BASE_OK) return st;
    int64_t bytes = (int64_t)dnnl_data_type_size(state->value.md.data_type);
    NnJob job = {.in = state->src.buf->data,
                 .out = state->value.buf->data,
                 .C = bytes,
                 .count = (int64_t)dnnl_memory_desc_get_size(&state->value.md) / bytes,
                 .p = node->p,
                 .index = x};
    return nn_prog_own_step(&p->forward, nn_prog_name(p, x), nn_dropout_run, job);
}

/* A class token is read where it is used. */
static BaseStatus forward_nothing(NnProgram *p, NnNode x)
{
    (void)p, (void)x;
    return BASE_OK;
}

/* @p left [nodes]: how often each value is still to be read; values that must outlive the pass count once more. */
static BaseStatus count_readers(const NnProgram *p, int **left)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(p->size, left));
    (*left)[0] = (*left)[nn_net_output(p->net)] = 1;
    for (int i = 0; i < p->size; i++) {
        const NnNodeInfo *node = nn_prog_node(p, i);
        for (int k = 0; k < 2; k++)
            if (node->in[k] >= 0) (*left)[node->in[k]] += 1 + (p->reuse && node->layer >= 0 && p->keep[node->layer]);
    }
out:
    return st;
}

/* Gives up what node @p x was the last to read. */
static void release_read(NnProgram *p, NnNode x, int *left)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    nn_prog_release(&p->state[x].src);
    for (int k = 0; k < 2; k++)
        if (node->in[k] >= 0 && --left[node->in[k]] == 0) nn_prog_release(&p->state[node->in[k]].value);
}

BaseStatus nn_build_forward(NnProgram *p)
{
    static BaseStatus (*const BUILD[])(NnProgram *, NnNode) = {[NN_NODE_CONV] = forward_conv,
                                                               [NN_NODE_LINEAR] = forward_linear,
                                                               [NN_NODE_NORM] = forward_norm,
                                                               [NN_NODE_RELU] = forward_relu,
                                                               [NN_NODE_MAX_POOL] = forward_pool,
                                                               [NN_NODE_AVG_POOL] = forward_pool,
                                                               [NN_NODE_FLATTEN] = forward_flatten,
                                                               [NN_NODE_ADD] = forward_add,
                                                               [NN_NODE_DROPOUT] = forward_dropout,
                                                               [NN_NODE_CLASS_TOKEN] = forward_nothing,
                                                               [NN_NODE_TOKENS] = nn_tokens_forward,
                                                               [NN_NODE_FIRST_TOKEN] = nn_first_token_forward,
                                                               [NN_NODE_LAYER_NORM] = nn_layer_norm_forward,
                                                               [NN_NODE_GELU] = nn_gelu_forward,
                                                               [NN_NODE_ATTENTION] = nn_attention_forward};
    BaseStatus st = BASE_OK;
    int *left = NULL;
    dnnl_memory_desc_t x = nn_md_map(p, 0, dnnl_f32, dnnl_nchw);
    BASE_TRY(nn_prog_tensor(p, &x, false, &p->state[0].value));
    BASE_TRY(count_readers(p, &left));
    for (int i = 1; i < p->size; i++) {
        if (!p->state[i].done) BASE_TRY(BUILD[nn_prog_node(p, i)->kind](p, i));
        if (p->reuse) release_read(p, i, left);
    }
    const int64_t dims[2] = {p->n, nn_net_classes(p->net)};
    dnnl_memory_desc_t plain = nn_md(dnnl_f32, dnnl_nc, 2, dims);
    NnTensor flat = {0};
    st = nn_prog_vector(p, &p->forward, "the logits", &p->state[nn_net_output(p->net)].value, false, &flat);
    if (st == BASE_OK) st = nn_prog_convert(p, &p->forward, "the logits", &flat, &plain, false, &p->logits);
    nn_prog_release(&flat);
out:
    base_free(left);
    return st;
}
