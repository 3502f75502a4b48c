/* tests/contract/shapes.h - images as small as each architecture takes. */
#ifndef TESTS_CONTRACT_SHAPES_H
#define TESTS_CONTRACT_SHAPES_H

#include <stdlib.h>

#include "nn/arch/arch.h"
#include "tests/support/support.h"

enum { MANY = 13000000 }; /* parameters: above that in the long tests only */

static inline bool is_long(int64_t parameters) { return parameters > MANY && !getenv("EXPUNGE_LONG"); }

/* The smallest square of 8, 16, 32, ... pixels that builds with so many classes; returns the network's parameters. */
static inline int64_t smallest_shape(const NnArch *arch, int64_t classes, int64_t shape[3])
{
    NnNet *net = NULL;
    shape[0] = arch->C ? arch->C : 1;
    for (int64_t side = 8; !net; side *= 2) {
        assert_true(side <= 64);
        shape[1] = shape[2] = side;
        BaseStatus st = nn_arch_build_at(arch, shape, classes, false, &net);
        assert_true(st == BASE_OK || st == BASE_ESHAPE);
    }
    int64_t parameters = nn_net_param_count(net);
    nn_net_free(net);
    return parameters;
}

#endif
