/* The corpus through the fuzzer's entry point, which aborts when something is wrong. */
#include "tests/fuzz_tokenizer.c"

#include "tests/check.h"
#include "tests/corpus.h"

int main(void)
{
    Corpus corpus;
    int files = 0;
    for (CHECK(corpus_open(&corpus, "tokenizer")); corpus_next(&corpus); files++)
        CHECK(LLVMFuzzerTestOneInput(corpus.data.data, corpus.data.size) == 0);
    CHECK(files == 11);
    return check_report("fuzz_tokenizer");
}
