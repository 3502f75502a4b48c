/* nn/ops/op.c - the table of operations, and the rule of sliding windows. */
#include "nn/ops/op.h"

#define X(KIND, name) extern const NnOperation nn_operation_##name;
#include "nn/ops/list.h"
static const NnOperation *const OPERATIONS[] = {
    NULL, /* the input */
#define X(KIND, name) &nn_operation_##name,
#include "nn/ops/list.h"
};

const NnOperation *nn_operation_of(NnNodeKind kind) { return OPERATIONS[kind]; }

int64_t nn_op_window(int64_t side, int64_t kernel, int64_t stride, int64_t pad)
{
    return side + 2 * pad < kernel ? 0 : (side + 2 * pad - kernel) / stride + 1;
}

bool nn_op_window_fits(NnGraph *g, const char *what, const NnNodeInfo *in, int64_t kernel, int64_t stride, int64_t pad)
{
    if (kernel >= 1 && kernel <= NN_GRAPH_LARGEST && stride >= 1 && stride <= NN_GRAPH_LARGEST && pad >= 0 &&
        pad < kernel && nn_op_window(in->H, kernel, stride, pad) > 0 && nn_op_window(in->W, kernel, stride, pad) > 0)
        return true;
    nn_graph_fail(
        g, base_error_set(
               BASE_ESHAPE,
               "%s: kernel %lld, stride %lld, padding %lld on a %lldx%lld map: the kernel must fit into the padded "
               "map, the stride be at least 1, the padding be from 0 to kernel - 1",
               what, (long long)kernel, (long long)stride, (long long)pad, (long long)in->H, (long long)in->W));
    return false;
}
