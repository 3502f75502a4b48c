/* io/hub.c - which files a folder of the hub has, and copies of its texts. */
#include "io/hub.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/param.h"
#include "base/text.h"
#include "io/file.h"

/* Read where several are there: what from_pretrained prefers. */
static const char *const WEIGHTS[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                      "pytorch_model.bin.index.json"};

static BaseStatus find_weights(const char *folder, char **out)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    *out = NULL;
    for (size_t i = 0; i < BASE_COUNT(WEIGHTS); i++) {
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", folder, WEIGHTS[i]));
        if (!io_path_exists(path)) continue;
        *out = path;
        return BASE_OK;
    }
    BASE_FAIL(BASE_EFORMAT, "%s: is a folder without weights: %s, %s, %s or %s", folder, WEIGHTS[0], WEIGHTS[1],
              WEIGHTS[2], WEIGHTS[3]);
out:
    base_free(path);
    return st;
}

BaseStatus io_hub_weights(const char *path, char **out)
{
    return io_path_is_folder(path) ? find_weights(path, out) : base_strdup(path, out);
}

void io_hub_free(IoHub *hub)
{
    if (!hub) return;
    char *const texts[] = {hub->folder,      hub->weights,       hub->config,    hub->model, hub->activation,
                           hub->preparation, hub->unknown,       hub->mean,      hub->std,   hub->resize,
                           hub->crop,        hub->interpolation, hub->crop_start};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) base_free(texts[i]);
    io_names_free(hub->labels, hub->label_count);
    base_free(hub);
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), n = strlen(end);
    return size >= n && strcmp(name + size - n, end) == 0;
}

/* Texts about the network; no weights, in whatever format, and no index of weights. */
static bool is_companion(const char *name)
{
    static const char *const ENDS[] = {".json", ".txt", ".md", ".py", ".yaml", ".yml"};
    if (ends_with(name, ".index.json")) return false;
    for (size_t i = 0; i < BASE_COUNT(ENDS); i++)
        if (ends_with(name, ENDS[i])) return true;
    return strncmp(name, "LICENSE", 7) == 0 || strcmp(name, "NOTICE") == 0;
}

const char *io_hub_written(const IoHub *hub)
{
    const char *name = strrchr(hub->weights, '/') + 1;
    return strcmp(name, WEIGHTS[3]) == 0 ? WEIGHTS[1] : name; /* shards are written as safetensors */
}

BaseStatus io_hub_copy(const IoHub *hub, const char *to)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *from = NULL, *path = NULL, *bytes = NULL;
    size_t count = 0, size;
    const char *weights = strrchr(hub->weights, '/') + 1;
    BaseText left = {0};
    BASE_TRY(io_folder_list(hub->folder, "", &names, &count));
    for (size_t i = 0; i < count; i++) {
        base_free(from);
        base_free(path);
        base_free(bytes);
        from = path = bytes = NULL;
        BASE_TRY(base_format(&from, "%s/%s", hub->folder, names[i]));
        BASE_TRY(base_format(&path, "%s/%s", to, names[i]));
        if (names[i][0] == '.' || strcmp(names[i], weights) == 0 || io_path_is_no_file(from)) continue;
        if (!is_companion(names[i])) {
            bool shard = ends_with(weights, ".index.json") &&
                         (ends_with(names[i], ".safetensors") || ends_with(names[i], ".bin"));
            if (!shard) base_text_add(&left, "%s%s", left.size ? ", " : "", names[i]);
            continue;
        }
        BASE_TRY(io_file_read(from, IO_HUB_TEXT_MOST, &bytes, &size));
        BASE_TRY(io_file_write(path, bytes, size));
    }
    BASE_TRY(left.st);
    if (left.size)
        base_warning("%s: left out of the copy, since nothing here was removed from them: %s", hub->folder, left.data);
out:
    io_names_free(names, count);
    base_free(from);
    base_free(path);
    base_free(bytes);
    base_text_free(&left);
    return st;
}
