/* store/light.c - the section: int64 schema, then one record after another, numbers as this machine holds them (the
 * hash line says that they are as written, not where: a run from a machine of another byte order fails the schema check
 * and is read as HDF5).
 *
 *   'G' path              the group that what follows is in
 *   'A' name kind value   an attribute: text, or float64
 *   'T' path count texts  'N' path type ndim shape values
 *
 * Texts are an int64 length and the bytes. Last line: "\nexpunge light <16 digits: bytes> <64 hex digits>\n". */
#include "store/light.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "store/schema.h"

#define LINE "\nexpunge light "
enum { DIGITS = 16, LINE_SIZE = sizeof LINE - 1 + DIGITS + 1 + BASE_HASH_HEX }; /* the NUL's place is the newline's */
static const int64_t MOST = (int64_t)64 << 20;

bool store_light_omits(const char *path) { return store_schema_weight(path) != STORE_LIGHT; }

/* ------------------------------------------------------------ writing */

static void put_number(BaseText *out, int64_t number) { base_text_append(out, (const char *)&number, sizeof number); }

static void put_text(BaseText *out, const char *text)
{
    put_number(out, (int64_t)strlen(text));
    base_text_append(out, text, strlen(text));
}

static void put_attribute(BaseText *out, const char *name, const StoreAttr *a)
{
    double number = a->kind == STORE_ATTR_I64 ? (double)a->i64 : a->f64; /* as HDF5's are read */
    base_text_append(out, "A", 1);
    put_text(out, name);
    put_number(out, a->kind == STORE_ATTR_TEXT);
    if (a->kind == STORE_ATTR_TEXT)
        put_text(out, a->text);
    else
        base_text_append(out, (const char *)&number, sizeof number);
}

static void put_item(BaseText *out, const char *path, const StoreItem *item)
{
    base_text_append(out, item->texts ? "T" : "N", 1);
    put_text(out, path);
    if (item->texts) {
        put_number(out, item->count);
        for (int64_t i = 0; i < item->count; i++) put_text(out, item->texts[i]);
        return;
    }
    put_number(out, item->type);
    put_number(out, item->ndim);
    for (int d = 0; d < item->ndim; d++) put_number(out, item->shape[d]);
    base_text_append(out, item->data, (size_t)item->count * store_type_size(item->type));
}

void store_light_add(const StoreRun *run, BaseText *out)
{
    char path[2 * STORE_PATH_MAX], line[LINE_SIZE + 1], hex[BASE_HASH_HEX];
    size_t start = out->size;
    put_number(out, STORE_SCHEMA);
    for (size_t g = 0; g < run->paths.count; g++) {
        const StoreGroup *group = run->groups[g];
        if (store_light_omits(group->path)) continue;
        base_text_append(out, "G", 1);
        put_text(out, group->path);
        for (size_t i = 0; i < group->attr_names.count; i++)
            put_attribute(out, group->attr_names.at[i], &group->attrs[i]);
        for (size_t i = 0; i < group->member_names.count; i++) {
            const StoreItem *item = &group->members[i];
            snprintf(path, sizeof path, "%s/%s", group->path[1] ? group->path : "", group->member_names.at[i]);
            if (!item->texts && item->ndim < 0) continue; /* a group: it has its own record */
            if (!store_light_omits(path)) put_item(out, path, item);
        }
    }
    if (out->st != BASE_OK) return;
    base_hash_bytes(out->data + start, out->size - start, hex);
    snprintf(line, sizeof line, LINE "%016zu %s\n", out->size - start, hex);
    base_text_append(out, line, LINE_SIZE);
}

/* ------------------------------------------------------------ reading */

typedef struct {
    const char *at, *end;
    bool good;
} Cursor;

static const char *get(Cursor *c, int64_t size)
{
    const char *from = c->at;
    c->good = c->good && size >= 0 && size <= c->end - c->at;
    if (!c->good) return NULL;
    c->at += size;
    return from;
}

static int64_t get_number(Cursor *c)
{
    int64_t number = 0;
    const char *from = get(c, sizeof number);
    if (from) memcpy(&number, from, sizeof number);
    return number;
}

/* NULL, or owned. */
static BaseStatus get_text(Cursor *c, char **out)
{
    int64_t size = get_number(c);
    const char *from = get(c, size);
    *out = NULL;
    if (!from) return BASE_OK;
    BaseStatus st = BASE_ALLOC_RAW(size + 1, out);
    if (st != BASE_OK) return st;
    memcpy(*out, from, (size_t)size);
    (*out)[size] = '\0';
    return BASE_OK;
}

static BaseStatus get_attribute(Cursor *c, StoreRun *run, const char *group)
{
    BaseStatus st = BASE_OK;
    char *name = NULL, *value = NULL;
    double number = 0;
    BASE_TRY(get_text(c, &name));
    if (get_number(c)) {
        BASE_TRY(get_text(c, &value));
        if (c->good) BASE_TRY(store_run_set_text(run, group, name, value));
    } else {
        const char *from = get(c, sizeof number);
        if (from) memcpy(&number, from, sizeof number);
        if (c->good) BASE_TRY(store_run_set_f64(run, group, name, number));
    }
out:
    base_free(name);
    base_free(value);
    return st;
}

static BaseStatus get_texts(Cursor *c, StoreRun *run, const char *path)
{
    BaseStatus st = BASE_OK;
    int64_t count = get_number(c), have = 0;
    char **texts = NULL;
    c->good = c->good && count >= 0 && count <= (c->end - c->at) / 8; /* each has a length */
    if (!c->good) return BASE_OK;
    BASE_TRY(BASE_ALLOC(count, &texts));
    for (; have < count && c->good; have++) BASE_TRY(get_text(c, &texts[have]));
    if (c->good) BASE_TRY(store_run_set_texts(run, path, (const char *const *)texts, (size_t)count));
out:
    for (int64_t i = 0; texts && i < count; i++) base_free(texts[i]);
    base_free(texts);
    return st;
}

static BaseStatus get_array(Cursor *c, StoreRun *run, const char *path)
{
    int64_t type = get_number(c), ndim = get_number(c), shape[STORE_DIMS] = {0}, count = 1;
    c->good = c->good && type >= STORE_F64 && type <= STORE_U8 && ndim >= 0 && ndim <= STORE_DIMS;
    for (int64_t d = 0; d < ndim && c->good; d++) {
        shape[d] = get_number(c);
        c->good = c->good && shape[d] >= 0 && (shape[d] == 0 || count <= MOST / shape[d]);
        if (c->good) count *= shape[d];
    }
    const char *values = c->good ? get(c, count * (int64_t)store_type_size((StoreType)type)) : NULL;
    if (!values) return BASE_OK;
    void *data; /* values may lie at any address */
    BaseStatus st = base_alloc_raw((size_t)count, store_type_size((StoreType)type), &data);
    if (st != BASE_OK) return st;
    memcpy(data, values, (size_t)count * store_type_size((StoreType)type));
    st = store_run_set_array(run, path, (StoreType)type, (int)ndim, shape, data);
    base_free(data);
    return st;
}

static BaseStatus get_run(Cursor *c, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    char *group = NULL, *path = NULL;
    StoreGroup *made;
    while (c->good && c->at < c->end) {
        char kind = *get(c, 1);
        base_free(path);
        path = NULL;
        if (kind == 'A' && group) {
            BASE_TRY(get_attribute(c, run, group));
            continue;
        }
        BASE_TRY(get_text(c, &path));
        if (!path) break;
        if (kind == 'G') {
            BASE_TRY(store_tree_make(run, path, &made));
            base_free(group);
            group = path;
            path = NULL;
        } else if (kind == 'T') {
            BASE_TRY(get_texts(c, run, path));
        } else if (kind == 'N') {
            BASE_TRY(get_array(c, run, path));
        } else {
            c->good = false;
        }
    }
    if (c->good) BASE_TRY(store_run_set_f64(run, "/", "schema", STORE_SCHEMA));
out:
    base_free(group);
    base_free(path);
    return st;
}

/* @p size bytes from @p at; false where they are not there. */
static bool read_at(int fd, int64_t at, char *out, int64_t size)
{
    while (size > 0) {
        ssize_t got = pread(fd, out, (size_t)size, at);
        if (got <= 0) return false;
        out += got, at += got, size -= got;
    }
    return true;
}

/* The section's bytes, owned; NULL: none that is whole. */
static BaseStatus find(int fd, size_t behind, char **out, int64_t *size)
{
    BaseStatus st = BASE_OK;
    char line[LINE_SIZE + 1] = {0}, digits[DIGITS + 1] = {0}, hex[BASE_HASH_HEX], *bytes = NULL;
    struct stat info;
    *out = NULL;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return BASE_OK;
    int64_t end = info.st_size - (int64_t)behind - LINE_SIZE;
    if (end <= 0 || !read_at(fd, end, line, LINE_SIZE) || memcmp(line, LINE, sizeof LINE - 1) != 0) return BASE_OK;
    memcpy(digits, line + sizeof LINE - 1, DIGITS);
    const char *sum = line + sizeof LINE + DIGITS;
    if (!base_parse_i64(digits, size) || *size < 8 || *size > end || *size > MOST) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(*size, &bytes));
    if (!read_at(fd, end - *size, bytes, *size)) goto out;
    base_hash_bytes(bytes, (size_t)*size, hex);
    if (memcmp(hex, sum, BASE_HASH_HEX - 1) != 0) goto out;
    *out = bytes;
    bytes = NULL;
out:
    base_free(bytes);
    return st;
}

BaseStatus store_light_read(const char *path, size_t behind, StoreRun **out)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    char *bytes = NULL;
    int64_t size = 0;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return BASE_OK; /* who opens it next says why */
    BASE_TRY(find(fd, behind, &bytes, &size));
    if (!bytes) goto out;
    Cursor c = {.at = bytes, .end = bytes + size, .good = true};
    int64_t schema = get_number(&c);
    if (schema < 1 || schema > STORE_SCHEMA) goto out;
    BASE_TRY(store_run_create(&run));
    st = get_run(&c, run);
    if (st != BASE_OK && st != BASE_ENOMEM) st = BASE_OK, c.good = false;
    if (st != BASE_OK || !c.good || !store_run_text(run, "/", "id")) goto out;
    *out = run;
    run = NULL;
out:
    close(fd);
    base_free(bytes);
    store_run_free(run);
    return st;
}
