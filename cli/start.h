/* cli/start.h - what comes before the first command: memory for OpenBLAS (checked before main(), see start.c), its
 * kernels, the environment that libraries read when they are loaded, and C++ libraries' last words. */
#ifndef CLI_START_H
#define CLI_START_H

#include "session/blas.h"

/** From here on a C++ exception that nothing catches ends the process with one line, as @p worker its starter reads it,
 *  and status 1. */
void cli_start_last_words(bool worker);
/** Starts the program again, where another environment is better, and checks OpenBLAS; *blas: what it uses. */
BaseStatus cli_start(char **argv, SessionBlas *blas);
/** The variables that the program set for itself, a line each, for others that load the same libraries. */
BaseStatus cli_start_environment(void);

#endif
