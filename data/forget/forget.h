/* data/forget/forget.h - what is to be forgotten: whole classes, or any images of the training split. The one place that
 * says which images that means, in training views, in held-out ones and in texts that are hashed. */
#ifndef DATA_FORGET_FORGET_H
#define DATA_FORGET_FORGET_H

#include "base/text.h"
#include "data/prepare/prepare.h"

/** A forget set. Owned: data_forget_free. */
typedef struct {
    DataClasses classes; /* those that are forgotten whole; of images: those that they belong to, which may be all */
    DataIndex images;    /* positions in the training set, ascending; NULL: whole classes */
} DataForget;
void data_forget_free(DataForget *forget);

/** What a person says is to be forgotten: one of them. */
typedef struct {
    const char *classes; /* in words, as data_classes_parse takes them; NULL: none */
    const char *index;   /* a file of positions, as for --train-index; NULL: none */
    const int64_t
        *images; /* [count] positions in the training set as it was opened; NULL: none. Of a program, not a person */
    int64_t count;
} DataForgetWish;
/** Whether @p wish names anything. BASE_EUSAGE where both are given. */
BaseStatus data_forget_wish_check(const DataForgetWish *wish, bool *any);
/**
 * The set that @p wish names among the images of @p train. Positions of a file count in the source's training split,
 * whichever images @p options (those that @p train was opened with, or NULL) picked of it: "test 17" is an image of the
 * test split that they made a training image. BASE_EUSAGE where a position is no training image, stands twice, or nothing
 * is left to keep, and with `broken: skip`, which shifts positions.
 */
BaseStatus data_forget_open(const DataSet *train, const DataForgetWish *wish, const DataOptions *options,
                            DataForget *out);
/** Of classes in words alone. */
BaseStatus data_forget_classes(const DataSet *train, const char *text, DataForget *out);
/** Of these images, in any order; @p images is taken, also on failure. */
BaseStatus data_forget_images_take(const DataSet *train, DataIndex *images, DataForget *out);
/** round(@p share * n_c) images of each class c that @p classes names (NULL: of every class), from a stream of
 *  (@p seed, "forget_images"). BASE_EUSAGE where that is none. */
BaseStatus data_forget_draw(const DataSet *train, const char *classes, double share, uint64_t seed, DataForget *out);

/** Whether it lists images. */
bool data_forget_by_image(const DataForget *forget);
/** Whether an image of class @p label is forgotten. @p at: its position in the training set; below 0: it was not trained
 *  on. Where images are listed none of the latter is forgotten. */
bool data_forget_holds(const DataForget *forget, int32_t label, int64_t at);
bool data_forget_same(const DataForget *a, const DataForget *b);

/** Splits a view of training images: the forgotten ones and the rest, in the view's order. */
BaseStatus data_forget_partition(const DataView *view, const DataForget *forget, DataIndex *inside, DataIndex *outside);
/** Splits a view of images that were not trained on: those of forgotten classes and the rest. Where images are listed
 *  all of them are the rest. */
BaseStatus data_forget_partition_unseen(const DataView *view, const DataForget *forget, DataIndex *inside,
                                        DataIndex *outside);

/** What keys, hashes and names of files say: "3,7", or "images-600-" and 16 digits of the SHA-256 of the positions. */
void data_forget_text(const DataForget *forget, BaseText *out);

#endif
