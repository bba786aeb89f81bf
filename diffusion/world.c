#include "diffusion/world.h"

#include <string.h>

#include "base/file.h"
#include "diffusion/world_table.h"
#include "io/png.h"

static const char *const STYLE_ROLES[] = {"base", "domain", "line"};
static const char *const CONCEPT_ROLES[] = {"core", "more", "rest", "held"};
static const char *const SPLITS[] = {"train", "test", "line"};
static const char *const ARTICLES[] = {"a", "an", "-"};
static const char *const ANSWERS[] = {"no", "yes"};

/* The place of a field in a list of words; the error says what was found and where. */
static Status field_choice(int *out, const WorldTable *table, int row, int column, const char *const *words,
                           int count, const char *what, Error *err)
{
    const char *field = world_field(table, row, column);
    *out = world_word(words, count, field);
    if (*out >= 0)
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "%s:%d: '%s' is no %s", table->name, table->line[row], field,
                     what);
}

static Status no_memory(const char *name, Error *err)
{
    return error_set(err, STATUS_MEMORY, "%s: no memory for the world", name);
}

static Status twice(const WorldTable *table, int row, const char *word, Error *err)
{
    return error_set(err, STATUS_FORMAT, "%s:%d: '%s' stands there twice", table->name, table->line[row],
                     word);
}

static Status count_in_range(const WorldTable *table, int most, const char *what, Error *err)
{
    if (table->rows >= 1 && table->rows <= most)
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "%s: %d %s, expected 1 to %d", table->name, table->rows, what,
                     most);
}

/* Names of files and of what users type. */
static Status check_word(const WorldTable *table, int row, const char *word, Error *err)
{
    if (strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(word))
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "%s:%d: '%s' must be small letters, digits and '-'", table->name,
                     table->line[row], word);
}

static Status read_styles(World *world, const WorldTable *table, Arena *arena, Error *err)
{
    Status status = count_in_range(table, WORLD_STYLES, "styles", err);
    if (status != STATUS_OK)
        return status;
    world->style = arena_alloc(arena, (size_t)table->rows, sizeof *world->style);
    if (world->style == NULL)
        return no_memory(table->name, err);
    for (int row = 0; row < table->rows; row++) {
        WorldStyle *style = &world->style[row];
        int role = 0;
        status =
            field_choice(&role, table, row, 1, STYLE_ROLES, 3, "role of a style (base, domain, line)", err);
        if (status != STATUS_OK)
            return status;
        style->name = world_field(table, row, 0);
        style->role = (WorldStyleRole)role;
        style->artwork = world_field(table, row, 2);
        style->author = world_field(table, row, 3);
        style->licence = world_field(table, row, 4);
        style->source = world_field(table, row, 5);
        status = check_word(table, row, style->name, err);
        if (status != STATUS_OK)
            return status;
        if (world_style(world, style->name) >= 0)
            return twice(table, row, style->name, err);
        world->styles++;
    }
    return STATUS_OK;
}

static Status read_category(World *world, int *out, const WorldTable *table, int row, Error *err)
{
    const char *name = world_field(table, row, 4);
    *out = world_word(world->category, world->categories, name);
    if (*out >= 0)
        return STATUS_OK;
    if (world->categories == WORLD_CATEGORIES)
        return error_set(err, STATUS_FORMAT, "%s:%d: more than %d categories", table->name,
                         table->line[row], (int)WORLD_CATEGORIES);
    *out = world->categories++;
    world->category[*out] = name;
    return STATUS_OK;
}

static Status read_concept(World *world, WorldConcept *concept, const WorldTable *table, int row,
                           Error *err)
{
    int article = 0, role = 0, mirror = 0;
    concept->slug = world_field(table, row, 0);
    Status status = check_word(table, row, concept->slug, err);
    if (status == STATUS_OK)
        status = field_choice(&article, table, row, 3, ARTICLES, 3, "article (a, an, -)", err);
    if (status == STATUS_OK)
        status = read_category(world, &concept->category, table, row, err);
    if (status == STATUS_OK)
        status = field_choice(&role, table, row, 5, CONCEPT_ROLES, 4,
                              "role of a concept (core, more, rest, held)", err);
    if (status == STATUS_OK)
        status = field_choice(&mirror, table, row, 6, ANSWERS, 2, "answer (yes, no)", err);
    if (status != STATUS_OK)
        return status;
    concept->code = world_field(table, row, 1);
    concept->name = world_field(table, row, 2);
    concept->article = article == 2 ? "" : ARTICLES[article];
    concept->role = (WorldConceptRole)role;
    concept->mirror = mirror == 1;
    for (int k = 0; k < WORLD_TAGS; k++)
    concept->tag[k] = world_field(table, row, 7 + k);
    if (world_concept(world, concept->slug) >= 0)
        return twice(table, row, concept->slug, err);
    return STATUS_OK;
}

static Status read_concepts(World *world, const WorldTable *table, Arena *arena, Error *err)
{
    Status status = count_in_range(table, WORLD_CONCEPTS, "concepts", err);
    if (status != STATUS_OK)
        return status;
    world->concept = arena_alloc(arena, (size_t)table->rows, sizeof *world->concept);
    world->category = arena_alloc(arena, WORLD_CATEGORIES, sizeof *world->category);
    if (world->concept == NULL || world->category == NULL)
        return no_memory(table->name, err);
    for (int row = 0; row < table->rows; row++) {
        status = read_concept(world, &world->concept[row], table, row, err);
        if (status != STATUS_OK)
            return status;
        world->concepts++;
    }
    return STATUS_OK;
}

static Status read_pairs(World *world, const WorldTable *table, Arena *arena, Error *err)
{
    world->pair = arena_alloc(arena, (size_t)world->styles * (size_t)world->concepts, 1);
    if (world->pair == NULL)
        return no_memory(table->name, err);
    for (int row = 0; row < table->rows; row++) {
        const int style = world_style(world, world_field(table, row, 0));
        const int concept = world_concept(world, world_field(table, row, 1));
        if (style < 0 || concept < 0)
            return error_set(err, STATUS_FORMAT, "%s:%d: '%s' is no %s of this world", table->name,
                             table->line[row], world_field(table, row, style < 0 ? 0 : 1),
                             style < 0 ? "style" : "concept");
        int split = 0;
        const Status status =
            field_choice(&split, table, row, 2, SPLITS, 3, "split (train, test, line)", err);
        if (status != STATUS_OK)
            return status;
        unsigned char *pair = &world->pair[style * world->concepts + concept];
        if (*pair != PAIR_NONE)
            return twice(table, row, world_field(table, row, 1), err);
        *pair = (unsigned char)(PAIR_TRAIN + split);
        if ((*pair == PAIR_LINE) != (world->style[style].role == STYLE_LINE))
            return error_set(err, STATUS_FORMAT, "%s:%d: split '%s' does not fit the style '%s'",
                             table->name, table->line[row], SPLITS[split], world->style[style].name);
    }
    return STATUS_OK;
}

/* FNV-1a (Fowler, Noll, Vo) of both slugs with a zero byte between, its bits spread by the finaliser of
 * MurmurHash3 (fmix64). */
static uint64_t hash_pair(const char *a, const char *b)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *s = a;; s++) {
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
        if (*s == '\0')
            break;
    }
    for (const char *s = b; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static Status draw_apart(World *world, const char *folder, Arena *arena, Error *err)
{
    const int n = world->concepts;
    world->apart = arena_alloc(arena, (size_t)n * (size_t)n, 1);
    if (world->apart == NULL)
        return no_memory(folder, err);
    for (int a = 0; a < n; a++) {
        for (int b = 0; b < n; b++) {
            const char *one = world->concept[a].slug, *other = world->concept[b].slug;
            if (strcmp(one, other) < 0 && hash_pair(one, other) % 100 < WORLD_APART)
                world->apart[a * n + b] = world->apart[b * n + a] = 1;
        }
    }
    return STATUS_OK;
}

static Status read_table(WorldTable *out, const char *folder, const char *name, int columns, Arena *arena,
                         Error *err)
{
    const char *path = path_join(arena, folder, name);
    if (path == NULL)
        return no_memory(folder, err);
    return world_table_read(out, path, columns, arena, err);
}

Status world_open_tables(World *out, const char *folder, Arena *arena, Error *err)
{
    World world = {0};
    WorldTable styles, concepts, pairs;
    Status status = read_table(&styles, folder, "styles.tsv", 6, arena, err);
    if (status == STATUS_OK)
        status = read_styles(&world, &styles, arena, err);
    if (status == STATUS_OK)
        status = read_table(&concepts, folder, "concepts.tsv", 7 + WORLD_TAGS, arena, err);
    if (status == STATUS_OK)
        status = read_concepts(&world, &concepts, arena, err);
    if (status == STATUS_OK)
        status = read_table(&pairs, folder, "pairs.tsv", 3, arena, err);
    if (status == STATUS_OK)
        status = read_pairs(&world, &pairs, arena, err);
    if (status == STATUS_OK)
        status = draw_apart(&world, folder, arena, err);
    if (status == STATUS_OK)
        *out = world;
    return status;
}

static Status read_sheet(WorldStyle *style, int concepts, const char *folder, Arena *arena, Error *err)
{
    char name[WORLD_FIELD + 5];
    const size_t length = strlen(style->name);
    memcpy(name, style->name, length);
    memcpy(name + length, ".png", 5);
    const char *path = path_join(arena, folder, name);
    if (path == NULL)
        return no_memory(folder, err);
    Image sheet;
    const Status status = png_read(&sheet, path, arena, err);
    if (status != STATUS_OK)
        return status;
    const int cell = sheet.width / WORLD_COLUMNS, rows = (concepts + WORLD_COLUMNS - 1) / WORLD_COLUMNS;
    if (sheet.channels != 4 || cell < 1 || cell > WORLD_CELL_MAX || sheet.width != cell * WORLD_COLUMNS ||
        sheet.height != cell * rows)
        return error_set(err, STATUS_FORMAT,
                         "%s: %d x %d pixels, %d channels; expected %d x %d square cells, 4", path,
                         sheet.width, sheet.height, sheet.channels, (int)WORLD_COLUMNS, rows);
    style->sheet = sheet;
    style->cell = cell;
    return STATUS_OK;
}

Status world_open(World *out, const char *folder, Arena *arena, Error *err)
{
    World world;
    Status status = world_open_tables(&world, folder, arena, err);
    for (int s = 0; status == STATUS_OK && s < world.styles; s++)
        status = read_sheet(&world.style[s], world.concepts, folder, arena, err);
    if (status == STATUS_OK)
        *out = world;
    return status;
}

int world_style(const World *world, const char *name)
{
    for (int s = 0; s < world->styles; s++) {
        if (strcmp(world->style[s].name, name) == 0)
            return s;
    }
    return -1;
}

int world_concept(const World *world, const char *slug)
{
    for (int c = 0; c < world->concepts; c++) {
        if (strcmp(world->concept[c].slug, slug) == 0)
            return c;
    }
    return -1;
}

WorldPair world_pair(const World *world, int style, int concept)
{
    return (WorldPair)world->pair[style * world->concepts + concept];
}

bool world_apart(const World *world, int a, int b)
{
    return world->apart[a * world->concepts + b] != 0;
}

const unsigned char *world_drawing(const World *world, int style, int concept)
{
    const WorldStyle *s = &world->style[style];
    return image_at(&s->sheet, concept % WORLD_COLUMNS * s->cell, concept / WORLD_COLUMNS * s->cell);
}
