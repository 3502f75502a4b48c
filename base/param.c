/* base/param.c - values go into a plug-in's struct by offset and kind; a double prints in its shortest exact form. */
#include "base/param.h"

#include <stdio.h>
#include <string.h>

const char *const base_param_presets[] = {"here", "published", NULL};

static void *field(const BaseParam *p, void *values) { return (char *)values + p->offset; }
static const void *field_const(const BaseParam *p, const void *values) { return (const char *)values + p->offset; }

static bool is_preset(const BaseParam *p) { return p->kind == BASE_KIND_CHOICE && p->text; }

const BaseParam *base_param_preset(const BaseParam *table, size_t count)
{
    for (const BaseParam *p = table; p < table + count; p++)
        if (is_preset(p)) return p;
    return NULL;
}

static void set_default(const BaseParam *p, void *values)
{
    switch (p->kind) {
    case BASE_KIND_F64: *(double *)field(p, values) = p->def; break;
    case BASE_KIND_I64:
    case BASE_KIND_CHOICE: *(int64_t *)field(p, values) = (int64_t)p->def; break;
    case BASE_KIND_BOOL: *(bool *)field(p, values) = p->def != 0; break;
    case BASE_KIND_TEXT: snprintf(((BaseParamText *)field(p, values))->s, BASE_PARAM_TEXT_SIZE, "%s", p->text); break;
    }
}

void base_param_defaults(const BaseParam *table, size_t count, void *values)
{
    for (const BaseParam *p = table; p < table + count; p++) {
        set_default(p, values);
        if (is_preset(p)) ((BaseParamPreset *)field(p, values))->given = 0;
    }
}

void base_param_describe(const BaseParam *p, BaseText *out)
{
    switch (p->kind) {
    case BASE_KIND_F64: base_text_add(out, "a number from %g to %g", p->min, p->max); break;
    case BASE_KIND_I64: base_text_add(out, "a whole number from %.0f to %.0f", p->min, p->max); break;
    case BASE_KIND_BOOL: base_text_add(out, "true or false"); break;
    case BASE_KIND_TEXT: base_text_add(out, "text of at most %d bytes", BASE_PARAM_TEXT_SIZE - 1); break;
    case BASE_KIND_CHOICE:
        base_text_add(out, "one of");
        for (const char *const *c = p->choices; *c; c++) base_text_add(out, "%s %s", c == p->choices ? "" : ",", *c);
        if (is_preset(p)) base_text_add(out, "; published sets %s", *p->text ? p->text : "nothing");
        break;
    }
}

void base_param_format(const BaseParam *p, const void *values, BaseText *out)
{
    const void *at = field_const(p, values);
    switch (p->kind) {
    case BASE_KIND_F64: {
        char text[40]; /* the shortest form that reads back to the same bits */
        for (int digits = 6; digits <= 17; digits++) {
            double back;
            snprintf(text, sizeof text, "%.*g", digits, *(const double *)at);
            if (base_parse_f64(text, &back) && memcmp(&back, at, sizeof back) == 0) break;
        }
        base_text_add(out, "%s", text);
        break;
    }
    case BASE_KIND_I64: base_text_add(out, "%lld", (long long)*(const int64_t *)at); break;
    case BASE_KIND_BOOL: base_text_add(out, "%s", *(const bool *)at ? "true" : "false"); break;
    case BASE_KIND_CHOICE: base_text_add(out, "%s", p->choices[*(const int64_t *)at]); break;
    case BASE_KIND_TEXT: base_text_add(out, "%s", ((const BaseParamText *)at)->s); break;
    }
}

static bool parse(const BaseParam *p, const char *text, void *at)
{
    double x;
    int64_t n;
    switch (p->kind) {
    case BASE_KIND_F64:
        if (!base_parse_f64(text, &x) || x < p->min || x > p->max) return false;
        *(double *)at = x;
        return true;
    case BASE_KIND_I64:
        if (!base_parse_i64(text, &n) || (double)n < p->min || (double)n > p->max) return false;
        *(int64_t *)at = n;
        return true;
    case BASE_KIND_BOOL: return base_parse_bool(text, at);
    case BASE_KIND_CHOICE:
        for (n = 0; p->choices[n]; n++)
            if (strcmp(p->choices[n], text) == 0) return *(int64_t *)at = n, true;
        return false;
    case BASE_KIND_TEXT:
        if (strlen(text) >= BASE_PARAM_TEXT_SIZE) return false;
        snprintf(((BaseParamText *)at)->s, BASE_PARAM_TEXT_SIZE, "%s", text);
        return true;
    }
    return false;
}

static BaseStatus unknown_key(const BaseParam *table, size_t count, const char *owner, const char *key,
                              const char *where)
{
    enum { MOST = 64 };
    const char *names[MOST];
    size_t known = count < MOST ? count : MOST;
    BaseText list = {0};
    for (size_t i = 0; i < known; i++) {
        names[i] = table[i].name;
        base_text_add(&list, "%s%s", i ? ", " : "", table[i].name);
    }
    const char *near = base_text_nearest(key, names, known);
    BaseStatus st = list.st;
    if (st == BASE_OK)
        st = base_error_set(BASE_EUSAGE, "%s: %s has no parameter '%s'%s%s%s; it has: %s", where, owner, key,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
                            list.size ? list.data : "none");
    base_text_free(&list);
    return st;
}

const BaseParam *base_param_find(const BaseParam *table, size_t count, const char *name)
{
    for (const BaseParam *p = table; p < table + count; p++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

/* The value that a preset's text gives the key: *out points into the text, *size bytes; false: none. */
static bool preset_value(const char *text, const char *key, const char **out, size_t *size)
{
    size_t length = strlen(key);
    for (const char *at = text; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word > length && at[length] == '=' && memcmp(at, key, length) == 0) {
            *out = at + length + 1;
            *size = word - length - 1;
            return true;
        }
        at += word;
    }
    return false;
}

static BaseStatus apply_preset(const BaseParam *table, size_t count, const BaseParam *preset, void *values)
{
    BaseStatus st = BASE_OK;
    const BaseParamPreset *state = field_const(preset, values);
    for (const BaseParam *p = table; p < table + count; p++) {
        const char *value;
        size_t size;
        if (p == preset || state->given >> (p - table) & 1) continue;
        set_default(p, values);
        if (state->chosen != BASE_PRESET_PUBLISHED || !preset_value(preset->text, p->name, &value, &size)) continue;
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)size, value);
        BASE_CHECK(size < sizeof text && parse(p, text, field(p, values)), BASE_EARG, "the preset's %s = '%s' is none",
                   p->name, text);
    }
out:
    return st;
}

BaseStatus base_param_set(const BaseParam *table, size_t count, void *values, const char *owner, const char *key,
                          const char *text, const char *where)
{
    const BaseParam *p = base_param_find(table, count, key), *preset = base_param_preset(table, count);
    if (!p) return unknown_key(table, count, owner, key, where);
    if (parse(p, text, field(p, values))) {
        if (p == preset) return apply_preset(table, count, preset, values);
        if (preset) ((BaseParamPreset *)field(preset, values))->given |= UINT64_C(1) << (p - table);
        return BASE_OK;
    }
    BaseText right = {0};
    base_param_describe(p, &right);
    BaseStatus st = right.st;
    if (st == BASE_OK)
        st = base_error_set(BASE_EUSAGE, "%s: %s: %s = '%.200s': must be %s", where, owner, key, text,
                            right.size ? right.data : "different");
    base_text_free(&right);
    return st;
}
