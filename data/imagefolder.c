/* data/imagefolder.c - images in folders, as torchvision's ImageFolder reads them: DIR/train/<class>/ and
 * DIR/test/<class>/ (or DIR/val/) hold JPEG, PNG and WebP files; classes are the folders of DIR/train sorted by name.
 * Every image becomes RGB, its shorter side 256 pixels and its centre 224 x 224, unless told otherwise; what is kept is
 * that, in 8 bits. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/data.h"
#include "data/folder/scan.h"
#include "data/prepare/parallel.h"
#include "data/prepare/resize.h"
#include "data/set/build.h"
#include "io/file.h"
#include "io/image.h"

enum { CHANNELS = 3, NAMED = 20 };
static const DataPrep PREP = {256, 0, 224, 224, DATA_BILINEAR};
static const float MEAN[] = {0.485f, 0.456f, 0.406f}, STD[] = {0.229f, 0.224f, 0.225f};

typedef struct {
    const DataRequest *request;
    DataPrep prep;
    char *folder[DATA_SPLITS];
    char **classes;
    size_t class_count;
    DataFiles files[DATA_SPLITS];
    int64_t H, W; /* of every prepared image */
} Source;

static void source_free(Source *s)
{
    for (int i = 0; i < DATA_SPLITS; i++) {
        base_free(s->folder[i]);
        data_files_free(&s->files[i]);
    }
    io_names_free(s->classes, s->class_count);
}

/* DIR/test, or DIR/val where there is no folder of classes in DIR/test (ImageNet's test images have no labels). */
static BaseStatus find_folders(const char *path, Source *s)
{
    static const char *const TESTS[] = {"test", "val"};
    BaseStatus st = BASE_OK;
    BASE_CHECK(io_path_is_folder(path), BASE_EIO, "imagefolder:%s: there is no such folder", path);
    BASE_TRY(base_format(&s->folder[DATA_TRAIN], "%s/train", path));
    for (size_t i = 0; i < BASE_COUNT(TESTS); i++) {
        char **names = NULL;
        size_t count = 0;
        base_free(s->folder[DATA_TEST]);
        s->folder[DATA_TEST] = NULL;
        BASE_TRY(base_format(&s->folder[DATA_TEST], "%s/%s", path, TESTS[i]));
        if (!io_path_is_folder(s->folder[DATA_TEST])) continue;
        BASE_TRY(data_folder_classes(s->folder[DATA_TEST], &names, &count));
        io_names_free(names, count);
        if (count > 0) break;
    }
    for (int i = 0; i < DATA_SPLITS; i++)
        BASE_CHECK(io_path_is_folder(s->folder[i]), BASE_EFORMAT,
                   "imagefolder:%s: there is no folder %s; images are looked for in train/<class>/ and in "
                   "test/<class>/ or val/<class>/",
                   path, s->folder[i]);
out:
    return st;
}

static int32_t find_class(const Source *s, const char *name)
{
    for (size_t k = 0; k < s->class_count; k++)
        if (strcmp(s->classes[k], name) == 0) return (int32_t)k;
    return -1;
}

static BaseStatus list_split(Source *s, DataSplit split)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *folder = NULL;
    size_t count = 0;
    DataFiles *files = &s->files[split];
    BASE_TRY(data_folder_classes(s->folder[split], &names, &count));
    for (size_t i = 0; i < count; i++) {
        int32_t k = find_class(s, names[i]);
        int64_t before = files->n;
        BASE_CHECK(k >= 0, BASE_EFORMAT, "%s/%s: %s has no class of that name", s->folder[split], names[i],
                   s->folder[DATA_TRAIN]);
        base_free(folder);
        folder = NULL;
        BASE_TRY(base_format(&folder, "%s/%s", s->folder[split], names[i]));
        BASE_TRY(data_folder_files(folder, k, files));
        if (files->n == before) base_warning("%s: no JPEG, PNG or WebP image in this class", folder);
    }
    BASE_CHECK(files->n > 0, BASE_EFORMAT, "%s: no JPEG, PNG or WebP image in any class folder", s->folder[split]);
    if (files->foreign)
        base_warning(
            "%s: %lld images that are neither JPEG, PNG nor WebP are left out; convert them to PNG; the first is "
            "%s",
            s->folder[split], (long long)files->foreign, files->first_foreign);
out:
    base_free(folder);
    io_names_free(names, count);
    return st;
}

/* The files that an index names, in its order. */
static BaseStatus pick(const Source *s, const DataPicks *picks, DataFiles *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(picks->count, &out->paths));
    BASE_TRY(BASE_ALLOC_RAW(picks->count, &out->class));
    for (const DataRange *r = picks->ranges; r < picks->ranges + picks->range_count; r++) {
        const DataFiles *from = &s->files[r->test ? DATA_TEST : DATA_TRAIN];
        for (int64_t at = r->first; at <= r->last; at++) {
            BASE_TRY(base_strdup(from->paths[at], &out->paths[out->n]));
            out->class[out->n++] = from->class[at];
        }
    }
out:
    return st;
}

static BaseStatus pick_both(Source *s)
{
    BaseStatus st = BASE_OK;
    const DataPicks *picks = s->request->picks;
    DataFiles picked[DATA_SPLITS] = {{0}};
    if (!picks[DATA_TRAIN].file && !picks[DATA_TEST].file) return BASE_OK;
    BASE_TRY(data_picks_check(s->request, (int64_t[]){s->files[DATA_TRAIN].n, s->files[DATA_TEST].n}));
    for (int i = 0; i < DATA_SPLITS; i++)
        if (picks[i].file) BASE_TRY(pick(s, &picks[i], &picked[i]));
    for (int i = 0; i < DATA_SPLITS; i++) {
        if (!picks[i].file) continue;
        data_files_free(&s->files[i]);
        s->files[i] = picked[i];
        picked[i] = (DataFiles){0};
    }
out:
    for (int i = 0; i < DATA_SPLITS; i++) data_files_free(&picked[i]);
    return st;
}

static bool is_broken(BaseStatus st) { return st == BASE_EFORMAT || st == BASE_ELIMIT; }

/* A link to nothing is a broken image like others; a disk that fails is not, or it would choose the data. */
static BaseStatus read_image(const char *path, IoImage *out)
{
    BaseStatus st = io_image_read(path, out);
    return st == BASE_EIO && io_path_is_no_file(path) ? BASE_EFORMAT : st;
}

/* One size for all: the crop's or the resized one's, else that of the first image that can be read. */
static BaseStatus find_shape(Source *s)
{
    BaseStatus st = BASE_OK;
    const DataFiles *files = &s->files[DATA_TRAIN];
    bool cropped = s->prep.crop_h > 0;
    s->H = cropped ? s->prep.crop_h : s->prep.resize_h;
    s->W = cropped ? s->prep.crop_w : s->prep.resize_w;
    if (s->W) return BASE_OK;
    for (int64_t i = 0; i < files->n; i++) {
        IoImage image;
        st = read_image(files->paths[i], &image);
        if (is_broken(st)) continue; /* told when it is its turn */
        if (st == BASE_OK) st = data_resize_shape(&s->prep, image.H, image.W, files->paths[i], &s->H, &s->W);
        io_image_free(&image);
        return st;
    }
    return st;
}

/* One split while it is read. */
typedef struct {
    const Source *source;
    const DataFiles *files;
    DataSet *set;
    char **broken;              /* [n] why an image is left out, or NULL */
    uint8_t *damaged, *clipped; /* [n] */
} Loading;

static BaseStatus load_one(void *user, int64_t i)
{
    Loading *l = user;
    const Source *s = l->source;
    const char *path = l->files->paths[i];
    IoImage image;
    int64_t H, W;
    BaseStatus st = read_image(path, &image);
    if (st == BASE_OK) st = data_resize_shape(&s->prep, image.H, image.W, path, &H, &W);
    if (st == BASE_OK && (H != s->H || W != s->W))
        st = base_error_set(
            BASE_EFORMAT,
            "%s: becomes %lld x %lld pixels where the first image becomes %lld x %lld; crop, or resize to HxW, gives "
            "all the same size",
            path, (long long)W, (long long)H, (long long)s->W, (long long)s->H);
    if (st == BASE_OK) {
        DataPixels in = {image.rgb, CHANNELS, image.H, image.W, 1, (size_t)image.W * CHANNELS, CHANNELS};
        st = data_resize(&in, &s->prep, (uint8_t *)l->set->images + i * CHANNELS * s->H * s->W);
    }
    l->damaged[i] = st == BASE_OK && image.damaged;
    l->clipped[i] = st == BASE_OK && image.clipped;
    l->set->labels[i] = l->files->class[i];
    io_image_free(&image);
    if (!is_broken(st)) return st;
    if (s->request->skip_broken) return base_strdup(base_error_text(), &l->broken[i]);
    char *why = NULL;
    if (base_strdup(base_error_text(), &why) != BASE_OK) return BASE_ENOMEM;
    st = base_error_set(st, "%s (broken: skip would leave such images out)", why);
    base_free(why);
    return st;
}

/* Closes the gaps of images left out, naming them. */
static BaseStatus drop_broken(Loading *l)
{
    DataSet *set = l->set;
    size_t size = (size_t)(set->C * set->H * set->W);
    int64_t kept = 0, broken = 0, damaged = 0, first = -1, clipped = 0, first_clipped = -1;
    for (int64_t i = 0; i < set->N; i++) {
        if (l->broken[i]) {
            if (broken++ < NAMED) base_warning("left out: %s", l->broken[i]);
            continue;
        }
        if (l->damaged[i] && damaged++ == 0) first = i;
        if (l->clipped[i] && clipped++ == 0) first_clipped = i;
        if (kept != i) {
            memcpy((char *)set->images + (size_t)kept * size, (char *)set->images + (size_t)i * size, size);
            set->labels[kept] = set->labels[i];
        }
        kept++;
    }
    if (broken) base_warning("%s: %lld of %lld images are left out", set->name, (long long)broken, (long long)set->N);
    if (damaged)
        base_warning("%s: %lld images are damaged inside and were decoded all the same; the first is %s", set->name,
                     (long long)damaged, l->files->paths[first]);
    if (clipped)
        base_warning(
            "%s: %lld of %lld images are grey of 16 bits; their values over 255 became 255, as in torchvision; "
            "the first is %s",
            set->name, (long long)clipped, (long long)kept, l->files->paths[first_clipped]);
    set->N = kept;
    return kept ? BASE_OK : base_error_set(BASE_EFORMAT, "%s: not one image could be decoded", set->name);
}

static BaseStatus load(const Source *s, DataSplit split, const char *name, DataSet **out)
{
    BaseStatus st = BASE_OK;
    Loading l = {.source = s, .files = &s->files[split]};
    int64_t n = l.files->n;
    BASE_TRY(data_set_create(name, DATA_U8, n, CHANNELS, s->H, s->W, (int64_t)s->class_count, &l.set));
    BASE_TRY(BASE_ALLOC(n, &l.broken));
    BASE_TRY(BASE_ALLOC(n, &l.damaged));
    BASE_TRY(BASE_ALLOC(n, &l.clipped));
    BASE_TRY(data_parallel(n, load_one, &l, split == DATA_TRAIN ? "read train" : "read test"));
    BASE_TRY(drop_broken(&l));
    BASE_TRY(data_set_name_classes(l.set, (const char *const *)s->classes));
    data_set_normalise(l.set, MEAN, STD);
    l.set->prep = s->prep;
    BASE_TRY(data_set_finish(l.set, name, name));
    *out = l.set;
    l.set = NULL;
out:
    for (int64_t i = 0; l.broken && i < n; i++) base_free(l.broken[i]);
    base_free(l.broken);
    base_free(l.damaged);
    base_free(l.clipped);
    data_set_free(l.set);
    return st;
}

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    Source s = {.request = request, .prep = data_request_prep(request, PREP)};
    char *name = NULL;
    BASE_TRY(find_folders(path, &s));
    BASE_TRY(data_folder_classes(s.folder[DATA_TRAIN], &s.classes, &s.class_count));
    BASE_CHECK(s.class_count > 0, BASE_EFORMAT, "%s: holds no class folder", s.folder[DATA_TRAIN]);
    for (int i = 0; i < DATA_SPLITS; i++) BASE_TRY(list_split(&s, (DataSplit)i));
    BASE_TRY(pick_both(&s));
    BASE_TRY(find_shape(&s));
    BASE_TRY(base_format(&name, "imagefolder:%s", path));
    BASE_TRY(data_set_room(name, s.files[DATA_TRAIN].n + s.files[DATA_TEST].n, CHANNELS, s.H, s.W));
    BASE_TRY(load(&s, DATA_TRAIN, s.folder[DATA_TRAIN], train));
    BASE_TRY(load(&s, DATA_TEST, s.folder[DATA_TEST], test));
out:
    base_free(name);
    source_free(&s);
    return st; /* data_open frees what there is */
}

const DataSource data_imagefolder = {
    BASE_ENTRY_PLAIN(
        "imagefolder",
        "JPEG, PNG and WebP files in DIR/train/<class>/ and DIR/test/<class>/ (or DIR/val/), as 224 x 224 RGB", ""),
    DATA_PATH_REQUIRED, open_folder, true};
