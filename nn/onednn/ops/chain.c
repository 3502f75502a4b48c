/* nn/onednn/ops/chain.c - follows single consumers from a node on, and marks what was taken along as done. */
#include "nn/onednn/ops/chain.h"

NnChain nn_chain_find(const NnProgram *p, NnNode x, bool with_add)
{
    NnChain c = {.norm = -1, .add = -1, .other = -1, .relu = -1, .last = x};
    if (p->mode == NN_MODE_EVAL) {
        c.norm = nn_prog_next(p, c.last, NN_NODE_NORM);
        if (c.norm >= 0) c.last = c.norm;
        NnNode add = with_add ? nn_prog_next(p, c.last, NN_NODE_ADD) : -1;
        if (add >= 0) {
            const NnNodeInfo *node = nn_prog_node(p, add);
            NnNode other = node->in[0] == c.last ? node->in[1] : node->in[0];
            if (p->state[other].value.mem && p->state[other].value.md.type == p->type) {
                c.add = c.last = add;
                c.other = other;
            }
        }
    }
    c.relu = nn_prog_next(p, c.last, NN_NODE_RELU);
    if (c.relu >= 0) c.last = c.relu;
    return c;
}

void nn_chain_finish(NnProgram *p, const NnChain *c)
{
    if (c->norm >= 0) p->state[c->norm].done = true;
    if (c->add >= 0) p->state[c->add].done = true;
    if (c->relu >= 0) p->state[c->relu].done = true;
    p->state[c->last].owned = p->state[c->last].only >= 0;
}
