#include "base/error.h"

#include "tests/check.h"

static void test_the_first_failure_is_kept(void)
{
    Error err = {0};
    CHECK(error_set(&err, STATUS_FORMAT, "%s: byte %d is wrong", "a.png", 7) == STATUS_FORMAT);
    CHECK(error_set(&err, STATUS_MEMORY, "later") == STATUS_MEMORY);
    CHECK(err.status == STATUS_FORMAT && strcmp(err.text, "a.png: byte 7 is wrong") == 0);
}

static void test_nobody_needs_to_listen(void)
{
    CHECK(error_set(NULL, STATUS_SHAPE, "unheard") == STATUS_SHAPE);
}

static void test_a_long_text_is_cut_and_ended(void)
{
    Error err = {0};
    char longer[2 * sizeof err.text];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK(error_set(&err, STATUS_FILE, "%s", longer) == STATUS_FILE);
    CHECK(strlen(err.text) == sizeof err.text - 1);
}

int main(void)
{
    test_the_first_failure_is_kept();
    test_nobody_needs_to_listen();
    test_a_long_text_is_cut_and_ended();
    return check_report("error");
}
