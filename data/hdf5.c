/* data/hdf5.c - a data set in one HDF5 file: /train/images and /test/images [N, C, H, W], /train/labels and
 * /test/labels [N], or the flat names x_train, y_train, x_test and y_test, and the optional root attributes mean, std
 * (one number, or [C]) and classes [K] (strings). Images may lie as [N, H, W, C] where the shape leaves no doubt;
 * labels may be [N, 1], one-hot rows [N, K], and floats that are whole numbers. uint8 images are scaled to 0..1 and,
 * with mean and std, normalised; float images are taken as they are, so mean and std are not applied to them. uint8 images
 * of more than DATA_TABLE_WHOLE bytes are read one by one if each lies in one piece, or in a chunk with whole others. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/data.h"
#include "data/set/build.h"
#include "data/stream/hashes.h"
#include "data/stream/kept.h"
#include "data/stream/table.h"
#include "io/file.h"
#include "io/hdf5.h"

/* Where a split's arrays may be, the first that is there. */
static const char *const IMAGES[][4] = {{"/train/images", "/x_train", "/X_train", NULL},
                                        {"/test/images", "/x_test", "/X_test", NULL}},
                         *const LABELS[][4] = {{"/train/labels", "/y_train", "/Y_train", NULL},
                                               {"/test/labels", "/y_test", "/Y_test", NULL}};
enum { TRAIN, TEST };

typedef struct {
    const char *path;
    IoHdf5 *file;
    char **classes; /* [class_count], NULL where the file names none */
    size_t class_count;
    int64_t K;
    int64_t columns; /* of one-hot labels; 0: they are numbers */
} Source;

/* Images that are read when they are fetched. */
typedef struct {
    DataReader reader; /* first: a set knows it by this */
    IoHdf5Rows *rows;
    DataKept *kept;
    int64_t n, C, plane; /* images, channels, pixels of one */
    bool last;           /* channels last in the file */
} Streamed;

static void streamed_free(DataReader *reader)
{
    Streamed *s = (Streamed *)reader;
    if (!s) return;
    io_hdf5_rows_free(s->rows);
    data_kept_free(s->kept);
    base_free(s);
}

/* One image from pixel by pixel in the file to channel by channel in a set. */
static void split_planes(const uint8_t *in, int64_t C, int64_t plane, size_t size, uint8_t *out)
{
    for (int64_t c = 0; c < C; c++)
        for (int64_t p = 0; p < plane; p++)
            memcpy(out + (size_t)(c * plane + p) * size, in + (size_t)(p * C + c) * size, size);
}

/* All images of the block stay, if there is room: it would have to be unpacked again for each. */
static BaseStatus streamed_read(DataReader *reader, int64_t i, void *out)
{
    BaseStatus st = BASE_OK;
    Streamed *s = (Streamed *)reader;
    const int64_t each = io_hdf5_rows_each(s->rows), size = s->C * s->plane, first = i / each * each;
    uint8_t *block = NULL, *image = NULL;
    if (data_kept_get(s->kept, i, out)) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(each * size, &block));
    BASE_TRY(BASE_ALLOC_RAW(size, &image));
    BASE_TRY(io_hdf5_rows_read(s->rows, i / each, block));
    for (int64_t j = first; j < first + each && j < s->n; j++) {
        const uint8_t *pixels = block + (j - first) * size;
        if (s->last) {
            split_planes(pixels, s->C, s->plane, 1, image);
            pixels = image;
        }
        if (j == i) memcpy(out, pixels, (size_t)size);
        BASE_TRY(data_kept_put(s->kept, j, pixels));
    }
out:
    base_free(block);
    base_free(image);
    return st;
}

/* What the images are: the file's bytes, and which array of it. */
static BaseStatus hash_content(const char *path, const char *at, char hex[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    BaseTexts paths = {0};
    BaseHash *hash = NULL;
    uint8_t digest[1][DATA_DIGEST];
    BASE_TRY(base_texts_add(&paths, path));
    BASE_TRY(data_hashes(path, &paths, 1, digest));
    BASE_TRY(base_hash_create(&hash));
    base_hash_add_text(hash, at);
    base_hash_add(hash, digest, sizeof digest);
    base_hash_finish(hash, hex);
out:
    base_hash_free(hash);
    base_texts_free(&paths);
    return st;
}

static BaseStatus find_array(const Source *s, const char *const *places, const char **at, IoH5Info *out)
{
    BaseStatus st = BASE_OK;
    const char *const *place = places;
    while (*place && !io_hdf5_has(s->file, *place)) place++;
    *at = *place;
    BASE_CHECK(*at, BASE_EFORMAT,
               "%s: %s is missing; /train and /test each need images [N, C, H, W] and labels [N] (or x_train, y_train, "
               "x_test and y_test)",
               s->path, *places);
    BASE_TRY(io_hdf5_info(s->file, *at, out));
    BASE_CHECK(out->count > 0, BASE_EFORMAT, "%s: %s is empty", s->path, *at);
out:
    return st;
}

/* One label from its row of the array: the number itself, or the place of the one 1 among zeros. */
static BaseStatus read_row(const Source *s, const char *at, const double *row, int64_t width, int64_t i, int64_t *out)
{
    BaseStatus st = BASE_OK;
    if (width == 1) {
        BASE_CHECK(row[0] == floor(row[0]) && fabs(row[0]) < 1e15, BASE_EFORMAT,
                   "%s: %s[%lld] is %g; a label must be a whole number", s->path, at, (long long)i, row[0]);
        *out = (int64_t)row[0];
        return BASE_OK;
    }
    *out = -1;
    for (int64_t k = 0; k < width; k++) {
        BASE_CHECK(row[k] == 0 || (row[k] == 1 && *out < 0), BASE_EFORMAT,
                   "%s: %s[%lld] is not a one-hot row (%g in column %lld); labels are [N], [N, 1] or rows of zeros "
                   "with a single 1 [N, K]",
                   s->path, at, (long long)i, row[k], (long long)k);
        if (row[k] == 1) *out = k;
    }
    BASE_CHECK(*out >= 0, BASE_EFORMAT, "%s: %s[%lld] is a row of zeros; a one-hot row has one 1", s->path, at,
               (long long)i);
out:
    return st;
}

/* Labels of one split, checked as far as they can be before K is known. */
static BaseStatus read_labels(Source *s, int split, int64_t **out, int64_t *count)
{
    BaseStatus st = BASE_OK;
    const char *at;
    IoH5Info info;
    double *rows = NULL;
    *out = NULL;
    BASE_TRY(find_array(s, LABELS[split], &at, &info));
    BASE_CHECK(info.ndim == 1 || info.ndim == 2, BASE_EFORMAT,
               "%s: %s has %d dimensions; labels are [N], [N, 1] or one-hot [N, K]", s->path, at, info.ndim);
    int64_t n = info.shape[0], width = info.ndim == 2 ? info.shape[1] : 1;
    BASE_TRY(BASE_ALLOC_RAW(n, out));
    if (width == 1 && !info.is_float)
        BASE_TRY(io_hdf5_read(s->file, at, IO_H5_I64, *out));
    else {
        BASE_CHECK(width <= DATA_CLASSES_MAX, BASE_EFORMAT,
                   "%s: %s has rows of %lld entries; at most %d classes can be read", s->path, at, (long long)width,
                   DATA_CLASSES_MAX);
        BASE_TRY(BASE_ALLOC_RAW(info.count, &rows));
        BASE_TRY(io_hdf5_read(s->file, at, IO_H5_F64, rows));
        for (int64_t i = 0; i < n; i++) BASE_TRY(read_row(s, at, rows + i * width, width, i, &(*out)[i]));
    }
    if (width > 1 && width > s->columns) s->columns = width;
    BASE_CHECK(!s->classes || width <= (int64_t)s->class_count, BASE_EFORMAT,
               "%s: %s has one-hot rows of %lld entries, but the attribute 'classes' names %zu", s->path, at,
               (long long)width, s->class_count);
    *count = n;
    int64_t limit = s->classes ? (int64_t)s->class_count : DATA_CLASSES_MAX;
    for (int64_t i = 0; i < n; i++)
        BASE_CHECK((*out)[i] >= 0 && (*out)[i] < limit, BASE_EFORMAT, "%s: %s[%lld] is %lld; %s labels are 0 to %lld",
                   s->path, at, (long long)i, (long long)(*out)[i],
                   s->classes ? "with the attribute 'classes'" : "allowed", (long long)limit - 1);
out:
    base_free(rows);
    if (st != BASE_OK) {
        base_free(*out);
        *out = NULL;
    }
    return st;
}

static BaseStatus read_classes(Source *s)
{
    BaseStatus st = io_hdf5_get_texts(s->file, "/", "classes", &s->classes, &s->class_count);
    if (st == BASE_ENOTFOUND) {
        s->classes = NULL;
        return BASE_OK;
    }
    if (st != BASE_OK) return base_error_prefix(st, "%s: attribute 'classes'", s->path);
    if (s->class_count == 0 || s->class_count > DATA_CLASSES_MAX)
        return base_error_set(BASE_EFORMAT, "%s: attribute 'classes' names %zu classes; 1 to %d can be read", s->path,
                              s->class_count, DATA_CLASSES_MAX);
    return BASE_OK;
}

/* One of the root attributes mean and std; *found false where it is absent. out [C]. */
static BaseStatus read_statistic(const Source *s, const char *name, int64_t C, float *out, bool *found)
{
    double *values = NULL;
    float one[DATA_CHANNELS_MAX];
    char *what = NULL;
    size_t count;
    BaseStatus st = io_hdf5_get_f64s(s->file, "/", name, &values, &count);
    *found = st != BASE_ENOTFOUND;
    if (!*found) return BASE_OK;
    if (st != BASE_OK) return base_error_prefix(st, "%s: attribute '%s'", s->path, name);
    BASE_TRY(base_format(&what, "%s: attribute '%s'", s->path, name));
    for (size_t c = 0; c < count; c++) {
        BASE_TRY(data_statistic_check(BASE_EFORMAT, what, strcmp(name, "std") == 0, values[c]));
        if (c < DATA_CHANNELS_MAX) one[c] = (float)values[c];
    }
    BASE_TRY(data_statistic_expand(BASE_EFORMAT, what, one, count, C, out));
out:
    base_free(values);
    base_free(what);
    return st;
}

static BaseStatus read_normalisation(const Source *s, DataSet *set)
{
    BaseStatus st = BASE_OK;
    float mean[DATA_CHANNELS_MAX], std[DATA_CHANNELS_MAX];
    bool has_mean, has_std;
    BASE_TRY(read_statistic(s, "mean", set->C, mean, &has_mean));
    BASE_TRY(read_statistic(s, "std", set->C, std, &has_std));
    BASE_CHECK(has_mean == has_std, BASE_EFORMAT, "%s: attribute '%s' without '%s'; give both or neither", s->path,
               has_mean ? "mean" : "std", has_mean ? "std" : "mean");
    if (has_mean) data_set_normalise(set, mean, std);
out:
    return st;
}

/* [N, H, W, C], as tools that are not PyTorch write images, where the other reading would be images of many channels
 * and hardly a width. A last dimension of 1 may be a row of samples in as many channels; as a square it is grey. */
static bool is_channels_last(const int64_t shape[4])
{
    int64_t h = shape[1], w = shape[2], c = shape[3];
    if (h <= 4 || w <= 4) return false;
    return c == 3 || c == 4 || (c == 1 && (h == w || h > DATA_CHANNELS_MAX));
}

/* In place. */
static BaseStatus to_planes(DataSet *set)
{
    const size_t bytes = data_image_bytes(set);
    uint8_t *image;
    BaseStatus st = BASE_ALLOC_RAW(bytes, &image);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < set->N; i++) {
        uint8_t *at = (uint8_t *)set->images + (size_t)i * bytes;
        memcpy(image, at, bytes);
        split_planes(image, set->C, set->H * set->W, set->type == DATA_U8 ? 1 : sizeof(float), at);
    }
    base_free(image);
    return BASE_OK;
}

/* A set whose images, [n, C, H, W] or with channels last, are read when they are fetched; NULL where they must all be read now:
 * they are few, or do not lie one by one. */
static BaseStatus stream_images(const Source *s, const char *name, const char *at, const int64_t shape[4], bool last,
                                DataSet **out)
{
    BaseStatus st = BASE_OK;
    Streamed *r = NULL;
    const int64_t C = shape[last ? 3 : 1], H = shape[last ? 1 : 2], W = shape[last ? 2 : 3];
    *out = NULL;
    if ((double)shape[0] * (double)C * (double)H * (double)W <= DATA_TABLE_WHOLE) return BASE_OK;
    BASE_TRY(BASE_ALLOC(1, &r));
    *r = (Streamed){{streamed_read, streamed_free}, .n = shape[0], .C = C, .plane = H * W, .last = last};
    BASE_TRY(io_hdf5_rows(s->file, at, &r->rows));
    if (!r->rows) goto out;
    BASE_TRY(data_set_create_read(name, shape[0], C, H, W, s->K, out)); /* which checks the sizes */
    BASE_TRY(data_kept_create(shape[0], (size_t)(C * H * W), &r->kept));
    BASE_TRY(hash_content(s->path, at, (*out)->content));
    (*out)->reader = &r->reader;
    r = NULL;
out:
    if (r) streamed_free(&r->reader);
    if (st != BASE_OK) {
        data_set_free(*out);
        *out = NULL;
    }
    return st;
}

/* Floats may have any meaning, and have the one that the network was trained on; what contradicts it is told. */
static BaseStatus warn_of_floats(const Source *s, const DataSet *set, const char *images)
{
    static const float BEYOND = 30; /* deviations: no normalised image reaches that, and grey levels of 0..255 do */
    double *mean = NULL;
    size_t count;
    const float *value = set->images;
    float most = 0;
    for (int64_t i = 0; i < set->N * set->C * set->H * set->W; i++) most = fmaxf(most, value[i]);
    if (most > BEYOND)
        base_warning("%s: floats up to %g, taken as they are: networks are trained on pixels scaled to 0..1 or "
                     "normalised; stored as uint8, such images would be scaled",
                     images, (double)most);
    BaseStatus st = io_hdf5_get_f64s(s->file, "/", "mean", &mean, &count);
    if (st == BASE_OK)
        base_notice("%s: floats are taken as they are: the attributes mean and std are not applied to them", images);
    base_free(mean);
    return st == BASE_ENOMEM ? st : BASE_OK;
}

static BaseStatus read_split(const Source *s, int split, const int64_t *labels, int64_t label_count, DataSet **out)
{
    static const char *const NAMES[] = {"train", "test"};
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    IoH5Info info;
    const char *at;
    char *name = NULL, *images = NULL;
    BASE_TRY(find_array(s, IMAGES[split], &at, &info));
    BASE_TRY(base_format(&images, "%s: %s", s->path, at));
    BASE_TRY(base_format(&name, "hdf5:%s %s", s->path, NAMES[split]));
    BASE_CHECK(info.ndim == 4, BASE_EFORMAT, "%s has %d dimensions; it must have 4: [N, C, H, W]", images, info.ndim);
    const int64_t *shape = info.shape;
    BASE_CHECK(shape[0] == label_count, BASE_EFORMAT, "%s holds %lld images and there are %lld labels", images,
               (long long)shape[0], (long long)label_count);
    BASE_CHECK(info.stored == IO_H5_U8 || info.is_float, BASE_EFORMAT,
               "%s holds integers other than uint8; images must be uint8 (0..255) or floats (taken as they are)",
               images);
    bool raw = info.stored == IO_H5_U8, last = is_channels_last(shape);
    if (last && split == TRAIN)
        base_notice("%s is [%lld, %lld, %lld, %lld]: read as N, height, width, channels", images, (long long)shape[0],
                    (long long)shape[1], (long long)shape[2], (long long)shape[3]);
    if (raw) BASE_TRY(stream_images(s, name, at, shape, last, &set));
    if (!set) {
        BASE_TRY(data_set_create(name, raw ? DATA_U8 : DATA_F32, shape[0], shape[last ? 3 : 1], shape[last ? 1 : 2],
                                 shape[last ? 2 : 3], s->K, &set));
        BASE_TRY(io_hdf5_read(s->file, at, raw ? IO_H5_U8 : IO_H5_F32, set->images));
        if (last) BASE_TRY(to_planes(set));
    }
    set->classes_counted = !s->classes && !s->columns;
    for (int64_t i = 0; i < label_count; i++) set->labels[i] = (int32_t)labels[i];
    BASE_TRY(data_set_name_classes(set, (const char *const *)s->classes));
    if (raw) BASE_TRY(read_normalisation(s, set));
    BASE_TRY(data_set_finish(set, images, name));
    if (!raw && split == TRAIN) BASE_TRY(warn_of_floats(s, set, images));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    base_free(name);
    base_free(images);
    return st;
}

/* A class without an image is nothing wrong, but the first one is: who counts from 1 has one class too many. */
static void warn_of_counting(const Source *s, int64_t *const labels[2], const int64_t n[2])
{
    for (int split = TRAIN; split <= TEST; split++)
        for (int64_t i = 0; i < n[split]; i++)
            if (labels[split][i] == 0) return;
    if (n[TRAIN] > 0)
        base_warning("%s: no image is of class 0; labels count from 0: if these count from 1, subtract 1", s->path);
}

static BaseStatus open_file(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    BaseStatus st = BASE_OK;
    Source s = {.path = path};
    int64_t *labels[] = {NULL, NULL}, n[] = {0, 0};
    BASE_TRY(io_hdf5_open(path, &s.file));
    BASE_TRY(read_classes(&s));
    for (int split = TRAIN; split <= TEST; split++) BASE_TRY(read_labels(&s, split, &labels[split], &n[split]));
    s.K = s.classes ? (int64_t)s.class_count : s.columns;
    if (!s.K) warn_of_counting(&s, labels, n);
    for (int split = TRAIN; split <= TEST && !s.classes; split++)
        for (int64_t i = 0; i < n[split]; i++) s.K = labels[split][i] >= s.K ? labels[split][i] + 1 : s.K;
    BASE_TRY(read_split(&s, TRAIN, labels[TRAIN], n[TRAIN], train));
    BASE_TRY(read_split(&s, TEST, labels[TEST], n[TEST], test));
out:
    base_free(labels[TRAIN]);
    base_free(labels[TEST]);
    io_names_free(s.classes, s.class_count);
    io_hdf5_close(s.file);
    return st; /* data_open frees what there is */
}

const DataSource data_hdf5 = {
    BASE_ENTRY_PLAIN(
        "hdf5",
        "any images in one HDF5 file: /train and /test, each images [N,C,H,W] and labels [N]; or x_train, y_train, ...",
        ""),
    DATA_PATH_REQUIRED, open_file, false};
