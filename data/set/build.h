/* data/set/build.h - how a source makes a DataSet: create, fill images and labels, name the classes, finish. */
#ifndef DATA_SET_BUILD_H
#define DATA_SET_BUILD_H

#include "data/set/set.h"

/** A set with room for its images and labels (contents undefined), without class names or normalisation. BASE_EFORMAT
 * where a dimension is not positive or over its maximum, BASE_ENOMEM. */
BaseStatus data_set_create(const char *name, DataType type, int64_t N, int64_t C, int64_t H, int64_t W, int64_t K,
                           DataSet **out);
/** A set of the same images, which stay @p set's: it must outlive *out. All else is a copy. */
BaseStatus data_set_share(const DataSet *set, DataSet **out);
/** The same, of 8-bit images that a reader (set->reader, still NULL) will read: no room for them, and no limit. */
BaseStatus data_set_create_read(const char *name, int64_t N, int64_t C, int64_t H, int64_t W, int64_t K, DataSet **out);
/** BASE_ELIMIT where so many 8-bit images would not fit this machine's memory: asked before they are read. */
BaseStatus data_set_room(const char *name, int64_t N, int64_t C, int64_t H, int64_t W);
/** Copies @p names [K]; NULL: "0", "1", ... Once per set, or again after data_set_forget_classes. */
BaseStatus data_set_name_classes(DataSet *set, const char *const *names);
/** What the data calls them (copied), where they have been given other names. Both are freed by
 * data_set_forget_classes. */
BaseStatus data_set_name_sources(DataSet *set, const char *const *names);
void data_set_forget_classes(DataSet *set);
/** K classes in place of fewer, of a set whose classes were only counted: a network knows of classes that no image here
 * shows. BASE_EARG elsewhere. */
BaseStatus data_set_widen(DataSet *set, int64_t K);
/** The one rule for numbers of mean and std, whether an option, a config or a file gives them: pixels are scaled to
 * 0..1 before, so a mean is from 0 to 1 and a std from 0.001 to 1, and there is one for all channels or one each. @p
 * what names the numbers in the message; @p code is what to return where one breaks the rule. */
BaseStatus data_statistic_check(BaseStatus code, const char *what, bool std, double value);
BaseStatus data_statistic_expand(BaseStatus code, const char *what, const float *values, size_t count, int64_t C,
                                 float *out);
/** Sets mean and std [C]. */
void data_set_normalise(DataSet *set, const float *mean, const float *std);
/** Last step: labels in range (BASE_EFORMAT), pixels finite (BASE_EFORMAT), and the hash. @p images and @p labels name
 * the two in messages. */
BaseStatus data_set_finish(DataSet *set, const char *images, const char *labels);
/** The hash that data_set_finish would give if the images were in memory, as it was for every set before images were read
 * one by one: reads all of them. */
BaseStatus data_set_hash_pixels(const DataSet *set, char hex[BASE_HASH_HEX]);

#endif
