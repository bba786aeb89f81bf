#include "io/svg.h"

#include <math.h>
#include <string.h>

#include "io/utf8.h"

void svg_number(Bytes *out, double x)
{
    x = x > 1e6 ? 1e6 : x > -1e6 ? x : x <= -1e6 ? -1e6 : 0;
    const long hundredths = (long)rint(x * 100.0), magnitude = hundredths < 0 ? -hundredths : hundredths;
    const long whole = magnitude / 100, rest = magnitude % 100;
    bytes_add_text(out, hundredths < 0 ? "-" : "");
    if (rest == 0)
        bytes_add_format(out, "%ld", whole);
    else if (rest % 10 == 0)
        bytes_add_format(out, "%ld.%ld", whole, rest / 10);
    else
        bytes_add_format(out, "%ld.%02ld", whole, rest);
}

void svg_point(Bytes *out, double x, double y)
{
    svg_number(out, x);
    bytes_add_byte(out, ',');
    svg_number(out, y);
}

void svg_attribute(Bytes *out, const char *name, double x)
{
    bytes_add_format(out, " %s=\"", name);
    svg_number(out, x);
    bytes_add_byte(out, '"');
}

void svg_text(Bytes *out, const char *text)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        const int size = utf8_read(&code, text + i, length - i);
        const bool character =
            size > 0 && (code >= 0x20 || code == '\t' || code == '\n') && (code | 1) != 0xffff;
        if (!character)
            bytes_add_text(out, "\xef\xbf\xbd");
        else if (code == '&')
            bytes_add_text(out, "&amp;");
        else if (code == '<')
            bytes_add_text(out, "&lt;");
        else if (code == '>')
            bytes_add_text(out, "&gt;");
        else if (code == '"')
            bytes_add_text(out, "&quot;");
        else
            bytes_add(out, text + i, (size_t)size);
        i += size > 0 ? (size_t)size : 1;
    }
}

double svg_text_width(const char *text, int size)
{
    static const struct {
        const char *letters;
        double width; /* in parts of the size */
    } groups[] = {{"ijl.,:;'|! ", 0.31}, {"frt()[]-/", 0.4}, {"mwMW@%", 0.95}, {"ABCDGHNOQRU+=<>~", 0.75}};
    double width = 0;
    for (const char *c = text; *c != '\0'; c++) {
        double letter =
            ((unsigned char)*c & 0xc0) == 0x80 ? 0 : 0.62; /* nothing for the rest of a code point */
        for (int k = 0; k < 4; k++)
            if (strchr(groups[k].letters, *c) != NULL)
                letter = groups[k].width;
        width += letter;
    }
    return width * size;
}
