/* math/threads.h - the one place that sets how many threads compute: OpenMP (oneDNN and this program's own loops) and
 * OpenBLAS. Thread counts are part of a result: another count may give other low bits. */
#ifndef MATH_THREADS_H
#define MATH_THREADS_H

#include "base/status.h"

enum { MATH_THREADS_MAX = 1024 };

/** Both pools to @p n threads from here on. BASE_EARG outside 1..MATH_THREADS_MAX. */
BaseStatus math_threads_set(int n);
int math_threads_get(void);

#endif
