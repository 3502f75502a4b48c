/* models/cache.c - files are tied to runs by hashes of weights; folders are opened once, so that links cannot mislead. */
#include "models/cache.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/file.h"
#include "models/kept.h"
#include "nn/train.h"
#include "store/store.h"
#include "sweep/queue.h"

/* ------------------------------------------------------------ what is there */

/* "<anything>-<12 hex digits>.safetensors", ".training.safetensors" or ".h5": nothing else in the folder is ours to
 * remove. */
static bool is_cached(const char *name)
{
    size_t size = strlen(name), training = strlen(NN_KEEP_ENDING);
    const char *dot = strrchr(name, '.');
    if (size > training && strcmp(name + size - training, NN_KEEP_ENDING) == 0)
        dot = name + size - training;
    else if (!dot || (strcmp(dot, ".safetensors") != 0 && strcmp(dot, ".h5") != 0))
        return false;
    if (dot - name < 14) return false;
    for (const char *c = dot - 12; c < dot; c++)
        if (!isxdigit((unsigned char)*c)) return false;
    return dot[-13] == '-';
}

/* The folder of an experiment's models, to be looked into and removed from by names alone: -1 with errno where it is not
 * there, ELOOP or ENOTDIR where a link stands for it, which may lead to anybody's files. @p named: by the user, who may
 * well name a link. */
static int open_models(const char *folder, bool named)
{
    int above = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (named ? 0 : O_NOFOLLOW));
    if (above < 0) return -1;
    int fd = openat(above, "models", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), why = errno;
    close(above);
    errno = why;
    return fd;
}

static BaseStatus add_files(ModelCacheList *list, const char *folder, bool named, int models_fd)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *models = NULL;
    size_t count = 0;
    struct stat info;
    BASE_TRY(base_format(&models, "%s/models", folder));
    BASE_TRY(io_folder_list(models, "", &names, &count));
    BASE_TRY(BASE_GROW(&list->files, list->count, list->count + count + 1));
    for (size_t i = 0; i < count; i++) {
        if (!is_cached(names[i]) || fstatat(models_fd, names[i], &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (!S_ISREG(info.st_mode)) continue;
        ModelCacheFile *file = &list->files[list->count];
        *file =
            (ModelCacheFile){.size = info.st_size, .days = difftime(time(NULL), info.st_mtime) / 86400, .named = named};
        list->count++;
        BASE_TRY(base_strdup(folder, &file->folder));
        BASE_TRY(base_strdup(names[i], &file->name));
        BASE_TRY(base_strdup("", &file->user));
        list->bytes += file->size;
    }
out:
    base_free(models);
    io_names_free(names, count);
    return st;
}

/* ------------------------------------------------------------ what uses it */

/* The files of one experiment, and which of them holds which weights. */
typedef struct {
    ModelCacheFile *files;
    size_t count;
    struct {
        char hash[BASE_HASH_HEX];
        size_t file;
    } * weights; /* [weight_count] */
    size_t weight_count;
    bool superseded; /* the runs that are read are */
} Shelf;

static BaseStatus use(const Shelf *shelf, size_t at, const char *label)
{
    ModelCacheFile *file = &shelf->files[at];
    *(shelf->superseded ? &file->superseded : &file->runs) += 1;
    if (*file->user) return BASE_OK;
    base_free(file->user);
    file->user = NULL;
    return base_strdup(label, &file->user);
}

static size_t find_name(const Shelf *shelf, const char *name)
{
    for (size_t i = 0; name && *name && i < shelf->count; i++)
        if (strcmp(shelf->files[i].name, name) == 0) return i;
    return SIZE_MAX;
}

/* Files by the hash of their weights; where no run says which that is, by the start of their name: one too many is kept
 * rather than one too few. */
static BaseStatus use_weights(const Shelf *shelf, const char *hash, const char *start, const char *label)
{
    if (!hash || !*hash) return BASE_OK;
    for (size_t i = 0; i < shelf->weight_count; i++)
        if (strcmp(shelf->weights[i].hash, hash) == 0) return use(shelf, shelf->weights[i].file, label);
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < shelf->count && st == BASE_OK; i++)
        if (strncmp(shelf->files[i].name, start, strlen(start)) == 0) st = use(shelf, i, label);
    return st;
}

static BaseStatus use_of_run(void *user, const StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const Shelf *shelf = user;
    const char *label = store_run_text(run, "/", "label"), *forget = store_run_text(run, "/", "forget");
    const char *file = store_run_text(run, "/meta", "weights_file"), *key = store_run_text(run, "/search", "key");
    const char *hash = store_run_text(run, "/meta", "weights_hash");
    long long seed = (long long)store_run_f64(run, "/", "seed");
    char start[300];
    label = label ? label : "";
    size_t own = find_name(shelf, file);
    if (own != SIZE_MAX) BASE_TRY(use(shelf, own, label));
    snprintf(start, sizeof start, "original-s%lld-", seed);
    const char *original = store_run_text(run, "/meta", "original_hash");
    if (original && (!hash || strcmp(original, hash) != 0 || own == SIZE_MAX))
        BASE_TRY(use_weights(shelf, original, start, label));
    snprintf(start, sizeof start, "retrain-%.200s-s%lld-", forget ? forget : "", seed);
    for (char *c = start; *c; c++) *c = *c == ',' ? '-' : *c;
    const char *reference = store_run_text(run, "/meta", "reference_hash");
    if (reference && (!hash || strcmp(reference, hash) != 0)) BASE_TRY(use_weights(shelf, reference, start, label));
    for (size_t i = 0; key && i < shelf->count; i++) {
        const char *dot = strrchr(shelf->files[i].name, '.');
        if (strcmp(dot, ".h5") == 0 && strncmp(dot - 12, key, 12) == 0) BASE_TRY(use(shelf, i, label));
    }
out:
    return st;
}

static BaseStatus learn_weights(void *user, const StoreRun *run)
{
    Shelf *shelf = user;
    const char *hash = store_run_text(run, "/meta", "weights_hash");
    size_t file = find_name(shelf, store_run_text(run, "/meta", "weights_file"));
    if (!hash || file == SIZE_MAX) return BASE_OK;
    BaseStatus st = BASE_GROW(&shelf->weights, shelf->weight_count, shelf->weight_count + 1);
    if (st != BASE_OK) return st;
    snprintf(shelf->weights[shelf->weight_count].hash, BASE_HASH_HEX, "%s", hash);
    shelf->weights[shelf->weight_count++].file = file;
    return BASE_OK;
}

static BaseStatus add_experiment(ModelCacheList *list, const char *folder, bool named, int models_fd)
{
    BaseStatus st = BASE_OK;
    Shelf shelf = {0};
    char *old = NULL;
    size_t before = list->count;
    BASE_TRY(add_files(list, folder, named, models_fd));
    shelf.files = list->files + before;
    shelf.count = list->count - before;
    BASE_TRY(base_format(&old, "%s/superseded", folder));
    /* two rounds: which weights lie where, then who used them */
    BASE_TRY(store_runs_each(folder, learn_weights, &shelf));
    BASE_TRY(store_runs_each(old, learn_weights, &shelf));
    BASE_TRY(store_runs_each(folder, use_of_run, &shelf));
    shelf.superseded = true;
    BASE_TRY(store_runs_each(old, use_of_run, &shelf));
out:
    base_free(shelf.weights);
    base_free(old);
    return st;
}

static BaseStatus close_folder(ModelCacheList *list, const char *folder, const char *why)
{
    BaseStatus st = BASE_GROW(&list->closed, list->closed_count, list->closed_count + 1);
    if (st == BASE_OK) st = base_format(&list->closed[list->closed_count], "%s: %s", folder, why);
    list->closed_count += st == BASE_OK;
    return st;
}

/* An experiment, where the folder is one; *found counts. */
static BaseStatus look_into(ModelCacheList *list, const char *folder, bool named, size_t *found)
{
    BaseStatus st = BASE_OK;
    struct stat info;
    char *models = NULL;
    int fd = open_models(folder, named);
    BASE_TRY(base_format(&models, "%s/models", folder));
    if (fd >= 0) {
        ++*found;
        BASE_TRY(add_experiment(list, folder, named, fd));
    } else if (stat(models, &info) == 0 && S_ISDIR(info.st_mode)) {
        ++*found;
        BASE_TRY(close_folder(list, folder,
                              "it or its folder models is a link, and links are not followed: name the folder that it "
                              "leads to"));
    }
out:
    if (fd >= 0) close(fd);
    base_free(models);
    return st;
}

BaseStatus model_cache_list(const char *const *folders, size_t count, ModelCacheList *out)
{
    BaseStatus st = BASE_OK;
    ModelCacheList list = {0};
    char **names = NULL, *inner = NULL;
    size_t name_count = 0, found = 0;
    *out = (ModelCacheList){0};
    for (size_t f = 0; f < count; f++) {
        size_t before = found;
        BASE_TRY(look_into(&list, folders[f], true, &found));
        if (found > before) continue;
        BASE_TRY(io_folder_list(folders[f], "", &names, &name_count));
        for (size_t i = 0; i < name_count; i++) {
            base_free(inner);
            inner = NULL;
            BASE_TRY(base_format(&inner, "%s/%s", folders[f], names[i]));
            BASE_TRY(look_into(&list, inner, false, &found));
        }
        io_names_free(names, name_count);
        names = NULL, name_count = 0;
    }
    BASE_CHECK(found > 0, BASE_ENOTFOUND, "%s: there is no experiment with a folder models", folders[0]);
    *out = list;
    list = (ModelCacheList){0};
out:
    base_free(inner);
    io_names_free(names, name_count);
    model_cache_free(&list);
    return st;
}

/* ------------------------------------------------------------ what goes */

static int by_age(const void *pa, const void *pb)
{
    const ModelCacheFile *a = *(ModelCacheFile *const *)pa, *b = *(ModelCacheFile *const *)pb;
    return a->days != b->days ? (a->days > b->days ? -1 : 1) : strcmp(a->name, b->name);
}

static BaseStatus choose(ModelCacheList *list, const ModelCachePrune *what)
{
    BaseStatus st = BASE_OK;
    ModelCacheFile **oldest = NULL;
    BASE_TRY(BASE_ALLOC(list->count, &oldest));
    for (size_t i = 0; i < list->count; i++) oldest[i] = &list->files[i];
    qsort(oldest, list->count, sizeof *oldest, by_age);
    for (size_t i = 0; i < list->count; i++) {
        ModelCacheFile *file = oldest[i];
        bool used = file->runs > 0;
        file->remove = (!used || (what->force && !what->unused)) && file->days >= what->older &&
                       (what->most < 0 || list->bytes - list->freed > what->most);
        if (file->remove) list->freed += file->size;
    }
out:
    base_free(oldest);
    return st;
}

/* By name in the folder that stands there now and is no link; what lies there under the name goes, were it a link. */
static BaseStatus remove_file(const ModelCacheFile *file)
{
    BaseStatus st = BASE_OK;
    int fd = open_models(file->folder, file->named);
    BASE_CHECK(fd >= 0, BASE_EIO, "%s/models: cannot be opened: %s", file->folder, strerror(errno));
    BASE_CHECK(unlinkat(fd, file->name, 0) == 0 || errno == ENOENT, BASE_EIO, "%s/models/%s: cannot be removed: %s",
               file->folder, file->name, strerror(errno));
out:
    if (fd >= 0) close(fd);
    return st;
}

/* The files of one folder; no sweep begins there meanwhile. */
static BaseStatus remove_in(ModelCacheList *list, size_t from, size_t end, const ModelCachePrune *what)
{
    BaseStatus st = BASE_OK;
    SweepQueue *queue = NULL;
    char *path = NULL;
    bool unfinished = false;
    const char *folder = list->files[from].folder;
    size_t chosen = 0;
    for (size_t i = from; i < end; i++) chosen += list->files[i].remove;
    if (chosen == 0) return BASE_OK;
    BASE_TRY(base_format(&path, "%s/" SWEEP_QUEUE_FILE, folder));
    BASE_TRY(sweep_queue_seal(path, &queue, &unfinished));
    bool open = queue && (!unfinished || what->force);
    if (!open)
        BASE_TRY(close_folder(
            list, folder,
            queue ? "its sweep was stopped before its end and may still need them: finish it, or give --force"
                  : "a sweep is running there"));
    for (size_t i = from; i < end; i++) {
        ModelCacheFile *file = &list->files[i];
        if (!file->remove) continue;
        if (!open) {
            file->remove = false;
            list->freed -= file->size;
            continue;
        }
        if (!what->dry_run) BASE_TRY(remove_file(file));
    }
out:
    sweep_queue_close(queue);
    base_free(path);
    return st;
}

BaseStatus model_cache_prune(const char *const *folders, size_t count, const ModelCachePrune *what, ModelCacheList *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(model_cache_list(folders, count, out));
    BASE_TRY(choose(out, what));
    for (size_t from = 0, end; from < out->count; from = end) {
        for (end = from; end < out->count && strcmp(out->files[end].folder, out->files[from].folder) == 0;) end++;
        BASE_TRY(remove_in(out, from, end, what));
    }
out:
    if (st != BASE_OK) model_cache_free(out);
    return st;
}

void model_cache_free(ModelCacheList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        base_free(list->files[i].folder);
        base_free(list->files[i].name);
        base_free(list->files[i].user);
    }
    for (size_t i = 0; i < list->closed_count; i++) base_free(list->closed[i]);
    base_free(list->files);
    base_free(list->closed);
    *list = (ModelCacheList){0};
}
