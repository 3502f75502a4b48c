/* data/prepare/request.c - options as text become numbers and lists of positions; faults name file and line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "data/prepare/prepare.h"
#include "data/set/build.h"
#include "io/file.h"

enum { SIDE_MAX = 1 << 14, INDEX_BYTES = 1 << 30, PICKS_MAX = 20000000 /* ImageNet-21k has 14 million */ };

static bool is_none(const char *text) { return strcmp(text, "none") == 0; }

/* "0.5", "0.5,0.4,0.3" or "[0.5, 0.4, 0.3]" */
static BaseStatus read_numbers(const char *name, const char *text, float *out, int *count)
{
    BaseStatus st = BASE_OK;
    char *copy = NULL, what[140];
    snprintf(what, sizeof what, "%s '%.100s'", name, text);
    BASE_TRY(base_strdup(text, &copy));
    char *at = copy, *rest = NULL;
    size_t size = strlen(at);
    if (size >= 2 && at[0] == '[' && at[size - 1] == ']') at[size - 1] = '\0', at++;
    *count = 0;
    for (char *item = strtok_r(at, ", ", &rest); item; item = strtok_r(NULL, ", ", &rest)) {
        double value;
        BASE_CHECK(*count < DATA_CHANNELS_MAX && base_parse_f64(item, &value), BASE_EUSAGE,
                   "%s: must be none, one number, or one number per channel (0.485,0.456,0.406)", what);
        BASE_TRY(data_statistic_check(BASE_EUSAGE, what, strcmp(name, "std") == 0, value));
        out[(*count)++] = (float)value;
    }
    BASE_CHECK(*count > 0, BASE_EUSAGE, "%s '%.100s': is not a number; must be none, one number, or one per channel",
               name, text);
out:
    base_free(copy);
    return st;
}

/* "none", "224" (@p w 0: the shorter side; else a square) or "224x224", height first. */
static BaseStatus read_size(const char *name, const char *text, bool square, int64_t *h, int64_t *w)
{
    char first[16];
    const char *cross = strchr(text, 'x');
    *h = *w = 0;
    if (is_none(text)) return BASE_OK;
    snprintf(first, sizeof first, "%.*s", cross ? (int)(cross - text) : 15, text);
    bool good = base_parse_i64(first, h) && *h >= 1 && *h <= SIDE_MAX;
    if (cross) good = good && base_parse_i64(cross + 1, w) && *w >= 1 && *w <= SIDE_MAX;
    if (!good)
        return base_error_set(BASE_EUSAGE, "%s '%.100s': must be none, a number of pixels from 1 to %d, or HxW", name,
                              text, SIDE_MAX);
    if (!cross && square) *w = *h;
    return BASE_OK;
}

/* "17", or "0-11999" for all from the first to the last. */
static bool read_range(char *word, int64_t *first, int64_t *last)
{
    char *dash = strchr(word, '-');
    if (dash) *dash = '\0';
    bool good = base_parse_i64(word, first) && base_parse_i64(dash ? dash + 1 : word, last);
    if (dash) *dash = '-'; /* for the message */
    return good && *first >= 0 && *last >= *first;
}

/* One position or range, or the name of a split before it. */
static BaseStatus read_line(const char *file, int64_t line, char *text, DataRange *out)
{
    char whole[64], *rest = NULL;
    snprintf(whole, sizeof whole, "%s", text + strspn(text, " \t")); /* for the message, before it is cut */
    whole[strcspn(whole, "\r")] = '\0';
    char *word = strtok_r(text, " \t\r", &rest);
    bool named = word && (strcmp(word, "train") == 0 || strcmp(word, "test") == 0);
    if (named) out->test = word[1] == 'e', word = strtok_r(NULL, " \t\r", &rest);
    if (!word || !read_range(word, &out->first, &out->last) || strtok_r(NULL, " \t\r", &rest))
        return base_error_set(
            BASE_EUSAGE,
            "%s:%lld: '%s': a line must hold the position of one image, counted from 0 (numpy.savetxt: fmt=\"%%d\"), "
            "or a range like 0-999, preceded by 'train' or 'test' if it is in that split",
            file, (long long)line, whole);
    return BASE_OK;
}

char *data_text_begin(char *bytes) { return strncmp(bytes, "\xef\xbb\xbf", 3) == 0 ? bytes + 3 : bytes; }

static BaseStatus read_picks(const char *file, bool test, DataPicks *out)
{
    BaseStatus st = BASE_OK;
    char *bytes = NULL;
    size_t size;
    int64_t lines = 0, line = 0;
    if (!file) return BASE_OK;
    out->file = file;
    BASE_TRY(io_file_read(file, INDEX_BYTES, &bytes, &size));
    BASE_CHECK(strlen(bytes) == size, BASE_EFORMAT, "%s: not a text file; an index file has one position per line",
               file);
    for (size_t i = 0; i < size; i++) lines += bytes[i] == '\n';
    BASE_TRY(BASE_ALLOC(lines + 1, &out->ranges));
    for (char *at = data_text_begin(bytes), *next; at; at = next) {
        next = strchr(at, '\n');
        if (next) *next++ = '\0';
        line++;
        if (!at[strspn(at, " \t\r")]) continue;
        DataRange range = {.test = test, .before = out->count};
        BASE_TRY(read_line(file, line, at, &range));
        BASE_CHECK(range.last - range.first < PICKS_MAX - out->count, BASE_ELIMIT, "%s:%lld: names more than %d images",
                   file, (long long)line, PICKS_MAX);
        out->count += range.last - range.first + 1;
        out->ranges[out->range_count++] = range;
    }
    BASE_CHECK(out->count > 0, BASE_EFORMAT, "%s: names no image; an index file has one position per line", file);
out:
    base_free(bytes);
    return st;
}

BaseStatus data_request_read(const DataOptions *options, DataRequest *out)
{
    static const DataOptions NONE;
    BaseStatus st = BASE_OK;
    *out = (DataRequest){.options = options ? options : &NONE};
    const DataOptions *o = out->options;
    out->no_normalising = (o->mean && is_none(o->mean)) || (o->std && is_none(o->std));
    BASE_CHECK(!out->no_normalising || ((!o->mean || is_none(o->mean)) && (!o->std || is_none(o->std))), BASE_EUSAGE,
               "mean '%.100s' with std '%.100s': give numbers for both, or none", o->mean, o->std);
    out->has_mean = o->mean && !out->no_normalising;
    out->has_std = o->std && !out->no_normalising;
    if (out->has_mean) BASE_TRY(read_numbers("mean", o->mean, out->mean, &out->mean_count));
    if (out->has_std) BASE_TRY(read_numbers("std", o->std, out->std, &out->std_count));
    out->has_resize = o->resize != NULL;
    out->has_crop = o->crop != NULL;
    out->has_filter = o->interpolation != NULL;
    out->has_start = o->crop_start != NULL;
    if (o->resize) BASE_TRY(read_size("resize", o->resize, false, &out->prep.resize_h, &out->prep.resize_w));
    if (o->crop) BASE_TRY(read_size("crop", o->crop, true, &out->prep.crop_h, &out->prep.crop_w));
    if (o->interpolation) {
        bool bicubic = strcmp(o->interpolation, "bicubic") == 0;
        BASE_CHECK(bicubic || strcmp(o->interpolation, "bilinear") == 0, BASE_EUSAGE,
                   "interpolation '%.100s': must be bilinear or bicubic", o->interpolation);
        out->prep.filter = bicubic ? DATA_BICUBIC : DATA_BILINEAR;
    }
    if (o->crop_start) {
        out->prep.crop_below = strcmp(o->crop_start, "below") == 0;
        BASE_CHECK(out->prep.crop_below || strcmp(o->crop_start, "nearest") == 0, BASE_EUSAGE,
                   "crop-start '%.100s': must be nearest or below", o->crop_start);
    }
    if (o->broken) {
        out->skip_broken = strcmp(o->broken, "skip") == 0;
        BASE_CHECK(out->skip_broken || strcmp(o->broken, "fail") == 0, BASE_EUSAGE,
                   "broken '%.100s': must be fail or skip", o->broken);
    }
    BASE_TRY(read_picks(o->train_index, false, &out->picks[DATA_TRAIN]));
    BASE_TRY(read_picks(o->test_index, true, &out->picks[DATA_TEST]));
out:
    if (st != BASE_OK) data_request_free(out);
    return st;
}

void data_request_free(DataRequest *request)
{
    for (int s = 0; s < DATA_SPLITS; s++) base_free(request->picks[s].ranges);
    *request = (DataRequest){.options = request->options};
}

DataPrep data_request_prep(const DataRequest *r, DataPrep prep)
{
    if (r->has_resize) prep.resize_h = r->prep.resize_h, prep.resize_w = r->prep.resize_w;
    if (r->has_crop) prep.crop_h = r->prep.crop_h, prep.crop_w = r->prep.crop_w;
    if (r->has_filter) prep.filter = r->prep.filter;
    if (r->has_start) prep.crop_below = r->prep.crop_below;
    return prep;
}

/* Marks the images of one line as split @p s's own. */
static BaseStatus mark(const DataRequest *r, int s, const DataRange *range, const int64_t count[DATA_SPLITS],
                       uint8_t *const seen[DATA_SPLITS])
{
    static const char *const NAMES[] = {"train", "test"};
    BaseStatus st = BASE_OK;
    const char *file = r->picks[s].file;
    int from = range->test ? DATA_TEST : DATA_TRAIN;
    BASE_CHECK(range->last < count[from], BASE_EUSAGE, "%s: image %lld of the %s split; the split has images 0 to %lld",
               file, (long long)base_larger(range->first, count[from]), NAMES[from], (long long)count[from] - 1);
    for (int64_t at = range->first; at <= range->last; at++) {
        int before = seen[from][at];
        BASE_CHECK(before != s + 1, BASE_EUSAGE, "%s: image %lld of the %s split is given twice", file, (long long)at,
                   NAMES[from]);
        BASE_CHECK(!before, BASE_EUSAGE, "%s: image %lld of the %s split would be both a training and a test image; %s",
                   file, (long long)at, NAMES[from],
                   r->picks[1 - s].file ? "name it in one index file alone"
                                        : "an index file of the other split must leave it out");
        seen[from][at] = (uint8_t)(s + 1);
    }
out:
    return st;
}

BaseStatus data_picks_check(const DataRequest *r, const int64_t count[DATA_SPLITS])
{
    BaseStatus st = BASE_OK;
    uint8_t *seen[DATA_SPLITS] = {NULL};
    for (int s = 0; s < DATA_SPLITS; s++) BASE_TRY(BASE_ALLOC(count[s], &seen[s]));
    for (int s = 0; s < DATA_SPLITS; s++) /* a split without an index file keeps all of its own images */
        for (int64_t i = 0; !r->picks[s].file && i < count[s]; i++) seen[s][i] = (uint8_t)(s + 1);
    for (int s = 0; s < DATA_SPLITS; s++)
        for (int64_t i = 0; i < r->picks[s].range_count; i++) BASE_TRY(mark(r, s, r->picks[s].ranges + i, count, seen));
out:
    for (int s = 0; s < DATA_SPLITS; s++) base_free(seen[s]);
    return st;
}
