/* store/store.h - what one run leaves behind, as an HDF5 file. docs/results.md describes it for Python readers.
 *
 * A run is a small tree of texts, numbers and arrays in memory, written at once (temporary name, sync, rename): a file
 * that exists is complete. Its paths: store/schema.h. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stddef.h>

#include "base/text.h"
#include "math/stats.h"

enum { STORE_SCHEMA = 6 };
typedef struct StoreRun StoreRun;
typedef enum { STORE_F64, STORE_F32, STORE_I64, STORE_I32, STORE_U8 } StoreType;

typedef struct {
    StoreType type;
    int ndim;
    int64_t shape[4], count;
    const void *data; /* borrowed from the run */
} StoreArray;

BaseStatus store_run_create(StoreRun **out);
void store_run_free(StoreRun *run);

/* @p group is "/" or "/meta", ...; values are copied; setting again replaces. A failure sticks, so that a whole run can be
 * filled before it is looked at. */
BaseStatus store_run_set_text(StoreRun *run, const char *group, const char *name, const char *value);
BaseStatus store_run_set_text_of(StoreRun *run, const char *group, const char *name, const BaseText *text);
BaseStatus store_run_set_f64(StoreRun *run, const char *group, const char *name, double value);
BaseStatus store_run_set_i64(StoreRun *run, const char *group, const char *name, int64_t value);
BaseStatus store_run_set_array(StoreRun *run, const char *path, StoreType type, int ndim, const int64_t *shape,
                               const void *data);
/** An array of one dimension, [n], of that name in @p group. */
BaseStatus store_run_set_column(StoreRun *run, const char *group, const char *name, StoreType type, int64_t n,
                                const void *data);
BaseStatus store_run_set_texts(StoreRun *run, const char *path, const char *const *texts, size_t count);

/** The first failure of setting anything, with its text; store_run_write looks at it too. */
BaseStatus store_run_status(const StoreRun *run);

/** What a metric says of its numbers, beside the numbers of one split. Texts are borrowed, never NULL. */
typedef struct {
    const char *name, *split, *title, *unit;
    const char *ideal;             /* "retrained", a number, "low", "" */
    const char *direction;         /* "up", "down", "" */
    const char *role;              /* "retained", "forgotten", "score", "cost", "" */
    double least, most;            /* an interval over runs is cut off there; infinite: not cut */
    int64_t decimals;              /* -1: three significant digits */
    int64_t in_results, in_scores; /* importance of its column in that table; 0: not there */
} StoreMetric;
/** A name and split given again replace the first. */
BaseStatus store_run_add_metric(StoreRun *run, const StoreMetric *metric, MathEstimate value);
/** Row @p i of /metrics; false behind the last. */
bool store_run_metric_at(const StoreRun *run, size_t i, StoreMetric *out);
/** A run of schema 3 and before has no more of a metric than its name, split, title, unit and ideal: @p describe adds
 *  the rest to each. Nothing is done to a newer run. */
BaseStatus store_run_describe_metrics(StoreRun *run, void (*describe)(StoreMetric *metric));

const char *store_run_text(const StoreRun *run, const char *group, const char *name); /* NULL where absent */
double store_run_f64(const StoreRun *run, const char *group, const char *name); /* NaN where absent; reads i64 too */
bool store_run_array(const StoreRun *run, const char *path, StoreArray *out);
/** The array @p name of a group. */
bool store_run_array_in(const StoreRun *run, const char *group, const char *name, StoreArray *out);
bool store_run_texts(const StoreRun *run, const char *path, const char *const **texts, size_t *count);
/** Attribute names of a group, or members of a group: sorted, owned by the run. */
bool store_run_names(const StoreRun *run, const char *group, const char *const **names, size_t *count);
bool store_run_members(const StoreRun *run, const char *group, const char *const **names, size_t *count);
/** The numbers of metric @p name on @p split; false where absent. */
bool store_run_metric(const StoreRun *run, const char *name, const char *split, MathEstimate *out);

/** The HDF5 image is followed by one line with its SHA-256 (store/file.c says why). Temporary name, sync, rename. One with
 *  numbers or pictures of single images (store/schema.h) is readable by its owner alone. */
BaseStatus store_run_write(const StoreRun *run, const char *path);
/** BASE_EFORMAT for a file that is not a run, has a newer schema (naming both versions), or was damaged later. */
BaseStatus store_run_read(const char *path, StoreRun **out);
/** The same without what weighs (store/schema.h). For sweeps of many runs. */
BaseStatus store_run_read_light(const char *path, StoreRun **out);
/** Calls @p each with every run in a folder, read as by store_run_read_light; files that are not runs are passed over, and
 *  a folder that does not exist has none. Ends with the first failure of @p each, or where memory is exhausted. */
BaseStatus store_runs_each(const char *folder, BaseStatus (*each)(void *user, const StoreRun *run), void *user);
/** A whole run with this id and status "ok" stands at @p path: the hash is checked for damage, then the light copy is
 * read. A failed run is not complete: the next sweep tries it again. Nor is one that memory does not suffice to read:
 * made again, it is the same. */
bool store_run_complete(const char *path, const char *id);
/** The same of a run with any status. */
bool store_run_stored(const char *path, const char *id);

#endif
