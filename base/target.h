/* base/target.h - what of the processor a build may use: the one place that asks. */
#ifndef BASE_TARGET_H
#define BASE_TARGET_H

/** Before a function, `BASE_CLONES("avx512f", "avx2", "default") static void f(...)`: it is built once for each of
 * these targets of x86-64, and what the machine has is called. Nothing on another processor, with clang, or without a C
 *  library that chooses functions at load time (glibc). */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define BASE_CLONES(...) __attribute__((target_clones(__VA_ARGS__)))
#else
#define BASE_CLONES(...)
#endif

#endif
