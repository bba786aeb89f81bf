#include "io/font.h"

enum { FIRST = 32, STRIP = 16, ROWS = 9, UNKNOWN = 127 };

/* Six strips of 16 characters, from the space on; the last shape is the box. */
static const char *const SHAPE[6][ROWS] = {
    /* clang-format off */
    {
        "        #    # #          #   ##     ##     #      #   #                                      # ",
        "        #    # #   # #   #### ##  # #  #    #     #     #     #     #                         # ",
        "        #    # #  ##### # #      #  # #     #    #       #  # # #   #                        #  ",
        "        #          # #   ###    #    #           #       #   ###  #####       #####         #   ",
        "        #         #####   # #  #    # # #        #       #  # # #   #                      #    ",
        "                   # #  ####  #  ## #  #          #     #     #     #     ##         ##   #     ",
        "        #                 #      ##  ## #          #   #                  ##         ##   #     ",
        "                                                                          #                     ",
        "                                                                         #                      ",
    },
    {
        " ###    #    ###   ###     #  #####   ##  #####  ###   ###                 #         #     ###  ",
        "#   #  ##   #   # #   #   ##  #      #        # #   # #   #               #           #   #   # ",
        "#  ## # #       #     #  # #  ####  #        #  #   # #   #  ##     ##   #    #####    #      # ",
        "# # #   #      #    ##  #  #      # ####    #    ###   ####  ##     ##  #               #    #  ",
        "##  #   #     #       # #####     # #   #   #   #   #     #              #    #####    #    #   ",
        "#   #   #    #    #   #    #  #   # #   #  #    #   #    #   ##     ##    #           #         ",
        " ###  ##### #####  ###     #   ###   ###   #     ###   ##    ##     ##     #         #      #   ",
        "                                                                    #                           ",
        "                                                                   #                            ",
    },
    {
        " ###   ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   # #   #  ###  ",
        "#   # #   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ## ##  # #   # ",
        "# ### #   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # # ##  # #   # ",
        "# # # ##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # # # # # #   # ",
        "# ### #   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   # #  ## #   # ",
        "#     #   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   # #  ## #   # ",
        " #### #   # ####   ###  ####  ##### #      #### #   #  ###   ##   #   # ##### #   # #   #  ###  ",
        "                                                                                                ",
        "                                                                                                ",
    },
    {
        "####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####  ###  #      ###    #         ",
        "#   # #   # #   # #       #   #   # #   # #   # #   # #   #     #  #    #        #   # #        ",
        "#   # #   # #   # #       #   #   # #   # #   #  # #   # #     #   #     #       #  #   #       ",
        "####  #   # ####   ###    #   #   # #   # # # #   #     #     #    #      #      #              ",
        "#     # # # # #       #   #   #   #  # #  # # #  # #    #    #     #       #     #              ",
        "#     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #      #        #    #              ",
        "#      ## # #   # ####    #    ###    #   #   # #   #   #   #####  ###      #  ###              ",
        "                                                                                          ##### ",
        "                                                                                                ",
    },
    {
        " #          #               #         ##        #       #      #  #      ##                     ",
        "  #         #               #        #  #       #                 #       #                     ",
        "   #   ###  ####   ####  ####  ###   #     #### # ##   ##     ##  #  #    #   ## #  # ##   ###  ",
        "          # #   # #     #   # #   # ####  #   # ##  #   #      #  # #     #   # # # ##  # #   # ",
        "       #### #   # #     #   # #####  #    #   # #   #   #      #  ##      #   # # # #   # #   # ",
        "      #   # #   # #     #   # #      #    #   # #   #   #      #  # #     #   # # # #   # #   # ",
        "       #### ####   ####  ####  ###   #     #### #   #  ###     #  #  #   ###  # # # #   #  ###  ",
        "                                              #             #  #                                ",
        "                                           ###               ##                                 ",
    },
    {
        "                         #                                           ##   #   ##          ##### ",
        "                         #                                          #     #     #         #   # ",
        "####   #### # ##   #### ####  #   # #   # #   # #   # #   # #####   #     #     #    #  # #   # ",
        "#   # #   # ##  # #      #    #   # #   # # # #  # #  #   #    #  ##      #      ## # # # #   # ",
        "#   # #   # #      ###   #    #   #  # #  # # #   #   #   #   #     #     #     #   #  #  #   # ",
        "#   # #   # #         #  #  # #  ##  # #  # # #  # #  #   #  #      #     #     #         #   # ",
        "####   #### #     ####    ##   ## #   #    # #  #   #  #### #####    ##   #   ##          ##### ",
        "#         #                                               #               #                     ",
        "#         #                                            ###                                      ",
    },
    /* clang-format on */
};

/* Bytes 128 to 191 continue a character of UTF-8. */
static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

bool font_pixel(unsigned char byte, int column, int row)
{
    const unsigned space = byte == '\n' || byte == '\r' || byte == '\t' ? ' ' : byte;
    const unsigned shape = (space < FIRST || space > UNKNOWN ? UNKNOWN : space) - FIRST;
    return row >= 1 && row <= ROWS &&
           SHAPE[shape / STRIP][row - 1][shape % STRIP * FONT_WIDTH + (unsigned)column] == '#';
}

int font_characters(const char *text, size_t length)
{
    int count = 0;
    for (size_t i = 0; i < length; i++)
        count += starts_character(text[i]);
    return count;
}

static void dot(Image *image, long long x, long long y, int scale, const unsigned char *ink)
{
    for (long long v = y; v < y + scale; v++)
        for (long long u = x; u < x + scale; u++)
            for (int c = 0;
                 c < image->channels && u >= 0 && v >= 0 && u < image->width && v < image->height; c++)
                image_at(image, (int)u, (int)v)[c] = ink[c];
}

void font_draw(Image *image, int x, int y, const char *text, size_t length, int scale,
               const unsigned char *ink)
{
    long long left = x;
    for (size_t i = 0; i < length; i++) {
        if (!starts_character(text[i]))
            continue;
        for (int row = 0; row < FONT_HEIGHT; row++)
            for (int column = 0; column < FONT_WIDTH; column++)
                if (font_pixel((unsigned char)text[i], column, row))
                    dot(image, left + (long long)column * scale, y + (long long)row * scale, scale, ink);
        left += (long long)FONT_WIDTH * scale;
    }
}

size_t font_line(const char **text, int columns)
{
    const char *start = *text;
    size_t end = 0, good = 0; /* good: up to the last place where the line may be broken */
    for (int count = 0; start[end] != '\0' && start[end] != '\n'; end++) {
        count += starts_character(start[end]);
        if (start[end] == ' ')
            good = end;
        if (count > columns)
            break;
    }
    const bool whole = start[end] == '\0' || start[end] == '\n';
    const size_t length = whole || good == 0 ? end : good;
    const char *next = start + length;
    if (!whole)
        while (*next == ' ')
            next++;
    *text = next + (*next == '\n');
    return length;
}

int font_lines(const char *text, int columns)
{
    int lines = 0;
    while (*text != '\0') {
        font_line(&text, columns);
        lines++;
    }
    return lines;
}
