/* base/memory.c - aligned blocks with a counter of live ones; large ones are kept for reuse. */
#include "base/memory.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/order.h"
#include "base/system.h"

enum { ALIGNMENT = 64, SPARE = 32 };
/* Blocks from this size on ask the kernel for huge pages: a matrix of 80 MB then faults 40 times in place of 20000. */
static const size_t HUGE_BLOCK = (size_t)8 << 20, HUGE_PAGE = (size_t)2 << 20;
/* Freed blocks of that size wait for the next one of about their size: the kernel clears each page it gives, which took
 * a tenth of an unlearning. Not under ASan, which would no longer see them used after their end. */
#ifdef __SANITIZE_ADDRESS__
enum { KEPT = 0 };
#else
enum { KEPT = 64 };
#endif
typedef struct {
    void *block;
    size_t capacity;
} Kept;
static const size_t KEPT_BYTES = (size_t)1 << 30; /* of all kept blocks */
static Kept kept[KEPT + 1];                       /* oldest first */
static int kept_count;
static size_t kept_bytes;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int64_t live, live_bytes; /* live_bytes: of large blocks */
static _Atomic int64_t budget;           /* 0: the default */
static _Atomic int parts = 1;            /* of the default */
static _Atomic int64_t outside;          /* the most that was resident beside large blocks */
static void (*_Atomic reclaimer)(int64_t bytes);
static _Atomic int64_t countdown; /* 0: off; 1: this and every later allocation fails; -1: this one */

static _Atomic bool has_refused; /* since countdown was set */

void base_memory_fail_at(int64_t n)
{
    atomic_store(&countdown, n);
    atomic_store(&has_refused, false);
}
bool base_memory_has_failed(void) { return atomic_load(&has_refused); }
int64_t base_memory_live(void) { return atomic_load(&live); }

static bool refused(void)
{
    int64_t left = atomic_load(&countdown);
    if (left == 0) return false;
    if (left == 1) {
        atomic_store(&has_refused, true);
        return true;
    }
    if (left == -1) {
        atomic_store(&countdown, 0);
        atomic_store(&has_refused, true);
        return true;
    }
    atomic_fetch_sub(&countdown, left > 0 ? 1 : -1);
    return false;
}

static void *drop_kept(int i)
{
    void *block = kept[i].block;
    kept_bytes -= kept[i].capacity;
    memmove(kept + i, kept + i + 1, (size_t)(--kept_count - i) * sizeof *kept);
    return block;
}

static void shrink_kept(size_t bytes)
{
    while (kept_bytes > bytes) free(drop_kept(0));
}

/* The smallest kept block that holds @p bytes with at most an eighth to spare. NULL where there is none; then as many
 * bytes are given back, so that live and kept blocks together are never more than were alive at once. */
static void *take_kept(size_t bytes)
{
    int best = -1;
    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < kept_count; i++)
        if (kept[i].capacity >= bytes && kept[i].capacity - bytes <= bytes / 8 + HUGE_PAGE &&
            (best < 0 || kept[i].capacity < kept[best].capacity))
            best = i;
    void *block = best < 0 ? NULL : drop_kept(best);
    if (!block) shrink_kept(kept_bytes > bytes ? kept_bytes - bytes : 0);
    pthread_mutex_unlock(&kept_lock);
    return block;
}

static void keep(void *block, size_t capacity)
{
    pthread_mutex_lock(&kept_lock);
    shrink_kept(KEPT_BYTES - capacity);
    if (kept_count == KEPT) free(drop_kept(0));
    kept[kept_count++] = (Kept){.block = block, .capacity = capacity};
    kept_bytes += capacity;
    pthread_mutex_unlock(&kept_lock);
}

void base_memory_trim(void)
{
    pthread_mutex_lock(&kept_lock);
    shrink_kept(0);
    pthread_mutex_unlock(&kept_lock);
}

void base_memory_set_budget(int64_t bytes)
{
    atomic_store(&budget, bytes);
    atomic_store(&parts, 1);
}
void base_memory_set_reclaim(void (*reclaim)(int64_t bytes)) { atomic_store(&reclaimer, reclaim); }

int64_t base_memory_budget(void)
{
    static _Atomic int64_t half;
    int64_t bytes = atomic_load(&budget);
    if (bytes > 0) return bytes;
    if (!atomic_load(&half)) atomic_store(&half, base_memory_limit() / 2);
    return atomic_load(&half) / atomic_load(&parts);
}

bool base_memory_budget_is_set(void) { return atomic_load(&budget) > 0; }

void base_memory_divide_budget(int by)
{
    int64_t bytes = atomic_load(&budget);
    if (bytes > 0)
        atomic_store(&budget, base_larger(1, bytes / by));
    else
        atomic_store(&parts, atomic_load(&parts) * by);
}

int64_t base_memory_budget_left(void)
{
    pthread_mutex_lock(&kept_lock);
    int64_t blocks = atomic_load(&live_bytes) + (int64_t)kept_bytes;
    pthread_mutex_unlock(&kept_lock);
    int64_t rest = base_system_resident_memory() - blocks, most = atomic_load(&outside);
    while (rest > most && !atomic_compare_exchange_weak(&outside, &most, rest)) continue;
    return base_memory_budget() - blocks - (rest > most ? rest : most);
}

int64_t base_memory_make_room(int64_t bytes)
{
    void (*reclaim)(int64_t) = atomic_load(&reclaimer);
    if (base_memory_budget_left() < bytes) base_memory_trim(); /* freed blocks first, since nobody misses them */
    int64_t left = base_memory_budget_left();
    if (left >= bytes || !reclaim) return left;
    reclaim(bytes - left);
    base_memory_trim();
    return base_memory_budget_left();
}

static void *fresh(size_t bytes, bool huge)
{
    void *block = huge ? take_kept(bytes) : NULL;
    if (block) return block;
    if (huge && (atomic_load(&reclaimer) || atomic_load(&budget) > 0))
        base_memory_make_room((int64_t)bytes +
                              base_memory_budget() / SPARE); /* for small ones until the next large one */
    block = aligned_alloc(huge ? HUGE_PAGE : ALIGNMENT, bytes);
    if (block && huge) base_system_wish_huge(block, bytes);
    return block;
}

BaseStatus base_alloc_raw(size_t count, size_t size, void **out)
{
    *out = NULL;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT)
        return base_error_set(BASE_ENOMEM, "not enough memory: %zu objects of %zu bytes", count, size);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) bytes = ALIGNMENT;
    bool huge = bytes >= HUGE_BLOCK && bytes <= SIZE_MAX - HUGE_PAGE;
    if (huge) bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *block = refused() ? NULL : fresh(bytes, huge);
    if (!block) return base_error_set(BASE_ENOMEM, "not enough memory: %zu bytes", bytes);
    atomic_fetch_add(&live, 1);
    size_t capacity = bytes >= HUGE_BLOCK / 2 ? base_system_block_bytes(block) : 0; /* as base_free will see it */
    if (capacity >= HUGE_BLOCK) atomic_fetch_add(&live_bytes, (int64_t)capacity);
    *out = block;
    return BASE_OK;
}

BaseStatus base_alloc_bytes(size_t count, size_t size, void **out)
{
    BaseStatus st = base_alloc_raw(count, size, out);
    if (st == BASE_OK && count && size) memset(*out, 0, count * size);
    return st;
}

BaseStatus base_grow_bytes(void **block, size_t old_count, size_t count, size_t size)
{
    void *fresh;
    BaseStatus st = base_alloc_bytes(count, size, &fresh);
    if (st != BASE_OK) return st;
    size_t keep = old_count < count ? old_count : count;
    if (*block && keep) memcpy(fresh, *block, keep * size);
    base_free(*block);
    *block = fresh;
    return BASE_OK;
}

BaseStatus base_grow_by_one(void **block, size_t count, size_t size)
{
    if (count & (count - 1)) return BASE_OK; /* between two powers of two there is room */
    return base_grow_bytes(block, count, count ? 2 * count : 1, size);
}

void base_free(void *block)
{
    if (!block) return;
    atomic_fetch_sub(&live, 1);
    size_t capacity = base_system_block_bytes(block);
    if (capacity >= HUGE_BLOCK) atomic_fetch_sub(&live_bytes, (int64_t)capacity);
    if (KEPT > 0 && capacity >= HUGE_BLOCK && capacity <= KEPT_BYTES)
        keep(block, capacity);
    else
        free(block);
}

BaseStatus base_strdup(const char *text, char **out)
{
    size_t size = strlen(text) + 1;
    BaseStatus st = base_alloc_raw(size, 1, (void **)out);
    if (st == BASE_OK) memcpy(*out, text, size);
    return st;
}

BaseStatus base_format(char **out, const char *format, ...)
{
    *out = NULL;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) return base_error_set(BASE_EARG, "text could not be formatted");
    BaseStatus st = base_alloc_raw((size_t)length + 1, 1, (void **)out);
    if (st != BASE_OK) return st;
    va_start(args, format);
    vsnprintf(*out, (size_t)length + 1, format, args);
    va_end(args);
    return BASE_OK;
}
