/* unlearn/stored/stored.h - weights or logits that were made elsewhere: which file a text names for a forget set and a seed.
 * @p key: the parameter with that text. */
#ifndef UNLEARN_STORED_STORED_H
#define UNLEARN_STORED_STORED_H

#include "unlearn/unlearn.h"

/** What braces in a text may hold: {forget}, {seed}, {original}, {forget_index}, {retain_index}, {out}. */
enum {
    UNLEARN_PLACE_FORGET,
    UNLEARN_PLACE_SEED,
    UNLEARN_PLACE_ORIGINAL,
    UNLEARN_PLACE_FORGET_INDEX,
    UNLEARN_PLACE_RETAIN_INDEX,
    UNLEARN_PLACE_OUT,
    UNLEARN_PLACES
};
/** {forget}, where the context has one, and {seed}; the others stay as they are. Also after a failure free the values. */
BaseStatus unlearn_places_make(const UnlearnContext *context, char *values[UNLEARN_PLACES]);
void unlearn_places_free(char *values[UNLEARN_PLACES]);
/** Appends @p text with the values in its places. BASE_EUSAGE for braces around anything that has no value. */
BaseStatus unlearn_places_fill(const char *text, char *const values[UNLEARN_PLACES], BaseText *out);

/** @p name as the parameters of a method mean it (UnlearnContext.beside); *out owned. */
BaseStatus unlearn_beside(const UnlearnContext *context, const char *name, char **out);
/** The file of a text with {forget} and {seed}, or of a list "[a, b]" of them the one of the seed; *out owned. */
BaseStatus unlearn_stored_path(const UnlearnContext *context, const char *key, const char *text, char **out);
/** Appends, of a list, the items of these places as a list, of another text all of it. */
BaseStatus unlearn_stored_pick(const char *text, const int64_t *numbers, size_t count, BaseText *out);
/** BASE_EUSAGE where there is no such file. */
BaseStatus unlearn_stored_check(const UnlearnContext *context, const char *key, const char *text);
/** See UnlearnMethod.identify: the hash of its contents. */
BaseStatus unlearn_stored_identify(const UnlearnContext *context, const char *key, const char *text, BaseText *out);
/** The network of that file, whose cost is not known. */
BaseStatus unlearn_stored_load(const UnlearnContext *context, const char *text, NnNet *net, UnlearnReport *report);

#endif
