/* nn/arch/arch.h - architectures: one file and one row (nn/arch/list.h) each. */
#ifndef NN_ARCH_ARCH_H
#define NN_ARCH_ARCH_H

#include "base/registry.h"
#include "io/tensors.h"
#include "nn/net.h"

typedef struct {
    BaseEntry entry;
    int64_t C, H, W; /* input per image; 0: the data's own */
    /** Draws the network for @p K classes and returns the logits' node. */
    NnNode (*build)(NnGraph *g, int64_t K);
} NnArch;
extern const BaseRegistry nn_arch_registry;

/** @p shape: the data's [C, H, W], used where the architecture takes any. Parameters are 0. */
BaseStatus nn_arch_build(const NnArch *arch, const int64_t shape[3], int64_t K, NnNet **out);
/** By name. BASE_ENOTFOUND with "did you mean". */
BaseStatus nn_arch_find(const char *name, const NnArch **out);
/** Class count of a checkpoint: rows of the classifier's weight. BASE_ESHAPE where it is not there. */
BaseStatus nn_arch_classes(const NnArch *arch, const int64_t shape[3], const IoTensors *tensors, int64_t *K);

#endif
