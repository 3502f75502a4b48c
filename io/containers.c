/* io/containers.c - the choice of a format, by content for reading and by name for writing, and what it keeps. */
#include "io/containers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/hub_read.h"

static const IoContainer *const CONTAINERS[] = {&io_container_safetensors, &io_container_shards, &io_container_pytorch,
                                                &io_container_hdf5};
enum { CONTAINER_COUNT = sizeof CONTAINERS / sizeof CONTAINERS[0] };

BaseStatus io_tensors_keep(IoTensors *tensors, const IoContainer *container, void (*free_data)(void *))
{
    BaseStatus st = BASE_ALLOC(1, &tensors->origin);
    if (st == BASE_OK) *tensors->origin = (IoOrigin){.container = container, .free = free_data, .lists = 1};
    return st;
}

BaseStatus io_tensors_finish(BaseStatus st, IoTensors *tensors, IoTensors **out)
{
    *out = st == BASE_OK ? tensors : NULL;
    if (st != BASE_OK) io_tensors_free(tensors);
    return st;
}

BaseStatus io_tensors_spare(const IoTensors *tensors, const char *path)
{
    const IoOrigin *origin = tensors->origin;
    for (size_t i = 0; origin && i < origin->file_count; i++)
        if (io_path_same(path, origin->files[i]))
            return base_error_set(BASE_EUSAGE,
                                  "%s is part of the input: choose another name, or the input would be lost", path);
    return BASE_OK;
}

void *io_tensors_origin(const IoTensors *tensors, const IoContainer *container)
{
    return tensors->origin && tensors->origin->container == container ? tensors->origin->data : NULL;
}

const char *io_tensors_container(const IoTensors *tensors)
{
    return tensors->origin ? tensors->origin->container->name : NULL;
}

static bool has_extension(const IoContainer *container, const char *path)
{
    size_t size = strlen(path);
    for (const char *const *e = container->extensions; *e; e++) {
        size_t n = strlen(*e);
        if (size > n && strcasecmp(path + size - n, *e) == 0) return true;
    }
    return false;
}

static BaseStatus read_as(const IoContainer *container, const char *path, IoTensors **out)
{
    BaseStatus st = container->read(path, out);
    if (st != BASE_OK) return st;
    if (!(*out)->origin) st = io_tensors_keep(*out, container, NULL);
    if (st == BASE_OK) st = io_tensors_take_prefix(*out);
    if (st == BASE_OK) return st;
    io_tensors_free(*out);
    *out = NULL;
    return st;
}

/* What people have in place of a checkpoint; NULL: something else. A text taken for one has sizes without a meaning. */
static const char *known_text(const unsigned char *head, size_t size)
{
    static const struct {
        const char *begin, *what;
    } TEXTS[] = {
        {"version https://git-lfs", "a Git LFS pointer and not the file itself: fetch the file with git lfs pull"},
        {"<", "a web page or other markup: what was downloaded is not a checkpoint"}};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        size_t n = strlen(TEXTS[i].begin);
        if (size >= n && memcmp(head, TEXTS[i].begin, n) == 0) return TEXTS[i].what;
    }
    return NULL;
}

static BaseStatus read_folder(const char *path, IoTensors **out)
{
    IoHub *hub;
    BaseStatus st = io_hub_read(path, &hub);
    if (st == BASE_OK) st = io_tensors_read(hub->weights, out);
    if (st == BASE_OK)
        (*out)->hub = hub;
    else
        io_hub_free(hub);
    return st;
}

BaseStatus io_tensors_read(const char *path, IoTensors **out)
{
    unsigned char head[IO_SNIFF];
    int64_t size;
    const IoContainer *found = NULL;
    *out = NULL;
    if (io_path_is_folder(path)) return read_folder(path, out);
    BaseStatus st = io_file_size(path, &size);
    if (st != BASE_OK) return st;
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    for (int i = 0; i < CONTAINER_COUNT; i++) {
        const IoContainer *c = CONTAINERS[i];
        if (c->sniff(head, got, size) && (!found || has_extension(c, path))) found = c;
    }
    const char *text = found ? NULL : known_text(head, got);
    if (text) return base_error_set(BASE_EFORMAT, "%s: is %s", path, text);
    /* a damaged file of a known extension: its own reader says best what is wrong */
    for (int i = 0; i < CONTAINER_COUNT && !found; i++)
        if (has_extension(CONTAINERS[i], path)) found = CONTAINERS[i];
    if (found) return read_as(found, path, out);
    char names[200] = "";
    for (int i = 0; i < CONTAINER_COUNT; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", CONTAINERS[i]->name);
    }
    return base_error_set(BASE_EFORMAT, "%s: not a checkpoint that can be read; known: %s", path, names);
}

static BaseStatus writer_for(const char *path, const IoContainer **out)
{
    char names[200] = "";
    for (int i = 0; i < CONTAINER_COUNT; i++) {
        const IoContainer *c = CONTAINERS[i];
        size_t used = strlen(names);
        if (!c->write) continue;
        if (has_extension(c, path)) return *out = c, BASE_OK;
        for (const char *const *e = c->extensions; *e; e++, used = strlen(names))
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", *e);
    }
    return base_error_set(BASE_EUSAGE, "%s: a checkpoint's name must end in: %s", path, names);
}

bool io_tensors_folder(const char *path, const char *from)
{
    for (int i = 0; i < CONTAINER_COUNT; i++)
        if (has_extension(CONTAINERS[i], path)) return false;
    return from && io_path_is_folder(from);
}

bool io_tensors_keeps_beside(const IoTensors *tensors, const char *path)
{
    const IoContainer *container;
    if (!tensors->origin) return false;
    if (tensors->hub && io_tensors_folder(path, tensors->hub->folder)) return true;
    return writer_for(path, &container) == BASE_OK && container == tensors->origin->container;
}

/* A folder that stands there goes only if it is one that was written like this. */
static BaseStatus folder_writable(const char *path)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *config = NULL;
    size_t count = 0;
    if (!io_path_exists(path)) return BASE_OK;
    BASE_CHECK(io_path_is_folder(path), BASE_EUSAGE,
               "%s: is a file, and a folder is to be written: choose another name", path);
    BASE_TRY(io_folder_list(path, "", &names, &count));
    BASE_TRY(base_format(&config, "%s/config.json", path));
    BASE_CHECK(!count || io_path_exists(config), BASE_EUSAGE,
               "%s: is a folder with other files in it: name a new one, or one with a config.json to be replaced",
               path);
out:
    io_names_free(names, count);
    base_free(config);
    return st;
}

BaseStatus io_tensors_writable(const char *path, const char *from)
{
    const IoContainer *container;
    return io_tensors_folder(path, from) ? folder_writable(path) : writer_for(path, &container);
}

/* Whole or not at all: it is made beside its place, and moved there. */
static BaseStatus write_folder(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    const IoHub *hub = tensors->hub;
    char *made = NULL, *weights = NULL, *to = NULL;
    int size = (int)strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    BASE_CHECK(!io_path_same(path, hub->folder), BASE_EUSAGE,
               "%s is the input: choose another name, or the input would be lost", path);
    BASE_TRY(folder_writable(path));
    BASE_TRY(base_format(&made, "%.*s.%ld.tmp", size, path, (long)getpid()));
    BASE_TRY(io_folder_make(made));
    BASE_TRY(io_hub_copy(hub, made));
    BASE_TRY(base_format(&weights, "%s/%s", made, io_hub_written(hub)));
    BASE_TRY(io_tensors_write(tensors, weights));
    BASE_TRY(base_format(&to, "%.*s", size, path));
    BASE_TRY(io_folder_replace(made, to));
out:
    if (st != BASE_OK && made) io_folder_remove(made);
    base_free(made);
    base_free(weights);
    base_free(to);
    return st;
}

BaseStatus io_tensors_write(const IoTensors *tensors, const char *path)
{
    const IoContainer *container;
    if (tensors->hub && io_tensors_folder(path, tensors->hub->folder)) return write_folder(tensors, path);
    BaseStatus st = writer_for(path, &container);
    if (st == BASE_OK) st = io_tensors_spare(tensors, path);
    if (st == BASE_OK) st = container->write(tensors, path);
    const IoOrigin *origin = tensors->origin;
    if (st == BASE_OK && origin && origin->container != container && origin->beside)
        base_warning("%s holds the weights only: what else was in the %s file is not in it (%s)", path,
                     origin->container->name, origin->beside);
    return st;
}
