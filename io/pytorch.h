/* io/pytorch.h - what the reader and the writer of PyTorch files share. */
#ifndef IO_PYTORCH_H
#define IO_PYTORCH_H

#include "io/archive.h"
#include "io/containers.h"
#include "io/pickle.h"

/** The record that holds our own metadata, a JSON object of texts; torch.load does not look at it. */
#define IO_PYTORCH_META "extra/expunge.json"

/* How deep the state dict lies at most: {"checkpoint": {"state_dict": ...}}; and how many strange names are listed. */
enum { IO_PYTORCH_NESTING = 5, IO_PYTORCH_STRANGE = 20, IO_PYTORCH_PICKLE_MOST = 64 << 20 };

/* Where one tensor of the state dict, or of a copy of it, lies. */
typedef struct {
    size_t owner, index;                    /* items[index] of the tensors (owner 0) or of copies[owner - 1] */
    size_t slot;                            /* its value is items[slot] of the state dict, or of the copy's */
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
    IoPytorchView *views;               /* [count] one per tensor, in its order; then those of the copies */
    size_t *by_record;                  /* [count] indices of views, one storage after the other */
    size_t count, state_count;          /* all, and those of the state dict */
} IoPytorch;

/* ---- what lies around the state dict (io/pytorch_survey.c) ---- */

typedef struct {
    IoPickleValue *dict;
    char *where;   /* "model_ema" */
    size_t *slots; /* [dict->count / 2] which value of the state each of its tensors is the twin of; 0: none */
} IoPytorchCopy;

typedef struct {
    IoPickle *pickle;
    IoPickleValue *path[IO_PYTORCH_NESTING], *state; /* from the root to the state dict, path[depth] */
    int depth;
    IoPytorchCopy *copies;
    size_t copy_count;
    BaseText beside, stale; /* as IoOrigin.beside and IoTensors.stale */
    const char *strange[IO_PYTORCH_STRANGE];
    size_t strange_count;
    bool more_strange, edited;
    uint64_t steps; /* it took to tell the state's names and shapes apart, for tests */
} IoPytorchSurvey;

/** Walks the whole pickle once for each of its questions; the same pickle gives the same survey, copies in the same
 *  order. BASE_EFORMAT without a state dict. Free also where it failed. */
BaseStatus io_pytorch_survey(IoPickle *pickle, const char *where, IoPytorchSurvey *out);
void io_pytorch_survey_free(IoPytorchSurvey *survey);
/** Finds the strange names. @p dropped [copy_count]: takes what is made with them, and the copies so marked, out of the
 *  tree too (edited: whether there were any); NULL: leaves the tree as it is. */
void io_pytorch_sieve(IoPytorchSurvey *survey, const bool *dropped);
/** After a sieve: the value cannot be without what is left out. */
bool io_pytorch_is_bad(const IoPickleValue *value);
BaseStatus io_pytorch_strange_text(const IoPytorchSurvey *survey, BaseText *out);
/** A key as text that is fit for a terminal. */
void io_pytorch_add_key(BaseText *text, const IoPickleValue *key);
/** A GLOBAL or CALL of a name that PyTorch, numpy, Lightning and Python put into checkpoints to hold data; true for any
 *  other value. Looks at the value alone, not at what is in it (io/pytorch_names.c). */
bool io_pytorch_familiar(const IoPickleValue *value);

/* ---- files from before PyTorch 1.6 (io/pytorch_legacy.c) ---- */

enum { IO_PYTORCH_LEGACY = 14 };
extern const unsigned char io_pytorch_legacy_head[IO_PYTORCH_LEGACY];
/** Fills archive, folder, bytes and size as if the file were a zip archive. */
BaseStatus io_pytorch_legacy_open(const char *path, IoPytorch *file);

extern const IoPickleRules io_pytorch_rules;
/** The call of _rebuild_tensor_v2 in a tensor or parameter; NULL for anything else. */
IoPickleValue *io_pytorch_tensor(IoPickleValue *value);
const char *io_pytorch_storage_name(IoDtype dtype); /* "torch.FloatStorage" */
bool io_pytorch_storage_dtype(const char *name, IoDtype *out);
IoTensor *io_pytorch_view_tensor(const IoTensors *tensors, const IoPytorchView *view);
/** Copies between a tensor's own row-major bytes and its storage. */
void io_pytorch_gather(const IoPytorchView *view, const IoTensor *tensor, const char *storage, char *dense);
void io_pytorch_scatter(const IoPytorchView *view, const IoTensor *tensor, const char *dense, char *storage);
BaseStatus io_pytorch_write(const IoTensors *tensors, const char *path);
void io_pytorch_free(void *pytorch);

#endif
