/* models/cache.h - the networks and searches that experiments keep in their `models`: what is there, what uses it, what
 * may be removed. */
#ifndef MODELS_CACHE_H
#define MODELS_CACHE_H

#include <stdint.h>

#include "base/text.h"

/** One cached file. */
typedef struct {
    char *folder, *name;  /* of the experiment; in its models */
    int64_t size;         /* bytes */
    double days;          /* since it was written */
    int runs, superseded; /* run files that were made with it: of the present config, of earlier ones */
    char *user;           /* label of one of the runs; "" */
    bool named;           /* the folder, by the user, who may name a link */
    bool remove;          /* prune's choice */
} ModelCacheFile;

typedef struct {
    ModelCacheFile *files; /* [count] by folder and name */
    size_t count;
    char **closed; /* [closed_count] one line each: an experiment whose cache is not touched, and why */
    size_t closed_count;
    int64_t bytes, freed;
} ModelCacheList;

/** What may be removed. A file that a run of the present config uses never goes without `force`, nor any while its
 * experiment is being run or, without `force`, was stopped before its end. */
typedef struct {
    bool unused;  /* only what no run uses */
    double older; /* days; 0: of any age */
    int64_t most; /* bytes that may stay, oldest out first; -1: no limit */
    bool force, dry_run;
} ModelCachePrune;

/** @p folders: of experiments, or of results with experiments in them. BASE_ENOTFOUND where none has a cache. Owned:
 *  model_cache_free. */
BaseStatus model_cache_list(const char *const *folders, size_t count, ModelCacheList *out);
/** Lists, chooses, and removes unless dry_run. */
BaseStatus model_cache_prune(const char *const *folders, size_t count, const ModelCachePrune *what,
                             ModelCacheList *out);
void model_cache_free(ModelCacheList *list);

#endif
