/* base/index.c - open addressing with linear probing, at most half full; keys are borrowed, not copied. */
#include "base/index.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"

struct BaseIndexSlot {
    const void *bytes; /* NULL: free */
    size_t size, at;
    uint64_t hash;
};

/* FNV-1a with the key in every round: names that fall together under one key do not under another. */
static uint64_t hash_of(const BaseIndex *index, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint64_t hash = index->key[0];
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * 0x100000001b3u;
        hash ^= (hash >> 29) ^ index->key[1];
    }
    return hash ^ hash >> 32;
}

/* Where it is, or the free place where it would be. */
static size_t slot_of(const BaseIndex *index, const void *bytes, size_t size, uint64_t hash, uint64_t *steps)
{
    size_t at = (size_t)hash & (index->room - 1);
    for (++*steps; index->slot[at].bytes; ++*steps) {
        const struct BaseIndexSlot *slot = &index->slot[at];
        if (slot->hash == hash && slot->size == size && memcmp(slot->bytes, bytes, size) == 0) break;
        at = (at + 1) & (index->room - 1);
    }
    return at;
}

static BaseStatus grow(BaseIndex *index)
{
    BaseIndex wide = *index;
    wide.room = index->room ? 2 * index->room : 64;
    if (!index->room && getentropy(wide.key, sizeof wide.key) != 0) {
        struct timespec now; /* a system without: what a file cannot know well */
        clock_gettime(CLOCK_MONOTONIC, &now);
        wide.key[0] = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u;
        wide.key[1] = (uint64_t)(uintptr_t)&now ^ (uint64_t)getpid() << 32;
    }
    BaseStatus st = BASE_ALLOC(wide.room, &wide.slot);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < index->room; i++) {
        const struct BaseIndexSlot *slot = &index->slot[i];
        if (slot->bytes) wide.slot[slot_of(&wide, slot->bytes, slot->size, slot->hash, &wide.steps)] = *slot;
    }
    base_free(index->slot);
    *index = wide;
    return BASE_OK;
}

BaseStatus base_index_add_bytes(BaseIndex *index, const void *bytes, size_t size, size_t at, size_t *old)
{
    *old = SIZE_MAX;
    if (2 * index->count >= index->room) {
        BaseStatus st = grow(index);
        if (st != BASE_OK) return st;
    }
    uint64_t hash = hash_of(index, bytes, size);
    struct BaseIndexSlot *slot = &index->slot[slot_of(index, bytes, size, hash, &index->steps)];
    if (slot->bytes) {
        *old = slot->at;
        return BASE_OK;
    }
    *slot = (struct BaseIndexSlot){bytes, size, at, hash};
    index->count++;
    return BASE_OK;
}

BaseStatus base_index_add(BaseIndex *index, const char *name, size_t at, size_t *old)
{
    return base_index_add_bytes(index, name, strlen(name), at, old);
}

size_t base_index_find_bytes(const BaseIndex *index, const void *bytes, size_t size)
{
    uint64_t steps = 0;
    if (!index->room) return SIZE_MAX;
    const struct BaseIndexSlot *slot = &index->slot[slot_of(index, bytes, size, hash_of(index, bytes, size), &steps)];
    return slot->bytes ? slot->at : SIZE_MAX;
}

size_t base_index_find(const BaseIndex *index, const char *name)
{
    return base_index_find_bytes(index, name, strlen(name));
}

void base_index_free(BaseIndex *index)
{
    base_free(index->slot);
    *index = (BaseIndex){0};
}
