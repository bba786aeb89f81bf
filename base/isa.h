/* base/isa.h - one binary, several instruction sets, the same bits.
 *
 * A source named *_isa.c holds only loops whose speed depends on the width of the vector unit.  The Makefile
 * compiles it once a level (x86-64: baseline, AVX2, AVX-512; elsewhere once) with ISA set to the level's name;
 * it exports one constant table of functions, named by ISA_TABLE.  The plain source beside it picks the table
 * with isa_level().  No level changes a result bit: the compiler may only widen loops over outputs. */
#ifndef BASE_ISA_H
#define BASE_ISA_H

typedef enum { ISA_BASE, ISA_AVX2, ISA_AVX512 } IsaLevel;

/* The best level of this processor that is compiled in and not above the limit. */
IsaLevel isa_level(void);

/* Tests and benchmarks lower the level; ISA_AVX512 lifts the limit. */
void isa_limit(IsaLevel highest);

const char *isa_name(IsaLevel level); /* "base", "avx2", "avx512" */

#ifdef ISA /* inside *_isa.c: ISA_TABLE(kernels) is kernels_base, kernels_avx2 or kernels_avx512 */
#define ISA_JOIN(name, level) name##_##level
#define ISA_EXPAND(name, level) ISA_JOIN(name, level)
#define ISA_TABLE(name) ISA_EXPAND(name, ISA)
#endif

#endif
