/* io/containers.h - the checkpoint formats, one row each: a format is one file <name>.c and one row in containers.c. */
#ifndef IO_CONTAINERS_H
#define IO_CONTAINERS_H

#include "io/tensors.h"

enum { IO_SNIFF = 64 }; /* leading bytes of a file by which a format is recognised */

typedef struct IoContainer {
    const char *name;
    const char *const *extensions; /* NULL-ended, with their dots */
    /** True where a file of @p file_size bytes that starts with @p head [size <= IO_SNIFF] looks like this format. */
    bool (*sniff)(const unsigned char *head, size_t size, int64_t file_size);
    BaseStatus (*read)(const char *path, IoTensors **out);
    BaseStatus (*write)(const IoTensors *tensors, const char *path); /* NULL: read only */
} IoContainer;

extern const IoContainer io_container_safetensors, io_container_shards, io_container_pytorch, io_container_hdf5;

/** Gives the tensors an origin without data, to be filled. */
BaseStatus io_tensors_keep(IoTensors *tensors, const IoContainer *container, void (*free_data)(void *));
/** Hands @p tensors over where @p st is BASE_OK, else frees them. @return st. */
BaseStatus io_tensors_finish(BaseStatus st, IoTensors *tensors, IoTensors **out);
/** The data that the container's own reader kept; NULL where the tensors come from elsewhere. */
void *io_tensors_origin(const IoTensors *tensors, const IoContainer *container);

/** BASE_EUSAGE where writing to @p path would replace a file that the tensors came from. */
BaseStatus io_tensors_spare(const IoTensors *tensors, const char *path);

#endif
