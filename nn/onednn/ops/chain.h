/* nn/onednn/ops/chain.h - what one step can do beside its own operation: the batch norm after a convolution or linear
 * layer folded in (fixed statistics only), an addition, a ReLU. */
#ifndef NN_ONEDNN_OPS_CHAIN_H
#define NN_ONEDNN_OPS_CHAIN_H

#include "nn/onednn/program.h"

typedef struct {
    NnNode norm;  /* folded; -1 */
    NnNode add;   /* -1 */
    NnNode other; /* what is added */
    NnNode relu;  /* -1 */
    NnNode last;  /* whose value the step computes */
} NnChain;

/** What follows @p x; @p with_add: an addition too. */
NnChain nn_chain_find(const NnProgram *p, NnNode x, bool with_add);
/** The chain's nodes have been computed. */
void nn_chain_finish(NnProgram *p, const NnChain *c);

#endif
