/* store/tree.c - sorted arrays of names found by bisection; a path is split at its slashes and checked first. */
#include "store/tree.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

size_t store_type_size(StoreType type)
{
    static const size_t SIZES[] = {8, 4, 8, 4, 1};
    return SIZES[type];
}

static void item_clear(StoreItem *item)
{
    if (item->texts) {
        for (int64_t i = 0; i < item->count; i++) base_free(item->texts[i]);
    }
    base_free(item->texts);
    base_free(item->data);
    *item = (StoreItem){0};
}

static void names_free(StoreNames *names)
{
    for (size_t i = 0; i < names->count; i++) base_free(names->at[i]);
    base_free(names->at);
}

static void group_free(StoreGroup *group)
{
    if (!group) return;
    for (size_t i = 0; i < group->attr_names.count; i++) base_free(group->attrs[i].text);
    for (size_t i = 0; i < group->member_names.count; i++) item_clear(&group->members[i]);
    names_free(&group->attr_names);
    names_free(&group->member_names);
    base_free(group->attrs);
    base_free(group->members);
    base_free(group);
}

void store_run_free(StoreRun *run)
{
    if (!run) return;
    for (size_t i = 0; i < run->paths.count; i++) group_free(run->groups[i]);
    names_free(&run->paths);
    base_free(run->groups);
    base_free(run);
}

/* Position of @p name in an ascending list, or where it belongs; *found says which. */
static size_t position(const StoreNames *names, const char *name, bool *found)
{
    size_t lo = 0, hi = names->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(names->at[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < names->count && strcmp(names->at[lo], name) == 0;
    return lo;
}

const StoreGroup *store_tree_group(const StoreRun *run, const char *path)
{
    bool found;
    size_t at = position(&run->paths, path, &found);
    return found ? run->groups[at] : NULL;
}

/* Sorted lists that are inserted into: what a hostile file may make them hold is limited, far above any run. */
enum { MEMBERS_MOST = 4096, GROUPS_MOST = 1 << 14 };

/* Opens a gap of zeros for @p name in a list and the values [count] of @p size bytes beside it. */
static BaseStatus insert(StoreNames *names, size_t at, const char *name, void **values, size_t size)
{
    BaseStatus st = BASE_OK;
    char *copy = NULL;
    BASE_TRY(BASE_GROW_BY_ONE(&names->at, names->count));
    BASE_TRY(base_grow_by_one(values, names->count, size));
    BASE_TRY(base_strdup(name, &copy));
    char *gap = (char *)*values + at * size;
    memmove(names->at + at + 1, names->at + at, (names->count - at) * sizeof *names->at);
    memmove(gap + size, gap, (names->count - at) * size);
    memset(gap, 0, size);
    names->at[at] = copy;
    names->count++;
out:
    return st;
}

/* The attribute of that name, added if it does not exist. */
static BaseStatus attr_place(StoreGroup *g, const char *name, StoreAttr **out)
{
    BaseStatus st = BASE_OK;
    bool found;
    size_t at = position(&g->attr_names, name, &found);
    *out = NULL;
    BASE_CHECK(found || g->attr_names.count < MEMBERS_MOST, BASE_ELIMIT, "store group '%s': more than %d attributes",
               g->path, MEMBERS_MOST);
    if (!found) BASE_TRY(insert(&g->attr_names, at, name, (void **)&g->attrs, sizeof *g->attrs));
    *out = &g->attrs[at];
out:
    return st;
}

static BaseStatus member_place(StoreGroup *g, const char *name, StoreItem **out)
{
    BaseStatus st = BASE_OK;
    bool found;
    size_t at = position(&g->member_names, name, &found);
    *out = NULL;
    BASE_CHECK(found || g->member_names.count < MEMBERS_MOST, BASE_ELIMIT, "store group '%s': more than %d members",
               g->path, MEMBERS_MOST);
    if (!found) BASE_TRY(insert(&g->member_names, at, name, (void **)&g->members, sizeof *g->members));
    if (!found) g->members[at].ndim = -1;
    *out = &g->members[at];
out:
    return st;
}

static BaseStatus path_check(const char *path)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(path && path[0] == '/', BASE_EARG, "store path '%s': must start with '/'", path ? path : "");
    BASE_CHECK(strlen(path) < STORE_PATH_MAX, BASE_EARG, "store path of %zu bytes: at most %d", strlen(path),
               STORE_PATH_MAX - 1);
    if (path[1] == '\0') goto out;
    int depth = 0;
    for (const char *part = path + 1;; depth++) {
        size_t length = strcspn(part, "/");
        bool dots = (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.');
        BASE_CHECK(length > 0 && !dots, BASE_EARG, "store path '%s': a part is empty, '.' or '..'", path);
        if (!part[length]) break;
        part += length + 1;
    }
    BASE_CHECK(depth < STORE_DEPTH_MAX, BASE_EARG, "store path '%s': more than %d parts", path, STORE_DEPTH_MAX);
out:
    return st;
}

/* "/a/b" -> parent "/a", name "b". */
static void path_split(const char *path, char parent[STORE_PATH_MAX], const char **name)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    memcpy(parent, path, length);
    parent[length] = '\0';
    *name = slash + 1;
}

BaseStatus store_tree_make(StoreRun *run, const char *path, StoreGroup **out)
{
    BaseStatus st = BASE_OK;
    StoreGroup *made = NULL;
    bool found;
    *out = NULL;
    BASE_TRY(path_check(path));
    size_t at = position(&run->paths, path, &found);
    if (found) {
        *out = run->groups[at];
        goto out;
    }
    if (path[1]) {
        char parent[STORE_PATH_MAX];
        const char *name;
        StoreGroup *above;
        StoreItem *item;
        path_split(path, parent, &name);
        BASE_TRY(store_tree_make(run, parent, &above));
        BASE_TRY(member_place(above, name, &item));
        BASE_CHECK(item->ndim < 0, BASE_EARG, "store path '%s': is an array, not a group", path);
        at = position(&run->paths, path, &found);
    }
    BASE_CHECK(run->paths.count < GROUPS_MOST, BASE_ELIMIT, "a run of more than %d groups", GROUPS_MOST);
    BASE_TRY(BASE_ALLOC(1, &made));
    BASE_TRY(insert(&run->paths, at, path, (void **)&run->groups, sizeof *run->groups));
    made->path = run->paths.at[at];
    *out = run->groups[at] = made;
    made = NULL;
out:
    group_free(made);
    return st;
}

BaseStatus store_run_create(StoreRun **out)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    StoreGroup *root;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &run));
    BASE_TRY(store_tree_make(run, "/", &root));
    *out = run;
    run = NULL;
out:
    store_run_free(run);
    return st;
}

const StoreAttr *store_tree_attr(const StoreRun *run, const char *group, const char *name)
{
    bool found = false;
    const StoreGroup *g = store_tree_group(run, group);
    size_t at = g ? position(&g->attr_names, name, &found) : 0;
    return found ? &g->attrs[at] : NULL;
}

const StoreItem *store_tree_item(const StoreRun *run, const char *path)
{
    char parent[STORE_PATH_MAX];
    const char *name;
    bool found = false;
    if (!path || path[0] != '/' || strlen(path) >= STORE_PATH_MAX) return NULL;
    path_split(path, parent, &name);
    const StoreGroup *g = store_tree_group(run, parent);
    size_t at = g ? position(&g->member_names, name, &found) : 0;
    return found && g->members[at].ndim >= 0 ? &g->members[at] : NULL;
}

BaseStatus store_tree_put_take(StoreRun *run, const char *path, StoreItem *item)
{
    BaseStatus st = BASE_OK;
    char parent[STORE_PATH_MAX];
    const char *name;
    StoreGroup *group;
    StoreItem *place;
    BASE_TRY(path_check(path));
    BASE_CHECK(path[1], BASE_EARG, "store path '/': an array needs a name");
    BASE_CHECK(!store_tree_group(run, path), BASE_EARG, "store path '%s': is a group, not an array", path);
    path_split(path, parent, &name);
    BASE_TRY(store_tree_make(run, parent, &group));
    BASE_TRY(member_place(group, name, &place));
    item_clear(place);
    *place = *item;
    *item = (StoreItem){0};
out:
    item_clear(item);
    return st;
}

BaseStatus store_tree_keep(StoreRun *run, BaseStatus st)
{
    if (st == BASE_OK || run->st != BASE_OK) return st;
    snprintf(run->why, sizeof run->why, "%s", base_error_text());
    return run->st = st;
}

BaseStatus store_run_status(const StoreRun *run)
{
    return run->st == BASE_OK ? BASE_OK : base_error_set(run->st, "%s", run->why);
}

static BaseStatus set_attr(StoreRun *run, const char *group, const char *name, StoreAttr value)
{
    BaseStatus st = BASE_OK;
    StoreGroup *g;
    StoreAttr *place;
    BASE_CHECK(name && *name, BASE_EARG, "store group '%s': an attribute needs a name", group);
    BASE_TRY(store_tree_make(run, group, &g));
    BASE_TRY(attr_place(g, name, &place));
    base_free(place->text);
    *place = value;
    value.text = NULL;
out:
    base_free(value.text);
    return store_tree_keep(run, st);
}

BaseStatus store_run_set_text(StoreRun *run, const char *group, const char *name, const char *value)
{
    StoreAttr attr = {.kind = STORE_ATTR_TEXT};
    BaseStatus st = base_strdup(value ? value : "", &attr.text);
    return st == BASE_OK ? set_attr(run, group, name, attr) : store_tree_keep(run, st);
}

BaseStatus store_run_set_text_of(StoreRun *run, const char *group, const char *name, const BaseText *text)
{
    return text->st == BASE_OK ? store_run_set_text(run, group, name, text->data) : store_tree_keep(run, text->st);
}

BaseStatus store_run_set_f64(StoreRun *run, const char *group, const char *name, double value)
{
    return set_attr(run, group, name, (StoreAttr){.kind = STORE_ATTR_F64, .f64 = value});
}

BaseStatus store_run_set_i64(StoreRun *run, const char *group, const char *name, int64_t value)
{
    return set_attr(run, group, name, (StoreAttr){.kind = STORE_ATTR_I64, .i64 = value});
}
