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

/* Whether an operation before @p end has it too. */
static bool is_again(const NnForm *form, size_t end)
{
    for (size_t k = 1; k < end; k++)
        for (const NnForm *const *f = OPERATIONS[k]->forms; f && *f; f++)
            if (*f == form) return true;
    return false;
}

const NnForm *nn_form_at(size_t i)
{
    for (size_t k = 1; k < sizeof OPERATIONS / sizeof *OPERATIONS; k++)
        for (const NnForm *const *f = OPERATIONS[k]->forms; f && *f; f++)
            if (!is_again(*f, k) && i-- == 0) return *f;
    return NULL;
}

static int64_t extent(const NnWindow *w) { return (w->kernel - 1) * w->dilation + 1; }

int64_t nn_op_window(int64_t side, const NnWindow *w)
{
    int64_t room = side + 2 * w->pad + w->more - extent(w);
    return room < 0 ? 0 : room / w->stride + 1;
}

static bool fits(int64_t side, const NnWindow *w)
{
    return w->kernel >= 1 && w->kernel <= NN_GRAPH_LARGEST && w->stride >= 1 && w->stride <= NN_GRAPH_LARGEST &&
           w->dilation >= 1 && w->dilation <= NN_GRAPH_LARGEST && w->pad >= 0 && w->pad < extent(w) &&
           w->pad + w->more >= 0 && w->pad + w->more < extent(w) && nn_op_window(side, w) > 0;
}

bool nn_op_window_fits(NnGraph *g, const char *what, const NnNodeInfo *in, const NnWindow *high, const NnWindow *wide)
{
    if (fits(in->H, high) && fits(in->W, wide)) return true;
    const NnWindow *w = fits(in->H, high) ? wide : high;
    nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                    "%s: kernel %lld, stride %lld, padding %lld and %lld, dilation %lld on a %lldx%lld "
                                    "map: the kernel must fit into the padded map, stride and dilation be at least 1, "
                                    "the padding of each side be from 0 to less than the kernel",
                                    what, (long long)w->kernel, (long long)w->stride, (long long)w->pad,
                                    (long long)(w->pad + w->more), (long long)w->dilation, (long long)in->H,
                                    (long long)in->W));
    return false;
}
