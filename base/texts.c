/* base/texts.c - the block doubles, and so does the list of places. */
#include "base/texts.h"

#include <string.h>

#include "base/memory.h"

enum { FIRST = 4096 };

BaseStatus base_texts_add(BaseTexts *t, const char *text)
{
    BaseStatus st = BASE_OK;
    size_t size = strlen(text) + 1, room = t->room ? t->room : FIRST;
    while (room - t->size < size) room *= 2;
    if (room != t->room) BASE_TRY(BASE_GROW(&t->bytes, t->size, room));
    t->room = room;
    BASE_TRY(BASE_GROW_BY_ONE(&t->at, t->count));
    memcpy(t->bytes + t->size, text, size);
    t->at[t->count++] = (int64_t)t->size;
    t->size += size;
out:
    return st;
}

const char *base_texts_at(const BaseTexts *t, int64_t i) { return t->bytes + t->at[i]; }

void base_texts_free(BaseTexts *t)
{
    base_free(t->bytes);
    base_free(t->at);
    *t = (BaseTexts){0};
}
