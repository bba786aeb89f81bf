/* The arena as sanitizer and valgrind builds have it: every allocation is a block of its own. */
#ifndef ARENA_SEPARATE
#define ARENA_SEPARATE
#endif
#include "base/arena.c"

#include "tests/arena_checks.h"

int main(void)
{
    return run_arena_checks("arena_separate");
}
