/* session/program.h - this program and its libraries: version, thread count. */
#ifndef SESSION_PROGRAM_H
#define SESSION_PROGRAM_H

#include "base/text.h"

#define SESSION_PROGRAM_VERSION "0.1.0"

/** Sets the one thread count of oneDNN and OpenBLAS; 0: OMP_NUM_THREADS or all CPUs. @p used, or NULL: the count. */
BaseStatus session_threads_set(int64_t threads, int *used);
/** A process's share of them, at least one. */
int session_threads_share(int threads, int processes);
/** File names of the numerical and container libraries this process has loaded: "libdnnl.so.2.6 libgomp.so.1.0.0 ...".
 */
void session_libraries(BaseText *out);

#endif
