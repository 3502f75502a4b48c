/* nn/onednn/ops/conv/shape.c - fills one row of the tuning table's key from a node and its input. */
#include "nn/onednn/ops/conv/conv.h"

#include "math/threads.h"

bool nn_conv_is_plain(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return node->groups == 1 && node->dilation == 1 && node->kernel_h == node->kernel_w && node->pad_h == node->pad_w &&
           node->more_h == 0 && node->more_w == 0;
}

NnPass nn_conv_forward_pass(const NnProgram *p) { return p->mode == NN_MODE_EVAL ? NN_PASS_INFER : NN_PASS_FORWARD; }

NnTuningRow nn_conv_row(const NnProgram *p, NnNode x, NnPass pass)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnTuningRow){.isa = nn_isa_name(),
                         .threads = math_threads_get(),
                         .precision = p->type == dnnl_bf16 ? NN_BF16 : NN_F32,
                         .pass = pass,
                         .n = p->n,
                         .C = in->C,
                         .H = in->H,
                         .W = in->W,
                         .K = node->C,
                         .kernel = node->kernel_h,
                         .stride = node->stride,
                         .pad = node->pad_h};
}
