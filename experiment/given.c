/* experiment/given.c - an array per split, held against the data, from which the parts of a split take their rows. */
#include "experiment/given.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/hdf5.h"

static void shape_text(const IoH5Info *info, BaseText *out)
{
    base_text_add(out, "[");
    for (int d = 0; d < info->ndim; d++) base_text_add(out, "%s%lld", d ? ", " : "", (long long)info->shape[d]);
    base_text_add(out, "]");
}

static BaseStatus check_array(IoHdf5 *file, const char *path, const char *array, const DataSet *set)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BaseText has = {0};
    BASE_TRY(base_error_prefix(io_hdf5_info(file, array, &info), "logits: %s", path));
    BASE_CHECK(info.is_float, BASE_EFORMAT, "logits: %s: %s holds whole numbers, and logits are floats", path, array);
    shape_text(&info, &has);
    BASE_CHECK(
        info.ndim == 2 && info.shape[0] == set->N && info.shape[1] == set->K, BASE_ESHAPE,
        "logits: %s: %s is %s and must be [%lld, %lld]: a row for each image of the %s split, a column for each class",
        path, array, base_text_of(&has, &st), (long long)set->N, (long long)set->K, array + 1);
out:
    base_text_free(&has);
    return st;
}

static BaseStatus check_file(IoHdf5 *file, const char *path, const SessionData *data)
{
    BaseStatus st = BASE_OK;
    char *hash = NULL;
    bool same = true;
    BASE_TRY(check_array(file, path, "/train", data->train));
    BASE_TRY(check_array(file, path, "/test", data->test));
    st = io_hdf5_get_text(file, "/", "data_hash", &hash);
    if (st == BASE_ENOTFOUND) {
        base_error_clear();
        return BASE_OK;
    }
    BASE_TRY(base_error_prefix(st, "logits: %s", path));
    BASE_TRY(session_data_is(data, hash, &same));
    BASE_CHECK(same, BASE_EUSAGE, "logits: %s: data_hash is %.12s, and that of %s is %.12s: they are of other images",
               path, hash, data->spec, data->hash);
out:
    base_free(hash);
    return st;
}

BaseStatus experiment_given_check(const char *path, const SessionData *data)
{
    IoHdf5 *file = NULL;
    BaseStatus st = base_error_prefix(io_hdf5_open(path, &file), "logits");
    if (st == BASE_OK) st = check_file(file, path, data);
    io_hdf5_close(file);
    return st;
}

static BaseStatus read_array(IoHdf5 *file, const char *path, const char *array, const DataSet *set, float **out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(set->N * set->K, out));
    BASE_TRY(base_error_prefix(io_hdf5_read(file, array, IO_H5_F32, *out), "logits: %s", path));
    for (int64_t i = 0; i < set->N * set->K; i++)
        BASE_CHECK(isfinite((*out)[i]), BASE_ENUMERIC,
                   "logits: %s: %s [%lld, %lld] holds %g for image %lld, class %lld: logits must be finite", path,
                   array, (long long)set->N, (long long)set->K, (double)(*out)[i], (long long)(i / set->K),
                   (long long)(i % set->K));
out:
    return st; /* the caller frees, on failure too */
}

/* The rows of @p view, whose set the logits are of. */
static BaseStatus take(const float *logits, const DataView *view, SessionPredictions *out)
{
    BaseStatus st = BASE_OK;
    int64_t K = view->set->K;
    BASE_TRY(BASE_ALLOC_RAW(view->n * K, &out->logits));
    BASE_TRY(BASE_ALLOC_RAW(view->n, &out->labels));
    BASE_TRY(BASE_ALLOC_RAW(view->n, &out->at));
    for (int64_t i = 0; i < view->n; i++) {
        out->at[i] = data_view_at(view, i);
        out->labels[i] = data_view_label(view, i);
        memcpy(out->logits + i * K, logits + out->at[i] * K, (size_t)K * sizeof *logits);
    }
    out->p = (EvalPredictions){.logits = out->logits, .labels = out->labels, .n = view->n, .K = K};
out:
    return st;
}

BaseStatus experiment_given_read(const char *path, const SessionData *data, const SessionSplit *split,
                                 SessionPredictions out[EVAL_SPLITS])
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    float *train = NULL, *test = NULL;
    BASE_TRY(base_error_prefix(io_hdf5_open(path, &file), "logits"));
    BASE_TRY(check_file(file, path, data));
    BASE_TRY(read_array(file, path, "/train", data->train, &train));
    BASE_TRY(read_array(file, path, "/test", data->test, &test));
    BASE_TRY(take(train, &split->train, &out[EVAL_TRAIN]));
    out[EVAL_TRAIN].p.at = out[EVAL_TRAIN].at;
    if (split->validation.n > 0) BASE_TRY(take(train, &split->validation, &out[EVAL_VALIDATION]));
    BASE_TRY(take(test, &split->test, &out[EVAL_TEST]));
out:
    io_hdf5_close(file);
    base_free(train);
    base_free(test);
    return st;
}
