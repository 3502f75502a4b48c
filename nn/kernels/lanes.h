/* nn/kernels/lanes.h - eight float32 channels at once, as oneDNN's layout in blocks of 8 holds them. */
#ifndef NN_KERNELS_LANES_H
#define NN_KERNELS_LANES_H

#include <stdint.h>

enum { LANES = 8 };
typedef float Lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t LaneBits __attribute__((vector_size(LANES * sizeof(float)))); /* of a comparison: all ones or 0 */

/* One version for each instruction set that matters, on CPUs that have several. */
#ifdef __x86_64__
#define KERNEL __attribute__((target_clones("avx2", "default")))
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

#endif
