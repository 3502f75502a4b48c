/* bench/limit.h - what plain kernels reach on this machine: the divisors of every row's floor. */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include "nn/engine.h"

/** FLOP/s of products [2048, 2048] x [2048, 2048], eight in a row so that copies in and out weigh little. */
BaseStatus bench_limit_product(NnPrecision precision, double seconds, double *rate);
/** Bytes read and written a second by a plain copy of 256 MiB on all threads. */
BaseStatus bench_limit_copy(double seconds, double *rate);

#endif
