/* amalgamate.c - all sources as one: amalgamate OUTPUT BUILD FILE.c... [--program FILE.c...]
 *
 * Writes the files one after the other, each header where it is first included; a header that is not there was made in
 * the folder BUILD.  What is declared at file scope becomes static, except what api/ldm99.h shows and main.  A static
 * array needs its size, so a declaration without one is left out and the file that defines the array comes first.
 * Files behind --program are there where LDM99_PROGRAM is defined.
 *
 * In the sources a file's private names are short: `plan` of sampler_ddim.c and `plan` of sampler_ddpm.c do not meet.
 * Here they would, so a private name that is not alone becomes NAME_of_FILE in its file.  The text is cut into
 * tokens as C does it, so comments, strings and members (x.plan, x->plan, members of a struct) stay as they are.
 * What this does not see through (two headers with one name) does not compile, and is never another program. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tools/c_tokens.h"

typedef struct {
    const char *path;
    Tokens tokens;
    bool header, written;
    bool early; /* defines an array that was declared without its size */
} File;

/* A name at file scope.  Private: static, or a type or constant of a .c file. */
typedef struct {
    Token name;
    int file;
    bool is_private, defined; /* defined: not `extern` */
    bool hollow;              /* an array without its size */
} Name;

enum { FILES = 2000, NAMES = 40000 };

static Arena arena;
static File files[FILES];
static int file_count;
static Name names[NAMES];
static size_t name_count;
static const char *build;
static FILE *out;

static void die(const char *what, const char *where)
{
    fprintf(stderr, "amalgamate: %s: %s\n", where, what);
    exit(1);
}

/* ---- what a file declares ---- */

static Name *add_name(const File *f, const Token *t, bool is_private)
{
    if (name_count == NAMES)
        die("too many names", f->path);
    names[name_count] =
        (Name){.name = *t, .file = (int)(f - files), .is_private = is_private && !f->header};
    return &names[name_count++];
}

/* Tags of structs, unions and enums, and constants of enums. */
static void add_types(const File *f, size_t first, size_t last)
{
    int depth = 0, constants = 0; /* the depth at which constants stand; 0: not in an enum */
    for (size_t i = first; i <= last; i++) {
        const Token *t = &f->tokens.at[i], *next = token_beside(&f->tokens, i, 1),
                    *before = token_beside(&f->tokens, i, -1);
        if (t->kind == SPACE || t->kind == LINE)
            continue;
        if (token_is(t, "}") && --depth < constants)
            constants = 0;
        if (token_is(t, "{") && ++depth > 0 && token_opens(&f->tokens, i, "enum"))
            constants = depth;
        const bool constant =
            constants > 0 && depth == constants && (token_is(before, "{") || token_is(before, ","));
        if (t->kind == NAME && (constant || (token_is_tag(before) && token_is(next, "{"))))
            add_name(f, t, true);
    }
}

/* Names of functions, variables and typedefs in one declaration; returns the first. */
static const Name *add_declared(const File *f, size_t first, size_t last)
{
    const Token *start = &f->tokens.at[first];
    const bool type = token_is(start, "typedef"), local = token_is(start, "static"),
               elsewhere = token_is(start, "extern");
    const Name *declared = NULL;
    bool value = false; /* behind a = */
    int depth = 0;
    for (size_t i = first; i <= last; i++) {
        const Token *t = &f->tokens.at[i], *next = token_beside(&f->tokens, i, 1),
                    *before = token_beside(&f->tokens, i, -1);
        const Token *then = token_after(&f->tokens, next);
        if (t->kind == SPACE || t->kind == LINE)
            continue;
        depth -= token_is(t, "}") || token_is(t, ")") || token_is(t, "]");
        value = depth == 0 && token_is(t, "=") ? true : depth == 0 && token_is(t, ",") ? false : value;
        const bool call = token_is(next, "(") && !token_is(then, "*");
        const bool plain = depth == 0 && (token_is(next, ";") || token_is(next, ",") ||
                                          token_is(next, "=") || token_is(next, "[") || call);
        const bool pointer =
            type && depth == 1 && token_is(before, "*") && token_is(next, ")"); /* (*Name)(...) */
        if (t->kind == NAME && !value && (plain || pointer) && !token_is_tag(before)) {
            Name *name = add_name(f, t, type || local);
            name->defined = !type && !elsewhere;
            name->hollow = elsewhere && token_is(next, "[") && token_is(then, "]");
            declared = declared != NULL ? declared : name;
            if (call || pointer)
                break; /* parameters follow, and perhaps the function */
        }
        depth += token_is(t, "{") || token_is(t, "(") || token_is(t, "[");
    }
    return declared;
}

static bool shown(const Token *name); /* by ldm99.h, or main */

/* One declaration at file scope, tokens first .. last, the last is ; or }. */
static void declare(File *f, size_t first, size_t last)
{
    Token *start = &f->tokens.at[first];
    add_types(f, first, last);
    const Name *declared = add_declared(f, first, last);
    if (declared == NULL || token_is(start, "typedef") || token_is(start, "static") ||
        shown(&declared->name))
        return;
    if (!token_is(start, "extern"))
        start->make_static = true;
    start->extern_word = token_is(start, "extern");
    for (size_t i = first; declared->hollow && i <= last; i++)
        f->tokens.at[i].left_out = true;
}

static void scan(File *f)
{
    size_t first = 0;
    int depth = 0;
    bool open = false, function = false;
    for (size_t i = 0; i < f->tokens.count; i++) {
        const Token *t = &f->tokens.at[i];
        if (t->kind == SPACE || t->kind == LINE)
            continue;
        if (!open)
            first = i;
        open = true;
        if (token_is(t, "{") && depth == 0)
            function = token_is(token_beside(&f->tokens, i, -1), ")");
        depth += token_is(t, "{") || token_is(t, "(") || token_is(t, "[");
        depth -= token_is(t, "}") || token_is(t, ")") || token_is(t, "]");
        if (depth == 0 && (token_is(t, ";") || (token_is(t, "}") && function))) {
            declare(f, first, i);
            open = function = false;
        }
    }
}

/* ---- reading ---- */

static Token *public_names;
static size_t public_count;

static bool shown(const Token *name)
{
    for (size_t i = 0; i < public_count; i++)
        if (token_same(&public_names[i], name))
            return true;
    return token_is(name, "main");
}

static char *read_text(const char *path)
{
    Bytes bytes;
    Error err = {0};
    if (file_read(&bytes, path, &arena, &err) != STATUS_OK)
        die(err.text, path);
    char *text = arena_text(&arena, (const char *)bytes.data, bytes.size);
    if (text == NULL)
        die("no memory", path);
    return text;
}

static Tokens cut(const char *path, const char *text)
{
    const Tokens tokens = tokens_of(text, &arena);
    if (tokens.count == 0)
        die("no memory, or no text", path);
    return tokens;
}

/* The functions that ldm99.h shows: the name before the first parenthesis after each LDM_API. */
static void read_public_names(const char *header)
{
    const Tokens tokens = cut(header, read_text(header));
    public_names = arena_alloc(&arena, tokens.count, sizeof *public_names);
    for (size_t i = 0; public_names != NULL && i < tokens.count; i++) {
        if (!token_is(&tokens.at[i], "LDM_API"))
            continue;
        while (i < tokens.count && !token_is(&tokens.at[i], "("))
            i++;
        public_names[public_count++] = *token_beside(&tokens, i, -1);
    }
    if (public_count == 0)
        die("no LDM_API", header);
}

/* The path in #include "path"; false for other lines. */
static bool included(char path[200], const Token *line)
{
    return line->kind == LINE && sscanf(line->text, "#include \"%199[^\"]\"", path) == 1;
}

static int file_of(const char *path)
{
    for (int i = 0; i < file_count; i++)
        if (strcmp(files[i].path, path) == 0)
            return i;
    return -1;
}

static void read_file(const char *path)
{
    char below[200];
    if (file_of(path) >= 0)
        return;
    if (file_count == FILES)
        die("too many files", path);
    const int at = file_count++;
    files[at].path = arena_text(&arena, path, strlen(path));
    files[at].tokens = cut(path, read_text(path));
    files[at].header = path[strlen(path) - 1] == 'h';
    scan(&files[at]);
    for (size_t i = 0; i < files[at].tokens.count; i++)
        if (included(below, &files[at].tokens.at[i]) && strcmp(below, "api/ldm99.h") != 0 &&
            file_exists(below))
            read_file(below);
}

/* ---- names that meet ---- */

static int by_name(const void *a, const void *b)
{
    const Name *x = a, *y = b;
    const size_t n = x->name.size < y->name.size ? x->name.size : y->name.size;
    const int order = memcmp(x->name.text, y->name.text, n);
    if (order != 0)
        return order;
    if (x->name.size != y->name.size)
        return x->name.size < y->name.size ? -1 : 1;
    return x->file - y->file;
}

/* Marks the files that define what was left out as an array without its size. */
static void find_early_files(void)
{
    for (size_t i = 0; i < name_count; i++)
        for (size_t k = 0; names[i].hollow && k < name_count; k++)
            if (names[k].defined && token_same(&names[i].name, &names[k].name))
                files[names[k].file].early = true;
}

/* Keeps, of the sorted names, the private ones that some other file declares too. */
static void find_meeting_names(void)
{
    size_t kept = 0, end;
    qsort(names, name_count, sizeof *names, by_name);
    for (size_t i = 0; i < name_count; i = end) {
        for (end = i; end < name_count && token_same(&names[end].name, &names[i].name);)
            end++;
        if (names[i].file == names[end - 1].file)
            continue;
        for (size_t k = i; k < end; k++)
            if (names[k].is_private)
                names[kept++] = names[k];
    }
    name_count = kept;
}

static bool meets(const File *f, const Token *t)
{
    const Name key = {.name = *t, .file = (int)(f - files)};
    return t->kind == NAME && !t->member &&
           bsearch(&key, names, name_count, sizeof *names, by_name) != NULL;
}

/* ---- writing ---- */

static void write_token(const File *f, const Token *t)
{
    fwrite(t->text, 1, t->size, out);
    if (meets(f, t)) {
        const char *base = strrchr(f->path, '/') + 1;
        fprintf(out, "_of_%.*s", (int)strcspn(base, "."), base);
    }
}

static void write_file(File *f);

static void write_line(const File *f, const Token *line)
{
    char path[200];
    if (!included(path, line)) { /* names may stand in a macro's body */
        const Tokens parts = cut(f->path, arena_text(&arena, line->text + 1, line->size - 1));
        fputc('#', out);
        for (size_t i = 0; i < parts.count; i++)
            write_token(f, &parts.at[i]);
    } else if (strcmp(path, "api/ldm99.h") == 0) {
        fputs("#include \"ldm99.h\"", out);
    } else if (file_of(path) < 0) { /* made by the build */
        fputs(read_text(path_join(&arena, build, path)), out);
    } else if (!files[file_of(path)].written) {
        write_file(&files[file_of(path)]);
    }
}

/* Macros of a .c file end with it. */
static void end_macros(const File *f)
{
    char name[100];
    for (size_t i = 0; !f->header && i < f->tokens.count; i++)
        if (f->tokens.at[i].kind == LINE &&
            sscanf(f->tokens.at[i].text, "#define %99[A-Za-z0-9_]", name) == 1)
            fprintf(out, "#undef %s\n", name);
}

static void write_file(File *f)
{
    f->written = true;
    fprintf(out, "\n/* ==== %s ==== */\n", f->path);
    for (size_t i = 0; i < f->tokens.count; i++) {
        const Token *t = &f->tokens.at[i];
        if (t->left_out && t->kind != SPACE)
            continue;
        if (t->make_static)
            fputs("static ", out);
        if (t->kind == LINE)
            write_line(f, t);
        else if (t->extern_word)
            fputs("static", out);
        else
            write_token(f, t);
    }
    end_macros(f);
}

static void write_files(char **paths, int count)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count; i++) {
            File *f = &files[file_of(paths[i])];
            if (!f->written && (pass == 1 || f->early))
                write_file(f);
        }
}

int main(int argc, char **argv)
{
    int library = 3;
    if (argc < 4)
        die("usage: amalgamate OUTPUT BUILD FILE.c... [--program FILE.c...]", "arguments");
    build = argv[2];
    while (library < argc && strcmp(argv[library], "--program") != 0)
        library++;
    read_public_names("api/ldm99.h");
    for (int i = 3; i < argc; i++)
        if (i != library)
            read_file(argv[i]);
    find_early_files();
    find_meeting_names();
    out = fopen(argv[1], "wb");
    if (out == NULL)
        die("cannot write", argv[1]);
    fprintf(out, "/*\n%s*/\n", read_text("LICENSE"));
    fputs("/* ldm99.c - latent diffusion, the same bits everywhere: the whole library in one file, made by "
          "tools/amalgamate.c.\n"
          " *\n"
          " *     cc -std=c99 -ffp-contract=off your_program.c ldm99.c -lm              a program that "
          "embeds it\n"
          " *     cc -std=c99 -ffp-contract=off -DLDM99_PROGRAM ldm99.c -lm -o ldm99    the command line "
          "program\n"
          " *\n"
          " * -O2 or -O3, -march=native and -fopenmp make it faster and change no bit; -ffast-math is "
          "refused.\n"
          " * ldm99.h is the documentation. */\n"
          "#ifndef _POSIX_C_SOURCE\n#define _POSIX_C_SOURCE 200809L\n#endif\n"
          "#ifndef _FILE_OFFSET_BITS\n#define _FILE_OFFSET_BITS 64\n#endif\n"
          "#define ISA base\n",
          out);
    write_files(argv + 3, library - 3);
    if (library < argc) {
        fputs("\n#ifdef LDM99_PROGRAM\n", out);
        write_files(argv + library + 1, argc - library - 1);
        fputs("\n#endif\n", out);
    }
    if (fclose(out) != 0)
        die("cannot write", argv[1]);
    arena_free(&arena);
    return 0;
}
