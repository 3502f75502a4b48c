/* nn/kernels/lanes.h - eight float32 channels at once, as oneDNN's layout in blocks of 8 holds them. */
#ifndef NN_KERNELS_LANES_H
#define NN_KERNELS_LANES_H

#include <stdint.h>

#include "base/target.h"

enum { LANES = 8 };
typedef float Lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t LaneBits __attribute__((vector_size(LANES * sizeof(float)))); /* of a comparison: all ones or 0 */

/* One version for each instruction set that matters. */
#define KERNEL BASE_CLONES("avx2", "default")
#define INLINE static inline __attribute__((always_inline))

#endif
