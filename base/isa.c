#include "base/isa.h"

/* ISA_LEVELS is set by the Makefile to the number of levels that it compiles. */
#if defined(ISA_LEVELS) && ISA_LEVELS > 1 && defined(__x86_64__)
static IsaLevel detected(void)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        return ISA_AVX512;
    return __builtin_cpu_supports("avx2") ? ISA_AVX2 : ISA_BASE;
}
#else
static IsaLevel detected(void)
{
    return ISA_BASE;
}
#endif

static IsaLevel highest = ISA_AVX512;

IsaLevel isa_level(void)
{
    const IsaLevel level = detected();
    return level < highest ? level : highest;
}

void isa_limit(IsaLevel limit)
{
    highest = limit;
}

const char *isa_name(IsaLevel level)
{
    static const char *const names[] = {"base", "avx2", "avx512"};
    return names[level];
}
