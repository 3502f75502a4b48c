/* store/schema.h - what a run file holds: each group's attributes and each array. experiment/ writes these paths, report/
 * reads them, docs/results.md tells people of them; tests/store/test_schema.c, tests/scripts/schema.sh and
 * tests/experiment/test_experiment.c hold all three to the table. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

/* HEAVY: left out where many runs are read. PRIVATE: that too, and of single images, so that a file that holds it is
 * readable by its owner alone. */
typedef enum { STORE_LIGHT, STORE_HEAVY, STORE_PRIVATE } StoreWeight;

typedef struct {
    const char *path;  /* <name>: any one part */
    const char *type;  /* "attributes", "text", "float64", ... */
    const char *shape; /* "[n,2]"; of attributes their names, where x_ stands for all that begin so, and _ for all */
    const char *unit;  /* "" where it has none, or each its own */
    StoreWeight weight;
} StoreRow;
extern const StoreRow store_schema[]; /* ended by a row without path */

/** The least weight of what the table has at @p path and below it; STORE_LIGHT where it has nothing there. */
StoreWeight store_schema_weight(const char *path);

#endif
