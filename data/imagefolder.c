/* data/imagefolder.c - images in folders, as torchvision's ImageFolder reads them: DIR/train/<class>/ and
 * DIR/test/<class>/ (or DIR/val/) hold JPEG, PNG and WebP files; classes are the folders of DIR/train sorted by name.
 * Every image becomes RGB, its shorter side 256 pixels and its centre 224 x 224, unless told otherwise, when it is fetched
 * (data/stream/table.h). */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/data.h"
#include "data/folder/scan.h"
#include "data/stream/table.h"
#include "io/file.h"

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

static BaseStatus load(Source *s, DataSplit split, DataSet **out)
{
    return data_table_open(&(DataTableTask){.name = s->folder[split],
                                            .root = s->folder[split],
                                            .files = &s->files[split],
                                            .prep = s->prep,
                                            .H = s->H,
                                            .W = s->W,
                                            .classes = (const char *const *)s->classes,
                                            .K = (int64_t)s->class_count,
                                            .skip_broken = s->request->skip_broken},
                           out);
}

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    Source s = {.request = request, .prep = data_request_prep(request, data_table_prep)};
    BASE_TRY(find_folders(path, &s));
    BASE_TRY(data_folder_classes(s.folder[DATA_TRAIN], &s.classes, &s.class_count));
    BASE_CHECK(s.class_count > 0, BASE_EFORMAT, "%s: holds no class folder", s.folder[DATA_TRAIN]);
    for (int i = 0; i < DATA_SPLITS; i++) BASE_TRY(list_split(&s, (DataSplit)i));
    BASE_TRY(data_files_pick(request, s.files));
    BASE_TRY(data_table_shape(&s.files[DATA_TRAIN], &s.prep, &s.H, &s.W));
    BASE_TRY(load(&s, DATA_TRAIN, train));
    BASE_TRY(load(&s, DATA_TEST, test));
out:
    source_free(&s);
    return st; /* data_open frees what there is */
}

const DataSource data_imagefolder = {
    BASE_ENTRY_PLAIN(
        "imagefolder",
        "JPEG, PNG and WebP files in DIR/train/<class>/ and DIR/test/<class>/ (or DIR/val/), as 224 x 224 RGB", ""),
    DATA_PATH_REQUIRED, open_folder, true};
