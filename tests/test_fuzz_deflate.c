/* The corpus through the fuzzer's entry point, which aborts when something is wrong. */
#include "tests/fuzz_deflate.c"

#include "tests/check.h"
#include "tests/corpus.h"

int main(void)
{
    Corpus corpus;
    int files = 0;
    for (CHECK(corpus_open(&corpus, "inflate")); corpus_next(&corpus); files++)
        CHECK(LLVMFuzzerTestOneInput(corpus.data.data, corpus.data.size) == 0);
    CHECK(files > 40);
    return check_report("fuzz_deflate");
}
