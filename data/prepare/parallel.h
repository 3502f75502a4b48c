/* data/prepare/parallel.h - one piece of work per image, on all threads. */
#ifndef DATA_PREPARE_PARALLEL_H
#define DATA_PREPARE_PARALLEL_H

#include <stdint.h>

#include "base/status.h"

/** Calls work(user, i) for i = 0..n-1. Of several failures that with the lowest i is reported, whatever the threads
 * did; pieces after it may be left out. @p label: of the progress bar. */
BaseStatus data_parallel(int64_t n, BaseStatus (*work)(void *user, int64_t i), void *user, const char *label);

#endif
