/* nn/onednn/compile.c - walks the graph forwards and backwards, and frees each value after its last reader. */
#include "nn/onednn/compile.h"

#include "base/memory.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"

static const NnOpBackend *const BACKENDS[] = {
    NULL, /* the input */
#define X(KIND, name) &nn_op_##name,
#include "nn/ops/list.h"
};

static void count_consumers(NnProgram *p)
{
    for (int i = 0; i < p->size; i++) p->state[i].only = -1;
    for (int i = 0; i < p->size; i++) {
        const NnNodeInfo *node = nn_prog_node(p, i);
        NnState *state = &p->state[i];
        state->needs_grad = node->weight >= 0 || (i == 0 && p->input);
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

/* @p left [nodes]: how often each value is still to be read; values that must outlive the pass count once more. */
static BaseStatus count_readers(const NnProgram *p, int **left)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(p->size, left));
    (*left)[0] = (*left)[nn_net_output(p->net)] = 1;
    for (int i = 0; i < p->size; i++) {
        const NnNodeInfo *node = nn_prog_node(p, i);
        for (int k = 0; k < 2; k++)
            if (node->in[k] >= 0)
                (*left)[node->in[k]] += 1 + (p->reuse && !p->hands_over && node->layer >= 0 && p->keep[node->layer]);
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

/* Node @p x is next. */
static BaseStatus hand_over(NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    if (!p->hands_over || node->layer < 0 || !p->keep[node->layer]) return BASE_OK;
    BaseStatus st = BASE_GROW_BY_ONE(&p->taken, p->taken_count);
    if (st == BASE_OK)
        p->taken[p->taken_count++] = (NnTaken){p->forward.count, node->layer, p->state[node->in[0]].value};
    return st;
}

static BaseStatus build_forward(NnProgram *p)
{
    BaseStatus st = BASE_OK;
    int *left = NULL;
    NnTensor flat = {0};
    NnMd x = nn_md_map(p, 0, dnnl_f32, dnnl_nchw);
    BASE_TRY(nn_prog_tensor(p, &x, false, &p->state[0].value));
    BASE_TRY(count_readers(p, &left));
    for (int i = 1; i < p->size; i++) {
        const NnOpBackend *backend = BACKENDS[nn_prog_node(p, i)->kind];
        BASE_TRY(hand_over(p, i));
        if (!p->state[i].done && backend->forward) BASE_TRY(backend->forward(p, i));
        if (p->reuse) release_read(p, i, left);
    }
    const int64_t dims[2] = {p->n, nn_net_classes(p->net)};
    NnMd plain = nn_md(&p->kit, dnnl_f32, dnnl_nc, 2, dims);
    BASE_TRY(nn_prog_vector(p, &p->forward, "the logits", &p->state[nn_net_output(p->net)].value, false, &flat));
    BASE_TRY(nn_prog_convert(p, &p->forward, "the logits", &flat, &plain, false, &p->logits));
out:
    nn_prog_release(&flat);
    base_free(left);
    return st;
}

static BaseStatus backward_of(NnProgram *p, NnNode x, NnTensor *g)
{
    const NnOpBackend *backend = BACKENDS[nn_prog_node(p, x)->kind];
    if (backend->backward) return backend->backward(p, x, g);
    NnTensor diff = {0};
    BaseStatus st = backend->gradient(p, x, g, &diff);
    nn_prog_release(g);
    if (st == BASE_OK) st = nn_gradient_add_take(p, nn_prog_node(p, x)->in[0], &diff);
    nn_prog_release(&diff);
    return st;
}

/* From the logits to the first layer with parameters. */
static BaseStatus build_backward(NnProgram *p)
{
    BaseStatus st = BASE_OK;
    NnNode last = nn_net_output(p->net);
    NnMd map = nn_md_map(p, last, dnnl_f32, dnnl_nhwc);
    BASE_TRY(nn_prog_tensor(p, &map, false, &p->dlogits));
    p->diff[last] = p->dlogits;
    nn_prog_hold(&p->diff[last]);
    for (int i = last; i > 0; i--) {
        if (!p->diff[i].mem) continue; /* nothing before it has parameters */
        NnTensor g = p->diff[i];
        p->diff[i] = (NnTensor){0};
        if (i == p->watch) { /* a copy, before the storage serves on */
            NnMd plain = nn_md_map(p, i, dnnl_f32, dnnl_nchw);
            BASE_TRY(nn_prog_tensor(p, &plain, false, &p->dwatch));
            BASE_TRY(nn_prog_reorder(p, &p->backward, "the watched map", &g, &p->dwatch));
        }
        st = backward_of(p, i, &g);
        nn_prog_release(&g);
        if (st != BASE_OK) goto out;
    }
    if (p->diff[0].mem)
        BASE_TRY(nn_prog_convert(p, &p->backward, "the input", &p->diff[0], &p->state[0].value.md, false, &p->dinput));
out:
    return st;
}

BaseStatus nn_compile(NnNet *net, NnMode mode, NnPrecision precision, int64_t n, const uint8_t *keep, bool hands_over,
                      NnNode watch, dnnl_engine_t engine, NnProgram **out)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &p));
    p->net = net;
    p->graph = nn_net_graph(net);
    p->size = nn_graph_size(p->graph);
    p->mode = mode == NN_MODE_TRAIN_INPUT ? NN_MODE_TRAIN : mode;
    p->input = mode == NN_MODE_EVAL_INPUT || mode == NN_MODE_TRAIN_INPUT;
    p->type = precision == NN_BF16 ? dnnl_bf16 : dnnl_f32;
    p->n = n;
    p->keep = keep;
    p->hands_over = hands_over;
    p->watch = watch;
    p->reuse = keep && mode == NN_MODE_EVAL;
    p->kit.engine = engine;
    BASE_TRY(BASE_ALLOC(p->size, &p->state));
    BASE_TRY(BASE_ALLOC(p->size, &p->diff));
    count_consumers(p);
    BASE_TRY(build_forward(p));
    p->load_forward = p->load.count;
    if (mode != NN_MODE_EVAL) BASE_TRY(build_backward(p));
    *out = p;
    p = NULL;
out:
    nn_program_free(p);
    return st;
}
