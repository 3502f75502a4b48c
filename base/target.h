/* base/target.h - what of the processor a build may use: the one place that asks. */
#ifndef BASE_TARGET_H
#define BASE_TARGET_H

/** Before a function, `BASE_CLONES("avx512f", "avx2", "default") static void f(...)`: it is built once for each of
 *  these targets of x86-64, and what the machine has is called. Nothing on another processor, with an older clang, or
 *  without a C library that chooses functions at load time (glibc). clang makes what chooses a global symbol even where
 *  the function is static, so names must not be used twice. A product and a sum are never fused (Makefile), so that
 *  every version gives the same bits. */
#if defined(__x86_64__) && defined(__gnu_linux__) && (!defined(__clang__) || __clang_major__ >= 14) &&                 \
    !defined(__SANITIZE_THREAD__) /* which is not ready yet at load time */
#define BASE_CLONES(...) __attribute__((target_clones(__VA_ARGS__)))
#else
#define BASE_CLONES(...)
#endif

#endif
