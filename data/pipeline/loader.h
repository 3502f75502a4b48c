/* data/pipeline/loader.h - batches ready for a network, prepared one ahead by threads of their own. */
#ifndef DATA_PIPELINE_LOADER_H
#define DATA_PIPELINE_LOADER_H

#include "data/set/set.h"

typedef struct {
    int64_t batch;
    int64_t C, H, W; /* what the network takes: smaller images are centred in zeros (raw pixels, before normalising),
                        one channel is repeated to C; other differences are BASE_ESHAPE naming both shapes */
    bool shuffle;    /* a new order each epoch, from stream (seed, "order", epoch) */
    bool flip;       /* mirror left-right with probability 1/2 */
    int64_t crop;    /* pad by this many zero pixels on each side, then cut back at a random place; 0: off */
    bool drop_last;  /* leave out an incomplete last batch */
    uint64_t seed;
} DataLoaderConfig;

typedef struct {
    const float *x;       /* [n, C, H, W]; valid until the next data_loader_next */
    const int32_t *y;     /* [n] */
    const int64_t *index; /* [n] positions in the set */
    int64_t n;            /* 0: the epoch is over */
} DataBatch;

typedef struct DataLoader DataLoader;
/** @p view is borrowed, as is its index. Augmentation of image i in epoch e depends on (seed, e, i) alone, not on
 * batches or threads. */
BaseStatus data_loader_create(const DataView *view, const DataLoaderConfig *config, DataLoader **out);
BaseStatus data_loader_start(DataLoader *loader, int64_t epoch);
/** The same from a later batch on: those before it are not read. */
BaseStatus data_loader_start_at(DataLoader *loader, int64_t epoch, int64_t batch);
BaseStatus data_loader_next(DataLoader *loader, DataBatch *out);
int64_t data_loader_batches(const DataLoader *loader); /* per epoch */
double data_loader_waited(const DataLoader *loader);   /* seconds that data_loader_next has waited since creation */
void data_loader_free(DataLoader *loader);             /* mid-epoch too; NULL is fine */

/** One image as a network sees it (no augmentation): out [C, H, W]. The naive twin of the loader, and for pictures. */
BaseStatus data_image(const DataSet *set, int64_t i, int64_t C, int64_t H, int64_t W, float *out);

#endif
