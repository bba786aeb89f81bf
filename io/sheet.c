#include "io/sheet.h"

#include "io/font.h"

enum {
    COMFORTABLE_WIDTH = 128,
    LARGE_WIDTH = 384,
    DEFAULT_GAP = 8,
    ROW_TITLE_COLUMNS = 20,
    OPTION_MAX = 1000
};

static const unsigned char WHITE[3] = {255, 255, 255}, BLACK[3] = {0, 0, 0};

/* Measures of a sheet in pixels.  Text in a cell starts 2 below what is above it. */
typedef struct {
    const SheetCell *cells;
    const SheetOptions *options;
    int count, columns, rows;
    long long zoom, letters, gap, line; /* line: height of a line of text */
    long long cell_width, left;         /* left: where the first column starts */
    long long top;                      /* where the first row starts */
    int text_columns;                   /* characters in a line of a caption */
    int title_columns;                  /* and of the title */
} Layout;

static long long larger(long long a, long long b)
{
    return a > b ? a : b;
}

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static const char *title_of(const char *const *titles, int i)
{
    return titles != NULL ? text_of(titles[i]) : "";
}

static long long text_height(const Layout *l, const char *text, int columns)
{
    return font_lines(text, columns) * l->line;
}

/* Characters of the longest line of a text that is broken after `columns`. */
static int text_width(const char *text, int columns)
{
    int widest = 0;
    while (*text != '\0') {
        const char *start = text;
        const size_t length = font_line(&text, columns);
        widest = (int)larger(widest, font_characters(start, length));
    }
    return widest;
}

/* Heights of the picture and of the caption of a row. */
static long long picture_height(const Layout *l, int row)
{
    long long most = 0;
    for (int i = row * l->columns; i < (row + 1) * l->columns && i < l->count; i++)
        most = larger(most, l->cells[i].image != NULL ? l->cells[i].image->height * l->zoom : 0);
    return most;
}

static long long row_height(const Layout *l, int row)
{
    long long captions = 0;
    for (int i = row * l->columns; i < (row + 1) * l->columns && i < l->count; i++)
        captions = larger(captions, text_height(l, text_of(l->cells[i].caption), l->text_columns));
    const long long pictures = picture_height(l, row) + (captions > 0 ? 2 + captions : 0);
    return larger(pictures, text_height(l, title_of(l->options->row_titles, row), ROW_TITLE_COLUMNS));
}

/* The smallest number of columns whose square holds all. */
static int columns_square(int count)
{
    int columns = 1;
    while ((long long)columns * columns < count)
        columns++;
    return columns;
}

static Layout layout_of(const SheetCell *cells, int count, const SheetOptions *o)
{
    Layout l = {.cells = cells, .options = o, .count = count};
    long long widest = 1, row_titles = 0, column_titles = 0;
    l.columns = o->columns > 0 ? o->columns : columns_square(count);
    l.columns = l.columns < count ? l.columns : count;
    l.rows = (count - 1) / l.columns + 1;
    for (int i = 0; i < count; i++)
        widest = larger(widest, cells[i].image != NULL ? cells[i].image->width : 0);
    l.zoom = o->zoom > 0 ? o->zoom : (COMFORTABLE_WIDTH + widest - 1) / widest;
    l.cell_width = larger(widest * l.zoom, 1);
    l.letters = o->letters > 0 ? o->letters : l.cell_width >= LARGE_WIDTH ? 2 : 1;
    l.line = FONT_HEIGHT * l.letters;
    l.gap = o->gap > 0 ? o->gap : DEFAULT_GAP;
    l.text_columns = (int)larger(l.cell_width / (FONT_WIDTH * l.letters), 1);

    for (int r = 0; r < l.rows; r++)
        row_titles = larger(row_titles, text_width(title_of(o->row_titles, r), ROW_TITLE_COLUMNS));
    for (int c = 0; c < l.columns; c++)
        column_titles =
            larger(column_titles, text_height(&l, title_of(o->column_titles, c), l.text_columns));
    l.left = l.gap + (row_titles > 0 ? row_titles * FONT_WIDTH * l.letters + l.gap : 0);
    l.title_columns =
        (int)larger((l.left + l.columns * (l.cell_width + l.gap)) / (FONT_WIDTH * l.letters) - 2, 1);
    const long long title = text_height(&l, text_of(o->title), l.title_columns);
    l.top = l.gap + (title > 0 ? title + l.gap : 0) + (column_titles > 0 ? column_titles + 2 : 0);
    return l;
}

/* Lines of at most `columns` characters; in the middle of `width` pixels, or at the left with width 0. */
static void text_draw(Image *sheet, const Layout *l, long long x, long long y, long long width,
                      const char *text, int columns)
{
    while (*text != '\0') {
        const char *start = text;
        const size_t length = font_line(&text, columns);
        const long long used = font_characters(start, length) * FONT_WIDTH * l->letters;
        const long long indent = used < width ? (width - used) / 2 : 0;
        font_draw(sheet, (int)(x + indent), (int)y, start, length, (int)l->letters, BLACK);
        y += l->line;
    }
}

/* One pixel of a picture of any kind over white. */
static void pixel_draw(unsigned char *to, const unsigned char *p, int channels)
{
    for (int c = 0; c < 3; c++) {
        const unsigned v = p[channels == 1 ? 0 : c], alpha = channels == 4 ? p[3] : 255;
        to[c] = (unsigned char)((v * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static void picture_draw(Image *sheet, const Layout *l, long long x, long long y, const Image *picture)
{
    const int zoom = (int)l->zoom;
    for (int v = 0; v < picture->height * zoom; v++)
        for (int u = 0; u < picture->width * zoom; u++)
            pixel_draw(image_at(sheet, (int)x + u, (int)y + v), image_at(picture, u / zoom, v / zoom),
                       picture->channels);
}

static void sheet_draw(Image *sheet, const Layout *l)
{
    const SheetOptions *o = l->options;
    image_fill(sheet, WHITE);
    text_draw(sheet, l, l->gap, l->gap, 0, text_of(o->title), l->title_columns);
    for (int c = 0; c < l->columns; c++) {
        const char *title = title_of(o->column_titles, c);
        text_draw(sheet, l, l->left + c * (l->cell_width + l->gap),
                  l->top - 2 - text_height(l, title, l->text_columns), l->cell_width, title,
                  l->text_columns);
    }
    long long y = l->top;
    for (int r = 0; r < l->rows; r++) {
        const long long pictures = picture_height(l, r);
        const char *title = title_of(o->row_titles, r);
        const long long space = pictures - text_height(l, title, ROW_TITLE_COLUMNS);
        text_draw(sheet, l, l->gap, y + larger(space / 2, 0), 0, title, ROW_TITLE_COLUMNS);
        for (int c = 0; c < l->columns && r * l->columns + c < l->count; c++) {
            const SheetCell *cell = &l->cells[r * l->columns + c];
            const long long x = l->left + c * (l->cell_width + l->gap);
            if (cell->image != NULL)
                picture_draw(sheet, l, x + (l->cell_width - cell->image->width * l->zoom) / 2, y,
                             cell->image);
            text_draw(sheet, l, x, y + pictures + 2, l->cell_width, text_of(cell->caption),
                      l->text_columns);
        }
        y += row_height(l, r) + l->gap;
    }
}

Status sheet_make(Image *out, const SheetCell *cells, int count, const SheetOptions *options, Arena *arena,
                  Error *err)
{
    const SheetOptions *o = options;
    if (count < 1 || o->columns < 0 || o->zoom < 0 || o->zoom > OPTION_MAX || o->letters < 0 ||
        o->letters > OPTION_MAX || o->gap < 0 || o->gap > OPTION_MAX)
        return error_set(err, STATUS_ARGUMENT,
                         "a contact sheet of %d pictures, %d columns, zoom %d, letters %d, gap %d", count,
                         o->columns, o->zoom, o->letters, o->gap);
    const Layout l = layout_of(cells, count, options);
    const long long width = l.left + l.columns * (l.cell_width + l.gap);
    long long height = l.top;
    for (int r = 0; r < l.rows; r++)
        height += row_height(&l, r) + l.gap;
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
        return error_set(err, STATUS_ARGUMENT, "a contact sheet of %lld x %lld pixels (sides at most %d)",
                         width, height, (int)IMAGE_SIDE_MAX);
    Image sheet = {0};
    const Status status = image_new(&sheet, (int)width, (int)height, 3, arena, err);
    if (status != STATUS_OK)
        return status;
    sheet_draw(&sheet, &l);
    *out = sheet;
    return STATUS_OK;
}
