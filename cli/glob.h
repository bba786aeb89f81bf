/* cli/glob.h - file-name patterns: '*' any characters, '?' one character, everything else itself. */
#ifndef CLI_GLOB_H
#define CLI_GLOB_H

#include <stdbool.h>

bool glob_match(const char *pattern, const char *text);

#endif
