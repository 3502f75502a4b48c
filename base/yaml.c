/* base/yaml.c - libyaml's events built into a tree by recursive descent, then edited by paths and printed again. */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/memory.h"

enum { DEPTH = 16, BYTES = 1 << 20 };

typedef struct {
    yaml_parser_t yaml;
    yaml_event_t event; /* the present one; deleted before the next */
    bool has_event;
    const char *name; /* of the file, or "--set" */
    bool lines;
} Parser;

void base_yaml_free(BaseYaml *node)
{
    if (!node) return;
    for (size_t i = 0; i < node->count; i++) base_yaml_free(node->items[i]);
    base_free(node->items);
    base_free(node->key);
    base_free(node->text);
    base_free(node->where);
    base_free(node);
}

/* @p text: of a scalar, else NULL. */
static BaseStatus make(BaseYamlKind kind, const char *where, const char *text, BaseYaml **out)
{
    BaseStatus st = BASE_OK;
    BaseYaml *node = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &node));
    node->kind = kind;
    BASE_TRY(base_strdup(where, &node->where));
    if (text) BASE_TRY(base_strdup(text, &node->text));
    *out = node;
    return BASE_OK;
out:
    base_yaml_free(node);
    return st;
}

/* Takes @p child, also on failure. */
static BaseStatus add_take(BaseYaml *parent, BaseYaml *child)
{
    BaseStatus st = BASE_GROW_BY_ONE(&parent->items, parent->count);
    if (st == BASE_OK)
        parent->items[parent->count++] = child;
    else
        base_yaml_free(child);
    return st;
}

/* ---- parsing ---- */

static void place(const Parser *p, size_t line, char *out, size_t size)
{
    if (p->lines)
        snprintf(out, size, "%.900s:%zu", p->name, line + 1);
    else
        snprintf(out, size, "%.900s", p->name);
}

static BaseStatus refuse(const Parser *p, const char *what)
{
    char where[1024];
    place(p, p->event.start_mark.line, where, sizeof where);
    return base_error_set(BASE_EUSAGE, "%s: %s", where, what);
}

static BaseStatus next(Parser *p)
{
    if (p->has_event) yaml_event_delete(&p->event);
    p->has_event = false;
    if (yaml_parser_parse(&p->yaml, &p->event)) {
        p->has_event = true;
        return BASE_OK;
    }
    if (p->yaml.error == YAML_MEMORY_ERROR) return base_error_set(BASE_ENOMEM, "%s: not enough memory", p->name);
    char where[1024];
    place(p, p->yaml.problem_mark.line, where, sizeof where);
    if (p->yaml.error == YAML_READER_ERROR)
        return base_error_set(BASE_EUSAGE, "%s: not readable as UTF-8 text (%s at byte %zu)", p->name,
                              p->yaml.problem ? p->yaml.problem : "bad byte", p->yaml.problem_offset);
    return base_error_set(BASE_EUSAGE, "%s: not valid YAML: %s%s%s", where, p->yaml.problem ? p->yaml.problem : "?",
                          p->yaml.context ? " " : "", p->yaml.context ? p->yaml.context : "");
}

static BaseStatus check_plain(const Parser *p)
{
    const yaml_event_t *e = &p->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT)
        return refuse(p, "aliases (*name) are not taken; write the value out (or put it in quotes)");
    if (e->type == YAML_SCALAR_EVENT) anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
    if (e->type == YAML_SEQUENCE_START_EVENT) anchor = e->data.sequence_start.anchor, tag = e->data.sequence_start.tag;
    if (e->type == YAML_MAPPING_START_EVENT) anchor = e->data.mapping_start.anchor, tag = e->data.mapping_start.tag;
    if (anchor) return refuse(p, "anchors (&name) are not taken; write the value out (or put it in quotes)");
    if (tag) return refuse(p, "tags (!name) are not taken; write the value alone (or put it in quotes)");
    if (e->type == YAML_SCALAR_EVENT && strlen((const char *)e->data.scalar.value) != e->data.scalar.length)
        return refuse(p, "a value holds a zero byte");
    return BASE_OK;
}

static int by_key(const void *a, const void *b)
{
    const BaseYaml *x = *(BaseYaml *const *)a, *y = *(BaseYaml *const *)b;
    return strcmp(x->key, y->key);
}

/* Sorted copies, not pairs: a file of 1 MiB has room for 200000 keys. */
static BaseStatus check_keys(const BaseYaml *map)
{
    BaseStatus st = BASE_OK;
    BaseYaml **sorted = NULL;
    if (map->count < 2) return BASE_OK;
    BASE_TRY(BASE_ALLOC(map->count, &sorted));
    memcpy(sorted, map->items, map->count * sizeof *sorted);
    qsort(sorted, map->count, sizeof *sorted, by_key);
    for (size_t i = 1; i < map->count; i++)
        BASE_CHECK(strcmp(sorted[i - 1]->key, sorted[i]->key) != 0, BASE_EUSAGE, "%s: key '%.200s' is given twice (%s)",
                   sorted[i]->where, sorted[i]->key, sorted[i - 1]->where);
out:
    base_free(sorted);
    return st;
}

/* Reads the node that the present event starts; leaves its last event as the present one. */
static BaseStatus parse_node(Parser *p, int depth, BaseYaml **out)
{
    BaseStatus st = BASE_OK;
    BaseYaml *node = NULL, *child = NULL;
    char *key = NULL, where[1024];
    *out = NULL;
    BASE_TRY(check_plain(p));
    BASE_CHECK(depth < DEPTH, BASE_EUSAGE, "%s:%zu: nested deeper than %d", p->name, p->event.start_mark.line + 1,
               DEPTH);
    place(p, p->event.start_mark.line, where, sizeof where);
    if (p->event.type == YAML_SCALAR_EVENT)
        return make(BASE_YAML_SCALAR, where, (const char *)p->event.data.scalar.value, out);
    bool map = p->event.type == YAML_MAPPING_START_EVENT;
    BASE_TRY(make(map ? BASE_YAML_MAP : BASE_YAML_LIST, where, NULL, &node));
    for (;;) {
        BASE_TRY(next(p));
        if (p->event.type == YAML_MAPPING_END_EVENT || p->event.type == YAML_SEQUENCE_END_EVENT) break;
        size_t line = p->event.start_mark.line;
        if (map) {
            BASE_TRY(check_plain(p));
            if (p->event.type != YAML_SCALAR_EVENT) BASE_TRY(refuse(p, "a key must be a plain word"));
            BASE_TRY(base_strdup((const char *)p->event.data.scalar.value, &key));
            BASE_TRY(next(p));
        }
        BASE_TRY(parse_node(p, depth + 1, &child));
        child->key = key;
        key = NULL;
        if (map) { /* a block value starts on the line after its key; a person looks for the key */
            char *better;
            place(p, line, where, sizeof where);
            BASE_TRY(base_strdup(where, &better));
            base_free(child->where);
            child->where = better;
        }
        BaseYaml *full = child;
        child = NULL;
        BASE_TRY(add_take(node, full));
    }
    if (map) BASE_TRY(check_keys(node));
    *out = node;
    return BASE_OK;
out:
    base_free(key);
    base_yaml_free(child);
    base_yaml_free(node);
    return st;
}

static BaseStatus parse_document(Parser *p, BaseYaml **out)
{
    BaseStatus st = BASE_OK;
    *out = NULL;
    BASE_TRY(next(p)); /* stream start */
    BASE_TRY(next(p));
    if (p->event.type == YAML_STREAM_END_EVENT) return make(BASE_YAML_SCALAR, p->name, "", out);
    BASE_TRY(next(p));
    BASE_TRY(parse_node(p, 0, out));
    BASE_TRY(next(p)); /* document end */
    BASE_TRY(next(p));
    if (p->event.type != YAML_STREAM_END_EVENT) BASE_TRY(refuse(p, "a second document starts here; a file holds one"));
out:
    if (st != BASE_OK) {
        base_yaml_free(*out);
        *out = NULL;
    }
    return st;
}

static BaseStatus parse(const char *text, size_t size, const char *name, bool lines, BaseYaml **out)
{
    *out = NULL;
    if (size > BYTES)
        return base_error_set(BASE_EUSAGE, "%s: %zu bytes of YAML; at most %d are read", name, size, BYTES);
    Parser p = {.name = name, .lines = lines};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, size -= 3; /* Windows editors' byte-order mark */
    if (!yaml_parser_initialize(&p.yaml)) return base_error_set(BASE_ENOMEM, "%s: not enough memory", name);
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, size);
    BaseStatus st = parse_document(&p, out);
    if (p.has_event) yaml_event_delete(&p.event);
    yaml_parser_delete(&p.yaml);
    return st;
}

BaseStatus base_yaml_parse(const char *text, size_t size, const char *name, BaseYaml **out)
{
    return parse(text, size, name, true, out);
}

BaseStatus base_yaml_read(const char *path, BaseYaml **out)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    *out = NULL;
    FILE *file = NULL;
    struct stat info;
    BASE_CHECK(stat(path, &info) == 0, BASE_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    /* a pipe would wait for ever */
    BASE_CHECK(S_ISREG(info.st_mode), BASE_EIO, "%s: cannot be read: not a regular file", path);
    file = fopen(path, "rb");
    BASE_CHECK(file, BASE_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    size_t room = info.st_size < BYTES ? (size_t)info.st_size + 1 : BYTES + 1;
    BASE_TRY(BASE_ALLOC_RAW(room, &text));
    size_t size = fread(text, 1, room, file);
    BASE_CHECK(!ferror(file), BASE_EIO, "%s: cannot be read: %s", path, strerror(errno));
    BASE_CHECK(size <= BYTES, BASE_EUSAGE, "%s: more than %d bytes of YAML; at most that many are read", path, BYTES);
    st = base_yaml_parse(text, size, path, out);
out:
    base_free(text);
    if (file) fclose(file);
    return st;
}

/* ---- looking and changing ---- */

static BaseYaml *child_of(const BaseYaml *map, const char *key, size_t size)
{
    for (size_t i = 0; map && map->kind == BASE_YAML_MAP && i < map->count; i++)
        if (strncmp(map->items[i]->key, key, size) == 0 && !map->items[i]->key[size]) return map->items[i];
    return NULL;
}

const BaseYaml *base_yaml_get(const BaseYaml *map, const char *key) { return child_of(map, key, strlen(key)); }

BaseStatus base_yaml_only(const BaseYaml *map, const char *what, const char *const *keys, size_t count)
{
    if (!map) return BASE_OK;
    if (map->kind != BASE_YAML_MAP)
        return base_error_set(BASE_EUSAGE, "%s: %s must be a map of 'key: value' lines", map->where, what);
    for (size_t i = 0; i < map->count; i++) {
        const BaseYaml *child = map->items[i];
        bool known = false;
        for (size_t k = 0; k < count; k++) known = known || strcmp(child->key, keys[k]) == 0;
        if (known) continue;
        BaseText list = {0};
        for (size_t k = 0; k < count; k++) base_text_add(&list, "%s%s", k ? ", " : "", keys[k]);
        const char *near = base_text_nearest(child->key, keys, count);
        BaseStatus st = list.st;
        if (st == BASE_OK)
            st = base_error_set(BASE_EUSAGE, "%s: %s has no key '%.200s'%s%s%s; it has: %s", child->where, what,
                                child->key, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
                                list.size ? list.data : "none");
        base_text_free(&list);
        return st;
    }
    return BASE_OK;
}

typedef struct {
    const char *all, *part; /* the assignment; the part of its path looked at now */
    size_t size;
} Path;

static BaseStatus wrong(const Path *path, const char *why)
{
    return base_error_set(BASE_EUSAGE, "--set %.300s: %s '%.*s'", path->all, why, (int)path->size, path->part);
}

/* Index of the path's part among the children; the count where it is to be added. */
static BaseStatus locate(BaseYaml *node, const Path *path, size_t *index)
{
    char digits[24];
    int64_t n;
    if (path->size == 0) return wrong(path, "an empty name in the path before");
    if (node->kind == BASE_YAML_SCALAR && !*node->text) node->kind = BASE_YAML_MAP; /* "key:" with nothing after */
    if (node->kind == BASE_YAML_SCALAR) return wrong(path, "there is a single value where there must be a map with");
    if (node->kind == BASE_YAML_MAP) {
        const BaseYaml *child = child_of(node, path->part, path->size);
        for (*index = 0; *index < node->count && node->items[*index] != child;) ++*index;
        return BASE_OK;
    }
    snprintf(digits, sizeof digits, "%.*s", (int)(path->size < sizeof digits ? path->size : 0), path->part);
    if (!base_parse_i64(digits, &n) || n < 0 || (uint64_t)n > node->count)
        return base_error_set(BASE_EUSAGE, "--set %.300s: '%.*s' must be an index from 0 to %zu, for a list is there",
                              path->all, (int)path->size, path->part, node->count);
    *index = (size_t)n;
    return BASE_OK;
}

/* Puts @p child, which it takes, at @p index, in the place of what is there or at the end. */
static BaseStatus put_take(BaseYaml *node, size_t index, const Path *path, BaseYaml *child)
{
    BaseStatus st = BASE_OK;
    if (node->kind == BASE_YAML_MAP) st = base_format(&child->key, "%.*s", (int)path->size, path->part);
    if (st != BASE_OK) {
        base_yaml_free(child);
        return st;
    }
    if (index == node->count) return add_take(node, child);
    base_yaml_free(node->items[index]);
    node->items[index] = child;
    return BASE_OK;
}

BaseStatus base_yaml_set(BaseYaml *root, const char *assignment)
{
    BaseStatus st = BASE_OK;
    BaseYaml *value = NULL, *node = root, *step = NULL;
    const char *equals = strchr(assignment, '=');
    Path path = {assignment, assignment, 0};
    BASE_CHECK(equals && equals > assignment, BASE_EUSAGE, "--set %.300s: must be a name, '=' and a value", assignment);
    BASE_TRY(parse(equals + 1, strlen(equals + 1), "--set", false, &value));
    for (int depth = 0;; depth++) {
        size_t index = 0;
        path.size = strcspn(path.part, ".=");
        BASE_CHECK(depth < DEPTH, BASE_EUSAGE, "--set %.300s: nested deeper than %d", assignment, DEPTH);
        BASE_TRY(locate(node, &path, &index));
        if (path.part + path.size == equals) {
            st = put_take(node, index, &path, value);
            value = NULL;
            break;
        }
        if (index == node->count) {
            BASE_TRY(make(BASE_YAML_MAP, "--set", NULL, &step));
            BASE_TRY(put_take(node, index, &path, step));
        }
        node = node->items[index];
        path.part += path.size + 1;
    }
out:
    base_yaml_free(value);
    return st;
}

BaseStatus base_yaml_inherit(BaseYaml *map, BaseYaml *base)
{
    BaseStatus st = BASE_OK;
    size_t left = 0;
    for (size_t i = 0; i < base->count; i++) {
        BaseYaml *theirs = base->items[i], *own = child_of(map, theirs->key, strlen(theirs->key));
        if (!own && st == BASE_OK) {
            st = add_take(map, theirs);
            continue;
        }
        base->items[left++] = theirs;
        if (st == BASE_OK && own->kind == BASE_YAML_MAP && theirs->kind == BASE_YAML_MAP)
            st = base_yaml_inherit(own, theirs);
    }
    base->count = left;
    return st;
}

/* ---- printing ---- */

/* Control characters, line ends and what is not a character: libyaml takes them in quotes only, by number. */
static bool is_special(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
           c == 0xffff;
}

static void quote(const char *text, BaseText *out)
{
    uint32_t c;
    base_text_append(out, "\"", 1);
    for (size_t size; *text; text += size) {
        size = base_text_character(text, &c);
        if (c == '"' || c == '\\')
            base_text_add(out, "\\%c", *text);
        else if (is_special(c) && (size > 1 || c < 0x80))
            base_text_add(out, "\\u%04x", (unsigned)c); /* YAML and JSON alike */
        else
            base_text_append(out, text, size);
    }
    base_text_append(out, "\"", 1);
}

/* Within [ ] and { } some scalars would not be read back as they are. */
static void flow_scalar(const char *text, BaseText *out)
{
    size_t n = strlen(text);
    bool plain = n > 0 && !strpbrk(text, ",[]{}\"'#\\") && !strstr(text, ": ") && !strstr(text, ":?") &&
                 text[n - 1] != ':' && text[n - 1] != ' ' && !strchr("&*!|>%@`?: ", text[0]) &&
                 !(text[0] == '-' && (n == 1 || text[1] == ' ' || text[1] == '-'));
    uint32_t c;
    for (const char *at = text; *at; plain = plain && !is_special(c)) at += base_text_character(at, &c);
    if (plain)
        base_text_append(out, text, n);
    else
        quote(text, out);
}

static void flow(const BaseYaml *node, BaseText *out)
{
    if (node->kind == BASE_YAML_SCALAR) {
        flow_scalar(node->text, out);
        return;
    }
    bool map = node->kind == BASE_YAML_MAP;
    base_text_add(out, map ? "{" : "[");
    for (size_t i = 0; i < node->count; i++) {
        if (i) base_text_add(out, ", ");
        if (map) {
            flow_scalar(node->items[i]->key, out);
            base_text_add(out, ": ");
        }
        flow(node->items[i], out);
    }
    base_text_add(out, map ? "}" : "]");
}

void base_yaml_flow(const BaseYaml *node, BaseText *out)
{
    if (node->kind == BASE_YAML_SCALAR)
        base_text_append(out, node->text, strlen(node->text));
    else
        flow(node, out);
}

BaseStatus base_yaml_flow_text(const BaseYaml *node, char **out)
{
    BaseText text = {0};
    base_yaml_flow(node, &text);
    return base_text_take(&text, out);
}

void base_yaml_canonical(const BaseYaml *node, BaseText *out)
{
    if (node->kind == BASE_YAML_SCALAR) {
        quote(node->text, out);
        return;
    }
    bool map = node->kind == BASE_YAML_MAP;
    BaseYaml **order = NULL;
    if (out->st == BASE_OK) out->st = BASE_ALLOC(node->count, &order);
    if (out->st != BASE_OK) return;
    if (node->count) memcpy(order, node->items, node->count * sizeof *order);
    if (map && node->count > 1) qsort(order, node->count, sizeof *order, by_key);
    base_text_add(out, map ? "{" : "[");
    for (size_t i = 0; i < node->count; i++) {
        if (i) base_text_add(out, ",");
        if (map) {
            quote(order[i]->key, out);
            base_text_add(out, ":");
        }
        base_yaml_canonical(order[i], out);
    }
    base_text_add(out, map ? "}" : "]");
    base_free(order);
}
