#include "cli/glob.h"

#include <stddef.h>

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *tried = text; /* the last '*', and where what follows it was tried last */
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            tried = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++tried;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
