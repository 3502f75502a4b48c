/* base/clock.c - POSIX clocks; memory and the processor's name are asked of base/system. */
#include "base/clock.h"

#include <time.h>

#include "base/memory.h"
#include "base/system.h"

static double seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double base_clock_wall(void) { return seconds(CLOCK_MONOTONIC); }
double base_clock_cpu(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

int64_t base_clock_peak_memory(void) { return base_system_peak_memory(); }
int64_t base_clock_resident_memory(void) { return base_system_resident_memory(); }

void base_clock_reset_peak(void)
{
    base_memory_trim();
    base_system_reset_peak();
}

void base_clock_cpu_name(char *out, size_t size) { base_system_cpu_name(out, size); }
