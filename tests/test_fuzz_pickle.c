/* The corpus through the fuzzer's entry point, which aborts when something is wrong, and what it is to say. */
#include "tests/fuzz_pickle.c"

#include "tests/check.h"
#include "tests/corpus.h"

int main(void)
{
    Corpus corpus;
    int files = 0;
    for (CHECK(corpus_open(&corpus, "pickle")); corpus_next(&corpus); files++) {
        CHECK(LLVMFuzzerTestOneInput(corpus.data.data, corpus.data.size) == 0);
        const char *want = corpus.refused;
        size_t tensors = want != NULL ? 0 : (size_t)atoi(corpus.what + strlen("tensors "));
        if (!CHECK(fuzz_tensors == tensors && (want == NULL || strstr(fuzz_error.text, want) != NULL)))
            printf("    %s: %zu tensors, %s\n", corpus.name, fuzz_tensors, fuzz_error.text);
    }
    CHECK(files > 40);
    return check_report("fuzz_pickle");
}
