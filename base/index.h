/* base/index.h - names, or any bytes, to places, where a file says how many there are: the work is linear in them,
 * whatever they are, since the hash has a key that no file knows. */
#ifndef BASE_INDEX_H
#define BASE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/** Zeros: empty. Owned: base_index_free. */
typedef struct {
    struct BaseIndexSlot *slot; /* [room], a power of two */
    size_t count, room;
    uint64_t key[2], steps; /* steps: slots looked at so far, for tests */
} BaseIndex;

/** Adds @p name, borrowed: it must stay where it is. If it exists already, nothing changes and *old is its place,
 *  else SIZE_MAX. */
BaseStatus base_index_add(BaseIndex *index, const char *name, size_t at, size_t *old);
BaseStatus base_index_add_bytes(BaseIndex *index, const void *bytes, size_t size, size_t at, size_t *old);
/** Its place; SIZE_MAX if it does not exist. */
size_t base_index_find(const BaseIndex *index, const char *name);
size_t base_index_find_bytes(const BaseIndex *index, const void *bytes, size_t size);
void base_index_free(BaseIndex *index);

#endif
