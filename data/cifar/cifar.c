/* Binary distribution: each file is a row of records of one label byte (CIFAR-100: coarse, then fine) and 3072 bytes of
 * pixels, the red plane first. */
#include "data/cifar/cifar.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "data/set/build.h"
#include "io/file.h"

enum { SIDE = 32, CHANNELS = 3, PIXELS = CHANNELS * SIDE * SIDE, FILE_MAX = 1 << 30 };

/* One file in memory: image i at pixels + i * stride. */
typedef struct {
    char *path;
    char *bytes;
    const uint8_t *pixels;
    size_t stride;
    int64_t n;
} Batch;

static void batch_free(Batch *batch)
{
    base_free(batch->path);
    base_free(batch->bytes);
}

static BaseStatus find_folder(const DataCifarKind *kind, const char *given, char **out)
{
    BaseStatus st = base_format(out, "%s/%s", given, kind->folder);
    if (st != BASE_OK || io_path_is_folder(*out)) return st;
    base_free(*out);
    return base_strdup(given, out);
}

static BaseStatus read_batch(const DataCifarKind *kind, const char *folder, const char *name, Batch *out)
{
    BaseStatus st = BASE_OK;
    size_t size, record = (size_t)kind->labels + PIXELS;
    BASE_TRY(base_format(&out->path, "%s/%s", folder, name));
    BASE_CHECK(io_path_exists(out->path), BASE_EIO,
               "%s: there is no %s; %s:DIR names the folder that holds the binary distribution (or its folder %s)",
               kind->name, out->path, kind->name, kind->folder);
    BASE_TRY(io_file_read(out->path, FILE_MAX, &out->bytes, &size));
    BASE_CHECK(size > 0 && size % record == 0, BASE_EFORMAT,
               "%s: %zu bytes; must be whole records of %zu bytes (%d of labels, %d of pixels)", out->path, size,
               record, kind->labels, PIXELS);
    out->n = (int64_t)(size / record);
    out->pixels = (const uint8_t *)out->bytes + kind->labels;
    out->stride = record;
out:
    return st;
}

static BaseStatus take_batch(const DataCifarKind *kind, const Batch *batch, int64_t at, DataSet *set)
{
    BaseStatus st = BASE_OK;
    for (int64_t i = 0; i < batch->n; i++) {
        const uint8_t *pixels = batch->pixels + (size_t)i * batch->stride;
        int label = *(pixels - kind->labels + kind->label);
        BASE_CHECK(label < kind->K, BASE_EFORMAT,
                   "%s: the label of image %lld is %d; %lld classes have labels 0 to %lld", batch->path, (long long)i,
                   label, (long long)kind->K, (long long)kind->K - 1);
        set->labels[at + i] = label;
        memcpy((uint8_t *)set->images + (at + i) * PIXELS, pixels, PIXELS);
    }
out:
    return st;
}

static BaseStatus read_split(const DataCifarKind *kind, const char *folder, const char *const *files, const char *split,
                             DataSet **out)
{
    BaseStatus st = BASE_OK;
    Batch batches[DATA_CIFAR_FILES] = {{0}};
    DataSet *set = NULL;
    char name[80];
    int64_t N = 0, at = 0;
    for (int f = 0; files[f]; f++) {
        BASE_TRY(read_batch(kind, folder, files[f], &batches[f]));
        N += batches[f].n;
    }
    snprintf(name, sizeof name, "%s %s", kind->name, split);
    BASE_TRY(data_set_create(name, DATA_U8, N, CHANNELS, SIDE, SIDE, kind->K, &set));
    for (int f = 0; files[f]; f++) {
        BASE_TRY(take_batch(kind, &batches[f], at, set));
        at += batches[f].n;
    }
    BASE_TRY(data_set_name_classes(set, kind->classes));
    data_set_normalise(set, kind->mean, kind->std);
    BASE_TRY(data_set_finish(set, name, name));
    *out = set;
    set = NULL;
out:
    for (int f = 0; f < DATA_CIFAR_FILES; f++) batch_free(&batches[f]);
    data_set_free(set);
    return st;
}

BaseStatus data_cifar_open(const DataCifarKind *kind, const char *given, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    char *folder = NULL;
    BASE_TRY(find_folder(kind, given, &folder));
    BASE_TRY(read_split(kind, folder, kind->train, "train", train));
    BASE_TRY(read_split(kind, folder, kind->test, "test", test));
out:
    base_free(folder);
    return st; /* data_open frees what there is */
}
