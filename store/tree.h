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

/* at[i] is the name of what has the number i in an array beside it; ascending. */
typedef struct {
    char **at;
    size_t count;
} StoreNames;

typedef struct {
    const char *path; /* the run's: "/", "/meta" */
    StoreNames attr_names, member_names;
    StoreAttr *attrs;
    StoreItem *members;
} StoreGroup;

struct StoreRun {
    StoreNames paths;
    StoreGroup **groups;
    BaseStatus st; /* first failure of a setter */
    char why[256];
};

/** Keeps a setter's failure, and returns it. */
BaseStatus store_tree_keep(StoreRun *run, BaseStatus st);

size_t store_type_size(StoreType type);
const StoreGroup *store_tree_group(const StoreRun *run, const char *path); /* NULL where absent */
/** BASE_EARG for a path that does not start with "/", or has an empty, "." or ".." part, or is too long. */
BaseStatus store_tree_make(StoreRun *run, const char *path, StoreGroup **out);
const StoreAttr *store_tree_attr(const StoreRun *run, const char *group, const char *name);
const StoreItem *store_tree_item(const StoreRun *run, const char *path);
/** Takes the content of @p item (freed on failure too). */
BaseStatus store_tree_put_take(StoreRun *run, const char *path, StoreItem *item);

#endif
