#include "base/isa.h"

#include "tests/check.h"

static void test_the_limit_lowers_the_level(void)
{
    const IsaLevel best = isa_level();
    for (IsaLevel limit = ISA_BASE; limit <= ISA_AVX512; limit++) {
        isa_limit(limit);
        CHECK(isa_level() == (limit < best ? limit : best));
    }
    isa_limit(ISA_AVX512);
    CHECK(isa_level() == best);
}

static void test_names(void)
{
    CHECK(strcmp(isa_name(ISA_BASE), "base") == 0);
    CHECK(strcmp(isa_name(ISA_AVX2), "avx2") == 0);
    CHECK(strcmp(isa_name(ISA_AVX512), "avx512") == 0);
}

/* A level that is not compiled in is never chosen. */
static void test_one_level_elsewhere(void)
{
    CHECK((int)isa_level() < ISA_LEVELS);
}

int main(void)
{
    test_the_limit_lowers_the_level();
    test_names();
    test_one_level_elsewhere();
    return check_report("isa");
}
