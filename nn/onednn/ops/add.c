/* nn/onednn/ops/add.c - the sum of two maps, with the ReLU after it. */
#include "nn/onednn/ops/chain.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const char *name = nn_prog_name(p, x);
    NnChain c = {.function = nn_prog_next(p, x, NN_NODE_RELU), .last = x};
    if (c.function >= 0) c.last = c.function;
    NnState *a = &p->state[node->in[0]], *b = &p->state[node->in[1]];
    NnTensor other = {0}, *dst = &p->state[c.last].value;
    BASE_TRY(nn_prog_convert(p, &p->forward, name, &b->value, &a->value.md, false, &other));
    if (a->owned && p->mode == NN_MODE_EVAL) { /* elsewhere a ReLU before it needs its output for the backward pass */
        *dst = a->value;
        nn_prog_hold(dst);
    } else {
        BASE_TRY(nn_prog_tensor(p, &a->value.md, p->reuse, dst));
    }
    NnOp op = {.kind = NN_OP_SUM,
               .src = &a->value.md,
               .diff = &other.md,
               .dst = &dst->md,
               .post.function = nn_chain_function(p, &c)};
    const NnStepArg args[] = {{DNNL_ARG_SRC_0, &a->value}, {DNNL_ARG_SRC_1, &other}, {DNNL_ARG_DST, dst}, {0}};
    BASE_TRY(nn_prog_op(p, &p->forward, name, &op, args, NULL));
    nn_chain_finish(p, x, &c);
out:
    nn_prog_release(&other);
    return st;
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor other = *g;
    nn_prog_hold(&other);
    BaseStatus st = nn_gradient_add_take(p, node->in[0], g);
    BaseStatus second = nn_gradient_add_take(p, node->in[1], &other);
    return st != BASE_OK ? st : second;
}

const NnOpBackend nn_op_add = {.forward = forward, .backward = backward};
