/* For libFuzzer: sh tests/fuzz.sh tokenizer.  Four parts with zero bytes between: vocab.json, merges.txt,
 * tokenizer_config.json and a prompt; parts that are missing are those of a small good tokenizer. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "diffusion/tokenizer.h"

static const char VOCABULARY[] =
    "{\"a\": 0, \"b\": 1, \"a</w>\": 2, \"b</w>\": 3, \"ab\": 4, \"ab</w>\": 5,"
    " \"<|startoftext|>\": 6, \"<|endoftext|>\": 7}";

/* The next part, and moves behind it. */
static TokenizerFile part(const char *name, const uint8_t **data, size_t *size, const char *otherwise)
{
    if (*size == 0)
        return (TokenizerFile){name, otherwise, strlen(otherwise)};
    const uint8_t *start = *data, *zero = memchr(start, 0, *size);
    const size_t length = zero != NULL ? (size_t)(zero - start) : *size;
    *data += zero != NULL ? length + 1 : length;
    *size -= zero != NULL ? length + 1 : length;
    return length > 0 ? (TokenizerFile){name, start, length}
                      : (TokenizerFile){name, otherwise, strlen(otherwise)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {.limit = (size_t)1 << 26};
    TokenizerFiles files = {.vocabulary = part("vocab.json", &data, &size, VOCABULARY),
                            .merges = part("merges.txt", &data, &size, "#version\na b</w>\na b\n"),
                            .config = part("tokenizer_config.json", &data, &size, "{}")};
    const TokenizerFile prompt = part("prompt", &data, &size, "abab ab b c");
    Tokenizer t;
    if (tokenizer_parse(&t, &files, &arena, NULL) == STATUS_OK) {
        char *text = arena_text(&arena, prompt.data, prompt.size);
        EncodedPrompt p = {0};
        if (text != NULL && tokenizer_encode(&p, &t, text, &arena, NULL) == STATUS_OK) {
            if (p.used < 2 || p.used > t.length || p.ids[0] != t.start || p.ids[p.used - 1] != t.end)
                abort();
            for (int i = 0; i < t.length; i++)
                if (tokenizer_symbol(&t, p.ids[i]) == NULL)
                    abort();
        }
    }
    arena_free(&arena);
    return 0;
}
