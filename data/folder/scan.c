/* data/folder/scan.c - folders are collected by recursion, sorted by path, and listed one after another. */
#include "data/folder/scan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/order.h"
#include "io/file.h"

enum { DEPTH_MAX = 16 };

static bool ends_like(const char *name, const char *const *endings)
{
    size_t n = strlen(name);
    for (; *endings; endings++) {
        size_t m = strlen(*endings);
        if (n > m && strcasecmp(name + n - m, *endings) == 0) return true;
    }
    return false;
}

static bool is_image(const char *name)
{
    static const char *const ENDINGS[] = {".jpg", ".jpeg", ".png", ".webp", NULL};
    return ends_like(name, ENDINGS);
}

/* What torchvision would read and this program does not. */
static bool is_foreign(const char *name)
{
    static const char *const ENDINGS[] = {".ppm", ".bmp", ".pgm", ".tif", ".tiff", NULL};
    return ends_like(name, ENDINGS);
}

BaseStatus data_folder_classes(const char *path, char ***names, size_t *count)
{
    BaseStatus st = BASE_OK;
    char **all = NULL, *full = NULL;
    size_t n = 0, kept = 0;
    *names = NULL;
    *count = 0;
    BASE_TRY(io_folder_list(path, "", &all, &n));
    for (size_t i = 0; i < n; i++) {
        base_free(full);
        full = NULL;
        BASE_TRY(base_format(&full, "%s/%s", path, all[i]));
        if (all[i][0] != '.' && io_path_is_folder(full)) {
            char *name = all[i];
            all[i] = all[kept];
            all[kept++] = name;
        }
    }
    for (size_t i = kept; i < n; i++) base_free(all[i]);
    *names = all;
    *count = kept;
    all = NULL;
out:
    base_free(full);
    io_names_free(all, all ? n : 0);
    return st;
}

/* A growing list of folders still to be read. */
typedef struct {
    char **paths;
    int64_t n;
} Folders;

/* The folder itself and every folder below it. */
static BaseStatus collect(const char *path, int depth, Folders *folders)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *full = NULL;
    size_t count = 0; /* folders alone, whatever their names: "a.jpg" too, as torchvision's walk takes it */
    BASE_CHECK(depth < DEPTH_MAX, BASE_ELIMIT, "%s: folders nested more than %d deep (a link that leads back?)", path,
               DEPTH_MAX);
    BASE_TRY(io_folder_folders(path, &names, &count));
    BASE_TRY(BASE_GROW_BY_ONE(&folders->paths, folders->n));
    BASE_TRY(base_strdup(path, &folders->paths[folders->n]));
    folders->n++;
    for (size_t i = 0; i < count; i++) {
        BASE_TRY(base_format(&full, "%s/%s", path, names[i]));
        st = collect(full, depth + 1, folders);
        base_free(full);
        if (st != BASE_OK) goto out;
    }
out:
    io_names_free(names, count);
    return st;
}

static BaseStatus add_file(const char *folder, const char *name, int32_t class, DataFiles *files)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    BASE_TRY(BASE_GROW_BY_ONE(&files->class, files->n));
    BASE_TRY(base_format(&path, "%s/%s", folder, name));
    BASE_TRY(base_texts_add(&files->paths, path));
    files->class[files->n++] = class;
out:
    base_free(path);
    return st;
}

static BaseStatus list_files(const char *folder, int32_t class, DataFiles *files)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, **folders = NULL;
    size_t count = 0, folder_count = 0, at = 0;
    BASE_TRY(io_folder_list(folder, "", &names, &count));
    BASE_TRY(io_folder_folders(folder, &folders, &folder_count));
    for (size_t i = 0; i < count; i++) {
        while (at < folder_count && strcmp(folders[at], names[i]) < 0) at++; /* both are sorted */
        if (at < folder_count && strcmp(folders[at], names[i]) == 0) continue;
        if (is_image(names[i])) BASE_TRY(add_file(folder, names[i], class, files));
        if (!is_foreign(names[i])) continue;
        if (files->foreign++ == 0) BASE_TRY(base_format(&files->first_foreign, "%s/%s", folder, names[i]));
    }
out:
    io_names_free(names, count);
    io_names_free(folders, folder_count);
    return st;
}

BaseStatus data_folder_files(const char *path, int32_t class, DataFiles *files)
{
    BaseStatus st = BASE_OK;
    Folders folders = {0};
    BASE_TRY(collect(path, 0, &folders));
    qsort(folders.paths, (size_t)folders.n, sizeof *folders.paths, base_ascending_text);
    for (int64_t i = 0; i < folders.n; i++) BASE_TRY(list_files(folders.paths[i], class, files));
out:
    for (int64_t i = 0; i < folders.n; i++) base_free(folders.paths[i]);
    base_free(folders.paths);
    return st;
}
