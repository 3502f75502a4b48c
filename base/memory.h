/* base/memory.h - the only heap the program uses: checked sizes, 64-byte alignment, failures on request. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/**
 * Zeroed memory for @p count objects of @p size bytes, aligned to 64 bytes, owned by the caller (base_free).
 * A count of 0 gives a valid pointer. @p out is NULL on failure.
 * @return BASE_OK; BASE_ENOMEM (also where count * size overflows), the sizes in the text.
 */
BaseStatus base_alloc_bytes(size_t count, size_t size, void **out);
/** The same without zeroing, for large buffers that are written at once. */
BaseStatus base_alloc_raw(size_t count, size_t size, void **out);
/** Grows @p *block (NULL: none yet) to @p count objects, keeping old_count; on failure *block stays valid. */
BaseStatus base_grow_bytes(void **block, size_t old_count, size_t count, size_t size);
/** NULL is fine. Blocks of 8 MiB and more are kept for later ones of about their size, 1 GiB of
 *  them at most; a request that none fits gives back as much as it takes. */
void base_free(void *block);
/** Gives kept blocks back to the system. */
void base_memory_trim(void);
BaseStatus base_strdup(const char *text, char **out);
/** snprintf into fresh memory; owned by the caller. */
BaseStatus base_format(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Typed forms: `float *x; BASE_TRY(BASE_ALLOC(n, &x));` */
#define BASE_ALLOC(count, out)     base_alloc_bytes((size_t)(count), sizeof **(out), (void **)(out))
#define BASE_ALLOC_RAW(count, out) base_alloc_raw((size_t)(count), sizeof **(out), (void **)(out))
#define BASE_GROW(block, old_count, count)                                                                             \
    base_grow_bytes((void **)(block), (size_t)(old_count), (size_t)(count), sizeof **(block))
/** Room for one more element behind @p count, of a list that grows by this alone: it doubles at powers of two, so that n
 *  elements cost O(n) copies. */
#define BASE_GROW_BY_ONE(block, count) base_grow_by_one((void **)(block), (size_t)(count), sizeof **(block))
BaseStatus base_grow_by_one(void **block, size_t count, size_t size);

/** Bytes of memory that this process may have at most: the least of the machine's, its cgroups' (v1, v2) and the limit on
 *  its address space. */
int64_t base_memory_limit(void);
/** The cgroups' part of it, read below @p root ("" except in tests); INT64_MAX where there is no limit. */
int64_t base_memory_cgroup(const char *root);
/** Bytes of address space that are left under RLIMIT_AS; INT64_MAX where that is not limited. */
int64_t base_memory_space_left(void);

/** Bytes that this process should hold at most (--memory); 0: half of base_memory_limit(), which is the default. No
 *  allocation fails for it: it decides what stays in memory that could be read again, and how work is cut. */
void base_memory_set_budget(int64_t bytes);
int64_t base_memory_budget(void);
/** Whether somebody set it: work that does not fit the default is done all the same. */
bool base_memory_budget_is_set(void);
/** This process has one of @p parts equal parts of the budget, set or not, until it is set again. */
void base_memory_divide_budget(int parts);
/** Bytes of the budget that nobody uses; below 0 where it is passed. What is allocated but not yet written counts. */
int64_t base_memory_budget_left(void);
/** Gives back what nobody would miss, and what could be read again, until @p bytes of the budget are left or no more can be
 *  given; returns what is left. */
int64_t base_memory_make_room(int64_t bytes);
/** What is called where an allocation of 8 MiB or more would pass the budget, to give back about @p bytes; one function (NULL:
 *  none), called by any thread, which allocates nothing. */
void base_memory_set_reclaim(void (*reclaim)(int64_t bytes));

/** Tests only: the n-th allocation from now (1 = the next) fails, and every later one; -n: that one alone; 0: never.
 *  Process-wide. */
void base_memory_fail_at(int64_t n);
/** Whether one has failed since, so that a test sees errors that were not passed on. */
bool base_memory_has_failed(void);
/** Blocks now alive, for leak checks in tests. */
int64_t base_memory_live(void);

#endif
