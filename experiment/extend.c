/* experiment/extend.c - reads the other config from beside this one, recursively, and inherits what is not set here. */
#include "experiment/extend.h"

#include "base/memory.h"
#include "experiment/paths.h"
#include "io/file.h"

enum { FILES = 8 };

static BaseStatus extend(BaseYaml *root, const char *path, int files)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *name = base_yaml_get(root, "extends");
    char *beside = NULL, *full = NULL;
    BaseYaml *base = NULL;
    BASE_TRY(experiment_paths_place(root, path));
    if (!name) goto out;
    BASE_CHECK(name->kind == BASE_YAML_SCALAR && *name->text, BASE_EUSAGE,
               "%s: extends: must be the path of another config", name->where);
    BASE_CHECK(files < FILES, BASE_EUSAGE, "%s: extends: more than %d files in a chain: in a circle?", name->where,
               FILES);
    BASE_TRY(io_path_beside(path, name->text, &beside));
    BASE_TRY(io_path_full(beside, &full));
    BASE_CHECK(io_path_exists(beside), BASE_EIO, "%s: extends: %s does not exist", name->where, full);
    BASE_TRY(base_error_prefix(base_yaml_read(beside, &base), "%s: extends", name->where));
    BASE_CHECK(base->kind == BASE_YAML_MAP, BASE_EUSAGE, "%s: must be a map of 'key: value' lines, for %s extends it",
               beside, path);
    BASE_TRY(extend(base, beside, files + 1));
    BASE_TRY(experiment_paths_move(base, name->text));
    BASE_TRY(base_yaml_inherit(root, base));
out:
    base_yaml_free(base);
    base_free(beside);
    base_free(full);
    return st;
}

BaseStatus experiment_extend(BaseYaml *root, const char *path) { return extend(root, path, 1); }
