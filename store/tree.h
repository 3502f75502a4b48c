/* store/tree.h - the tree behind StoreRun: groups with attributes and arrays, kept sorted by name so that listing a
 * group is handing out an array. Only store/ includes it. */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "store/store.h"

enum { STORE_DIMS = 4, STORE_PATH_MAX = 1024, STORE_DEPTH_MAX = 8 };

typedef enum { STORE_ATTR_TEXT, STORE_ATTR_F64, STORE_ATTR_I64 } StoreAttrKind;
typedef struct {
    StoreAttrKind kind;
    char *text;
    double f64;
    int64_t i64;
} StoreAttr;

/* A member that is a group has ndim -1; one that is a list of texts has texts. */
typedef struct {
    StoreType type;
    int ndim;
    int64_t shape[STORE_DIMS], count;
    void *data;
    char **texts; /* [count] */
} StoreItem;

/* names[i] belongs to items[i]; ascending. Two lists of this kind make a group: attributes and members. */
typedef struct {
    char *path; /* "/", "/meta" */
    char **attr_names;
    StoreAttr *attrs;
    size_t attr_count, attr_room;
    char **member_names;
    StoreItem *members;
    size_t member_count, member_room;
} StoreGroup;

struct StoreRun {
    StoreGroup **groups; /* ascending by path */
    size_t group_count, group_room;
};

size_t store_type_size(StoreType type);
const StoreGroup *store_tree_group(const StoreRun *run, const char *path); /* NULL where absent */
/** BASE_EARG for a path that does not start with "/", or has an empty, "." or ".." part, or is too long. */
BaseStatus store_tree_make(StoreRun *run, const char *path, StoreGroup **out);
const StoreAttr *store_tree_attr(const StoreRun *run, const char *group, const char *name);
const StoreItem *store_tree_item(const StoreRun *run, const char *path);
/** Takes the content of @p item (freed on failure too). */
BaseStatus store_tree_put_take(StoreRun *run, const char *path, StoreItem *item);

#endif
