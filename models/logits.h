/* models/logits.h - logits of a network on points of a data set: computed once, kept under a hash of all that decides
 * them. */
#ifndef MODELS_LOGITS_H
#define MODELS_LOGITS_H

#include "data/forget/forget.h"
#include "session/data.h"
#include "session/model.h"

/** Grows whenever the same network, points and queries would give other logits: part of every key. */
enum { MODEL_LOGITS_VERSION = 2 };

/** One image: a position in the training or test split of a SessionData as it was opened (after its index options). */
typedef struct {
    int64_t at;
    bool test;
} ModelPoint;
/** For qsort and bsearch: the training split first. */
int model_point_order(const void *a, const void *b);
typedef struct {
    ModelPoint *item; /* [n], owned */
    int64_t n;
} ModelPoints;
void model_points_free(ModelPoints *points);
/** Appends the images of a split that are (@p inside) or are not in @p forget (NULL: all), ascending; where there
 *  are more than @p most (0: no limit), so many of them, each subset equally likely, by stream (seed, "points", split).
 */
BaseStatus model_points_add(ModelPoints *points, const SessionData *data, bool test, const DataForget *forget,
                            bool inside, int64_t most, uint64_t seed);
/** Appends the images @p at [n] of a split, ascending, or @p most of them, drawn in the same way. */
BaseStatus model_points_take(ModelPoints *points, bool test, const int64_t *at, int64_t n, int64_t most, uint64_t seed);
/** [n], caller's storage. */
void model_points_labels(const ModelPoints *points, const SessionData *data, int32_t *labels);

/** The forms in which each image is shown to a network: the image as it is first, then mirrored, then moved. */
typedef struct {
    bool flip;     /* each form also mirrored left to right: twice as many */
    int64_t shift; /* pixels; 0: not moved; else by -shift, 0, +shift in both directions: nine times as many */
} ModelQueries;
extern const BaseParam model_query_params[]; /* flip false, shift 0: one query, the image as it is */
extern const size_t model_query_param_count;
int64_t model_queries_count(const ModelQueries *queries); /* 1, 2, 9 or 18 */

/** What logits are taken of; borrowed. */
typedef struct {
    const SessionData *data;
    const ModelPoints *points;
    ModelQueries queries;
    NnPrecision precision;
    const NnTuning *tuning; /* the network follows it from here on; NULL: none */
    const char *cache;      /* folder, made where it is missing; NULL: nothing is kept */
} ModelLogitsTask;

/**
 * Logits [points->n, K] in double, in eval mode (running statistics, no dropout).
 *
 * One query: the network's own. Several: of the log-odds against the other classes, the mean over queries,
 *     z_j = mean_q ( z_j^q - log sum_{k != y} exp z_k^q ),  z renormalised over k != y so that their sum of exp is 1,
 * z_y = mean_q phi^q so that phi of the result IS the mean of phi over queries (as LiRA takes it), while the other
 * classes keep the geometric mean of their shares. Any attack on arrays can use it.
 *
 * Cached as "<cache>/logits-<role>-<12 of key>.h5": the key covers the network's numbers (nn_net_hash), architecture,
 * precision, instruction set, tuning table, both splits' hashes, points, queries, threads and MODEL_LOGITS_VERSION. The
 * file says which @p role ("original", "unlearned", ..) and mode ("eval") it is of. A damaged file is told with a
 * notice and made again.
 *
 * @param hash  [BASE_HASH_HEX] out, or NULL: nn_net_hash of the network.
 */
BaseStatus model_logits(const ModelLogitsTask *task, const SessionModel *model, const char *role, double *logits,
                        char *hash);

#endif
