/* nn/attention_heads.h - what attention's forward and backward share: heads laid apart, and the softmax of one
 * vector of queries.
 *
 * Lanes are queries: P stands as columns, (S,lanes), one vector of `lanes` queries (nn/gemm.h) after the other.
 * What is read more than once of a head is copied to rows of its own first, `pitch` numbers apart with zeros at
 * their end, so that walking through it does not step over the other heads. */
#ifndef NN_ATTENTION_HEADS_H
#define NN_ATTENTION_HEADS_H

#include "nn/attention.h"
#include "nn/gemm.h"

/* Numbers from one row of a copied head to the next: d in whole vectors, and no multiple of 2 KiB. */
size_t attention_pitch(const AttentionShape *s);

/* Where row `row` of head `head`, counted through all samples, lies in x (B,length,heads*d); length is T or S. */
size_t attention_at(size_t head, size_t row, size_t length, const AttentionShape *s);

/* copy (rows,pitch): that head's rows `row` and on. */
void attention_copy_head(float *copy, const float *x, size_t head, size_t row, size_t rows, size_t length,
                         const AttentionShape *s);

/* Offsets in steps of 1, of the pitch, and of a vector of lanes; as many as the longest of T, S and d. */
typedef struct {
    const ptrdiff_t *one, *row, *vector;
} AttentionTables;

size_t attention_table_bytes(const AttentionShape *s);
AttentionTables attention_tables(void *memory, const AttentionShape *s);

/* out (n,lanes) = rows (n,d) of a copied head times packed (d,lanes); the sums run over d. */
void attention_times_packed(float *out, const float *rows, size_t n, const float *packed,
                            const AttentionShape *s, const AttentionTables *tables);

/* out (d,lanes) = or += the transpose of n <= GEMM_PANEL rows (n,d) times p (n,lanes): one panel of the sum. */
void attention_add_panel(float *out, const float *rows, const float *p, size_t n, bool start,
                         const AttentionShape *s, const AttentionTables *tables);

/* The other way: `count` rows of d numbers, heads*d apart in y, from the lanes of out (d,lanes). */
void attention_put_rows(float *y, const float *out, size_t count, const AttentionShape *s);

/* P (S,lanes) before its last step, the division by sum: of `count` queries from `first` on.
 * query: the head's row `first` of q, rows heads*d apart; key (S,pitch) is a copied head, mask (T,S) or NULL.
 * room: (d,lanes) and, with a mask, (S,lanes) more. */
void attention_exponentials(float *p, double *sum,                                   // out; sum (lanes)
                            const float *query, const float *key, const float *mask, // in
                            size_t first, size_t count, const AttentionShape *s,
                            const AttentionTables *tables, float *room);

/* ---- the loops, once an instruction set (base/isa.h) ---- */

typedef struct {
    /* p (n,lanes), keys `key` and on, holds q k^T and becomes the scores: times scale, plus mask (n,lanes) or
     * NULL, and for causal queries, `first` and on, -infinity for later keys (SIZE_MAX: not causal).
     * most (lanes) is raised to the largest; key 0 starts it. */
    void (*scores)(float *p, float *most, size_t n, size_t key, float scale, const float *mask,
                   size_t first);
    /* p (S,lanes) becomes exp(p - most); sum (lanes) by sum8. */
    void (*exponentials)(float *p, double *sum, const float *most, size_t S);
    /* p (n,lanes) is divided by sum. */
    void (*divide)(float *p, const double *sum, size_t n);
    /* to (n,pitch) = n rows of d numbers, `row` apart; numbers d to zeros - 1, zeros a multiple of `lanes`, are 0 */
    void (*copy_rows)(float *to, size_t pitch, const float *from, size_t row, size_t n, size_t d,
                      size_t zeros);
    /* dp (S,lanes) = d loss / d P becomes d loss / d (q k^T): nn/softmax.h's backward, times scale. */
    void (*back)(float *dp, const float *p, size_t S, float scale);
} AttentionTable;

const AttentionTable *attention_table(void);

#endif
