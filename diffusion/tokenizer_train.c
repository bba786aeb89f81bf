#include "diffusion/tokenizer_train.h"

#include <string.h>

#include "diffusion/tokenizer_text.h"
#include "io/utf8.h"

const TokenizerTrainOptions TOKENIZER_TRAIN_DEFAULTS = {.vocabulary = 49408, .times = 2, .length = 77};

static const char START[] = "<|startoftext|>", END[] = "<|endoftext|>";

/* ---- the distinct words of the captions ---- */

typedef struct {
    int *symbol; /* what the word is made of now */
    size_t count;
    uint64_t times; /* that it occurs */
} TrainWord;

typedef struct {
    TokenTable texts; /* the word with symbol number k + 512 is word[k] */
    TrainWord *word;
    size_t count, symbols; /* words, and symbols in all of them */
} Corpus;

enum { FIRST_WORD = 512, LONGEST_WORD = 1000 }; /* bytes; what is longer is no word and teaches nothing */

/* Writes the word as UTF-8; returns its length, 0 when it is too long or a special token. */
static size_t word_text(char *out, const uint32_t *word, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[UTF8_LONGEST];
        const size_t length = (size_t)utf8_write(bytes, word[i]);
        if (n + length > LONGEST_WORD)
            return 0;
        memcpy(out + n, bytes, length);
        n += length;
    }
    out[n] = '\0';
    return strcmp(out, START) == 0 || strcmp(out, END) == 0 ? 0 : n;
}

static Status count_words(size_t *words, const char *caption, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Words reader;
    const uint32_t *word;
    size_t length;
    const Status status = words_begin(&reader, caption, strlen(caption), scratch, err);
    while (status == STATUS_OK && words_next(&reader, &word, &length))
        ++*words;
    arena_release(scratch, mark);
    return status;
}

/* Counts the words of one caption.  A word's text is kept behind the byte 1, so that it is no
 * symbol of a byte. */
static Status add_caption(Corpus *c, const char *caption, Arena *scratch, Error *err)
{
    Words reader;
    const uint32_t *word;
    size_t length;
    const Status status = words_begin(&reader, caption, strlen(caption), scratch, err);
    while (status == STATUS_OK && words_next(&reader, &word, &length)) {
        char text[2 + LONGEST_WORD] = "\1";
        const size_t size = word_text(text + 1, word, length);
        if (size == 0)
            continue;
        int k = token_table_find(&c->texts, text, size + 1);
        if (k == NO_ID) {
            const char *kept = arena_text(scratch, text, size + 1);
            if (kept == NULL)
                return error_set(err, STATUS_MEMORY, "no memory for the words of the captions");
            k = token_table_add(&c->texts, kept, size + 1);
        }
        c->word[k - FIRST_WORD].times++;
    }
    return status;
}

static Status corpus_make(Corpus *c, const char *const *captions, size_t count, const TokenTable *table,
                          Arena *scratch, Error *err)
{
    size_t words = 0;
    Status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = count_words(&words, captions[i], scratch, err);
    if (status != STATUS_OK)
        return status;
    c->word = arena_alloc(scratch, words + 1, sizeof *c->word);
    if (c->word == NULL || !token_table_make(&c->texts, FIRST_WORD + words, 0, scratch))
        return error_set(err, STATUS_MEMORY, "no memory for the words of the captions");
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_caption(c, captions[i], scratch, err);
    c->count = (size_t)(c->texts.count - FIRST_WORD);
    for (size_t k = 0; k < c->count && status == STATUS_OK; k++) {
        const Symbol *text = &c->texts.symbol[FIRST_WORD + k];
        TrainWord *w = &c->word[k];
        w->count = text->length - 1;
        w->symbol = arena_raw(scratch, w->count, sizeof *w->symbol);
        if (w->symbol == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for the words of the captions");
        for (size_t i = 0; i < w->count; i++) {
            const int byte = (unsigned char)text->text[i + 1];
            w->symbol[i] = i + 1 < w->count ? table->byte[byte] : table->last_byte[byte];
        }
        c->symbols += w->count;
    }
    return status;
}

/* ---- the most frequent pair ---- */

typedef struct {
    int left, right;
    uint64_t times;
} Pair;

/* Counts all pairs in `slot` (open addressing, `slots` a power of two, empty where times is 0) and returns
 * the one that goes first; its times are 0 when there is none. */
static Pair best_pair(const Corpus *c, Pair *slot, size_t slots)
{
    Pair best = {0, 0, 0};
    memset(slot, 0, slots * sizeof *slot);
    for (size_t k = 0; k < c->count; k++) {
        const TrainWord *w = &c->word[k];
        for (size_t i = 0; i + 1 < w->count; i++) {
            const int left = w->symbol[i], right = w->symbol[i + 1];
            size_t at = ((uint32_t)left * 0x9e3779b1u ^ (uint32_t)right * 0x85ebca6bu) & (slots - 1);
            while (slot[at].times != 0 && (slot[at].left != left || slot[at].right != right))
                at = (at + 1) & (slots - 1);
            slot[at] = (Pair){left, right, slot[at].times + w->times};
        }
    }
    for (size_t at = 0; at < slots; at++) {
        const Pair *p = &slot[at];
        if (p->times > best.times ||
            (p->times == best.times && p->times != 0 &&
             (p->left < best.left || (p->left == best.left && p->right < best.right))))
            best = *p;
    }
    return best;
}

static void join_pair(Corpus *c, Pair pair, int result)
{
    for (size_t k = 0; k < c->count; k++) {
        TrainWord *w = &c->word[k];
        size_t kept = 0;
        for (size_t i = 0; i < w->count;) {
            if (i + 1 < w->count && w->symbol[i] == pair.left && w->symbol[i + 1] == pair.right) {
                w->symbol[kept++] = result;
                i += 2;
            } else {
                w->symbol[kept++] = w->symbol[i++];
            }
        }
        w->count = kept;
    }
}

/* ---- the vocabulary ---- */

static void give_id(Tokenizer *t, int symbol)
{
    if (t->table.symbol[symbol].id != NO_ID)
        return; /* "a" + "bc" after "ab" + "c" makes a symbol that is there already */
    t->table.symbol[symbol].id = t->vocabulary;
    t->symbol_of[t->vocabulary++] = symbol;
}

/* The symbol left + right, its text in the arena; NO_ID when there is no memory. */
static int joined_symbol(TokenTable *table, Pair pair, Arena *arena)
{
    const Symbol left = table->symbol[pair.left], right = table->symbol[pair.right];
    char *text = arena_raw(arena, left.length + right.length + 1, 1);
    if (text == NULL)
        return NO_ID;
    memcpy(text, left.text, left.length);
    memcpy(text + left.length, right.text, right.length + 1);
    return token_table_add(table, text, left.length + right.length);
}

static Status learn(Tokenizer *t, Corpus *c, TokenizerTrainOptions options, Arena *arena, Arena *scratch,
                    Error *err)
{
    size_t slots = 64;
    while (slots < 2 * c->symbols)
        slots *= 2;
    Pair *slot = arena_raw(scratch, slots, sizeof *slot);
    if (slot == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the pairs of %zu symbols", c->symbols);
    while (t->vocabulary < options.vocabulary - 2 && t->table.merges < options.vocabulary) {
        const Pair pair = best_pair(c, slot, slots);
        if (pair.times < (uint64_t)options.times)
            break;
        const int result = joined_symbol(&t->table, pair, arena);
        if (result == NO_ID)
            return error_set(err, STATUS_MEMORY, "no memory for a vocabulary");
        token_table_add_merge(&t->table, pair.left, pair.right, result);
        give_id(t, result);
        join_pair(c, pair, result);
    }
    return STATUS_OK;
}

Status tokenizer_train(Tokenizer *out, const char *const *captions, size_t count,
                       TokenizerTrainOptions options, Arena *arena, Arena *scratch, Error *err)
{
    if (options.vocabulary < TOKENIZER_SMALLEST || options.times < 1 || options.length < 3)
        return error_set(
            err, STATUS_ARGUMENT,
            "tokenizer_train: vocabulary %d, times %d, length %d; expected at least %d, 1 and 3",
            options.vocabulary, options.times, options.length, TOKENIZER_SMALLEST);
    const size_t most = (size_t)options.vocabulary;
    Tokenizer t = {.length = options.length};
    t.symbol_of = arena_raw(arena, most, sizeof *t.symbol_of);
    if (t.symbol_of == NULL || !token_table_make(&t.table, most, most, arena))
        return error_set(err, STATUS_MEMORY, "no memory for a vocabulary of %d tokens", options.vocabulary);
    for (int i = 0; i < 256; i++)
        give_id(&t, t.table.byte[token_byte_order(i)]);
    for (int i = 0; i < 256; i++)
        give_id(&t, t.table.last_byte[token_byte_order(i)]);
    const ArenaMark mark = arena_mark(scratch);
    Corpus corpus = {0};
    Status status = corpus_make(&corpus, captions, count, &t.table, scratch, err);
    if (status == STATUS_OK)
        status = learn(&t, &corpus, options, arena, scratch, err);
    arena_release(scratch, mark);
    if (status != STATUS_OK)
        return status;
    t.start = t.vocabulary;
    give_id(&t, token_table_add(&t.table, START, strlen(START)));
    t.end = t.padding = t.unknown = t.vocabulary;
    give_id(&t, token_table_add(&t.table, END, strlen(END)));
    *out = t;
    return STATUS_OK;
}
