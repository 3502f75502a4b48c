/* data/stream/table.h - a set that is a table of files and labels: an image is decoded when it is fetched, and stays in memory
 * while there is room. */
#ifndef DATA_STREAM_TABLE_H
#define DATA_STREAM_TABLE_H

#include "data/stream/files.h"

/** How ImageNet's images are prepared, unless told otherwise; its mean and std belong to the set. */
extern const DataPrep data_table_prep;

enum { DATA_TABLE_CHANNELS = 3, DATA_TABLE_WHOLE = 1 << 28 };

typedef struct {
    const char *name; /* of the set, and in messages */
    const char *root; /* the folder that all files are in */
    DataFiles *files; /* taken: empty afterwards, on failure too */
    DataPrep prep;
    int64_t H, W;               /* data_table_shape */
    const char *const *classes; /* [K]; NULL: they were counted */
    int64_t K;
    bool skip_broken;
} DataTableTask;

/** The size of every image: the crop's or the resized one's, else that of the first image that can be read. */
BaseStatus data_table_shape(const DataFiles *files, const DataPrep *prep, int64_t *H, int64_t *W);
/**
 * Lists, and hashes what is not known yet (data/stream/hashes.h). Sets of up to DATA_TABLE_WHOLE bytes of prepared images are
 * decoded once at this point, so that an image that cannot be read is told before any work; of larger ones it is told when it
 * is fetched. With skip_broken all are decoded here, whatever their number, since those left out must be known.
 * @return what reading gives; BASE_EFORMAT for an image that is broken or becomes another size, naming it.
 */
BaseStatus data_table_open(const DataTableTask *task, DataSet **out);

#endif
