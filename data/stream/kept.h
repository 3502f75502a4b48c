/* data/stream/kept.h - decoded images that stay in memory while the budget (base/memory.h) has room for them. */
#ifndef DATA_STREAM_KEPT_H
#define DATA_STREAM_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/** The images of one set. The first that come stay: under a cyclic order a cache that always makes room for the newest
 *  would hold none when it is asked for again. An eighth of the budget is left to everything else, and an allocation
 *  that would pass the budget takes images away (base_memory_set_reclaim). Threads may share it. */
typedef struct DataKept DataKept;
/** @p n images of @p size bytes. */
BaseStatus data_kept_create(int64_t n, size_t size, DataKept **out);
void data_kept_free(DataKept *kept);
/** Copies image @p i to @p out where it is there. */
bool data_kept_get(DataKept *kept, int64_t i, void *out);
/** Keeps a copy, or does nothing where there is no room. BASE_ENOMEM. */
BaseStatus data_kept_put(DataKept *kept, int64_t i, const void *pixels);
/** Images that are there. */
int64_t data_kept_count(DataKept *kept);

#endif
