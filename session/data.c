/* session/data.c - both splits are read and hashed together; a split of them is stratified. */
#include "session/data.h"

#include <string.h>

#include "base/memory.h"
#include "data/prepare/prepare.h"
#include "data/set/build.h"
#include "io/file.h"
#include "io/tensors.h"

/* What is written among the images of a split would be a class, or part of one, when they are next opened. */
static BaseStatus check_images(const char *out, const char *data)
{
    static const char NAME[] = "imagefolder:", *const SPLITS[] = {"train", "test", "val"};
    BaseStatus st = BASE_OK;
    char *full = NULL, *named = NULL, *folder = NULL;
    if (strncmp(data, NAME, strlen(NAME)) != 0) return BASE_OK;
    BASE_TRY(io_path_full(out, &full));
    for (size_t i = 0; i < BASE_COUNT(SPLITS); i++) {
        base_free(named);
        base_free(folder);
        named = folder = NULL;
        BASE_TRY(base_format(&named, "%s/%s", data + strlen(NAME), SPLITS[i]));
        BASE_TRY(io_path_full(named, &folder));
        size_t length = strlen(folder);
        BASE_CHECK(strncmp(full, folder, length) != 0 || (full[length] && full[length] != '/'), BASE_EUSAGE,
                   "--out %s is in the image folder %s: choose another place, or the data would change", out, named);
    }
out:
    base_free(full);
    base_free(named);
    base_free(folder);
    return st;
}

BaseStatus session_output_check(const char *out, const char *data, const char *weights)
{
    const char *colon = strchr(data, ':'), *inputs[] = {colon ? colon + 1 : NULL, weights};
    for (int i = 0; i < 2; i++)
        if (inputs[i] && io_path_same(out, inputs[i]))
            return base_error_set(BASE_EUSAGE,
                                  "--out %s is the input %s: choose another name, or the input would be lost", out,
                                  inputs[i]);
    BaseStatus st = check_images(out, data);
    if (st != BASE_OK) return st;
    if (!io_tensors_folder(out, weights)) return io_path_writable(out);
    char *beside = NULL; /* where a folder is made before it is moved to its place */
    int size = (int)strlen(out);
    while (size > 1 && out[size - 1] == '/') size--;
    st = base_format(&beside, "%.*s.new", size, out);
    if (st == BASE_OK) st = io_path_writable(beside);
    base_free(beside);
    return st;
}

static BaseStatus hash_both(const char *train, const char *test, char hex[BASE_HASH_HEX])
{
    BaseHash *hash = NULL;
    BaseStatus st = base_hash_create(&hash);
    if (st != BASE_OK) return st;
    base_hash_add_text(hash, train);
    base_hash_add_text(hash, test);
    base_hash_finish(hash, hex);
    base_hash_free(hash);
    return BASE_OK;
}

BaseStatus session_data_is(const SessionData *data, const char *hash, bool *same)
{
    BaseStatus st = BASE_OK;
    char train[BASE_HASH_HEX], test[BASE_HASH_HEX], before[BASE_HASH_HEX];
    *same = strcmp(data->hash, hash) == 0;
    if (*same || (!data->train->reader && !data->test->reader)) return BASE_OK;
    BASE_TRY(data_set_hash_pixels(data->train, train));
    BASE_TRY(data_set_hash_pixels(data->test, test));
    BASE_TRY(hash_both(train, test, before));
    *same = strcmp(before, hash) == 0;
out:
    return st;
}

/* How the images are prepared, and the hash of it all. */
static BaseStatus describe_data(SessionData *data)
{
    BaseStatus st = BASE_OK;
    BaseText prep = {0};
    data_prep_text(data->train, &prep);
    base_free(data->prep);
    BASE_TRY(base_text_take(&prep, &data->prep));
    BASE_TRY(hash_both(data->train->hash, data->test->hash, data->hash));
out:
    return st;
}

BaseStatus session_data_open(const char *spec, const DataOptions *options, SessionData *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionData){0};
    BASE_TRY(base_strdup(spec, &out->spec));
    out->override = options && options->model && options->model->override;
    BASE_TRY(data_open(spec, options, &out->train, &out->test));
    BASE_TRY(describe_data(out));
out:
    if (st != BASE_OK) session_data_free(out);
    return st;
}

BaseStatus session_data_open_take(const char *name, const DataOptions *options, DataSet *train, DataSet *test,
                                  SessionData *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionData){.train = train, .test = test};
    BASE_TRY(base_strdup(name, &out->spec));
    BASE_TRY(data_open_sets(name, options, &out->train, &out->test));
    BASE_TRY(describe_data(out));
out:
    if (st != BASE_OK) session_data_free(out);
    return st;
}

BaseStatus session_data_share(const SessionData *data, SessionData *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionData){0};
    BASE_TRY(base_strdup(data->spec, &out->spec));
    BASE_TRY(base_strdup(data->prep, &out->prep));
    BASE_TRY(data_set_share(data->train, &out->train));
    BASE_TRY(data_set_share(data->test, &out->test));
    memcpy(out->hash, data->hash, sizeof out->hash);
out:
    if (st != BASE_OK) session_data_free(out);
    return st;
}

BaseStatus session_data_normalise(SessionData *data, const char *mean, const char *std)
{
    BaseStatus st = BASE_OK;
    DataOptions options = {.mean = mean, .std = std};
    DataRequest request = {0};
    BASE_TRY(data_request_read(&options, &request));
    BASE_TRY(data_prepare(&request, true, &data->train, &data->test));
    BASE_TRY(describe_data(data));
out:
    data_request_free(&request);
    return st;
}

BaseStatus session_data_images(SessionData *data, const char *size)
{
    BaseStatus st = BASE_OK;
    const DataOptions options = {.crop = size}; /* written as a crop is */
    DataRequest request = {0};
    if (!size) return BASE_OK;
    BASE_TRY(base_error_prefix(data_request_read(&options, &request), "--image-size, written like --crop"));
    BASE_CHECK(request.prep.crop_h, BASE_EUSAGE, "image-size '%.100s': must be a number of pixels, or HxW", size);
    data->image_h = request.prep.crop_h, data->image_w = request.prep.crop_w;
out:
    data_request_free(&request);
    return st;
}

void session_data_free(SessionData *data)
{
    base_free(data->spec);
    base_free(data->prep);
    data_set_free(data->train);
    data_set_free(data->test);
    *data = (SessionData){0};
}

BaseStatus session_data_view(const SessionData *data, const char *split, DataView *out, const char **name)
{
    bool train = strcmp(split, "train") == 0;
    *name = train ? "train" : "test";
    *out = data_view_all(train ? data->train : data->test);
    return strcmp(split, *name) == 0 ? BASE_OK
                                     : base_error_set(BASE_EUSAGE, "split '%.100s': must be train or test", split);
}

BaseStatus session_split_make(const SessionData *data, double fraction, uint64_t seed, SessionSplit *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionSplit){0};
    DataView all = data_view_all(data->train);
    BASE_TRY(data_split(&all, fraction, seed, &out->kept, &out->held));
    session_split_view(data, out);
out:
    if (st != BASE_OK) session_split_free(out);
    return st;
}

void session_split_view(const SessionData *data, SessionSplit *split)
{
    split->train = data_view_of(data->train, &split->kept);
    split->validation = data_view_of(data->train, &split->held);
    split->test = data_view_all(data->test);
}

void session_split_free(SessionSplit *split)
{
    data_index_free(&split->kept);
    data_index_free(&split->held);
    *split = (SessionSplit){0};
}
