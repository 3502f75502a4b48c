/* nn/arch/arch.h - architectures: a file with one row (nn/arch/list.h) holds one, or a family of them as a table. */
#ifndef NN_ARCH_ARCH_H
#define NN_ARCH_ARCH_H

#include "base/registry.h"
#include "io/tensors.h"
#include "nn/graph_file.h"
#include "nn/net.h"

/** In front of a graph file's path, where an architecture is named (docs/graph.md). */
#define NN_ARCH_GRAPH "graph:"

typedef struct {
    BaseEntry entry;
    int64_t C, H, W;  /* input per image; 0: the data's own */
    bool larger;      /* any larger input works too: global pooling, nothing in the weights knows the size */
    bool smaller;     /* any smaller one too, as it is: no padding to H x W */
    int64_t least;    /* but to this side, below which its maps would vanish; 0: none would */
    const void *form; /* what the two functions below draw of a family */
    /** Draws the network for @p K classes and returns the logits' node. */
    NnNode (*build)(NnGraph *g, const void *form, int64_t K);
    /** Side of the square images a checkpoint is made for, where its tensors tell; else 0. NULL: they never do. */
    int64_t (*side)(const void *form, const IoTensors *tensors);
    const struct NnArchFamily *family; /* of any sizes; NULL: none but those in the list */
    const char
        *like; /* the architecture that its tensors are taken for, since they do not differ; NULL: they are its own */
    const NnGraphFile *file; /* what it was read from, which fixes the input; NULL: it is drawn here */
} NnArch;
/* Architectures that are no row of the list, told by a name that holds all of their sizes or by a checkpoint. They live
 * as long as the process. */
typedef struct NnArchFamily {
    /** *out NULL where @p name is not one of the family's. BASE_EUSAGE: it is, with impossible sizes. BASE_ENOMEM. */
    BaseStatus (*named)(const char *name, const NnArch **out);
    /** *out NULL where the tensors are another family's. BASE_ESHAPE: something is missing, in one sentence. BASE_ENOMEM. */
    BaseStatus (*of)(const IoTensors *tensors, const NnArch **out);
} NnArchFamily;
extern const BaseRegistry nn_arch_registry;

/** The input [C, H, W] to build for: the checkpoint's where its tensors tell, else the data's where the architecture
 *  takes any, larger or smaller ones, else its own (smaller images are padded). @p tensors NULL: no checkpoint.
 *  @p shape may be @p data. Fails for want of memory only. */
BaseStatus nn_arch_shape(const NnArch *arch, const int64_t data[3], const IoTensors *tensors, int64_t shape[3]);
/** For the data's [C, H, W] without a checkpoint. Parameters are 0. */
BaseStatus nn_arch_build(const NnArch *arch, const int64_t data[3], int64_t K, NnNet **out);
/** For images of exactly @p shape. @p numbers false: names and shapes only, nothing to run (nn_net_outline_take). */
BaseStatus nn_arch_build_at(const NnArch *arch, const int64_t shape[3], int64_t K, bool numbers, NnNet **out);
/** By name: of the list, or of a family. BASE_ENOTFOUND with "did you mean". BASE_EUSAGE. Or "graph:FILE.json", perhaps
 *  with what the found one's own name ends in, "#" and the first 12 digits of the content's hash: BASE_EFORMAT where the
 *  content is another one. */
BaseStatus nn_arch_find(const char *name, const NnArch **out);
/** Frees all that nn_arch_find made of graph files: none of them may be in use. */
void nn_arch_release(void);
/** Appends what stands for the architecture called @p name in keys and hashes: the name, or "graph:" and the hash of a
 *  file's content, wherever it is. Errors of nn_arch_find stick in @p out. */
void nn_arch_key(const char *name, BaseText *out);
/** Both names are of one architecture: files of the same content are. */
bool nn_arch_same(const char *a, const char *b);
/** The member of a family that the checkpoint's shapes (and its folder's config.json) describe; *out NULL: none is.
 *  BASE_ESHAPE where they leave something open. BASE_ENOMEM. */
BaseStatus nn_arch_of(const IoTensors *tensors, const NnArch **out);
/** Class count of a checkpoint: rows of the classifier's weight. BASE_ESHAPE if it is missing. */
BaseStatus nn_arch_classes(const NnArch *arch, const int64_t data[3], const IoTensors *tensors, int64_t *K);

#endif
