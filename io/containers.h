/* io/containers.h - the checkpoint formats, one row each: a format is one file <name>.c and one row in io/tensors.c. */
#ifndef IO_CONTAINERS_H
#define IO_CONTAINERS_H

#include "io/tensors.h"

enum { IO_SNIFF = 64 }; /* leading bytes of a file that a format is told by */

typedef struct {
    const char *name;
    const char *const *extensions; /* NULL-ended, with their dots */
    /** True where a file of @p file_size bytes that starts with @p head [size <= IO_SNIFF] looks like this format. */
    bool (*sniff)(const unsigned char *head, size_t size, int64_t file_size);
    BaseStatus (*read)(const char *path, IoTensors **out);
    BaseStatus (*write)(const IoTensors *tensors, const char *path); /* NULL: read only */
} IoContainer;

extern const IoContainer io_container_safetensors, io_container_shards, io_container_pytorch, io_container_hdf5;

/* What a container keeps of the file it read, to write the same structure back. */
typedef struct IoOrigin {
    const IoContainer *container;
    void *data; /* NULL: nothing */
    void (*free)(void *data);
    char *beside; /* what else the file holds, for people: "optimizer, epoch"; NULL: nothing */
} IoOrigin;
/** Gives the tensors an origin without data, to be filled. */
BaseStatus io_tensors_keep(IoTensors *tensors, const IoContainer *container, void (*free_data)(void *));
/** The data that the container's own reader kept; NULL where the tensors come from elsewhere. */
void *io_tensors_origin(const IoTensors *tensors, const IoContainer *container);

/** Checks a shape from a file: at most IO_TENSOR_DIMS dimensions, none negative, count and bytes without overflow. */
bool io_tensor_measure(IoDtype dtype, int ndim, const int64_t *shape, int64_t *count, int64_t *bytes);
/** Appends the tensors of @p from, which keeps none (BASE_ENOMEM: fewer). Names are not compared. */
BaseStatus io_tensors_move(IoTensors *to, IoTensors *from);
/** BASE_EFORMAT where two tensors have one name. */
BaseStatus io_tensors_check_names(const IoTensors *tensors, const char *path);
/** Appends a zeroed tensor whose name the caller knows to be new; BASE_EARG on a wrong shape. Borrowed: *out. */
BaseStatus io_tensors_append(IoTensors *tensors, const char *name, IoDtype dtype, int ndim, const int64_t *shape,
                             IoTensor **out);

#endif
