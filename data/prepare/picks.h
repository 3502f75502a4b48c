/* data/prepare/picks.h - the images that an index file names. */
#ifndef DATA_PREPARE_PICKS_H
#define DATA_PREPARE_PICKS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { DATA_TRAIN, DATA_TEST, DATA_SPLITS } DataSplit;

/** A line of an index file: positions in one of the source's splits, first to last. */
typedef struct {
    int64_t first, last, before; /* before: images that earlier lines name */
    bool test;
} DataRange;
typedef struct {
    const char *file;           /* borrowed; NULL: every image of the split */
    DataRange *ranges;          /* [range_count]: what a file says takes memory by its bytes, not by its numbers */
    int64_t range_count, count; /* count: of images */
} DataPicks;
/** Position of the @p number-th image named, 0 <= number < count, in the train or (@p test) test split. */
int64_t data_picks_at(const DataPicks *picks, int64_t number, bool *test);

#endif
