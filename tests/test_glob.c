#include "cli/glob.h"

#include "tests/check.h"

static void test_patterns(void)
{
    static const char *const yes[][2] = {
        {"", ""},
        {"*", ""},
        {"*", "abc"},
        {"abc", "abc"},
        {"a?c", "abc"},
        {"a*", "a"},
        {"*c", "abc"},
        {"a*c", "abbc"},
        {"a*b*c", "aabbcc"},
        {"**a**", "xay"},
        {"*.attn?.*", "x.attn1.probabilities"},
        {"*ab", "aaab"},
        {"*aab", "aaaab"},
        {"?", "*"},
        {"step.*.latents", "step.03.latents"},
        {"[a]", "[a]"},
    };
    static const char *const no[][2] = {
        {"", "a"},
        {"a", ""},
        {"?", ""},
        {"abc", "abd"},
        {"a?c", "ac"},
        {"a*c", "abcd"},
        {"*ab", "abc"},
        {"a*b*c", "acb"},
        {"*.x", "x"},
        {"[a]", "a"},
        {"unet.*", "step.03.unet.conv_in"},
    };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!CHECK(glob_match(yes[i][0], yes[i][1])))
            printf("    \"%s\" \"%s\"\n", yes[i][0], yes[i][1]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (!CHECK(!glob_match(no[i][0], no[i][1])))
            printf("    \"%s\" \"%s\"\n", no[i][0], no[i][1]);
}

/* Many stars against many letters: no more than a moment. */
static void test_no_explosion(void)
{
    char pattern[200] = "", text[400];
    for (int i = 0; i < 60; i++)
        strcat(pattern, "a*");
    strcat(pattern, "b");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK(!glob_match(pattern, text));
}

int main(void)
{
    test_patterns();
    test_no_explosion();
    return check_report("glob");
}
