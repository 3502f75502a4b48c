/* io/pytorch.h - what the reader and the writer of PyTorch files share. */
#ifndef IO_PYTORCH_H
#define IO_PYTORCH_H

#include "io/archive.h"
#include "io/containers.h"
#include "io/pickle.h"

/** The record that holds our own metadata, a JSON object of texts; torch.load does not look at it. */
#define IO_PYTORCH_META "extra/expunge.json"

/* Where one tensor of the state dict lies. */
typedef struct {
    size_t slot;                            /* its value is items[slot] of the state dict */
    size_t record;                          /* of its storage, in the archive */
    int64_t offset, stride[IO_TENSOR_DIMS]; /* in elements */
    bool whole;                             /* it is all of its storage, row-major */
} IoPytorchView;

typedef struct {
    IoArchive *archive;
    char *folder; /* of every record, with its slash */
    char *bytes;  /* data.pkl, [size] */
    size_t size;
    int64_t pickle_record, meta_record; /* -1: none */
    IoPytorchView *views;               /* [count] one a tensor, in its order */
    size_t *by_record;                  /* [count] indices of views, one storage after the other */
    size_t count;
} IoPytorch;

extern const IoPickleRules io_pytorch_rules;
/** The dict of tensors in a checkpoint, by itself or under "state_dict" and the like; NULL where there is none. */
IoPickleValue *io_pytorch_state(IoPickleValue *root);
/** The call of _rebuild_tensor_v2 in a tensor or parameter; NULL for anything else. */
IoPickleValue *io_pytorch_tensor(IoPickleValue *value);
const char *io_pytorch_storage_name(IoDtype dtype); /* "torch.FloatStorage" */
/** Copies between a tensor's own row-major bytes and its storage. */
void io_pytorch_gather(const IoPytorchView *view, const IoTensor *tensor, const char *storage, char *dense);
void io_pytorch_scatter(const IoPytorchView *view, const IoTensor *tensor, const char *dense, char *storage);
BaseStatus io_pytorch_write(const IoTensors *tensors, const char *path);
void io_pytorch_free(void *pytorch);

#endif
