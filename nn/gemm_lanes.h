/* nn/gemm_lanes.h - the shape of the largest tile of this instruction set; only for *_isa.c files.
 *
 * A tile's sums must fit in the registers beside one vector of B and the products: 16 x 1 of 32 registers with
 * AVX-512, 6 x 2 of 16 with AVX2 and SSE2, 8 x 2 of 32 with NEON. */
#ifndef NN_GEMM_LANES_H
#define NN_GEMM_LANES_H

#if defined(__AVX512F__)
#define ROWS 16
enum { LANES = 16 };
#elif defined(__AVX2__)
#define ROWS 6
enum { LANES = 16 };
#elif defined(__aarch64__)
#define ROWS 8
enum { LANES = 8 };
#else
#define ROWS 6
enum { LANES = 8 };
#endif

#endif
