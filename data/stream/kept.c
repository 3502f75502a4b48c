/* data/stream/kept.c - slabs of images, so large that the system gets them back when they go; one lock for all sets. */
#include "data/stream/kept.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"

/* Above the largest block that malloc() keeps for itself (32 MiB). */
static const size_t SLAB_BYTES = (size_t)33 << 20;

typedef struct {
    uint8_t *bytes;
    int64_t *image; /* [used] which images these are */
    int64_t used;
} Slab;

struct DataKept {
    int64_t n, per, most; /* images; of one slab; slabs that hold all */
    size_t size;
    int32_t *slab_of; /* [n] 1 + the image's slab; 0: it is not there */
    int32_t *place;   /* [n] its place in that slab */
    Slab *slab;       /* [most] */
    int64_t slabs;
    DataKept *next;
};

/* Readers copy under it, so that nothing is taken away under their hands. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static DataKept *all;

static int64_t drop_last(DataKept *k)
{
    Slab *s = &k->slab[--k->slabs];
    for (int64_t i = 0; i < s->used; i++) k->slab_of[s->image[i]] = 0;
    base_free(s->bytes);
    base_free(s->image);
    *s = (Slab){0};
    return k->per * (int64_t)k->size;
}

static void reclaim(int64_t bytes)
{
    pthread_rwlock_wrlock(&lock);
    for (DataKept *k = all; k; k = k->next)
        while (bytes > 0 && k->slabs > 0) bytes -= drop_last(k);
    pthread_rwlock_unlock(&lock);
}

BaseStatus data_kept_create(int64_t n, size_t size, DataKept **out)
{
    BaseStatus st = BASE_OK;
    DataKept *k = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &k));
    int64_t per = ((int64_t)SLAB_BYTES + (int64_t)size - 1) / (int64_t)size;
    k->n = n;
    k->size = size;
    k->per = base_smaller(per, n);
    k->most = (n + k->per - 1) / k->per;
    BASE_TRY(BASE_ALLOC(n, &k->slab_of));
    BASE_TRY(BASE_ALLOC(n, &k->place));
    BASE_TRY(BASE_ALLOC(k->most, &k->slab));
    pthread_rwlock_wrlock(&lock);
    k->next = all;
    all = k;
    base_memory_set_reclaim(reclaim);
    pthread_rwlock_unlock(&lock);
    *out = k;
    return BASE_OK;
out:
    data_kept_free(k);
    return st;
}

void data_kept_free(DataKept *k)
{
    if (!k) return;
    pthread_rwlock_wrlock(&lock);
    DataKept **at = &all;
    while (*at && *at != k) at = &(*at)->next;
    if (*at) *at = k->next;
    while (k->slabs > 0) drop_last(k);
    if (!all) base_memory_set_reclaim(NULL);
    pthread_rwlock_unlock(&lock);
    base_free(k->slab_of);
    base_free(k->place);
    base_free(k->slab);
    base_free(k);
}

bool data_kept_get(DataKept *k, int64_t i, void *out)
{
    pthread_rwlock_rdlock(&lock);
    int32_t slab = k->slab_of[i];
    if (slab) memcpy(out, k->slab[slab - 1].bytes + (size_t)k->place[i] * k->size, k->size);
    pthread_rwlock_unlock(&lock);
    return slab > 0;
}

/* Whether it is there now, or was before; false: the last slab, which alone may have room, is full. */
static bool put_locked(DataKept *k, int64_t i, const void *pixels)
{
    Slab *s = k->slabs > 0 ? &k->slab[k->slabs - 1] : NULL;
    if (k->slab_of[i]) return true;
    if (!s || s->used == k->per) return false;
    memcpy(s->bytes + (size_t)s->used * k->size, pixels, k->size);
    s->image[s->used] = i;
    k->slab_of[i] = (int32_t)k->slabs;
    k->place[i] = (int32_t)s->used++;
    return true;
}

static bool put(DataKept *k, int64_t i, const void *pixels)
{
    pthread_rwlock_wrlock(&lock);
    bool there = put_locked(k, i, pixels);
    pthread_rwlock_unlock(&lock);
    return there;
}

BaseStatus data_kept_put(DataKept *k, int64_t i, const void *pixels)
{
    BaseStatus st = BASE_OK;
    Slab fresh = {0};
    if (put(k, i, pixels)) return BASE_OK;
    int64_t bytes = k->per * (int64_t)k->size, spare = base_memory_budget() / 8;
    if (base_memory_budget_left() < bytes + spare || base_memory_space_left() < bytes + spare) return BASE_OK;
    BASE_TRY(base_alloc_raw((size_t)k->per, k->size, (void **)&fresh.bytes));
    BASE_TRY(BASE_ALLOC_RAW(k->per, &fresh.image));
    pthread_rwlock_wrlock(&lock);
    if (!put_locked(k, i, pixels) && k->slabs < k->most) { /* else another thread was faster */
        k->slab[k->slabs++] = fresh;
        fresh = (Slab){0};
        put_locked(k, i, pixels);
    }
    pthread_rwlock_unlock(&lock);
out:
    base_free(fresh.bytes);
    base_free(fresh.image);
    return st;
}

int64_t data_kept_count(DataKept *k)
{
    int64_t count = 0;
    pthread_rwlock_rdlock(&lock);
    for (int64_t b = 0; b < k->slabs; b++) count += k->slab[b].used;
    pthread_rwlock_unlock(&lock);
    return count;
}
