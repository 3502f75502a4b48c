/* base/clock.h - what a job cost, and what machine it ran on. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

double base_clock_wall(void);         /* seconds, monotonic */
double base_clock_cpu(void);          /* seconds of this process, all threads */
int64_t base_clock_peak_memory(void); /* bytes: the process's highest resident set since its start or the last reset */
int64_t base_clock_resident_memory(void); /* bytes: the process's resident set now; 0 where the system does not say */
/** Gives back what base/memory keeps, and starts the peak again where the kernel allows it (Linux);
 *  elsewhere the peak stays the process's. */
void base_clock_reset_peak(void);
void base_clock_cpu_name(char *out,
                         size_t size); /* "Intel(R) Xeon(R) ..."; "aarch64 CPU, implementer 0x41, part 0xd40" */

#endif
