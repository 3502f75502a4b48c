/* base/param.h - parameter tables: one row gives parsing, range, default, documentation and the record of what was used.
 *
 * A plug-in keeps its parameters in a plain struct (copied with =, nothing to free) and describes each field:
 *
 *     typedef struct { double alpha_r; int64_t epochs; bool nesterov; int64_t route; BaseParamText layers; } Params;
 *     static const BaseParam PARAMS[] = {
 *         BASE_PARAM_F64(Params, alpha_r, 100, 1e-6, 1e9, "scaling of the retain space"),
 *         BASE_PARAM_I64(Params, epochs, 5, 1, 1000, "passes over the data"),
 *         BASE_PARAM_BOOL(Params, nesterov, true, "Nesterov momentum"),
 *         BASE_PARAM_CHOICE(Params, route, 0, ROUTES, "how the projection is computed"),   // NULL-ended names; value = index
 *         BASE_PARAM_TEXT(Params, layers, "all", "all, last, or a list of layer names"),
 *     };
 *
 * A table may have one preset, a choice that sets no field of its own but the defaults of others. What is set explicitly
 * is not overridden, whichever comes first:
 *
 *     typedef struct { BaseParamPreset preset; int64_t epochs; } Params;
 *     BASE_PARAM_PRESET(Params, preset, "epochs=62"),       // what "published" sets; at most 64 rows in such a table
 */
#ifndef BASE_PARAM_H
#define BASE_PARAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { BASE_PARAM_TEXT_SIZE = 1024 };
typedef struct {
    char s[BASE_PARAM_TEXT_SIZE]; /* a YAML list arrives as "[a, b]" */
} BaseParamText;

/** The field of a preset. */
typedef struct {
    int64_t chosen; /* index in base_param_presets; first, so that a preset is read and shown as any choice */
    uint64_t given; /* bit i: row i of the table was set explicitly */
} BaseParamPreset;
extern const char *const base_param_presets[]; /* here, published */
enum { BASE_PRESET_HERE, BASE_PRESET_PUBLISHED };

typedef enum { BASE_KIND_F64, BASE_KIND_I64, BASE_KIND_BOOL, BASE_KIND_CHOICE, BASE_KIND_TEXT } BaseParamKind;

typedef struct {
    const char *name;
    BaseParamKind kind;
    size_t offset;              /* of the field in the parameter struct */
    double def, min, max;       /* numbers, booleans (0, 1), choices (index) */
    const char *text;           /* default of a BASE_KIND_TEXT; of a preset: "key=value key=value", what it sets */
    const char *const *choices; /* NULL-ended, BASE_KIND_CHOICE only */
    const char *meaning;        /* unit and meaning, one line */
} BaseParam;

#define BASE_PARAM_F64(T, f, d, lo, hi, m)                                                                             \
    {                                                                                                                  \
#f, BASE_KIND_F64, offsetof(T, f), (d), (lo), (hi), 0, 0, (m)                                                  \
    }
#define BASE_PARAM_I64(T, f, d, lo, hi, m)                                                                             \
    {                                                                                                                  \
#f, BASE_KIND_I64, offsetof(T, f), (d), (lo), (hi), 0, 0, (m)                                                  \
    }
#define BASE_PARAM_BOOL(T, f, d, m)                                                                                    \
    {                                                                                                                  \
#f, BASE_KIND_BOOL, offsetof(T, f), (d), 0, 1, 0, 0, (m)                                                       \
    }
#define BASE_PARAM_CHOICE(T, f, d, names, m)                                                                           \
    {                                                                                                                  \
#f, BASE_KIND_CHOICE, offsetof(T, f), (d), 0, 0, 0, (names), (m)                                               \
    }
#define BASE_PARAM_TEXT(T, f, d, m)                                                                                    \
    {                                                                                                                  \
#f, BASE_KIND_TEXT, offsetof(T, f), 0, 0, 0, (d), 0, (m)                                                       \
    }
#define BASE_PARAM_PRESET(T, f, published)                                                                             \
    {                                                                                                                  \
#f, BASE_KIND_CHOICE, offsetof(T, f), 0, 0, 0, (published), base_param_presets,                                \
            "origin of the defaults: this project's own, or what the authors' code does"                               \
    }
/** Counts the rows of a table. */
#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Writes every default into @p values (the parameter struct). */
void base_param_defaults(const BaseParam *table, size_t count, void *values);

/** The row of that name; NULL: none. */
const BaseParam *base_param_find(const BaseParam *table, size_t count, const char *name);

/** The preset of the table; NULL: none. */
const BaseParam *base_param_preset(const BaseParam *table, size_t count);

/**
 * Sets one field from text. A preset sets the fields that its text names, unless they were set before, and puts the
 * others back.
 * @param owner  what the table belongs to, for messages ("method svd").
 * @param where  "file:line" or "--set", put in front of the message.
 * @return BASE_OK; BASE_EUSAGE: unknown key ("did you mean"), not a number, out of range, no such choice.
 */
BaseStatus base_param_set(const BaseParam *table, size_t count, void *values, const char *owner, const char *key,
                          const char *text, const char *where);

/** Appends the field's value as text that base_param_set reads back to the same bits. */
void base_param_format(const BaseParam *param, const void *values, BaseText *out);

/** Appends "range" in words: "0 < x <= 1", "one of a, b", "true or false", "text". */
void base_param_describe(const BaseParam *param, BaseText *out);

#endif
