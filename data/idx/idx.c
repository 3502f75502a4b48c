/* data/idx/idx.c - looks for a file in both spellings, plain and gzipped, and holds its header against its size. */
#include "data/idx/idx.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "data/set/build.h"
#include "io/file.h"

enum { CLASSES = 10, LIMIT = 1 << 30 };

typedef struct {
    char *path;
    char *bytes; /* the unpacked file */
    int64_t dims[3];
    const uint8_t *data; /* after the header, [product of dims] */
} Idx;

static void idx_free(Idx *idx)
{
    base_free(idx->path);
    base_free(idx->bytes);
}

static BaseStatus find_file(const DataIdxKind *kind, const char *folder, const char *part, const char *what, int ndim,
                            char **out)
{
    static const char *const FORMS[] = {"-", "."}, *const ENDS[] = {"", ".gz"};
    for (size_t i = 0; i < 8; i++) {
        bool inside = i >= 4;
        BaseStatus st = base_format(out, "%s%s%s/%s-%s%sidx%d-ubyte%s", folder, inside ? "/" : "",
                                    inside ? kind->inside : "", part, what, FORMS[i / 2 % 2], ndim, ENDS[i % 2]);
        if (st != BASE_OK || io_path_exists(*out)) return st;
        base_free(*out);
        *out = NULL;
    }
    return base_error_set(BASE_EIO, "%s: there is no %s/%s-%s-idx%d-ubyte, with or without .gz, nor one in %s/%s; %s",
                          kind->name, folder, part, what, ndim, folder, kind->inside, kind->cure);
}

/* Header: 0, 0, 8 (unsigned bytes), number of dimensions, then each dimension in four bytes, highest first. */
static BaseStatus read_file(const DataIdxKind *kind, const char *folder, const char *part, const char *what, int ndim,
                            Idx *out)
{
    BaseStatus st = BASE_OK;
    size_t size;
    BASE_TRY(find_file(kind, folder, part, what, ndim, &out->path));
    BASE_TRY(io_gzip_read(out->path, LIMIT, &out->bytes, &size));
    const uint8_t *b = (const uint8_t *)out->bytes;
    size_t head = 4 + 4 * (size_t)ndim;
    BASE_CHECK(size >= head, BASE_EFORMAT, "%s: %zu bytes; an IDX file has at least %zu", out->path, size, head);
    BASE_CHECK(b[0] == 0 && b[1] == 0 && b[2] == 8 && b[3] == ndim, BASE_EFORMAT,
               "%s: starts with %02x%02x%02x%02x; IDX %s start with 000008%02x", out->path, b[0], b[1], b[2], b[3],
               what, ndim);
    int64_t count = 1;
    for (int d = 0; d < ndim; d++) {
        const uint8_t *p = b + 4 + 4 * d;
        out->dims[d] = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | (int64_t)p[3];
        BASE_CHECK(out->dims[d] > 0, BASE_EFORMAT, "%s: dimension %d is 0", out->path, d);
        if (__builtin_mul_overflow(count, out->dims[d], &count)) count = INT64_MAX;
    }
    BASE_CHECK((uint64_t)count == size - head, BASE_EFORMAT, "%s: the header announces %lld bytes and %zu follow",
               out->path, (long long)count, size - head);
    out->data = b + head;
out:
    return st;
}

static BaseStatus read_split(const DataIdxKind *kind, const char *folder, const char *part, const char *split,
                             DataSet **out)
{
    BaseStatus st = BASE_OK;
    Idx images = {0}, labels = {0};
    DataSet *set = NULL;
    char name[80];
    BASE_TRY(read_file(kind, folder, part, "images", 3, &images));
    BASE_TRY(read_file(kind, folder, part, "labels", 1, &labels));
    int64_t N = images.dims[0], H = images.dims[1], W = images.dims[2];
    BASE_CHECK(labels.dims[0] == N, BASE_EFORMAT, "%s: %lld labels for the %lld images of %s", labels.path,
               (long long)labels.dims[0], (long long)N, images.path);
    snprintf(name, sizeof name, "%s %s", kind->name, split);
    BASE_TRY(data_set_create(name, DATA_U8, N, 1, H, W, CLASSES, &set));
    memcpy(set->images, images.data, (size_t)(N * H * W));
    for (int64_t i = 0; i < N; i++) set->labels[i] = labels.data[i];
    BASE_TRY(data_set_name_classes(set, kind->classes));
    data_set_normalise(set, &kind->mean, &kind->std);
    BASE_TRY(data_set_finish(set, images.path, labels.path));
    *out = set;
    set = NULL;
out:
    idx_free(&images);
    idx_free(&labels);
    data_set_free(set);
    return st;
}

BaseStatus data_idx_open(const DataIdxKind *kind, const char *folder, DataSet **train, DataSet **test)
{
    BaseStatus st = read_split(kind, folder, "train", "train", train);
    return st == BASE_OK ? read_split(kind, folder, "t10k", "test", test) : st; /* data_open frees what there is */
}
