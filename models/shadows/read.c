/* models/shadows/read.c - shadows.json: JSON is YAML, so the reader of configs says file and line of every fault. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/prepare/prepare.h"
#include "io/file.h"
#include "models/recipe.h"
#include "models/shadows/shadows.h"

const char *const model_role_names[] = {"original", "unlearned", "retrained", NULL};

static void model_free(ModelShadow *m)
{
    base_free(m->file);
    base_free(m->members);
    base_free(m->member);
    base_free(m->forget_index);
    base_free(m->listed);
}

void model_shadows_free(ModelShadows *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) model_free(&s->model[i]);
    for (size_t i = 0; i < s->target_count; i++) model_free(&s->target[i]);
    base_free(s->model);
    base_free(s->target);
    base_free(s->folder);
    base_free(s->path);
    base_yaml_free(s->root);
    base_free(s);
}

/* The text of a key; "" if it is missing, which is an error where it is needed. */
static BaseStatus read_text(const BaseYaml *map, const char *key, bool needed, const char **out)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *node = base_yaml_get(map, key);
    BASE_CHECK(node || !needed, BASE_EFORMAT, "%s: no '%s': it must be there", map->where, key);
    BASE_CHECK(!node || node->kind == BASE_YAML_SCALAR, BASE_EFORMAT, "%s: %s must be one value",
               node ? node->where : "", key);
    BASE_CHECK(!needed || *node->text, BASE_EFORMAT, "%s: %s is empty", node ? node->where : "", key);
    *out = node ? node->text : "";
out:
    return st;
}

/* A path relative to the folder. */
static BaseStatus read_path(const BaseYaml *map, const char *key, const char *folder, char **out)
{
    BaseStatus st = BASE_OK;
    const char *name = NULL;
    BASE_TRY(read_text(map, key, true, &name));
    BASE_TRY(*name == '/' ? base_strdup(name, out) : base_format(out, "%s/%s", folder, name));
    BASE_CHECK(io_path_exists(*out) && !io_path_is_folder(*out), BASE_EIO, "%s: %s %s: there is no such file",
               base_yaml_get(map, key)->where, key, *out);
out:
    return st;
}

static BaseStatus read_role(const BaseYaml *map, ModelRole *out)
{
    BaseStatus st = BASE_OK;
    const char *name = NULL;
    int role = 0;
    BASE_TRY(read_text(map, "role", true, &name));
    while (model_role_names[role] && strcmp(model_role_names[role], name) != 0) role++;
    BASE_CHECK(model_role_names[role], BASE_EFORMAT, "%s: role '%.60s': must be original, unlearned or retrained",
               base_yaml_get(map, "role")->where, name);
    *out = (ModelRole)role;
out:
    return st;
}

/* The images of an index file, ascending. */
static BaseStatus read_index(const ModelShadow *m, const char *key, const char *path, ModelPoint **points,
                             int64_t *count)
{
    BaseStatus st = BASE_OK;
    DataRequest request = {0};
    const DataOptions options = {.train_index = path};
    BASE_TRY(base_error_prefix(data_request_read(&options, &request), "%s: %s", m->where, key));
    const DataPicks *picks = &request.picks[DATA_TRAIN];
    BASE_TRY(BASE_ALLOC_RAW(picks->count, points));
    ModelPoint *p = *points;
    *count = picks->count;
    for (int64_t i = 0; i < picks->count; i++) p[i].at = data_picks_at(picks, i, &p[i].test);
    qsort(p, (size_t)picks->count, sizeof *p, model_point_order);
    for (int64_t i = 1; i < picks->count; i++)
        BASE_CHECK(model_point_order(&p[i - 1], &p[i]) != 0, BASE_EFORMAT,
                   "%s: %s names image %lld of the %s split twice", m->where, path, (long long)p[i].at,
                   p[i].test ? "test" : "training");
out:
    data_request_free(&request);
    return st;
}

/* Classes, or a list of images: one of them, of what is no original. */
static BaseStatus read_forget(const BaseYaml *map, const char *folder, ModelShadow *m)
{
    BaseStatus st = BASE_OK;
    const bool listed = base_yaml_get(map, "forget_index") != NULL;
    BASE_TRY(read_text(map, "forget", m->role != MODEL_ROLE_ORIGINAL && !listed, &m->forget));
    BASE_CHECK(m->role != MODEL_ROLE_ORIGINAL || (!*m->forget && !listed), BASE_EFORMAT,
               "%s: an original has nothing to 'forget'", map->where);
    if (!listed) goto out;
    BASE_CHECK(!*m->forget, BASE_EFORMAT, "%s: 'forget' names classes, 'forget_index' images: one of them", map->where);
    BASE_TRY(read_path(map, "forget_index", folder, &m->forget_index));
    BASE_TRY(read_index(m, "forget_index", m->forget_index, &m->listed, &m->listed_count));
out:
    return st;
}

static BaseStatus check_hash(const BaseYaml *map, ModelShadow *m)
{
    BaseStatus st = BASE_OK;
    const char *stated = NULL;
    BASE_TRY(read_text(map, "sha256", true, &stated));
    BASE_TRY(base_hash_file(m->file, m->sha256));
    BASE_CHECK(strcmp(stated, m->sha256) == 0, BASE_EFORMAT,
               "%s: the SHA-256 of %s is %.12s..., but %.12s... is stated: it is not the file described",
               base_yaml_get(map, "sha256")->where, m->file, m->sha256, stated);
out:
    return st;
}

static BaseStatus read_model(const BaseYaml *map, const char *folder, bool target, ModelShadow *m)
{
    static const char *const KEYS[] = {"role",   "pair", "file",    "sha256", "members",      "forget",
                                       "method", "seed", "seconds", "images", "forget_names", "forget_index"};
    BaseStatus st = BASE_OK;
    const char *pair = NULL;
    BASE_CHECK(map->kind == BASE_YAML_MAP, BASE_EFORMAT, "%s: a network must be a map of role, pair, file, sha256, ...",
               map->where);
    BASE_TRY(base_yaml_only(map, "a network", KEYS, BASE_COUNT(KEYS)));
    m->where = map->where;
    BASE_TRY(read_role(map, &m->role));
    BASE_TRY(read_text(map, "pair", !target, &pair));
    m->pair = MODEL_HALF_TARGET;
    BASE_CHECK(target || (base_parse_i64(pair, &m->pair) && m->pair >= 0), BASE_EFORMAT,
               "%s: pair '%.40s': must be a whole number of at least 0", map->where, pair);
    BASE_TRY(read_path(map, "file", folder, &m->file));
    BASE_TRY(check_hash(map, m));
    BASE_TRY(read_path(map, "members", folder, &m->members));
    BASE_TRY(read_forget(map, folder, m));
    BASE_TRY(read_text(map, "method", false, &m->method));
    BASE_TRY(read_index(m, "members", m->members, &m->member, &m->member_count));
out:
    return st;
}

static BaseStatus read_models(const BaseYaml *list, const char *folder, bool target, ModelShadow **models,
                              size_t *count)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(list->kind == BASE_YAML_LIST, BASE_EFORMAT, "%s: %s must be a list of networks", list->where, list->key);
    BASE_TRY(BASE_ALLOC(list->count, models));
    for (size_t i = 0; i < list->count; i++) {
        *count = i + 1;
        BASE_TRY(read_model(list->items[i], folder, target, &(*models)[i]));
    }
out:
    return st;
}

static bool same_members(const ModelShadow *a, const ModelShadow *b)
{
    if (a->member_count != b->member_count) return false;
    for (int64_t i = 0; i < a->member_count; i++)
        if (model_point_order(&a->member[i], &b->member[i]) != 0) return false;
    return true;
}

/* What only several networks together show. */
static BaseStatus check_together(ModelShadows *s)
{
    BaseStatus st = BASE_OK;
    size_t *counts[MODEL_ROLES] = {&s->originals, &s->unlearned, &s->retrained};
    for (size_t i = 0; i < s->count; i++) {
        const ModelShadow *m = &s->model[i];
        ++*counts[m->role];
        for (size_t j = 0; j < i; j++) {
            const ModelShadow *other = &s->model[j];
            BASE_CHECK(strcmp(m->sha256, other->sha256) != 0, BASE_EFORMAT,
                       "%s: %s has the same content as %s (%s): each must be a network of its own", m->where, m->file,
                       other->file, other->where);
            if (m->pair != other->pair) continue;
            BASE_CHECK(m->role != MODEL_ROLE_ORIGINAL || other->role != MODEL_ROLE_ORIGINAL, BASE_EFORMAT,
                       "%s: pair %lld has an original already (%s)", m->where, (long long)m->pair, other->where);
            BASE_CHECK(same_members(m, other), BASE_EFORMAT,
                       "%s: pair %lld was trained on %lld images by %s and on %lld by %s (%s), not the same ones",
                       m->where, (long long)m->pair, (long long)m->member_count, m->members,
                       (long long)other->member_count, other->members, other->where);
        }
    }
    BASE_CHECK(s->originals != 1, BASE_EFORMAT, "%s: only one original: attacks need at least 2 shadow models",
               s->path);
out:
    return st;
}

static BaseStatus read_tree(const BaseYaml *root, ModelShadows *s)
{
    static const char *const KEYS[] = {"format", "data", "preparation", "arch",   "precision", "train",
                                       "pool",   "seed", "cost",        "models", "targets"};
    BaseStatus st = BASE_OK;
    const char *format = NULL, *precision = NULL;
    int64_t version;
    BASE_CHECK(root->kind == BASE_YAML_MAP, BASE_EFORMAT, "%s: must be a map with 'format', 'arch' and 'models'",
               s->path);
    BASE_TRY(base_yaml_only(root, "shadows.json", KEYS, BASE_COUNT(KEYS)));
    BASE_TRY(read_text(root, "format", true, &format));
    BASE_CHECK(base_parse_i64(format, &version) && version == MODEL_SHADOWS_FORMAT, BASE_EFORMAT,
               "%s: format '%.40s': this program reads format %d", base_yaml_get(root, "format")->where, format,
               MODEL_SHADOWS_FORMAT);
    BASE_TRY(read_text(root, "arch", true, &s->arch));
    BASE_TRY(read_text(root, "data", false, &s->data));
    BASE_TRY(read_text(root, "preparation", false, &s->prep));
    BASE_TRY(read_text(root, "precision", false, &precision));
    if (*precision) BASE_TRY(nn_precision_parse(precision, &s->precision));
    const BaseYaml *models = base_yaml_get(root, "models"), *targets = base_yaml_get(root, "targets");
    BASE_CHECK(models, BASE_EFORMAT, "%s: no 'models': it must be a list of networks", s->path);
    BASE_TRY(read_models(models, s->folder, false, &s->model, &s->count));
    BASE_CHECK(s->count > 0, BASE_EFORMAT, "%s: models: the list is empty", models->where);
    if (targets) BASE_TRY(read_models(targets, s->folder, true, &s->target, &s->target_count));
    BASE_TRY(check_together(s));
out:
    return st;
}

BaseStatus model_shadows_read(const char *folder, ModelShadows **out)
{
    BaseStatus st = BASE_OK;
    ModelShadows *s = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &s));
    BASE_TRY(base_strdup(folder, &s->folder));
    BASE_TRY(base_format(&s->path, "%s/%s", folder, MODEL_SHADOWS_FILE));
    BASE_CHECK(io_path_exists(s->path), BASE_EIO,
               "%s: there is no such file; a folder of shadow models is described by one (docs/shadows.md)", s->path);
    BASE_TRY(base_hash_file(s->path, s->sha256));
    BASE_TRY(base_yaml_read(s->path, &s->root));
    BASE_TRY(read_tree(s->root, s));
    *out = s;
    s = NULL;
out:
    model_shadows_free(s);
    return st;
}
