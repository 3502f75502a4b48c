/* base/texts.h - many short texts in one block: a list of a million paths takes their bytes and eight more for each. */
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    char *bytes;
    size_t size, room; /* bytes in use, and taken */
    int64_t *at;       /* [count] where each begins */
    int64_t count;
} BaseTexts; /* {0}: empty */

/** Copies @p text to the end. BASE_ENOMEM. */
BaseStatus base_texts_add(BaseTexts *texts, const char *text);
/** Text @p i; valid until the next one is added. */
const char *base_texts_at(const BaseTexts *texts, int64_t i);
void base_texts_free(BaseTexts *texts);

#endif
