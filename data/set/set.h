/* data/set/set.h - data sets, in memory or read image by image, views of them, and sets of their classes. */
#ifndef DATA_SET_SET_H
#define DATA_SET_SET_H

#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

enum { DATA_CHANNELS_MAX = 16, DATA_CLASSES_MAX = 100000 };

typedef enum { DATA_U8, DATA_F32 } DataType;

typedef enum { DATA_BILINEAR, DATA_BICUBIC } DataFilter;
/** How raw images become those of a set: resized, then cut out of the centre. */
typedef struct {
    int64_t resize_h, resize_w; /* 0, 0: not resized; h, 0: the shorter side becomes h, the longer keeps the shape */
    int64_t crop_h, crop_w;     /* 0, 0: not cropped */
    DataFilter filter;          /* of resizing; antialiased */
    bool crop_below; /* an odd border: the smaller half above and to the left, as in transformers; else torchvision's */
} DataPrep;

/** Where the images of a set come from that are not in memory. */
typedef struct DataReader DataReader;
struct DataReader {
    /** Raw pixels of image @p i, [C, H, W]. Several threads may call it. */
    BaseStatus (*read)(DataReader *reader, int64_t i, void *out);
    void (*free)(DataReader *reader);
};

/** One split of a data set. Immutable once opened. */
typedef struct {
    char *name;            /* "fashion-mnist train" */
    int64_t N, C, H, W, K; /* images, channels, height, width, classes */
    DataType type;
    void *images;       /* [N, C, H, W]: uint8 (scaled to 0..1, then normalised) or float32 (taken as is); NULL: */
    DataReader *reader; /* reads them (owned); NULL where they are in memory */
    bool lent;          /* the images, or the reader, are another set's (data_set_share) */
    char content[BASE_HASH_HEX]; /* of a set with a reader: hash of the files' hashes, in the order of the images */
    int32_t *labels;             /* [N], 0..K-1 */
    bool classes_counted;        /* no list of classes came with the data: K is 1 + the highest label */
    char **class_names;          /* [K]; "0", "1", ... where the source has none */
    char **source_names; /* [K] what the data calls its classes, where a class map gives names to show; else NULL */
    bool normalise;      /* (x - mean) / std after scaling; per channel, channel 0 repeated where C grows */
    float mean[DATA_CHANNELS_MAX], std[DATA_CHANNELS_MAX];
    DataPrep prep;            /* what was done to the images; mean and std are still to come */
    char hash[BASE_HASH_HEX]; /* SHA-256 of shape, type, labels, mean, std, and of the images, or of content and prep */
} DataSet;
void data_set_free(DataSet *set); /* NULL is fine */

/** Bytes of one image. */
size_t data_image_bytes(const DataSet *set);
/** The raw pixels of images index[0] to index[n - 1] (NULL: the first n), one after another: @p out [n, C, H, W] of the
 *  set's type. The only way to them for whoever did not make the set; threads may call it at once. */
BaseStatus data_fetch(const DataSet *set, const int64_t *index, int64_t n, void *out);
/** The pixels of image @p i without a copy where they are in memory, else read into @p room (data_image_bytes). */
BaseStatus data_look(const DataSet *set, int64_t i, void *room, const void **pixels);

/** A part of a set: index[i] is a position in the set. NULL index: all of it. Values; nothing owned. */
typedef struct {
    const DataSet *set;   /* borrowed */
    const int64_t *index; /* [n], borrowed */
    int64_t n;
} DataView;
DataView data_view_all(const DataSet *set);
int64_t data_view_at(const DataView *view, int64_t i); /* position in the set */
int32_t data_view_label(const DataView *view, int64_t i);

/** Owned index list behind a view. */
typedef struct {
    int64_t *at; /* [n] */
    int64_t n;
} DataIndex;
void data_index_free(DataIndex *index);
DataView data_view_of(const DataSet *set, const DataIndex *index);

/** A set of classes, e.g. those to forget. */
typedef struct {
    int64_t K, count;
    uint8_t *in; /* [K] 1: in the set */
} DataClasses;
void data_classes_free(DataClasses *classes);
/**
 * From "3", "3,7", "[3, 7]", "Dress, ankle boot": the only reader of what a person calls a class. A word is a class's
 * name (with a class map: the data's or the one to show), else its name but for case or for zeros before a number, else
 * its index. "#3" is always an index, "name:3" always a name. A number that is one class's name and another's index is
 * refused, naming both, and so is a name of two. BASE_EUSAGE, too, where a class does not exist (naming those there
 * are), none is named, one is named twice, or all are: something must be kept.
 */
BaseStatus data_classes_parse(const DataSet *set, const char *text, DataClasses *out);
enum { DATA_CLASS_WORD = 24 };
/** Class @p k as a word that data_classes_parse reads as just that one: "3", or "#3" where 3 may mean another. */
void data_class_word(const DataSet *set, int64_t k, char word[DATA_CLASS_WORD]);

/** Splits a view: those of @p classes and the rest, in the view's order. */
BaseStatus data_partition(const DataView *view, const DataClasses *classes, DataIndex *inside, DataIndex *outside);
/** Seeded, stratified: round(fraction * n_c) of each class c to @p held, the rest to @p kept; ascending. fraction in
 * [0, 1). */
BaseStatus data_split(const DataView *view, double fraction, uint64_t seed, DataIndex *kept, DataIndex *held);
/** At most @p per_class images (0: all) of each class in the view, drawn by stream (seed, stream, class); ascending. */
BaseStatus data_sample(const DataView *view, int64_t per_class, uint64_t seed, const char *stream, DataIndex *out);

#endif
