#include "base/index.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"

struct BaseIndexSlot {
    const char *name; /* NULL: free */
    uint64_t hash;
    size_t at;
};

/* FNV-1a with the key in every round: names that fall together under one key do not under another. */
static uint64_t hash_of(const BaseIndex *index, const char *name)
{
    uint64_t hash = index->key[0];
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        hash = (hash ^ *c) * 0x100000001b3u;
        hash ^= (hash >> 29) ^ index->key[1];
    }
    return hash ^ hash >> 32;
}

static size_t slot_of(BaseIndex *index, const char *name, uint64_t hash)
{
    size_t at = (size_t)hash & (index->room - 1);
    for (index->steps++; index->slot[at].name; index->steps++) {
        if (index->slot[at].hash == hash && strcmp(index->slot[at].name, name) == 0) break;
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
    for (size_t i = 0; i < index->room; i++)
        if (index->slot[i].name) wide.slot[slot_of(&wide, index->slot[i].name, index->slot[i].hash)] = index->slot[i];
    base_free(index->slot);
    *index = wide;
    return BASE_OK;
}

BaseStatus base_index_add(BaseIndex *index, const char *name, size_t at, size_t *old)
{
    *old = SIZE_MAX;
    if (2 * index->count >= index->room) {
        BaseStatus st = grow(index);
        if (st != BASE_OK) return st;
    }
    uint64_t hash = hash_of(index, name);
    struct BaseIndexSlot *slot = &index->slot[slot_of(index, name, hash)];
    if (slot->name) {
        *old = slot->at;
        return BASE_OK;
    }
    *slot = (struct BaseIndexSlot){name, hash, at};
    index->count++;
    return BASE_OK;
}

size_t base_index_find(const BaseIndex *index, const char *name)
{
    if (!index->room) return SIZE_MAX;
    uint64_t hash = hash_of(index, name);
    size_t at = (size_t)hash & (index->room - 1);
    for (; index->slot[at].name; at = (at + 1) & (index->room - 1))
        if (index->slot[at].hash == hash && strcmp(index->slot[at].name, name) == 0) return index->slot[at].at;
    return SIZE_MAX;
}

void base_index_free(BaseIndex *index)
{
    base_free(index->slot);
    *index = (BaseIndex){0};
}
