/* base/run.h - other programs, run to their end. */
#ifndef BASE_RUN_H
#define BASE_RUN_H

#include "base/status.h"

/**
 * Runs argv[0], found as a shell finds it, without a word to the terminal. @p input: file for its standard input; NULL: nothing.
 * @p limit seconds, after which it is killed. *code: its exit status; 127 where there is no such program, 128 where it
 * was killed. argv is not written to. BASE_EIO where it cannot be started.
 */
BaseStatus base_run(char *const argv[], const char *input, double limit, int *code);
/** Whether such a program is in PATH. */
bool base_run_finds(const char *name);

#endif
