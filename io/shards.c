/* io/shards.c - weights in several safetensors files with an index, as Hugging Face's libraries write them:
 * {"metadata": {"total_size": N}, "weight_map": {"name": "model-00001-of-00002.safetensors", ...}}. The shards lie
 * beside the index, which names files, not paths. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/containers.h"
#include "io/file.h"
#include "io/json.h"
#include "io/json_read.h"

enum { INDEX_MOST = 64 << 20, SHARDS_MOST = 10000 };
static const int64_t SHARD_BYTES = 5000000000; /* where no shards are given: what Hugging Face's libraries do */
static const char SUFFIX[] = ".safetensors.index.json";

typedef struct {
    char **paths; /* [count] of the shards that were read */
    size_t *ends; /* [count] tensors up to and with each shard */
    size_t count;
    char *metadata; /* JSON of the index's own */
} Kept;

static void free_kept(void *data)
{
    Kept *kept = data;
    if (!kept) return;
    if (kept->paths) io_names_free(kept->paths, kept->count);
    base_free(kept->ends);
    base_free(kept->metadata);
    base_free(kept);
}

/* An object that starts with one of the two keys. */
static bool sniff(const unsigned char *head, size_t size, int64_t file_size)
{
    static const char *const KEYS[] = {"\"metadata\"", "\"weight_map\""};
    size_t at = 0;
    (void)file_size;
    if (!size || head[at++] != '{') return false;
    while (at < size && strchr(" \t\r\n", head[at])) at++;
    for (int k = 0; k < 2; k++)
        if (size - at >= strlen(KEYS[k]) && memcmp(head + at, KEYS[k], strlen(KEYS[k])) == 0) return true;
    return false;
}

/* ---- reading ---- */

typedef struct {
    const char *path;
    json_t *index, *map;
    IoTensors *tensors;
    Kept *kept;
} Reader;

static BaseStatus read_index(Reader *r)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    size_t size;
    BASE_TRY(io_file_read(r->path, INDEX_MOST, &text, &size));
    BASE_TRY(io_json_read(r->path, "the index", text, size, &r->index));
    r->map = json_object_get(r->index, "weight_map");
    BASE_CHECK(json_is_object(r->map) && json_object_size(r->map), BASE_EFORMAT,
               "%s: an index must have a weight_map of names and files", r->path);
out:
    base_free(text);
    return st;
}

static size_t folder_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash + 1 - path) : 0;
}

/* An older index names files of torch.save: "pytorch_model-00001-of-00002.bin". What is written is safetensors. */
static const IoContainer *container_of(const char *file)
{
    size_t size = strlen(file);
    return size > 4 && strcmp(file + size - 4, ".bin") == 0 ? &io_container_pytorch : &io_container_safetensors;
}

static BaseStatus read_shard(Reader *r, const char *file)
{
    BaseStatus st = BASE_OK;
    IoTensors *shard = NULL;
    Kept *kept = r->kept;
    char **path = &kept->paths[kept->count];
    BASE_TRY(io_path_beside(r->path, file, path));
    kept->count++;
    BASE_TRY(container_of(file)->read(*path, &shard));
    for (size_t i = 0; i < shard->count; i++) {
        const char *name = shard->items[i].name, *place = json_string_value(json_object_get(r->map, name));
        BASE_CHECK(place && strcmp(place, file) == 0, BASE_EFORMAT,
                   "%s: tensor '%.200s' is in %s, but the weight_map has it %s%.200s", r->path, name, file,
                   place ? "in " : "nowhere", place ? place : "");
    }
    for (size_t i = 0; i < shard->meta_count; i++)
        if (!io_tensors_meta(r->tensors, shard->meta[2 * i]))
            BASE_TRY(io_tensors_set_meta(r->tensors, shard->meta[2 * i], shard->meta[2 * i + 1]));
    /* from_pretrained refuses safetensors without it */
    if (container_of(file) == &io_container_pytorch && !io_tensors_meta(r->tensors, "format"))
        BASE_TRY(io_tensors_set_meta(r->tensors, "format", "pt"));
    BASE_TRY(io_tensors_move(r->tensors, shard));
    kept->ends[kept->count - 1] = r->tensors->count;
    r->tensors->origin->files = kept->paths;
    r->tensors->origin->file_count = kept->count;
out:
    io_tensors_free(shard);
    return st;
}

/* Shards in the order in which the index first names them. */
static BaseStatus read_shards(Reader *r)
{
    BaseStatus st = BASE_OK;
    const char *name, *file;
    json_t *value, *seen = json_object();
    size_t room = json_object_size(r->map) < SHARDS_MOST ? json_object_size(r->map) : SHARDS_MOST;
    BASE_CHECK(seen, BASE_ENOMEM, "no memory for the list of shards");
    BASE_TRY(BASE_ALLOC(room, &r->kept->paths));
    BASE_TRY(BASE_ALLOC(room, &r->kept->ends));
    json_object_foreach(r->map, name, value)
    {
        file = json_string_value(value);
        BASE_CHECK(file && *file && *file != '.' && !strchr(file, '/'), BASE_EFORMAT,
                   "%s: tensor '%.200s' must name a file next to the index, not '%.200s'", r->path, name,
                   file ? file : "(no text)");
        if (json_object_get(seen, file)) continue;
        BASE_CHECK(r->kept->count < room, BASE_ELIMIT, "%s: an index of more than %d files", r->path, SHARDS_MOST);
        BASE_CHECK(json_object_set_new(seen, file, json_true()) == 0, BASE_ENOMEM, "no memory for the list of shards");
        BASE_TRY(read_shard(r, file));
    }
    BASE_CHECK(r->tensors->count == json_object_size(r->map), BASE_EFORMAT,
               "%s: the index names %zu tensors, but its files hold %zu of them", r->path, json_object_size(r->map),
               r->tensors->count);
out:
    json_decref(seen);
    return st;
}

static BaseStatus read_all(Reader *r)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(read_index(r));
    BASE_TRY(io_tensors_create(&r->tensors));
    BASE_TRY(io_tensors_keep(r->tensors, &io_container_shards, free_kept));
    BASE_TRY(BASE_ALLOC(1, &r->kept));
    r->tensors->origin->data = r->kept;
    json_t *metadata = json_object_get(r->index, "metadata");
    if (metadata) {
        char *text = json_dumps(metadata, JSON_ENCODE_ANY);
        BASE_CHECK(text, BASE_ENOMEM, "%s: no memory for its metadata", r->path);
        st = base_strdup(text, &r->kept->metadata);
        free(text);
        BASE_TRY(st);
    }
    BASE_TRY(read_shards(r));
    BASE_TRY(io_tensors_check_names(r->tensors, r->path));
out:
    return st;
}

static BaseStatus read_sharded(const char *path, IoTensors **out)
{
    Reader r = {.path = path};
    BaseStatus st = read_all(&r);
    json_decref(r.index);
    return io_tensors_finish(st, r.tensors, out);
}

/* ---- writing ---- */

typedef struct {
    const IoTensors *tensors;
    const Kept *kept;
    const char *path;
    int stem; /* characters of path before the suffix */
    size_t *ends, count;
} Writer;

/* The shards that were read, or as many as their sizes need. */
static BaseStatus plan(Writer *w)
{
    const IoTensors *t = w->tensors;
    bool same = w->kept && w->kept->count && w->kept->ends[w->kept->count - 1] == t->count;
    size_t room = same ? w->kept->count : t->count + 1;
    BaseStatus st = BASE_ALLOC(room, &w->ends);
    if (st != BASE_OK) return st;
    if (same) {
        memcpy(w->ends, w->kept->ends, room * sizeof *w->ends);
        w->count = room;
        return BASE_OK;
    }
    int64_t bytes = 0;
    for (size_t i = 0; i < t->count; i++) {
        int64_t more = t->items[i].count * (int64_t)io_dtype_size(t->items[i].dtype);
        if (bytes && bytes + more > SHARD_BYTES) w->ends[w->count++] = i, bytes = 0;
        bytes += more;
    }
    w->ends[w->count++] = t->count;
    return BASE_OK;
}

static BaseStatus shard_name(const Writer *w, size_t shard, bool whole_path, char **out)
{
    size_t folder = whole_path ? 0 : folder_size(w->path);
    return base_format(out, "%.*s-%05zu-of-%05zu.safetensors", w->stem - (int)folder, w->path + folder, shard + 1,
                       w->count);
}

static BaseStatus write_shard(const Writer *w, size_t shard)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    size_t from = shard ? w->ends[shard - 1] : 0;
    IoTensors part = *w->tensors; /* borrows all */
    part.items += from;
    part.count = w->ends[shard] - from;
    part.origin = NULL;
    BASE_TRY(shard_name(w, shard, true, &path));
    BASE_TRY(io_tensors_spare(w->tensors, path));
    BASE_TRY(io_container_safetensors.write(&part, path));
out:
    base_free(path);
    return st;
}

static BaseStatus write_index(const Writer *w)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    char *name = NULL;
    const IoTensors *t = w->tensors;
    int64_t bytes = 0;
    for (size_t i = 0; i < t->count; i++) bytes += t->items[i].count * (int64_t)io_dtype_size(t->items[i].dtype);
    if (w->kept && w->kept->metadata)
        base_text_add(&text, "{\n  \"metadata\": %s,\n  \"weight_map\": {", w->kept->metadata);
    else
        base_text_add(&text, "{\n  \"metadata\": {\"total_size\": %lld},\n  \"weight_map\": {", (long long)bytes);
    for (size_t shard = 0, i = 0; shard < w->count; shard++) {
        base_free(name);
        name = NULL;
        BASE_TRY(shard_name(w, shard, false, &name));
        for (; i < w->ends[shard]; i++) {
            char *full = NULL;
            BASE_TRY(io_tensors_full_name(t, &t->items[i], &full));
            base_text_add(&text, i ? ",\n    " : "\n    ");
            io_json_quote(&text, full);
            base_free(full);
            base_text_add(&text, ": ");
            io_json_quote(&text, name);
        }
    }
    base_text_add(&text, "\n  }\n}\n");
    BASE_TRY(text.st);
    BASE_TRY(io_file_write(w->path, text.data, text.size));
out:
    base_free(name);
    base_text_free(&text);
    return st;
}

/* The index comes last: whoever sees it sees all of its shards. */
static BaseStatus write_sharded(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    Writer w = {.tensors = tensors, .kept = io_tensors_origin(tensors, &io_container_shards), .path = path};
    size_t done = 0;
    w.stem = (int)(strlen(path) - strlen(SUFFIX));
    BASE_TRY(plan(&w));
    for (; done < w.count; done++) BASE_TRY(write_shard(&w, done));
    BASE_TRY(write_index(&w));
    done = 0;
out:
    while (done-- > 0 && st != BASE_OK) { /* parts of nothing */
        char *part = NULL;
        if (shard_name(&w, done, true, &part) == BASE_OK) unlink(part);
        base_free(part);
    }
    base_free(w.ends);
    return st;
}

static const char *const EXTENSIONS[] = {SUFFIX, NULL};
const IoContainer io_container_shards = {"safetensors shards", EXTENSIONS, sniff, read_sharded, write_sharded};
