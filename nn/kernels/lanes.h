/* nn/kernels/lanes.h - the channels of one block at once, as oneDNN's layouts in blocks of 8 and of 16 hold them. A
 * file that wants 16 says so before (`#define NN_LANES 16`). */
#ifndef NN_KERNELS_LANES_H
#define NN_KERNELS_LANES_H

#include <stdint.h>

#include "base/target.h"

#ifndef NN_LANES
#define NN_LANES 8
#endif

enum { LANES = NN_LANES };
typedef float Lanes __attribute__((vector_size(NN_LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t LaneBits __attribute__((vector_size(NN_LANES * sizeof(float)))); /* of a comparison: all ones or 0 */

/* One version for each instruction set that matters; the compiler makes plain code of the vectors elsewhere, and where
 * NN_LANES_PLAIN asks for it. */
#ifdef NN_LANES_PLAIN
#define KERNEL
#elif NN_LANES == 16
#define KERNEL BASE_CLONES("avx512f", "default")
#else
#define KERNEL BASE_CLONES("avx2", "default")
#endif
#define INLINE static inline __attribute__((always_inline))

#endif
