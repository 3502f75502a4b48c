/* A data set in one HDF5 file: /train/images and /test/images [N, C, H, W], /train/labels and /test/labels [N], and the
 * optional root attributes mean, std [C] and classes [K] (strings). uint8 images are scaled to 0..1 and, with mean and
 * std, normalised; float32 images are taken as they are, so mean and std are not applied to them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "data/set/build.h"
#include "io/file.h"
#include "io/hdf5.h"

typedef struct {
    const char *path;
    IoHdf5 *file;
    char **classes; /* [class_count], NULL where the file names none */
    size_t class_count;
    int64_t K;
} Source;

static BaseStatus find_array(const Source *s, const char *at, int ndim, const char *shape, IoH5Info *out)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(io_hdf5_has(s->file, at), BASE_EFORMAT,
               "%s: %s is missing; /train and /test each need images [N, C, H, W] and labels [N]", s->path, at);
    BASE_TRY(io_hdf5_info(s->file, at, out));
    BASE_CHECK(out->ndim == ndim, BASE_EFORMAT, "%s: %s has %d dimensions; it must have %d: %s", s->path, at, out->ndim,
               ndim, shape);
    BASE_CHECK(out->count > 0, BASE_EFORMAT, "%s: %s is empty", s->path, at);
out:
    return st;
}

/* Labels of one split as the file holds them, checked as far as they can be before K is known. */
static BaseStatus read_labels(const Source *s, const char *split, int64_t **out, int64_t *count)
{
    BaseStatus st = BASE_OK;
    char at[32];
    IoH5Info info;
    *out = NULL;
    snprintf(at, sizeof at, "/%s/labels", split);
    BASE_TRY(find_array(s, at, 1, "[N]", &info));
    BASE_CHECK(!info.is_float, BASE_EFORMAT, "%s: %s holds floating-point numbers; labels must be integers", s->path,
               at);
    BASE_TRY(BASE_ALLOC_RAW(info.count, out));
    BASE_TRY(io_hdf5_read(s->file, at, IO_H5_I64, *out));
    *count = info.count;
    int64_t limit = s->classes ? (int64_t)s->class_count : DATA_CLASSES_MAX;
    for (int64_t i = 0; i < info.count; i++)
        BASE_CHECK((*out)[i] >= 0 && (*out)[i] < limit, BASE_EFORMAT, "%s: %s[%lld] is %lld; %s labels are 0 to %lld",
                   s->path, at, (long long)i, (long long)(*out)[i],
                   s->classes ? "with the attribute 'classes'" : "allowed", (long long)limit - 1);
out:
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
    size_t count;
    BaseStatus st = io_hdf5_get_f64s(s->file, "/", name, &values, &count);
    *found = st != BASE_ENOTFOUND;
    if (!*found) return BASE_OK;
    if (st != BASE_OK) return base_error_prefix(st, "%s: attribute '%s'", s->path, name);
    BASE_CHECK(count == (size_t)C, BASE_EFORMAT, "%s: attribute '%s' holds %zu numbers for images of %lld channels",
               s->path, name, count, (long long)C);
    for (size_t c = 0; c < count; c++) {
        out[c] = (float)values[c];
        BASE_CHECK(isfinite(out[c]) && (strcmp(name, "std") != 0 || out[c] > 0), BASE_EFORMAT,
                   "%s: attribute '%s' holds %g; it must be finite%s", s->path, name, values[c],
                   strcmp(name, "std") == 0 ? " and above 0" : "");
    }
out:
    base_free(values);
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

static BaseStatus read_split(const Source *s, const char *split, const int64_t *labels, int64_t label_count,
                             DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    IoH5Info info;
    char at[32], *name = NULL, *images = NULL;
    snprintf(at, sizeof at, "/%s/images", split);
    BASE_TRY(base_format(&images, "%s: %s", s->path, at));
    BASE_TRY(base_format(&name, "hdf5:%s %s", s->path, split));
    BASE_TRY(find_array(s, at, 4, "[N, C, H, W]", &info));
    const int64_t *shape = info.shape;
    BASE_CHECK(shape[0] == label_count, BASE_EFORMAT, "%s holds %lld images and /%s/labels %lld labels", images,
               (long long)shape[0], split, (long long)label_count);
    BASE_CHECK(info.stored == IO_H5_U8 || info.stored == IO_H5_F32, BASE_EFORMAT,
               "%s holds %s; images must be uint8 (0..255) or float32 (taken as they are)", images,
               info.is_float ? "float64" : "integers other than uint8");
    bool raw = info.stored == IO_H5_U8;
    BASE_TRY(data_set_create(name, raw ? DATA_U8 : DATA_F32, shape[0], shape[1], shape[2], shape[3], s->K, &set));
    set->classes_counted = !s->classes;
    BASE_TRY(io_hdf5_read(s->file, at, raw ? IO_H5_U8 : IO_H5_F32, set->images));
    for (int64_t i = 0; i < label_count; i++) set->labels[i] = (int32_t)labels[i];
    BASE_TRY(data_set_name_classes(set, (const char *const *)s->classes));
    if (raw) BASE_TRY(read_normalisation(s, set));
    BASE_TRY(data_set_finish(set, images, name));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    base_free(name);
    base_free(images);
    return st;
}

static BaseStatus open_file(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    BaseStatus st = BASE_OK;
    Source s = {.path = path};
    int64_t *train_labels = NULL, *test_labels = NULL, n_train = 0, n_test = 0;
    BASE_TRY(io_hdf5_open(path, false, &s.file));
    BASE_TRY(read_classes(&s));
    BASE_TRY(read_labels(&s, "train", &train_labels, &n_train));
    BASE_TRY(read_labels(&s, "test", &test_labels, &n_test));
    if (s.classes)
        s.K = (int64_t)s.class_count;
    else {
        for (int64_t i = 0; i < n_train; i++) s.K = train_labels[i] >= s.K ? train_labels[i] + 1 : s.K;
        for (int64_t i = 0; i < n_test; i++) s.K = test_labels[i] >= s.K ? test_labels[i] + 1 : s.K;
    }
    BASE_TRY(read_split(&s, "train", train_labels, n_train, train));
    BASE_TRY(read_split(&s, "test", test_labels, n_test, test));
out:
    base_free(train_labels);
    base_free(test_labels);
    io_names_free(s.classes, s.class_count);
    io_hdf5_close(s.file);
    return st; /* data_open frees what there is */
}

const DataSource data_hdf5 = {
    BASE_ENTRY_PLAIN("hdf5", "any images in one HDF5 file: /train and /test, each images [N,C,H,W] and labels [N]", ""),
    DATA_PATH_REQUIRED, open_file, false};
