/* session/data.h - both splits of a data set, opened, and what is held out of them. */
#ifndef SESSION_DATA_H
#define SESSION_DATA_H

#include "data/data.h"

/** Key of the weights' metadata: SessionData.prep of the images they were trained on, or that they were used with. */
#define SESSION_META_PREP "expunge.preprocessing"

/** Before any work: @p out can be written, is none of the inputs, and is not among the images of a folder. @p data "name[:path]", @p weights or NULL. */
BaseStatus session_output_check(const char *out, const char *data, const char *weights);

/** Both splits of a data set. */
typedef struct {
    char *spec;
    DataSet *train, *test;
    char *prep;               /* how the images are prepared: data_prep_text */
    char hash[BASE_HASH_HEX]; /* over both splits' hashes */
    int64_t image_h, image_w; /* what a vision transformer's positions are interpolated to; 0: they stay */
    bool override;            /* what a person says counts where a folder of weights says something else */
} SessionData;
/** Has the positions of networks for these data interpolated, @p size being "64" or "64x48"; NULL: not. BASE_EUSAGE. */
BaseStatus session_data_images(SessionData *data, const char *size);
/** @p options of --data, or NULL. */
BaseStatus session_data_open(const char *spec, const DataOptions *options, SessionData *out);
/** The same of two sets, which are taken: arrays in memory. @p name: what messages call them. */
BaseStatus session_data_open_take(const char *name, const DataOptions *options, DataSet *train, DataSet *test,
                                  SessionData *out);
/** The same images, which stay @p data's: it must outlive *out, whose labels, classes and normalisation are its own. */
BaseStatus session_data_share(const SessionData *data, SessionData *out);
/** Whether @p hash, which was stored, is of this data: its own, or the one that sets whose images are read one by one had while
 *  it was computed over pixels. Reads all images where that has to be tried. */
BaseStatus session_data_is(const SessionData *data, const char *hash, bool *same);
/** Mean and std, as the options write them, in place of what the images had. */
BaseStatus session_data_normalise(SessionData *data, const char *mean, const char *std);
void session_data_free(SessionData *data);
/** All of the split that is called "train" or "test", which *name is then, in static storage. BASE_EUSAGE. */
BaseStatus session_data_view(const SessionData *data, const char *split, DataView *out, const char **name);

/** The training split without, and only, its validation share; stratified, by the seed. Borrows the data. */
typedef struct {
    DataIndex kept, held;
    DataView train, validation, test;
} SessionSplit;
BaseStatus session_split_make(const SessionData *data, double fraction, uint64_t seed, SessionSplit *out);
/** The views of what it keeps and holds out, and all of the test split. */
void session_split_view(const SessionData *data, SessionSplit *split);
void session_split_free(SessionSplit *split);

#endif
