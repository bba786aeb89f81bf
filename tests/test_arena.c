#include "tests/arena_checks.h"

int main(void)
{
    return run_arena_checks("arena");
}
