/* io/tensors.h - a checkpoint as its file holds it: named tensors in order, each with its own dtype, plus text
 * metadata. The container decides nothing about networks: nn/weights.h maps names to parameters. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/index.h"
#include "base/status.h"

#define IO_DTYPE_LIST(X) /* name in safetensors, bytes */                                                              \
    X(F64, 8) X(F32, 4) X(F16, 2) X(BF16, 2) X(I64, 8) X(I32, 4) X(I16, 2) X(I8, 1) X(U8, 1) X(BOOL, 1)
typedef enum {
#define X(name, bytes) IO_##name,
    IO_DTYPE_LIST(X)
#undef X
        IO_DTYPE_COUNT
} IoDtype;
const char *io_dtype_name(IoDtype dtype);
size_t io_dtype_size(IoDtype dtype);
bool io_dtype_is_float(IoDtype dtype);

/* Far more tensors than classifiers have, optimizer and copies included: a file's own count decides no more. */
enum { IO_TENSOR_DIMS = 8, IO_TENSORS_MOST = 1 << 16 };
typedef struct {
    char *name;
    char *alias; /* what a reader calls it too (nn/naming.h); NULL: nothing else. Never written. */
    bool aside;  /* no part of the network: n_averaged, normalize.mean, normalize.std */
    size_t cut;  /* of what is aside: characters of the prefix that its name in the file has */
    IoDtype dtype;
    int ndim;
    int64_t shape[IO_TENSOR_DIMS];
    int64_t count; /* elements; 1 for a scalar */
    void *data;    /* little-endian, [shape] row-major */
} IoTensor;

typedef struct IoTensors IoTensors;

/* A dict of tensors beside the state dict, with its names and shapes: an average of the weights. */
typedef struct {
    char *where;        /* its key in the file: "model_ema" */
    IoTensors *tensors; /* named as their twins are, in the order of the file; perhaps not all of them */
    bool dropped;       /* not to be written */
} IoTensorsCopy;

/** What averaged weights (torch.optim.swa_utils.AveragedModel) hold beside them, and what networks do that normalise
 *  their images themselves. */
#define IO_TENSORS_AVERAGED "n_averaged"
#define IO_TENSORS_MEAN     "normalize.mean"
#define IO_TENSORS_STD      "normalize.std"

/* What a container keeps of the file it read, to write the same structure back. */
typedef struct IoOrigin {
    const struct IoContainer *container; /* io/containers.h */
    void *data;                          /* NULL: nothing */
    void (*free)(void *data);
    char *const *files; /* [file_count] that were read beside the one named; borrowed from data */
    size_t file_count;
    char *beside;      /* what else the file holds, for people: "optimizer, epoch"; NULL: nothing */
    _Atomic int lists; /* of tensors that keep it; the last one frees it */
} IoOrigin;

struct IoTensors {
    IoTensor *items; /* in file order */
    size_t count;
    char **meta; /* [2 * meta_count] key, value, ... */
    size_t meta_count;
    BaseIndex keys;        /* of meta */
    char *prefix;          /* "module." where every name in the file starts so: names here do not; NULL: none */
    IoOrigin *origin;      /* what the file held around the tensors; NULL where they were made here */
    IoTensorsCopy *copies; /* [copy_count] */
    size_t copy_count;
    char *stale;       /* other tensors of the weights' shapes, for people: "optimizer (exp_avg, 8 tensors)"; or NULL */
    char *strange;     /* names that the file asks for beside the weights and that no checkpoint needs; or NULL */
    bool keep_strange; /* they are to be written back too */
    struct IoHub *hub; /* the folder they were read from (io/hub.h), kept with the origin; NULL: a file alone */
};

BaseStatus io_tensors_create(IoTensors **out);
void io_tensors_free(IoTensors *tensors);
/** A list of its own, which is written as @p tensors would be: both keep one origin. */
BaseStatus io_tensors_copy(const IoTensors *tensors, IoTensors **out);
/** Appends a copy. @p data may be NULL: zeros. BASE_EARG on a name that exists already. */
BaseStatus io_tensors_add(IoTensors *tensors, const char *name, IoDtype dtype, int ndim, const int64_t *shape,
                          const void *data);
BaseStatus io_tensors_set_meta(IoTensors *tensors, const char *key, const char *value);
const char *io_tensors_meta(const IoTensors *tensors, const char *key); /* NULL where absent */
IoTensor *io_tensors_find(const IoTensors *tensors, const char *name);  /* else by alias; NULL where absent */

/** Checks a shape from a file: at most IO_TENSOR_DIMS dimensions, none negative, count and bytes without overflow. */
bool io_tensor_measure(IoDtype dtype, int ndim, const int64_t *shape, int64_t *count, int64_t *bytes);
/** Appends the tensors of @p from, which keeps none (BASE_ENOMEM: fewer). Names are not compared. */
BaseStatus io_tensors_move(IoTensors *to, IoTensors *from);
/** BASE_EFORMAT where two tensors have one name. */
BaseStatus io_tensors_check_names(const IoTensors *tensors, const char *path);
/** Appends a zeroed tensor whose name the caller knows to be new; BASE_EARG on a wrong shape. Borrowed: *out. */
BaseStatus io_tensors_append(IoTensors *tensors, const char *name, IoDtype dtype, int ndim, const int64_t *shape,
                             IoTensor **out);
/** Cuts off what DataParallel and torch.compile put in front of every name. BASE_ENOMEM. */
BaseStatus io_tensors_take_prefix(IoTensors *tensors);

/** Element-wise conversion of a float tensor; BASE_EFORMAT for integer dtypes. out: [count]. */
BaseStatus io_tensor_to_f32(const IoTensor *tensor, float *out);
/** Stores float32 values in the tensor's own dtype (round to nearest even); BASE_ENUMERIC where a value overflows it or
 *  is not finite, BASE_EFORMAT for integer dtypes. */
BaseStatus io_tensor_from_f32(IoTensor *tensor, const float *values);

/** Reads a checkpoint by its content (extension only breaks ties): safetensors, its index of shards, PyTorch's zip
 *  format, HDF5; or the one in a folder of Hugging Face's hub (io/hub.h). Lengths, offsets, overlaps, sizes, duplicate names and counts are checked before memory is taken, and
 *  no code in a file is run; a foreign file is BASE_EFORMAT, named. */
BaseStatus io_tensors_read(const char *path, IoTensors **out);
const char *io_tensors_container(const IoTensors *tensors); /* "safetensors", ...; NULL where they were made here */
/** Takes @p size characters, which the names of all tensors but those aside begin with, off these names and those of
 *  the copies, and adds them to the prefix. BASE_ENOMEM. */
BaseStatus io_tensors_cut(IoTensors *tensors, size_t size);
/** The name that a tensor has in a file, with the prefix. Owned. */
BaseStatus io_tensors_full_name(const IoTensors *tensors, const IoTensor *tensor, char **out);
/** Characters of the first component ("model.") where the names of all tensors but those aside have it; else 0. */
size_t io_tensors_common(const IoTensors *tensors);
/** Writes atomically, container by extension (.safetensors, .safetensors.index.json, .pt, .pth, .ckpt, .bin, .h5);
 *  BASE_EUSAGE for an unknown one. What was read from a folder and goes to a name without one of these makes a folder of
 *  that name, with the same file of weights and copies of the texts beside it. What was read from the same container keeps its structure: names, order, dtypes, what stands beside
 *  the weights; only tensors whose values changed differ. Another container gets the tensors and the metadata, with a
 *  warning where more was there. */
BaseStatus io_tensors_write(const IoTensors *tensors, const char *path);
/** BASE_OK where io_tensors_write knows the extension, or may make the folder: asked before the work. @p from: what the
 *  tensors will be read from; NULL: nothing. */
BaseStatus io_tensors_writable(const char *path, const char *from);
/** What is to be written at @p path is a folder, since @p from (may be NULL) is one. */
bool io_tensors_folder(const char *path, const char *from);
/** What was read beside the weights goes into a file of this name too: it has the container they came from. */
bool io_tensors_keeps_beside(const IoTensors *tensors, const char *path);

#endif
