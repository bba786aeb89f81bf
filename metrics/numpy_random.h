/* metrics/numpy_random.h - permutations as numpy.random.RandomState(seed) draws them, for numbers that have to equal
 * those of programs which pick samples so (KID's subsets, the splits of the Inception score).
 *
 * The words are MT19937's; an index at most k is the first word whose bits below the mask of k are not above k; a
 * permutation is Fisher and Yates' from the end.  Source: numpy, random/mtrand.pyx, RandomState.shuffle and
 * random/src/distributions/distributions.c, random_interval. */
#ifndef METRICS_NUMPY_RANDOM_H
#define METRICS_NUMPY_RANDOM_H

#include "base/mt19937.h"

/* order[0..n) becomes a permutation of 0 ... n - 1.  RandomState.choice(n, m, replace=False) is its first m. */
void numpy_permutation(int *order, int n, Mt19937 *generator);

#endif
