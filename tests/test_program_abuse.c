/* The program under rough treatment: streams that are closed or full, a disk that is full, numbers that are none, a
 * signal in the middle.  It says what is wrong, and leaves nothing that is half. */
#include "io/npy.h"
#include "tests/outside.h"

static Outside o;

/* The exit code of a line of the shell in which $L is the program. */
static int code_of(const char *line)
{
    char text[3 * SCRATCH_PATH];
    snprintf(text, sizeof text, "cd '%.900s' && L='%.900s' && { %.900s; }", o.folder, o.program, line);
    const int status = system(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void codes(const char *line, int code)
{
    const int got = code_of(line);
    if (!CHECK(got == code))
        printf("    %s: %d, want %d\n", line, got, code);
}

static void test_streams(void)
{
    codes("$L --help >&- 2>err", 3);
    codes("$L --version >&- 2>err", 3);
    codes("$L compare --help >&- 2>err", 3);
    codes("$L golden hashes >&- 2>err", 3); /* more than the stream's buffer holds */
    codes("grep -q 'standard output' err", 0);
    if (access("/dev/full", W_OK) == 0) {
        codes("$L --help >/dev/full 2>err", 3);
    }
    codes("$L compare --help >list 2>&-", 0);
    CHECK(outside_shell(&o, "rm err list"));
}

/* What would go to a closed stream goes into no file. */
static void test_words_for_a_closed_stream(void)
{
    codes("$L data make -n 2 --size 32 -o a >&- 2>&-", 3);
    codes("$L data make -n 2 --size 32 -o b -q >out", 0);
    codes("diff -r a b >out", 0);
    CHECK(outside_shell(&o, "rm -r a b"));
}

/* Files may have one block: what the shell gives for it is 512 or 1024 bytes.  LLVM's OpenMP dies of that by itself,
 * in a file that it keeps in shared memory. */
static void test_a_full_disk(void)
{
    if (code_of("(ulimit -f 1; $L golden self -q) >out 2>err") != 0) {
        printf("skipped: the threads' library cannot start where files are limited\n");
        return;
    }
    codes("(ulimit -f 1; trap '' XFSZ; $L data make -q -n 2 --size 128 -o a) >out 2>err", 3);
    codes("grep -q 'cannot write' err && ! ls a/*.jsonl a/*.tmp >out 2>out", 0);
    codes("(ulimit -f 1; trap '' XFSZ; $L data show -q -n 2 -o sheet.png) >out 2>err", 3);
    codes("! ls sheet.png* >out 2>out", 0);
    CHECK(outside_shell(&o, "rm -r a"));
}

static void write_latents(const char *name, uint64_t count, int channels, float number)
{
    Arena arena = {0};
    NpyArray array = {.dtype = F32, .rank = 4, .dim = {count, (uint64_t)channels, 4, 4}};
    const size_t numbers = (size_t)channels * 16;
    float *x = arena_alloc(&arena, numbers, sizeof *x);
    for (size_t i = 0; x != NULL && i < numbers; i++)
        x[i] = number;
    array.data = x;
    CHECK(x != NULL && npy_write(outside_path(&o, name), &array, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void test_numbers_that_are_none(int channels)
{
    static const float NUMBERS[] = {NAN, INFINITY, 1e38f};
    for (int i = 0; i < 3; i++) {
        write_latents("x.npy", 1, channels, NUMBERS[i]);
        outside_fails(&o, "txt2img -q -p x --steps 1 --latents x.npy -o x.png", 5, "not finite");
        outside_fails(&o, "decode -q -i x.npy -o x.png", 5, "not finite");
    }
    write_latents("x.npy", 0, channels, 0.0f);
    outside_fails(&o, "decode -q -i x.npy -o x.png", 1, "x.npy: is not an array of latents");
    outside_fails(&o, "txt2img -q -p x --steps 1 --latents x.npy -o x.png", 1, "x.npy");
    CHECK(!outside_has(&o, "x.png"));
}

static int channels_of_latents(void)
{
    Arena arena = {0};
    NpyArray array;
    CHECK(outside_run(&o, "txt2img -q -p x --steps 1 -W 32 -H 32 -o z.png --save-latents z.npy") == 0);
    const Status status = npy_read(&array, outside_path(&o, "z.npy"), &arena, NULL);
    const int channels = CHECK(status == STATUS_OK) ? (int)array.dim[1] : 4;
    arena_free(&arena);
    return channels;
}

/* A signal after the first step: 130, and no file.  One that the caller ignores stays ignored. */
static void test_signals(void)
{
    codes("$L txt2img -p x --steps 900 -o x.png >out 2>err & p=$!; while ! grep -q '1/900' err; do sleep "
          "0.02; "
          "done; kill -TERM $p; wait $p",
          130);
    codes("grep -q 'stopped after step' err && test ! -e x.png", 0);
    codes("(trap '' TERM; exec $L txt2img -p x --steps 6 -o x.png >out 2>err) & p=$!; while ! grep -q "
          "'1/6' "
          "err; do sleep 0.02; done; kill -TERM $p; wait $p",
          0);
    CHECK(outside_has(&o, "x.png"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "program-abuse")) {
        test_streams();
        if (outside_run(&o, "data list styles") == 0) {
            test_words_for_a_closed_stream();
            test_a_full_disk();
        } else {
            printf("skipped: the picture world is not there\n");
        }
        if (outside_run(&o, "info") == 0) {
            test_numbers_that_are_none(channels_of_latents());
            test_signals();
        } else {
            printf("skipped: the shipped model is not there\n");
        }
    }
    outside_end(&o);
    return check_report("program_abuse");
}
