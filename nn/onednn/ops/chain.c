/* nn/onednn/ops/chain.c - follows single consumers from a node on, and marks what was taken along as done. */
#include "nn/onednn/ops/chain.h"

#include "nn/onednn/ops/activation.h"

/* Behind @p x, which does nothing in plain eval. */
static NnNode skip_dropout(const NnProgram *p, NnNode x)
{
    for (NnNode next; (next = nn_prog_next(p, x, NN_NODE_DROPOUT)) >= 0;) x = next;
    return x;
}

static NnNode find_norm(const NnProgram *p, NnNode x)
{
    NnNode norm = nn_prog_next(p, x, NN_NODE_NORM);
    if (norm >= 0) return norm;
    NnNode scale = nn_prog_next(p, x, NN_NODE_SCALE);
    return scale >= 0 && nn_prog_node(p, nn_prog_node(p, scale)->in[1])->kind == NN_NODE_VECTOR ? scale : -1;
}

static void find_add(const NnProgram *p, NnChain *c)
{
    NnNode from = skip_dropout(p, c->last), add = nn_prog_next(p, from, NN_NODE_ADD);
    if (add < 0) return;
    const NnNodeInfo *node = nn_prog_node(p, add);
    NnNode other = node->in[0] == from ? node->in[1] : node->in[0];
    if (!p->state[other].value.mem || p->state[other].value.md.type != p->type) return;
    c->add = c->last = add;
    c->other = other;
}

NnChain nn_chain_find(const NnProgram *p, NnNode x, unsigned with)
{
    NnChain c = {.norm = -1, .add = -1, .other = -1, .function = -1, .last = x};
    if (p->mode == NN_MODE_EVAL) {
        c.norm = find_norm(p, x);
        if (c.norm >= 0) c.last = c.norm;
        if (with & NN_CHAIN_ADD) find_add(p, &c);
    }
    c.function = nn_prog_next(p, c.last, NN_NODE_RELU);
    if (c.function < 0 && p->mode == NN_MODE_EVAL && (with & NN_CHAIN_FUNCTION)) {
        NnNode next = nn_prog_next(p, c.last, NN_NODE_ACTIVATION);
        if (next >= 0 && nn_activation_eltwise(nn_prog_node(p, next)).algorithm) c.function = next;
    }
    if (c.function >= 0) c.last = c.function;
    return c;
}

NnEltwise nn_chain_function(const NnProgram *p, const NnChain *c)
{
    if (c->function < 0) return (NnEltwise){0};
    return nn_activation_eltwise(nn_prog_node(p, c->function));
}

void nn_chain_finish(NnProgram *p, NnNode x, const NnChain *c)
{
    while (x != c->last) {
        x = p->state[x].only;
        p->state[x].done = true;
    }
    p->state[x].owned = p->state[x].only >= 0;
}
