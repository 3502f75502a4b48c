/* cli/configs.c - a file wins over a shipped config of the same name: what a person has at hand is what they mean. */
#include "cli/configs.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"
#include "session/places.h"

static const char ENDING[] = ".yaml";

static bool ends_so(const char *name)
{
    size_t length = strlen(name);
    return length >= strlen(ENDING) && strcmp(name + length - strlen(ENDING), ENDING) == 0;
}

/* The first line of a file without its "# ". */
static BaseStatus read_about(const char *path, char **out)
{
    BaseStatus st = BASE_OK;
    char *bytes = NULL;
    size_t size;
    BASE_TRY(io_file_read(path, 1 << 20, &bytes, &size));
    const char *line = bytes[0] == '#' ? bytes + 1 + strspn(bytes + 1, " ") : "";
    BASE_TRY(base_format(out, "%.*s", (int)strcspn(line, "\r\n"), line));
out:
    base_free(bytes);
    return st;
}

/* Those of one folder; @p prefix: "" or "fashion-mnist/". */
static BaseStatus add_folder(const char *prefix, CliConfigs *all)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *folder = NULL;
    size_t count = 0;
    BASE_TRY(base_format(&folder, "%s/%s", all->folder, prefix));
    BASE_TRY(io_folder_list(folder, ENDING, &names, &count));
    for (size_t i = 0; i < count; i++) {
        BASE_TRY(BASE_GROW_BY_ONE(&all->config, all->count));
        CliConfig *c = &all->config[all->count++];
        *c = (CliConfig){0};
        const int stem = (int)(strlen(names[i]) - strlen(ENDING));
        BASE_TRY(base_format(&c->name, "%s%.*s", prefix, stem, names[i]));
        BASE_TRY(base_format(&c->path, "%s/%s%s", all->folder, prefix, names[i]));
        BASE_TRY(read_about(c->path, &c->about));
    }
out:
    io_names_free(names, count);
    base_free(folder);
    return st;
}

BaseStatus cli_configs_read(CliConfigs *out)
{
    BaseStatus st = BASE_OK;
    char **folders = NULL, *prefix = NULL;
    size_t count = 0;
    *out = (CliConfigs){0};
    BASE_TRY(session_place_find(SESSION_PLACE_CONFIGS, &out->folder));
    if (!out->folder) goto out;
    BASE_TRY(add_folder("", out));
    BASE_TRY(io_folder_folders(out->folder, &folders, &count));
    for (size_t i = 0; i < count; i++) {
        base_free(prefix);
        prefix = NULL;
        BASE_TRY(base_format(&prefix, "%s/", folders[i]));
        BASE_TRY(add_folder(prefix, out));
    }
out:
    base_free(prefix);
    io_names_free(folders, count);
    if (st != BASE_OK) cli_configs_free(out);
    return st;
}

void cli_configs_free(CliConfigs *configs)
{
    for (size_t i = 0; i < configs->count; i++) {
        base_free(configs->config[i].name);
        base_free(configs->config[i].path);
        base_free(configs->config[i].about);
    }
    base_free(configs->config);
    base_free(configs->folder);
    *configs = (CliConfigs){0};
}

static const CliConfig *named(const CliConfigs *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->config[i].name, name) == 0) return &all->config[i];
    return NULL;
}

/* The shipped config that a word which names nothing may be meant for: "dmeo", or the path within the source tree. */
static BaseStatus nearest(const CliConfigs *all, const char *word, const char **out)
{
    static const char TREE[] = "configs/";
    BaseStatus st = BASE_OK;
    const char **names = NULL;
    char *stem = NULL;
    *out = NULL;
    const char *tree = strstr(word, TREE), *start = tree ? tree + strlen(TREE) : word;
    BASE_TRY(base_format(&stem, "%.*s", (int)(strlen(start) - (ends_so(start) ? strlen(ENDING) : 0)), start));
    BASE_TRY(BASE_ALLOC(all->count + 1, &names));
    for (size_t i = 0; i < all->count; i++) names[i] = all->config[i].name;
    *out = base_text_nearest(stem, names, all->count);
out:
    base_free(stem);
    base_free(names);
    return st;
}

static BaseStatus refuse(const CliConfigs *all, const char *word)
{
    BaseStatus st = BASE_OK;
    const char *near = NULL;
    char *full = NULL;
    BASE_TRY(nearest(all, word, &near));
    BASE_TRY(io_path_full(word, &full));
    st = base_error_set(ends_so(word) ? BASE_EIO : BASE_EUSAGE, "run: %s does not exist%s%s%s%s%s", full,
                        ends_so(word) ? "" : ", and no shipped config has that name",
                        near ? "; did you mean the shipped config '" : "", near ? near : "", near ? "'?" : "",
                        ends_so(word) || near ? "" : "; `expunge list configs` lists them");
out:
    base_free(full);
    return st;
}

BaseStatus cli_configs_find(const char *word, char **path)
{
    BaseStatus st = BASE_OK;
    CliConfigs all = {0};
    *path = NULL;
    BASE_TRY(cli_configs_read(&all));
    const CliConfig *shipped = named(&all, word);
    const bool file = io_path_exists(word) && !io_path_is_folder(word);
    if (file && shipped) base_notice("%s is the file here, not the shipped config of that name", word);
    if (!file && !shipped && !io_path_exists(word)) BASE_TRY(refuse(&all, word));
    BASE_TRY(base_strdup(shipped && !file ? shipped->path : word, path));
out:
    cli_configs_free(&all);
    return st;
}
