/* store/file.c - a run file is an HDF5 image, followed by a second copy of what is light (store/light.h) and one line,
 * "\nexpunge sha256 <64 hex digits>\n", over all bytes before it. HDF5 readers stop at the image's end and never see
 * it. The line shows damage, not who made the file: anyone can hash. So whatever of the image is read is read as a
 * stranger's (io/hdf5.h: a child process first); what thousands of runs are asked for is in the light copy, which is
 * plain bytes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "store/light.h"
#include "store/schema.h"

#define MARK "\nexpunge sha256 "
enum { MARK_SIZE = sizeof MARK - 1 + BASE_HASH_HEX }; /* the NUL's place in BASE_HASH_HEX is the newline's */
static const int64_t ARRAY_LIMIT = (int64_t)1 << 31;  /* bytes of one array of a file: beyond this it is none of ours */

static IoH5Type h5_type(StoreType type)
{
    static const IoH5Type TYPES[] = {IO_H5_F64, IO_H5_F32, IO_H5_I64, IO_H5_I32, IO_H5_U8};
    return TYPES[type];
}

static StoreType store_type(IoH5Type type)
{
    StoreType own = STORE_F64;
    while (h5_type(own) != type) own++;
    return own;
}

static bool member_path(char out[STORE_PATH_MAX], const char *group, const char *name)
{
    int length = snprintf(out, STORE_PATH_MAX, "%s/%s", group[1] ? group : "", name);
    return length > 0 && length < STORE_PATH_MAX;
}

static BaseStatus write_group(const StoreGroup *group, IoHdf5 *file)
{
    BaseStatus st = BASE_OK;
    char path[STORE_PATH_MAX];
    for (size_t i = 0; i < group->member_names.count; i++) {
        const StoreItem *item = &group->members[i];
        BASE_CHECK(member_path(path, group->path, group->member_names.at[i]), BASE_EARG,
                   "%s: a member's name is too long", group->path);
        if (item->texts) {
            BASE_TRY(io_hdf5_write_texts(file, path, (const char *const *)item->texts, (size_t)item->count));
        } else if (item->ndim >= 0) {
            BASE_TRY(io_hdf5_write(file, path, h5_type(item->type), item->ndim, item->shape, item->data));
        }
    }
    for (size_t i = 0; i < group->attr_names.count; i++) {
        const StoreAttr *a = &group->attrs[i];
        const char *name = group->attr_names.at[i];
        if (a->kind == STORE_ATTR_TEXT)
            BASE_TRY(io_hdf5_set_text(file, group->path, name, a->text));
        else if (a->kind == STORE_ATTR_F64)
            BASE_TRY(io_hdf5_set_f64(file, group->path, name, a->f64));
        else
            BASE_TRY(io_hdf5_set_i64(file, group->path, name, a->i64));
    }
out:
    return st;
}

BaseStatus store_run_write(const StoreRun *run, const char *path)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    IoWriter *writer = NULL;
    BaseText image = {0};
    char *bytes = NULL, hex[BASE_HASH_HEX];
    size_t size = 0;
    bool private = false;
    BASE_TRY(store_run_status(run));
    BASE_TRY(io_hdf5_create(&file));
    BASE_TRY(io_hdf5_set_i64(file, "/", "schema", STORE_SCHEMA));
    for (size_t i = 0; i < run->paths.count; i++) {
        BASE_TRY(write_group(run->groups[i], file));
        private = private || store_schema_weight(run->groups[i]->path) == STORE_PRIVATE;
    }
    BASE_TRY(io_hdf5_image(file, &bytes, &size));
    base_text_append(&image, bytes, size);
    store_light_add(run, &image);
    BASE_TRY(image.st);
    base_hash_bytes(image.data, image.size, hex);
    BASE_TRY(io_writer_open(path, &writer));
    if (private) BASE_TRY(io_writer_private(writer));
    BASE_TRY(io_writer_add(writer, image.data, image.size));
    BASE_TRY(io_writer_add(writer, MARK, sizeof MARK - 1));
    hex[BASE_HASH_HEX - 1] = '\n';
    BASE_TRY(io_writer_add(writer, hex, sizeof hex));
    st = io_writer_finish_take(writer);
    writer = NULL;
out:
    io_writer_drop(writer);
    io_hdf5_close(file);
    base_free(bytes);
    base_text_free(&image);
    return st;
}

/* Whether the last line holds the hash of all that stands before it; @p other: there is the line, of another hash. A
 * file that cannot be read is not whole; that it cannot is said by who opens it next. */
static BaseStatus is_whole(const char *path, bool *whole, bool *other)
{
    char *bytes = NULL, hex[BASE_HASH_HEX];
    size_t size = 0;
    *whole = *other = false;
    BaseStatus st = io_file_read(path, 0, &bytes, &size);
    if (st == BASE_ENOMEM) return st;
    if (st == BASE_OK && size > MARK_SIZE) {
        const char *mark = bytes + size - MARK_SIZE;
        base_hash_bytes(bytes, size - MARK_SIZE, hex);
        bool marked = memcmp(mark, MARK, sizeof MARK - 1) == 0 && bytes[size - 1] == '\n';
        *whole = marked && memcmp(mark + sizeof MARK - 1, hex, BASE_HASH_HEX - 1) == 0;
        *other = marked && !*whole;
    }
    base_free(bytes);
    return BASE_OK;
}

static BaseStatus read_attributes(StoreRun *run, IoHdf5 *file, const char *group)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *text = NULL;
    double *numbers = NULL;
    size_t count = 0, n = 0;
    BASE_TRY(io_hdf5_attributes(file, group, &names, &count));
    for (size_t i = 0; i < count; i++) {
        st = io_hdf5_get_f64s(file, group, names[i], &numbers, &n);
        if (st == BASE_ENOMEM) goto out;
        if (st == BASE_OK) {
            double v = n == 1 ? numbers[0] : NAN;
            base_free(numbers);
            numbers = NULL;
            if (n == 1) BASE_TRY(store_run_set_f64(run, group, names[i], v));
            continue;
        }
        st = io_hdf5_get_text(file, group, names[i], &text);
        if (st == BASE_ENOMEM) goto out;
        if (st == BASE_OK) BASE_TRY(store_run_set_text(run, group, names[i], text));
        st = BASE_OK; /* an attribute of another kind is somebody else's */
        base_free(text);
        text = NULL;
    }
out:
    io_names_free(names, count);
    base_free(text);
    base_free(numbers);
    return st;
}

static BaseStatus read_array(StoreRun *run, IoHdf5 *file, const char *path, const IoH5Info *info)
{
    BaseStatus st = BASE_OK;
    void *data = NULL;
    StoreType type = store_type(info->stored);
    BASE_CHECK(info->ndim <= STORE_DIMS, BASE_EFORMAT, "%s has %d dimensions; a run's arrays have at most %d", path,
               info->ndim, STORE_DIMS);
    BASE_CHECK(info->count <= ARRAY_LIMIT / (int64_t)store_type_size(type), BASE_ELIMIT,
               "%s holds %lld values: more than 2 GiB", path, (long long)info->count);
    BASE_TRY(base_alloc_raw((size_t)info->count, store_type_size(type), &data));
    BASE_TRY(io_hdf5_read(file, path, info->stored, data));
    BASE_TRY(store_run_set_array(run, path, type, info->ndim, info->shape, data));
out:
    base_free(data);
    return st;
}

/* What a member is shows in what can be done with it: numbers have an extent, groups can be listed, the rest is texts.
 */
static BaseStatus read_group(StoreRun *run, IoHdf5 *file, const char *group, bool light, int depth)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, **texts = NULL, **inner = NULL;
    size_t count = 0, text_count = 0, inner_count = 0;
    StoreGroup *made;
    bool first;
    BASE_CHECK(depth < STORE_DEPTH_MAX, BASE_EFORMAT, "%s: groups nest deeper than %d", group, STORE_DEPTH_MAX);
    BASE_TRY(io_hdf5_first(file, group, &first));
    BASE_CHECK(first, BASE_EFORMAT, "%s is a link to another group of the run; each group may occur only once", group);
    BASE_TRY(store_tree_make(run, group, &made));
    BASE_TRY(read_attributes(run, file, group));
    BASE_TRY(io_hdf5_list(file, group, &names, &count));
    for (size_t i = 0; i < count; i++) {
        char path[STORE_PATH_MAX];
        IoH5Info info;
        if (!member_path(path, group, names[i])) continue; /* longer than any of ours */
        if (light && store_light_omits(path)) continue;
        st = io_hdf5_info(file, path, &info);
        if (st == BASE_OK) {
            BASE_TRY(read_array(run, file, path, &info));
            continue;
        }
        if (st == BASE_ENOMEM) goto out;
        st = io_hdf5_list(file, path, &inner, &inner_count);
        if (st == BASE_OK) {
            io_names_free(inner, inner_count);
            inner = NULL;
            inner_count = 0;
            BASE_TRY(read_group(run, file, path, light, depth + 1));
            continue;
        }
        if (st == BASE_ENOMEM) goto out;
        BASE_TRY(io_hdf5_read_texts(file, path, &texts, &text_count));
        BASE_TRY(store_run_set_texts(run, path, (const char *const *)texts, text_count));
        io_names_free(texts, text_count);
        texts = NULL;
        text_count = 0;
    }
out:
    io_names_free(names, count);
    io_names_free(texts, text_count);
    return st;
}

static BaseStatus check_schema(IoHdf5 *file)
{
    BaseStatus st = BASE_OK;
    double *schema = NULL;
    size_t count = 0;
    st = io_hdf5_get_f64s(file, "/", "schema", &schema, &count);
    if (st == BASE_ENOMEM) goto out;
    BASE_CHECK(st == BASE_OK && count == 1, BASE_EFORMAT, "is not a run file: it has no attribute 'schema'");
    BASE_CHECK(schema[0] >= 1 && schema[0] <= STORE_SCHEMA, BASE_EFORMAT,
               "has schema %g; this program reads schemas 1 to %d", schema[0], STORE_SCHEMA);
out:
    base_free(schema);
    return st;
}

static BaseStatus read_run(const char *path, bool light, StoreRun **out)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    StoreRun *run = NULL;
    *out = NULL;
    bool whole, other = false;
    if (!light) BASE_TRY(is_whole(path, &whole, &other)); /* of thousands, who sums them up reads a part of each */
    BASE_CHECK(!other, BASE_EFORMAT, "%s: is damaged: its SHA-256 is not the one in its last line", path);
    BASE_TRY(io_hdf5_open(path, &file)); /* its errors name the file */
    st = check_schema(file);
    if (st == BASE_OK) st = store_run_create(&run);
    if (st == BASE_OK) st = read_group(run, file, "/", light, 0);
    if (st == BASE_OK && !store_run_text(run, "/", "id")) {
        st = base_error_set(BASE_EFORMAT, "is not a run file: it has no attribute 'id'");
    }
    if (st != BASE_OK) BASE_TRY(base_error_prefix(st, "%s", path));
    *out = run;
    run = NULL;
out:
    store_run_free(run);
    io_hdf5_close(file);
    return st;
}

BaseStatus store_run_read(const char *path, StoreRun **out) { return read_run(path, false, out); }

BaseStatus store_run_read_light(const char *path, StoreRun **out)
{
    BaseStatus st = store_light_read(path, MARK_SIZE, out);
    return st != BASE_OK || *out ? st : read_run(path, true, out);
}

/* @p any: a failed run, too. */
static bool is_stored(const char *path, const char *id, bool any)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    bool whole = false, other, same = false;
    if (!io_path_exists(path)) return false;
    BASE_TRY(is_whole(path, &whole, &other));
    if (!whole) goto out;
    BASE_TRY(store_run_read_light(path, &run));
    const char *stored = store_run_text(run, "/", "id"), *status = store_run_text(run, "/", "status");
    same = stored && status && strcmp(stored, id) == 0 && (any || strcmp(status, "ok") == 0);
out:
    store_run_free(run);
    base_error_clear();
    return same;
}

bool store_run_complete(const char *path, const char *id) { return is_stored(path, id, false); }
bool store_run_stored(const char *path, const char *id) { return is_stored(path, id, true); }

BaseStatus store_runs_each(const char *folder, BaseStatus (*each)(void *user, const StoreRun *run), void *user)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *path = NULL;
    size_t count = 0;
    if (!io_path_is_folder(folder)) return BASE_OK;
    BASE_TRY(io_folder_list(folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        StoreRun *run = NULL;
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", folder, names[i]));
        st = store_run_read_light(path, &run);
        bool no_run = st != BASE_OK && st != BASE_ENOMEM;
        if (st == BASE_OK) st = each(user, run);
        store_run_free(run);
        if (no_run) st = BASE_OK;
        BASE_TRY(st);
    }
out:
    base_free(path);
    io_names_free(names, count);
    return st;
}
