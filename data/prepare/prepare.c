/* data/prepare/prepare.c - one order for all sets: pick images, renumber classes, resize, normalise. */
#include "data/prepare/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/prepare/derived.h"
#include "data/prepare/parallel.h"
#include "data/prepare/resize.h"
#include "data/set/build.h"
#include "io/file.h"

enum { MAP_BYTES = 1 << 24 };

static size_t image_bytes(const DataSet *set)
{
    return (size_t)(set->C * set->H * set->W) * (set->type == DATA_U8 ? 1 : sizeof(float));
}

/* A set like @p like, of n images of H x W, its images and labels not yet filled; @p read: by a reader, not yet there. */
static BaseStatus create_like(const DataSet *like, bool read, int64_t n, int64_t H, int64_t W, DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    if (read)
        BASE_TRY(data_set_create_read(like->name, n, like->C, H, W, like->K, &set));
    else
        BASE_TRY(data_set_create(like->name, like->type, n, like->C, H, W, like->K, &set));
    BASE_TRY(data_set_name_classes(set, (const char *const *)like->class_names));
    if (like->source_names) BASE_TRY(data_set_name_sources(set, (const char *const *)like->source_names));
    set->classes_counted = like->classes_counted;
    set->prep = like->prep;
    if (like->normalise) data_set_normalise(set, like->mean, like->std);
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    return st;
}

/* *read: one of the sets that the picks come from has a reader. */
static BaseStatus pick_check(const DataPicks *picks, DataSet *const *sets, bool *read)
{
    BaseStatus st = BASE_OK;
    const DataSet *like = sets[picks->ranges[0].test];
    *read = false;
    for (const DataRange *r = picks->ranges; r < picks->ranges + picks->range_count; r++) {
        const DataSet *from = sets[r->test];
        *read = *read || from->reader;
        BASE_CHECK(from->type == like->type && from->C == like->C && from->H == like->H && from->W == like->W,
                   BASE_EFORMAT, "%s: names images of both splits, which differ in shape or type", picks->file);
    }
out:
    return st;
}

static BaseStatus pick(const DataPicks *picks, DataSet *const *sets, DataOriginals *originals, DataSet **out)
{
    BaseStatus st = BASE_OK;
    const DataSet *like = sets[picks->ranges[0].test];
    size_t size = image_bytes(like), i = 0;
    bool read;
    BASE_TRY(pick_check(picks, sets, &read));
    BASE_TRY(create_like(like, read, picks->count, like->H, like->W, out));
    for (const DataRange *r = picks->ranges; r < picks->ranges + picks->range_count; r++) {
        const DataSet *from = sets[r->test];
        for (int64_t at = r->first; at <= r->last; at++, i++) {
            if (!read) memcpy((char *)(*out)->images + i * size, (const char *)from->images + (size_t)at * size, size);
            (*out)->labels[i] = from->labels[at];
        }
    }
    if (read) BASE_TRY(data_picked_read(picks, (const DataSet *const *)sets, originals, *out));
out:
    return st;
}

static BaseStatus pick_both(const DataRequest *r, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    DataSet *picked[DATA_SPLITS] = {NULL}, **sets[] = {train, test}, *const from[] = {*train, *test};
    DataOriginals *originals = NULL;
    BASE_TRY(data_picks_check(r, (int64_t[]){(*train)->N, (*test)->N}));
    BASE_TRY(data_originals_create(&originals));
    for (int s = 0; s < DATA_SPLITS; s++)
        if (r->picks[s].file) BASE_TRY(pick(&r->picks[s], from, originals, &picked[s]));
    for (int s = 0; s < DATA_SPLITS; s++) {
        if (!picked[s]) continue;     /* nobody picks from it: it keeps all of its images */
        char *name = picked[s]->name; /* the split it now is */
        picked[s]->name = (*sets[s])->name;
        (*sets[s])->name = name;
        data_originals_take(originals, (DataSplit)s, *sets[s]);
        *sets[s] = picked[s];
        picked[s] = NULL;
    }
out:
    for (int s = 0; s < DATA_SPLITS; s++) data_set_free(picked[s]);
    data_originals_drop(originals);
    return st;
}

typedef struct {
    const DataSet *from;
    DataSet *to;
    DataPrep prep;
} Resizing;

static BaseStatus resize_one(void *user, int64_t i)
{
    const Resizing *r = user;
    const DataSet *s = r->from;
    size_t W = (size_t)s->W, plane = (size_t)s->H * W;
    DataPixels in = {(const uint8_t *)s->images + (size_t)i * image_bytes(s), s->C, s->H, s->W, plane, W, 1};
    return data_resize(&in, &r->prep, (uint8_t *)r->to->images + (size_t)i * image_bytes(r->to));
}

static BaseStatus read_resized(DataSet *from, DataSet *to)
{
    BaseText prep = {0};
    data_prep_text(to, &prep);
    BaseStatus st = prep.st;
    if (st == BASE_OK) st = data_resized_read(from, prep.data, to);
    base_text_free(&prep);
    return st;
}

static BaseStatus resize(const DataRequest *request, DataSet **set)
{
    BaseStatus st = BASE_OK;
    Resizing r = {.from = *set, .prep = data_request_prep(request, (*set)->prep)};
    int64_t H, W;
    BASE_CHECK((*set)->type == DATA_U8, BASE_EUSAGE,
               "%s: holds float32, which is taken as it is; resize and crop are for images of 8 bits", (*set)->name);
    BASE_TRY(data_resize_shape(&r.prep, r.from->H, r.from->W, r.from->name, &H, &W));
    const bool read = r.from->reader != NULL;
    if (!read) BASE_TRY(data_set_room(r.from->name, r.from->N, r.from->C, H, W));
    BASE_TRY(create_like(r.from, read, r.from->N, H, W, &r.to));
    memcpy(r.to->labels, r.from->labels, (size_t)r.from->N * sizeof *r.to->labels);
    r.to->prep = r.prep;
    if (read)
        BASE_TRY(read_resized(*set, r.to));
    else
        BASE_TRY(data_parallel(r.from->N, resize_one, &r, "resize"));
    if (!read) data_set_free(*set);
    *set = r.to;
    r.to = NULL;
out:
    data_set_free(r.to);
    return st;
}

static BaseStatus normalise(const DataRequest *r, DataSet *set)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(set->type == DATA_U8, BASE_EUSAGE,
               "%s: holds float32, which is taken as it is; mean and std are for images of 8 bits", set->name);
    BASE_CHECK(set->normalise || r->no_normalising || (r->has_mean && r->has_std), BASE_EUSAGE,
               "%s has no mean and std of its own: give both", set->name);
    if (r->has_mean)
        BASE_TRY(data_statistic_expand(BASE_EUSAGE, "mean", r->mean, (size_t)r->mean_count, set->C, set->mean));
    if (r->has_std) BASE_TRY(data_statistic_expand(BASE_EUSAGE, "std", r->std, (size_t)r->std_count, set->C, set->std));
    for (int c = 0; r->no_normalising && c < set->C; c++) set->mean[c] = set->std[c] = 0;
    set->normalise = !r->no_normalising;
out:
    return st;
}

/* A class map: one class per line in the model's order: its name in the data, after a tab the name to show. */
typedef struct {
    char *bytes;
    char **names, **shown; /* [K], into bytes or into what the network's files say */
    int64_t K;
    bool lenient;  /* a name may stand twice where the data do not have it (ImageNet has two cranes) */
    bool in_order; /* the data's class k is class k, whatever it is called */
} ClassMap;

static void map_free(ClassMap *map)
{
    base_free(map->bytes);
    base_free(map->names);
    base_free(map->shown);
}

static BaseStatus map_read(const char *file, ClassMap *map)
{
    BaseStatus st = BASE_OK;
    size_t size;
    int64_t lines = 1;
    BASE_TRY(io_file_read(file, MAP_BYTES, &map->bytes, &size));
    BASE_CHECK(strlen(map->bytes) == size, BASE_EFORMAT, "%s: not a text file; a class map has one class per line",
               file);
    for (size_t i = 0; i < size; i++) lines += map->bytes[i] == '\n';
    BASE_TRY(BASE_ALLOC(lines, &map->names));
    BASE_TRY(BASE_ALLOC(lines, &map->shown));
    for (char *at = data_text_begin(map->bytes), *next; at; at = next) {
        next = strchr(at, '\n');
        if (next) *next++ = '\0';
        size_t length = strlen(at);
        while (length && strchr(" \t\r", at[length - 1])) at[--length] = '\0';
        if (!length) {
            BASE_CHECK(!next || !next[strspn(next, " \t\r\n")], BASE_EFORMAT,
                       "%s:%lld: an empty line; line k is the model's class k - 1", file, (long long)map->K + 1);
            break;
        }
        char *tab = strchr(at, '\t');
        if (tab) *tab++ = '\0';
        BASE_CHECK(*at, BASE_EFORMAT, "%s:%lld: no class before the tab", file, (long long)map->K + 1);
        map->names[map->K] = at;
        map->shown[map->K++] = tab ? tab + strspn(tab, " \t") : at;
    }
    BASE_CHECK(map->K > 0 && map->K <= DATA_CLASSES_MAX, BASE_EFORMAT,
               "%s: names %lld classes; from 1 to %d can be read", file, (long long)map->K, DATA_CLASSES_MAX);
out:
    return st;
}

static int by_name(const void *a, const void *b) { return strcmp(**(char **const *)a, **(char **const *)b); }

/* Where each class of the set stands in the map: number [set->K]. */
static BaseStatus map_find(const char *file, const ClassMap *map, const DataSet *set, int32_t *number)
{
    BaseStatus st = BASE_OK;
    char ***sorted = NULL;
    BASE_TRY(BASE_ALLOC(map->K, &sorted));
    for (int64_t k = 0; k < map->K; k++) sorted[k] = &map->names[k];
    qsort(sorted, (size_t)map->K, sizeof *sorted, by_name);
    for (int64_t k = 1; k < map->K && !map->lenient; k++)
        BASE_CHECK(strcmp(*sorted[k - 1], *sorted[k]) != 0, BASE_EFORMAT, "%s: the class '%.100s' is given twice", file,
                   *sorted[k]);
    for (int64_t k = 0; k < set->K; k++) {
        char **name = &set->class_names[k];
        char ***found = bsearch(&name, sorted, (size_t)map->K, sizeof *sorted, by_name);
        bool twice = found && ((found > sorted && strcmp(*found[-1], **found) == 0) ||
                               (found + 1 < sorted + map->K && strcmp(*found[1], **found) == 0));
        BASE_CHECK(!twice, BASE_EFORMAT,
                   "%s: has two classes '%.100s'; --class-map FILE tells them apart, one class of the data per line",
                   file, *name);
        if (!found) {
            const char *near = base_text_nearest(*name, (const char *const *)map->names, (size_t)map->K);
            BASE_FAIL(BASE_EFORMAT, "%s: has no %s the class '%.100s' of %s%s%.100s%s", file,
                      map->lenient ? "label that is" : "line for", *name, set->name,
                      near ? "; did you mean it by '" : "", near ? near : "", near ? "'?" : "");
        }
        number[k] = (int32_t)(*found - map->names);
    }
out:
    base_free(sorted);
    return st;
}

/* Labels that another of the network's classes has. */
static BaseStatus map_check(const char *file, const ClassMap *map, const DataModel *model)
{
    BaseStatus st = BASE_OK;
    int64_t n = (int64_t)model->label_count < map->K ? (int64_t)model->label_count : map->K;
    for (int64_t k = 0; k < n && !model->override; k++) {
        if (strcmp(map->shown[k], model->labels[k]) == 0) continue;
        for (int64_t j = 0; j < n; j++)
            BASE_CHECK(strcmp(map->shown[k], model->labels[j]) != 0, BASE_EUSAGE,
                       "%s:%lld: class %lld is '%.100s', but %s calls class %lld so (--override keeps the class map)",
                       file, (long long)k + 1, (long long)k, map->shown[k], model->from, (long long)j);
    }
out:
    return st;
}

static bool has_label(const DataModel *model, const char *name)
{
    for (size_t i = 0; i < model->label_count; i++)
        if (strcmp(model->labels[i], name) == 0) return true;
    return false;
}

/* The network's own names in its order, for data that call their classes the same, or do not name them. */
static BaseStatus map_labels(const DataModel *model, const DataSet *set, ClassMap *map)
{
    BaseStatus st = BASE_OK;
    int64_t named = 0;
    for (int64_t k = 0; k < set->K && !set->classes_counted; k++) named += has_label(model, set->class_names[k]);
    if (set->classes_counted && set->K > (int64_t)model->label_count) return BASE_OK; /* the classifier's rows tell */
    if (!set->classes_counted && named < set->K && model->override) return BASE_OK;
    map->in_order = set->classes_counted;
    BASE_CHECK(
        named || map->in_order, BASE_EUSAGE,
        "%s: no class of the data is called as one of %s (the first is '%.100s' here, '%.100s' there): --class-map "
        "FILE names the data's classes in the network's order; --override takes them in the data's",
        set->name, model->from, set->class_names[0], model->labels[0]);
    map->lenient = true;
    map->K = (int64_t)model->label_count;
    BASE_TRY(BASE_ALLOC(map->K, &map->names));
    BASE_TRY(BASE_ALLOC(map->K, &map->shown));
    for (int64_t k = 0; k < map->K; k++) map->names[k] = map->shown[k] = (char *)model->labels[k];
out:
    return st;
}

static BaseStatus renumber(const char *file, const ClassMap *map, DataSet *set)
{
    BaseStatus st = BASE_OK;
    int32_t *number = NULL;
    BASE_TRY(BASE_ALLOC(set->K, &number));
    if (!map->in_order) BASE_TRY(map_find(file, map, set, number));
    for (int64_t k = 0; k < set->K && map->in_order; k++) number[k] = (int32_t)k;
    for (int64_t i = 0; i < set->N; i++) {
        BASE_CHECK(set->labels[i] >= 0 && set->labels[i] < set->K, BASE_EFORMAT, "%s: label %d", set->name,
                   set->labels[i]);
        set->labels[i] = number[set->labels[i]];
    }
    data_set_forget_classes(set);
    set->K = map->K;
    set->classes_counted = false;
    BASE_TRY(data_set_name_classes(set, (const char *const *)map->shown));
    BASE_TRY(data_set_name_sources(set, (const char *const *)map->names));
out:
    base_free(number);
    return st;
}

BaseStatus data_prepare(const DataRequest *r, bool prepared, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    ClassMap map = {0};
    DataSet **sets[] = {train, test};
    const DataModel *model = r->options->model;
    bool as_it_is = model && model->prepared && (*train)->type == DATA_F32 && (*test)->type == DATA_F32;
    bool pick_them = !prepared && (r->picks[DATA_TRAIN].file || r->picks[DATA_TEST].file);
    bool resize_them = !prepared && !as_it_is && (r->has_resize || r->has_crop || r->has_filter || r->has_start);
    bool normalise_them = !as_it_is && (r->has_mean || r->has_std || r->no_normalising);
    bool label_them = !r->options->class_map && model && model->label_count;
    if (!pick_them && !resize_them && !normalise_them && !r->options->class_map && !label_them) return BASE_OK;
    if (as_it_is)
        base_notice("%s: holds float32, which is taken as it is, not prepared as %s says", (*train)->name, model->from);
    if (r->options->class_map) BASE_TRY(map_read(r->options->class_map, &map));
    if (r->options->class_map && model) BASE_TRY(map_check(r->options->class_map, &map, model));
    if (label_them) BASE_TRY(map_labels(model, *train, &map));
    if (pick_them) BASE_TRY(pick_both(r, train, test));
    for (int s = 0; s < DATA_SPLITS; s++) {
        if (resize_them) BASE_TRY(resize(r, sets[s]));
        if (normalise_them) BASE_TRY(normalise(r, *sets[s]));
        if (map.K) BASE_TRY(renumber(label_them ? model->from : r->options->class_map, &map, *sets[s]));
        BASE_TRY(data_set_finish(*sets[s], (*sets[s])->name, (*sets[s])->name));
    }
out:
    map_free(&map);
    return st;
}

/* The fewest digits that read back to the same float32. */
static void add_numbers(const char *name, const DataSet *set, const float *values, BaseText *out)
{
    base_text_add(out, "%s: ", name);
    if (!set->normalise) {
        base_text_add(out, "none, ");
        return;
    }
    for (int64_t c = 0; c < set->C; c++) {
        char text[32];
        for (int digits = 3; digits <= 9; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, (double)values[c]);
            if (strtof(text, NULL) == values[c]) break;
        }
        base_text_add(out, "%s%s", c ? ", " : "[", text);
    }
    base_text_add(out, "], ");
}

static void add_size(const char *name, int64_t h, int64_t w, bool square, BaseText *out)
{
    if (h == 0)
        base_text_add(out, "%s: none, ", name);
    else if (w == 0 || (square && w == h))
        base_text_add(out, "%s: %lld, ", name, (long long)h);
    else
        base_text_add(out, "%s: %lldx%lld, ", name, (long long)h, (long long)w);
}

void data_prep_text(const DataSet *set, BaseText *out)
{
    static const char *const FILTERS[] = {"bilinear", "bicubic"};
    const DataPrep *p = &set->prep;
    base_text_add(out, "{");
    add_numbers("mean", set, set->mean, out);
    add_numbers("std", set, set->std, out);
    add_size("resize", p->resize_h, p->resize_w, false, out);
    add_size("crop", p->crop_h, p->crop_w, true, out);
    base_text_add(out, "interpolation: %s%s}", p->resize_h ? FILTERS[p->filter] : "none",
                  p->crop_h && p->crop_below ? ", crop-start: below" : "");
}
