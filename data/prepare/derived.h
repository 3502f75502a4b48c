/* data/prepare/derived.h - readers of images that are picked, or resized, when they are fetched from sets with readers. */
#ifndef DATA_PREPARE_DERIVED_H
#define DATA_PREPARE_DERIVED_H

#include "data/prepare/picks.h"
#include "data/set/set.h"

/** The sets that picks are taken from, owned by every reader that holds them. */
typedef struct DataOriginals DataOriginals;
BaseStatus data_originals_create(DataOriginals **out);
/** One holder less, the last of which frees the sets. NULL is fine. */
void data_originals_drop(DataOriginals *originals);
/** Takes @p set, the train (DATA_TRAIN) or test split of the data. */
void data_originals_take(DataOriginals *originals, DataSplit split, DataSet *set);

/** Gives @p out, made by data_set_create_read, a reader of the images that @p picks name; @p sets [DATA_SPLITS] are those
 *  that @p originals will take. */
BaseStatus data_picked_read(const DataPicks *picks, const DataSet *const *sets, DataOriginals *originals, DataSet *out);
/** The same of @p from's images as out->prep makes them, which is @p prep in words. It takes @p from where it succeeds. */
BaseStatus data_resized_read(DataSet *from, const char *prep, DataSet *out);

#endif
