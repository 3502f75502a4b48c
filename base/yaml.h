/* base/yaml.h - a YAML document as a tree that remembers its lines (libyaml underneath).
 *
 * Anchors, aliases, tags and several documents in one file are refused: a config is one plain experiment.
 * Duplicate keys are errors. Depth at most 16, file at most 1 MiB.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/status.h"
#include "base/text.h"

typedef enum { BASE_YAML_SCALAR, BASE_YAML_LIST, BASE_YAML_MAP } BaseYamlKind;

typedef struct BaseYaml BaseYaml;
struct BaseYaml {
    BaseYamlKind kind;
    char *key;        /* of a map's child; NULL elsewhere */
    char *text;       /* scalar */
    BaseYaml **items; /* [count] children, owned */
    size_t count;
    char *where; /* "file:line", or "--set" */
};

BaseStatus base_yaml_read(const char *path, BaseYaml **out);
/** @p name stands for the file in messages. */
BaseStatus base_yaml_parse(const char *text, size_t size, const char *name, BaseYaml **out);
/** `--set a.b.0.c=value`: sets or adds; the value is parsed as YAML, so lists work. @return BASE_EUSAGE with the
 *  reason. */
BaseStatus base_yaml_set(BaseYaml *root, const char *assignment);
/** Gives @p map each key of @p base that it lacks; where both hold a map, what that lacks too. Children move over with
 *  their lines; what is left of @p base is still the caller's to free. Both are maps. */
BaseStatus base_yaml_inherit(BaseYaml *map, BaseYaml *base);
void base_yaml_free(BaseYaml *node);

/** Child of a map by key, or NULL (also where @p map is NULL or no map). Borrowed. */
const BaseYaml *base_yaml_get(const BaseYaml *map, const char *key);
/** BASE_EUSAGE naming the first key of @p map that is not among @p keys, with "did you mean". @p what: "the config". */
BaseStatus base_yaml_only(const BaseYaml *map, const char *what, const char *const *keys, size_t count);
/** One-line flow form: scalars as they are, lists "[a, b]", maps "{k: v}". What base_param_set takes. */
void base_yaml_flow(const BaseYaml *node, BaseText *out);
/** The same by itself; owned. */
BaseStatus base_yaml_flow_text(const BaseYaml *node, char **out);
/** Canonical JSON (keys sorted, scalars as strings): two configs with the same content give the same text. */
void base_yaml_canonical(const BaseYaml *node, BaseText *out);

#endif
