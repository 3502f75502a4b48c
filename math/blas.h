/* math/blas.h - which of OpenBLAS's kernels compute here, whether they compute rightly, and what its start takes.
 *
 * OpenBLAS knows CPUs by family and model, and gives one that it does not know old kernels, whatever the CPU can do.
 * OPENBLAS_CORETYPE chooses others, but only before the library is loaded: session/blas.h says when that is wanted. On CPUs
 * that are not x86-64 there is nothing to choose: MATH_BLAS_ANY is the class of all.
 */
#ifndef MATH_BLAS_H
#define MATH_BLAS_H

#include <stdint.h>

#include "base/status.h"

/** What kernels are made of, and what a CPU runs; each class contains those before it. */
typedef enum { MATH_BLAS_ANY, MATH_BLAS_SSE, MATH_BLAS_AVX, MATH_BLAS_AVX2, MATH_BLAS_AVX512 } MathBlasClass;

/** What the BLAS says it is, e.g. "OpenBLAS 0.3.21 NO_AFFINITY USE_OPENMP SkylakeX MAX_THREADS=64". Static storage. */
const char *math_blas_version(void);
/** The kernels in use, as OpenBLAS names them: "Haswell". Static storage. */
const char *math_blas_core(void);
/** The class of @p core; of a name that is not known here (a newer OpenBLAS's), the CPU's own. */
MathBlasClass math_blas_core_class(const char *core);
MathBlasClass math_blas_cpu_class(void);
const char *math_blas_class_name(MathBlasClass c); /* "AVX-512" */
/** Core types that can be asked for, best first, ended by NULL; empty where this OpenBLAS has no choice of them. */
const char *const *math_blas_choices(void);
/** The CPU's maker, model, stepping, brand and instruction sets, as hexadecimal text; "" where unknown. Static storage.
 */
const char *math_blas_cpu_key(void);

/** gemm, syrk, potrf and trsm of one odd size, in both precisions, against plain loops (some ms): *wrong is NULL, or
 * the first that is wrong, "sgemm". Static storage. */
BaseStatus math_blas_check(const char **wrong);

/** Bytes that OpenBLAS maps for each thread and for its caller. It waits for ever where they cannot be had, in its
 *  start, before main(), or later: whoever limits the address space must leave room for them. */
enum { MATH_BLAS_BUFFER = 128 << 20 };
/** How many threads OpenBLAS will start with in this environment, at most. Takes no memory, for use before its start.
 */
int math_blas_start_threads(char *const *environment);

#endif
