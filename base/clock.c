#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

static double seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double base_clock_wall(void) { return seconds(CLOCK_MONOTONIC); }
double base_clock_cpu(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

/* The number of that line of /proc/self/status, in kB there; 0 where there is none. */
static int64_t status_bytes(const char *name)
{
    long long kib = 0;
    char line[256];
    size_t length = strlen(name);
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, length) == 0 && sscanf(line + length, ": %lld", &kib) == 1) break;
    if (file) fclose(file);
    return kib * 1024;
}

int64_t base_clock_peak_memory(void) { return status_bytes("VmHWM"); }
int64_t base_clock_resident_memory(void) { return status_bytes("VmRSS"); }

void base_clock_reset_peak(void)
{
    base_memory_trim();
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

void base_clock_cpu_name(char *out, size_t size)
{
    char line[512];
    snprintf(out, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        const char *colon = strchr(line, ':');
        if (colon) snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file) fclose(file);
}
