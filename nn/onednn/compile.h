/* nn/onednn/compile.h - a network compiled for one mode, precision and batch size. */
#ifndef NN_ONEDNN_COMPILE_H
#define NN_ONEDNN_COMPILE_H

#include "nn/onednn/program.h"

/** @p keep [layers]: whose inputs stay, or with @p hands_over are listed in taken; NULL: everything stays. @p watch: a
 *  node, or 0. */
BaseStatus nn_compile(NnNet *net, NnMode mode, NnPrecision precision, int64_t n, const uint8_t *keep, bool hands_over,
                      NnNode watch, dnnl_engine_t engine, NnProgram **out);

#endif
