/* math/blas.c - reads the CPU's model and its features by cpuid, and ranks OpenBLAS's core types by class. */
#include "math/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "base/param.h"

const char *math_blas_version(void) { return openblas_get_config(); }
const char *math_blas_core(void) { return openblas_get_corename(); }

const char *math_blas_class_name(MathBlasClass c)
{
    static const char *const NAMES[] = {"any", "SSE", "AVX", "AVX2", "AVX-512"};
    return NAMES[c];
}

#ifdef __x86_64__
/* Excavator and Zen: AMD's CPUs with AVX2, which get the kernels made for them. */
static const struct {
    const char *core;
    MathBlasClass is;
} CORES[] = {{"Katmai", MATH_BLAS_SSE},        {"Coppermine", MATH_BLAS_SSE},
             {"Northwood", MATH_BLAS_SSE},     {"Prescott", MATH_BLAS_SSE},
             {"Banias", MATH_BLAS_SSE},        {"Atom", MATH_BLAS_SSE},
             {"Core2", MATH_BLAS_SSE},         {"Penryn", MATH_BLAS_SSE},
             {"Dunnington", MATH_BLAS_SSE},    {"Nehalem", MATH_BLAS_SSE},
             {"Athlon", MATH_BLAS_SSE},        {"Opteron", MATH_BLAS_SSE},
             {"Opteron_SSE3", MATH_BLAS_SSE},  {"Barcelona", MATH_BLAS_SSE},
             {"Nano", MATH_BLAS_SSE},          {"Bobcat", MATH_BLAS_SSE},
             {"Sandybridge", MATH_BLAS_AVX},   {"Bulldozer", MATH_BLAS_AVX},
             {"Piledriver", MATH_BLAS_AVX},    {"Steamroller", MATH_BLAS_AVX},
             {"Excavator", MATH_BLAS_AVX2},    {"Haswell", MATH_BLAS_AVX2},
             {"Zen", MATH_BLAS_AVX2},          {"SkylakeX", MATH_BLAS_AVX512},
             {"Cooperlake", MATH_BLAS_AVX512}, {"SapphireRapids", MATH_BLAS_AVX512}};

MathBlasClass math_blas_core_class(const char *core)
{
    for (size_t i = 0; i < BASE_COUNT(CORES); i++)
        if (strcasecmp(core, CORES[i].core) == 0) return CORES[i].is;
    return math_blas_cpu_class();
}

/* What the compilers are told to use for OpenBLAS's kernels of each class (-march=skylake-avx512, haswell); the builtin
 * also asks whether the system saves those registers. */
MathBlasClass math_blas_cpu_class(void)
{
    if (!__builtin_cpu_supports("avx")) return MATH_BLAS_SSE;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return MATH_BLAS_AVX;
    bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
    return wide ? MATH_BLAS_AVX512 : MATH_BLAS_AVX2;
}

const char *const *math_blas_choices(void)
{
    static const char *const CHOICES[] = {"SkylakeX", "Haswell", "Sandybridge", "Nehalem", "Prescott", NULL};
    return strstr(math_blas_version(), "DYNAMIC_ARCH") ? CHOICES : CHOICES + BASE_COUNT(CHOICES) - 1;
}

const char *math_blas_cpu_key(void)
{
    static char text[8 * (4 + 2 + 4 + 12) + 1];
    unsigned r[4], *a = r, *b = r + 1, *c = r + 2, *d = r + 3;
    size_t used = 0;
    static const unsigned LEAVES[] = {0, 1, 7, 0x80000002, 0x80000003, 0x80000004};
    for (size_t i = 0; i < BASE_COUNT(LEAVES); i++) {
        if (!__get_cpuid_count(LEAVES[i], 0, a, b, c, d)) memset(r, 0, sizeof r);
        if (LEAVES[i] == 1) *b = 0; /* which of the CPUs this is */
        for (int k = 0; k < 4; k++) {
            if ((LEAVES[i] == 1 && k == 1) || (LEAVES[i] == 7 && k == 0)) continue;
            used += (size_t)snprintf(text + used, sizeof text - used, "%08x", r[k]);
        }
    }
    return text;
}
#else
MathBlasClass math_blas_core_class(const char *core) { return (void)core, MATH_BLAS_ANY; }
MathBlasClass math_blas_cpu_class(void) { return MATH_BLAS_ANY; }

const char *const *math_blas_choices(void)
{
    static const char *const NONE[] = {NULL};
    return NONE;
}

const char *math_blas_cpu_key(void) { return ""; }
#endif

static int variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return atoi(*environment + length + 1);
    return 0;
}

/* Versions differ in which of the variables wins; the largest holds for all. MOST: Debian 13's build (12's: 64). */
int math_blas_start_threads(char *const *environment)
{
    enum { MOST = 128 };
    static const char *const NAMES[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS"};
    long asked = 0, cpus = sysconf(_SC_NPROCESSORS_CONF);
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        long n = variable(environment, NAMES[i]);
        asked = n > asked ? n : asked;
    }
    if (asked == 0 || (cpus > 0 && asked > cpus)) asked = cpus > 0 ? cpus : MOST;
    return (int)(asked < MOST ? asked : MOST);
}
