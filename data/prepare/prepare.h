/* data/prepare/prepare.h - a person's wishes about a data set, read and carried out. */
#ifndef DATA_PREPARE_PREPARE_H
#define DATA_PREPARE_PREPARE_H

#include "base/text.h"
#include "data/prepare/picks.h"
#include "data/set/set.h"

/** What may be asked of a data set beside its path, one row for each option: X(field, flag, value, default, help). */
#define DATA_OPTION_LIST(X)                                                                                            \
    X(mean, "mean", "M,M,M", "the data set's",                                                                         \
      "mean that is subtracted from each channel of pixels scaled to 0..1; none: no normalising")                      \
    X(std, "std", "S,S,S", "the data set's", "standard deviation by which each channel is then divided")               \
    X(resize, "resize", "N|HxW", "the data set's",                                                                     \
      "new size of the shorter side, or height x width; none: as they are")                                            \
    X(crop, "crop", "N|HxW", "the data set's", "size of the part then cut out of the centre; none: not cut")           \
    X(interpolation, "interpolation", "I", "bilinear",                                                                 \
      "how images are resized: bilinear or bicubic, both antialiased")                                                 \
    X(crop_start, "crop-start", "S", "nearest",                                                                        \
      "where the crop starts if the border is odd: nearest (torchvision, timm) or below (transformers)")               \
    X(class_map, "class-map", "FILE", "the data set's order",                                                          \
      "names of the classes in the model's order, one per line")                                                       \
    X(train_index, "train-index", "FILE", "all",                                                                       \
      "images of the training split, one position or range like 0-999 per line")                                       \
    X(test_index, "test-index", "FILE", "all",                                                                         \
      "images of the test split; 'train 17' takes one from the training split")                                        \
    X(broken, "broken", "B", "fail", "what to do about an image that cannot be decoded: fail or skip")
/** Texts as a person wrote them, borrowed; NULL: the default. */
typedef struct {
#define X(field, flag, value, def, help) const char *field;
    DATA_OPTION_LIST(X)
#undef X
    const struct DataModel *model; /* what the network's own files say; NULL: nothing */
} DataOptions;

/** The network that the images are for. */
typedef struct DataModel {
    const char *from;          /* the file, for messages */
    const char *const *labels; /* [label_count] its classes; 0: not named */
    size_t label_count;
    bool
        prepared; /* the options above are its own: they are not applied to float32 images, which are taken as they are */
    bool override; /* where its labels are not the data's, the data's order counts */
} DataModel;

typedef struct {
    const DataOptions *options; /* borrowed; never NULL */
    bool has_mean, has_std, no_normalising, has_resize, has_crop, has_filter, has_start, skip_broken;
    int mean_count, std_count; /* numbers given: one for all channels, or one each */
    float mean[DATA_CHANNELS_MAX], std[DATA_CHANNELS_MAX];
    DataPrep prep; /* the parts that has_* name */
    DataPicks picks[DATA_SPLITS];
} DataRequest; /* the options, read */

/** Reads the texts and the index files. BASE_EUSAGE, or what reading a file gives. Owned: data_request_free. */
BaseStatus data_request_read(const DataOptions *options, DataRequest *out);
void data_request_free(DataRequest *request);
/** @p defaults with what the request says in its place. */
DataPrep data_request_prep(const DataRequest *request, DataPrep defaults);
/** BASE_EUSAGE where a position is not in its split, or stands twice: in one index, or in both. */
BaseStatus data_picks_check(const DataRequest *request, const int64_t count[DATA_SPLITS]);

/** Carries out what the source did not, and hashes again where something changed. */
BaseStatus data_prepare(const DataRequest *request, bool prepared, DataSet **train, DataSet **test);

/** "{mean: [0.5], std: [0.25], resize: 256, crop: 224, interpolation: bilinear}": two sets prepared alike give the same
 *  text; "none" for what is not done. */
void data_prep_text(const DataSet *set, BaseText *out);

/** After the byte-order mark that editors of Windows put in front of a text. */
char *data_text_begin(char *bytes);

#endif
