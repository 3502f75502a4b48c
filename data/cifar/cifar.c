/* data/cifar/cifar.c - binary distribution: each file is a row of records of one label byte (CIFAR-100: coarse, then
 * fine) and 3072 bytes of pixels, the red plane first. Python distribution: each file is a pickled dict with data, an
 * array [n, 3072] of the same bytes, and lists of labels. Pickled anew it may be of any protocol, the array in any
 * order in memory and of the shapes [n, 3, 32, 32] or [n, 32, 32, 3], and the labels a tuple, an array, or a list of
 * numpy's numbers. */
#include "data/cifar/cifar.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/set/build.h"
#include "io/file.h"
#include "io/pickle.h"

enum { SIDE = 32, CHANNELS = 3, PIXELS = CHANNELS * SIDE * SIDE, FILE_MAX = 1 << 30 };

/* Where the files are. */
typedef struct {
    char *folder;
    const DataCifarFiles *files;
    bool python;
} Place;

/* One file in memory. */
typedef struct {
    char *path, *bytes;
    IoPickle *pickle; /* NULL: a binary file */
    const uint8_t *pixels;
    int64_t step[4]; /* bytes from one image, channel, row, column to the next */
    bool last;       /* they lay as height, width, channels */
    int64_t *labels; /* [n] */
    int64_t n;
} Batch;

static void batch_free(Batch *batch)
{
    io_pickle_free(batch->pickle);
    base_free(batch->path);
    base_free(batch->bytes);
    base_free(batch->labels);
}

static BaseStatus find_place(const DataCifarKind *kind, const char *given, Place *out)
{
    BaseStatus st = BASE_OK;
    char *first = NULL;
    for (int python = 0; python < 2; python++)
        for (int inside = 1; inside >= 0; inside--) {
            out->python = python;
            out->files = python ? &kind->python : &kind->binary;
            base_free(out->folder);
            base_free(first);
            out->folder = first = NULL;
            BASE_TRY(inside ? base_format(&out->folder, "%s/%s", given, out->files->folder)
                            : base_strdup(given, &out->folder));
            BASE_TRY(base_format(&first, "%s/%s", out->folder, out->files->train[0]));
            if (io_path_exists(first)) goto out;
        }
    st =
        base_error_set(BASE_EIO,
                       "%s: there is neither a %s nor a %s in %s; %s:DIR names the folder that holds the binary or the "
                       "Python distribution",
                       kind->name, kind->binary.train[0], kind->python.train[0], given, kind->name);
out:
    base_free(first);
    return st;
}

static BaseStatus read_binary(const DataCifarKind *kind, size_t size, Batch *b)
{
    BaseStatus st = BASE_OK;
    size_t record = (size_t)kind->labels + PIXELS;
    BASE_CHECK(size > 0 && size % record == 0, BASE_EFORMAT,
               "%s: %zu bytes; must be a multiple of records of %zu bytes (%d of labels, %d of pixels)", b->path, size,
               record, kind->labels, PIXELS);
    b->n = (int64_t)(size / record);
    b->pixels = (const uint8_t *)b->bytes + kind->labels;
    memcpy(b->step, (int64_t[]){(int64_t)record, SIDE * SIDE, SIDE, 1}, sizeof b->step);
    BASE_TRY(BASE_ALLOC_RAW(b->n, &b->labels));
    for (int64_t i = 0; i < b->n; i++) b->labels[i] = (uint8_t)b->bytes[(size_t)i * record + (size_t)kind->label];
out:
    return st;
}

/* [n, 3072], [n, 3, 32, 32], or [n, 32, 32, 3], which is told. */
static BaseStatus read_pixels(const IoPickleValue *images, Batch *b)
{
    BaseStatus st = BASE_OK;
    IoPickleArray data;
    BASE_TRY(io_pickle_array(images, b->path, &data));
    const int64_t *shape = data.shape, *stride = data.stride;
    bool flat = data.ndim == 2 && shape[1] == PIXELS;
    bool planes = data.ndim == 4 && shape[1] == CHANNELS && shape[2] == SIDE && shape[3] == SIDE;
    bool last = data.ndim == 4 && shape[1] == SIDE && shape[2] == SIDE && shape[3] == CHANNELS;
    BASE_CHECK(data.kind == 'u' && data.item_bytes == 1 && (flat || planes || last) && shape[0] > 0, BASE_EFORMAT,
               "%s: 'data' must be bytes (uint8) [n, %d], [n, %d, %d, %d] or [n, %d, %d, %d]", b->path, PIXELS,
               CHANNELS, SIDE, SIDE, SIDE, SIDE, CHANNELS);
    b->last = last;
    b->n = shape[0];
    b->pixels = data.data;
    b->step[0] = stride[0];
    if (flat) {
        for (int d = 1; d < 4; d++) b->step[d] = stride[1] * (d == 1 ? SIDE * SIDE : d == 2 ? SIDE : 1);
    } else {
        for (int d = 1; d < 4; d++) b->step[d] = stride[planes ? d : d == 1 ? 3 : d - 1];
    }
out:
    return st;
}

/* A list or tuple of numbers, Python's or numpy's, or an array of them. */
static BaseStatus read_pickled_labels(const IoPickleValue *labels, const char *key, Batch *b)
{
    BaseStatus st = BASE_OK;
    IoPickleArray array = {0};
    bool row = labels->kind == IO_PICKLE_LIST || labels->kind == IO_PICKLE_TUPLE;
    if (!row) BASE_TRY(io_pickle_array(labels, b->path, &array));
    bool fits = row ? labels->count == (size_t)b->n
                    : array.count == b->n && (array.ndim == 1 || (array.ndim == 2 && array.shape[1] == 1));
    BASE_CHECK(fits, BASE_EFORMAT, "%s: '%s' must be %lld labels, one per image", b->path, key, (long long)b->n);
    BASE_TRY(BASE_ALLOC_RAW(b->n, &b->labels));
    for (int64_t i = 0; i < b->n; i++)
        BASE_CHECK(row ? io_pickle_whole(labels->items[i], &b->labels[i])
                       : io_pickle_array_whole(&array, i, &b->labels[i]),
                   BASE_EFORMAT, "%s: %s[%lld] is not a whole number", b->path, key, (long long)i);
out:
    return st;
}

static BaseStatus read_pickle(const DataCifarKind *kind, size_t size, Batch *b)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(io_pickle_modern(&b->bytes, &size, b->path));
    BASE_TRY(io_pickle_read(b->bytes, size, &io_pickle_numpy, b->path, &b->pickle));
    const IoPickleValue *root = io_pickle_root(b->pickle), *labels = io_pickle_get(root, kind->key),
                        *images = io_pickle_get(root, "data");
    BASE_CHECK(images && labels, BASE_EFORMAT, "%s: has no '%s'; a batch is a dict with 'data' and '%s'", b->path,
               images ? kind->key : "data", kind->key);
    BASE_TRY(read_pixels(images, b));
    BASE_TRY(read_pickled_labels(labels, kind->key, b));
out:
    return st;
}

static void copy_image(const Batch *b, int64_t i, uint8_t *out)
{
    const uint8_t *image = b->pixels + i * b->step[0];
    const int64_t *step = b->step;
    if (step[1] == SIDE * SIDE && step[2] == SIDE && step[3] == 1) {
        memcpy(out, image, PIXELS);
        return;
    }
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t y = 0; y < SIDE; y++)
            for (int64_t x = 0; x < SIDE; x++) *out++ = image[c * step[1] + y * step[2] + x * step[3]];
}

static BaseStatus read_batch(const DataCifarKind *kind, const Place *place, const char *name, Batch *b)
{
    BaseStatus st = BASE_OK;
    size_t size;
    BASE_TRY(base_format(&b->path, "%s/%s", place->folder, name));
    BASE_TRY(io_file_read(b->path, FILE_MAX, &b->bytes, &size));
    BASE_TRY(place->python ? read_pickle(kind, size, b) : read_binary(kind, size, b));
    for (int64_t i = 0; i < b->n; i++)
        BASE_CHECK(b->labels[i] >= 0 && b->labels[i] < kind->K, BASE_EFORMAT,
                   "%s: the label of image %lld is %lld; %lld classes have labels 0 to %lld", b->path, (long long)i,
                   (long long)b->labels[i], (long long)kind->K, (long long)kind->K - 1);
out:
    return st;
}

static BaseStatus read_split(const DataCifarKind *kind, const Place *place, const char *const *files, const char *split,
                             DataSet **out)
{
    BaseStatus st = BASE_OK;
    Batch batches[DATA_CIFAR_FILES] = {{0}};
    DataSet *set = NULL;
    char name[80];
    int64_t N = 0, at = 0;
    for (int f = 0; files[f]; f++) {
        BASE_TRY(read_batch(kind, place, files[f], &batches[f]));
        N += batches[f].n;
    }
    if (batches[0].last)
        base_notice("%s: 'data' is [n, %d, %d, %d]: read as n, height, width, channels", batches[0].path, SIDE, SIDE,
                    CHANNELS);
    snprintf(name, sizeof name, "%s %s", kind->name, split);
    BASE_TRY(data_set_create(name, DATA_U8, N, CHANNELS, SIDE, SIDE, kind->K, &set));
    for (int f = 0; files[f]; f++)
        for (int64_t i = 0; i < batches[f].n; i++, at++) {
            set->labels[at] = (int32_t)batches[f].labels[i];
            copy_image(&batches[f], i, (uint8_t *)set->images + at * PIXELS);
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
    Place place = {0};
    BASE_TRY(find_place(kind, given, &place));
    BASE_TRY(read_split(kind, &place, place.files->train, "train", train));
    BASE_TRY(read_split(kind, &place, place.files->test, "test", test));
out:
    base_free(place.folder);
    return st; /* data_open frees what there is */
}
