/* tests/support/support.h - what every test program includes: cmocka, NaN-aware comparisons, fixtures, scratch files. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/system.h"
#include "io/hdf5.h"

/** The call must succeed; its error text is printed otherwise. */
#define assert_ok(call) support_ok((call), #call, __FILE__, __LINE__)
void support_ok(BaseStatus st, const char *call, const char *file, int line);
/** The call must fail with this status and a text that contains @p part (one line, not empty). */
#define assert_fails(call, status, part) support_fails((call), (status), (part), #call, __FILE__, __LINE__)
void support_fails(BaseStatus st, BaseStatus want, const char *part, const char *call, const char *file, int line);

/** |got - want| <= abs + rel * |want|; NaN equals only NaN (cmocka's own float comparison lets NaN pass). */
#define assert_near(got, want, abs, rel) support_near((got), (want), (abs), (rel), #got, __FILE__, __LINE__)
void support_near(double got, double want, double abs, double rel, const char *what, const char *file, int line);

/** max|got - want| / max|want| <= tolerance over n entries; every entry finite. Returns the figure. */
#define assert_close_f32(got, want, n, tolerance)                                                                      \
    support_close_f32((got), (want), (n), (tolerance), #got, __FILE__, __LINE__)
double support_close_f32(const float *got, const double *want, int64_t n, double tolerance, const char *what,
                         const char *file, int line);

/** tests/fixtures/<name>; EXPUNGE_FIXTURES names another folder (reference values made with another seed). */
const char *support_fixture(const char *name);
/** Reads a whole array as float64 / float32 / int32; *out by base_free. Fails the test where it is not there. */
double *support_read_f64(IoHdf5 *file, const char *path, int64_t *count);
float *support_read_f32(IoHdf5 *file, const char *path, int64_t *count);
int32_t *support_read_i32(IoHdf5 *file, const char *path, int64_t *count);
double support_attr(IoHdf5 *file, const char *path, const char *name);

/** A fresh folder below TMPDIR, removed (with content) at exit. Static storage: one a program. */
const char *support_scratch(void);
/** The path of @p name in it; good for the next three calls. */
const char *support_at(const char *name);

/** Runs @p call_once with the 1st, 2nd, ... allocation failing until it succeeds, first with all later ones failing too,
 *  then with that one alone, so that an error that nobody hands on is not hidden by the next. Each failure must be
 *  BASE_ENOMEM and leave no block behind, and none may be swallowed. @p most: fails the test after so many rounds. */
void support_fail_allocations(BaseStatus (*call_once)(void *user), void *user, int64_t most);
/** The second half of it. */
void support_fail_each_allocation(BaseStatus (*call_once)(void *user), void *user, int64_t most);
/** The same for every @p step-th of them, where one call takes long; all of them with EXPUNGE_LONG. */
void support_fail_some_allocations(BaseStatus (*call_once)(void *user), void *user, int64_t step, int64_t most);

/** Reads tensors from @p from and writes them to @p to: the round that tests of file formats repeat without memory. */
BaseStatus support_rewrite(const char *from, const char *to);

/** After a group of which @p failed did: as many, or 1 where all passed and memory is left, or an object of HDF5, that
 *  nobody gave back. */
int support_end(int failed);

/** main() of every test program: handles the HDF5 probe child, then runs the group. */
#define SUPPORT_MAIN(tests)                                                                                            \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        base_system_started(argv[0]);                                                                                  \
        if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);                      \
        return support_end(cmocka_run_group_tests(tests, NULL, NULL));                                                 \
    }

#endif
