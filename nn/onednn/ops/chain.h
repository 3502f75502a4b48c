/* nn/onednn/ops/chain.h - what one step can do beside its own operation. In plain eval: the batch norm after a convolution
 * or linear layer (fixed statistics), or its layer scale, folded in, dropout left out, an addition, a function. Elsewhere
 * a ReLU, whose gradient needs nothing but its output. */
#ifndef NN_ONEDNN_OPS_CHAIN_H
#define NN_ONEDNN_OPS_CHAIN_H

#include "nn/onednn/program.h"

typedef struct {
    NnNode norm;     /* folded: a batch norm, or a scale by a learned vector; -1 */
    NnNode add;      /* -1 */
    NnNode other;    /* what is added */
    NnNode function; /* a ReLU or another function; -1 */
    NnNode last;     /* whose value the step computes */
} NnChain;

/** What a step takes along beside a batch norm and a ReLU. */
enum { NN_CHAIN_ADD = 1, NN_CHAIN_FUNCTION = 2 };

/** What follows @p x; @p with: of the enum above. */
NnChain nn_chain_find(const NnProgram *p, NnNode x, unsigned with);
/** Its function in oneDNN's words. */
NnEltwise nn_chain_function(const NnProgram *p, const NnChain *c);
/** The chain's nodes after @p x have been computed. */
void nn_chain_finish(NnProgram *p, NnNode x, const NnChain *c);

#endif
