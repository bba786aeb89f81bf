/* The runner of reference cases, from outside: the committed cases pass, and every way in which a case can be wrong is
 * seen, named, and makes the exit code 1. */
#include <stdlib.h>

#include "io/safetensors.h"
#include "tests/outside.h"

static Outside o;
static char cases[SCRATCH_PATH]; /* tests/cases, from anywhere */

/* A fresh copy of the autoencoder's case beside the model; the folder is called "any name", and means nothing. */
static void begin_case(void)
{
    char line[3 * SCRATCH_PATH];
    snprintf(line, sizeof line,
             "rm -rf set; mkdir set; cp -r '%.900s/model' set/; cp -r '%.900s/autoencoder' 'set/any name'",
             cases, cases);
    CHECK(outside_shell(&o, line));
}

static void begin_program(const char *self)
{
    const char *slash = strrchr(self, '/');
    char here[400] = "", path[600];
    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(path, sizeof path, "%.*s/conformance", slash != NULL ? (int)(slash - self) : 1,
             slash != NULL ? self : ".");
    snprintf(o.program, sizeof o.program, "%s%s%s", path[0] == '/' ? "" : here, path[0] == '/' ? "" : "/",
             path);
    snprintf(cases, sizeof cases, "%s/tests/cases", here);
}

static void runs(const char *arguments, int code, const char *out)
{
    if (!CHECK(outside_run(&o, arguments) == code))
        printf("    conformance %s: exit %d, want %d\n%s%s", arguments, o.code, code, o.out, o.err);
    CHECK_TEXT(o.out, out);
}

/* One change of the copy by a line of the shell, and what the runner says of it. */
static void wrong(const char *change, const char *out)
{
    begin_case();
    CHECK(outside_shell(&o, change));
    runs("set", 1, out);
    CHECK(strstr(o.out, " passed, 0 failed") == NULL);
}

/* The expected file written anew: one tensor's first number changed, one left out, one added. */
static void rewrite(const char *changed, float to, const char *left_out, const char *added)
{
    Safetensors file;
    Error err = {0};
    Arena arena = {0};
    const char *path = outside_path(&o, "set/any name/expected.safetensors");
    char name[2 * SCRATCH_PATH];
    snprintf(name, sizeof name, "%s", path);
    if (!CHECK(safetensors_open(&file, name, &arena, &err) == STATUS_OK))
        return;
    SafetensorsItem item[32];
    size_t n = 0;
    for (size_t i = 0; i < file.count; i++) {
        const SafetensorsEntry *e = &file.entries[i];
        float *x = arena_raw(&arena, (size_t)safetensors_numbers(e), sizeof *x);
        CHECK(x != NULL && safetensors_read_f32(x, &file, e, &err) == STATUS_OK);
        if (left_out != NULL && strcmp(e->name, left_out) == 0)
            continue;
        if (changed != NULL && strcmp(e->name, changed) == 0)
            x[0] = to;
        item[n] = (SafetensorsItem){.name = e->name, .dtype = F32, .rank = e->rank, .data = x};
        memcpy(item[n++].dim, e->dim, sizeof e->dim);
    }
    static const float one = 1.0f;
    if (added != NULL)
        item[n++] = (SafetensorsItem){.name = added, .dtype = F32, .rank = 1, .dim = {1}, .data = &one};
    CHECK(safetensors_write(name, item, n, NULL, &arena, &err) == STATUS_OK);
    arena_free(&arena);
}

static void test_what_is_right_passes(void)
{
    char line[2 * SCRATCH_PATH];
    snprintf(line, sizeof line, "'%.900s'", cases);
    runs(line, 0, "text-to-image                latents_per_step");
    CHECK_TEXT(o.out, " passed, 0 failed\n");
    begin_case();
    runs("set", 0, "any name                     decoded_of_sample");
    runs("'set/any name/'", 0, "1 cases: 7 tensors pass, 0 fail, 0 not run");
}

static void test_folders_that_are_no_cases(void)
{
    CHECK(outside_shell(&o, "mkdir -p empty"));
    runs("/nowhere/at/all", 2, "");
    CHECK_TEXT(o.err, "/nowhere/at/all is not a folder");
    runs("empty", 2, "");
    CHECK_TEXT(o.err, "holds no case");
    runs("a b", 2, "");
    CHECK_TEXT(o.err, "usage");
    /* The usual folder is not beside the scratch folder. */
    runs("", 0, "skipped\n");
}

static void test_broken_cases(void)
{
    wrong("rm 'set/any name/case.json'", "case.json");
    wrong("echo '[1]' > 'set/any name/case.json'", "FAIL: expected an object");
    wrong("echo '{' > 'set/any name/case.json'", "FAIL: ");
    wrong("echo '{\"checkpoint\": \"../model/vae\"}' > 'set/any name/case.json'; rm 'set/any "
          "name/'*.safetensors",
          "no handler knows this kind of case");
    wrong("echo '{\"checkpoint\": \"../nothing\"}' > 'set/any name/case.json'", "checkpoint");
    wrong("head -c 100 set/model/vae/diffusion_pytorch_model.safetensors > set/x;"
          "mv -f set/x set/model/vae/diffusion_pytorch_model.safetensors",
          "vae                                            -           -  FAIL: ");
    wrong("head -c 1000 'set/any name/inputs.safetensors' > set/x; mv -f set/x 'set/any "
          "name/inputs.safetensors'",
          "inputs.safetensors");
    wrong("rm 'set/any name/inputs.safetensors'", "FAIL");
    wrong("echo '{\"expected\": \"../nothing.safetensors\"}' > 'set/any name/case.json'",
          "nothing.safetensors");
}

static void test_numbers_that_are_off(void)
{
    wrong(
        "sed 's/\"suggested_atol\": [0-9.e-]*/\"suggested_atol\": 1e-12/' 'set/any name/case.json' > set/x;"
        "mv set/x 'set/any name/case.json'",
        "1e-12  FAIL");
    begin_case();
    rewrite("decoded_of_sample", 1e3f, NULL, NULL);
    runs("set", 1, "6 tensors pass, 1 fail");
    begin_case();
    rewrite("mean", NAN, NULL, NULL);
    runs("set", 1, "mean                                         inf");
    begin_case();
    rewrite("mean", INFINITY, NULL, NULL);
    runs("set", 1, "6 tensors pass, 1 fail");
}

static void test_tensors_that_are_missing_or_nobody_makes(void)
{
    begin_case();
    rewrite(NULL, 0, "sample", NULL);
    runs("set", 1, "FAIL: case.json lists it, expected.safetensors does not hold it");
    begin_case();
    rewrite(NULL, 0, NULL, "enc.of.nothing");
    runs("set", 1, "enc.of.nothing                                 -           -  not run");
    CHECK_TEXT(o.out, "7 tensors pass, 0 fail, 1 not run");
    CHECK_TEXT(o.out, "7 passed, 1 failed\n");
    begin_case();
    rewrite(NULL, 0, "sample", "sample");
    runs("set", 1,
         "sample                                         -           -  FAIL: has the shape (2,2,3,4)");
}

/* A case may use the tensors of another, with that case's tolerances. */
static void test_tensors_of_another_case(void)
{
    begin_case();
    CHECK(outside_shell(&o, "mkdir set/second; echo '{\"checkpoint\": \"../model/vae\", "
                            "\"inputs\": \"../any name/inputs.safetensors\", "
                            "\"expected\": \"../any name/expected.safetensors\"}' > set/second/case.json"));
    runs("set/second", 0, "second                       decoded_of_sample");
    CHECK_TEXT(o.out, "7 passed, 0 failed\n");
    CHECK_TEXT(o.out, "6.8e-06  pass"); /* sample's own tolerance */
}

static void test_kinds_that_wait(void)
{
    begin_case();
    rewrite(NULL, 0, NULL, "dpm.noise_mask.0");
    CHECK(outside_shell(&o, "echo '{}' > 'set/any name/case.json'; rm 'set/any name/inputs.safetensors'"));
    runs("set", 0, "waiting: LEdits++");
    CHECK_TEXT(o.out, "0 tensors pass, 0 fail, 0 not run, 0 given, 8 waiting");
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!outside_begin(&o, argv[0], "conformance"))
        return check_report("conformance");
    begin_program(argv[0]);
    test_what_is_right_passes();
    test_folders_that_are_no_cases();
    test_broken_cases();
    test_numbers_that_are_off();
    test_tensors_that_are_missing_or_nobody_makes();
    test_tensors_of_another_case();
    test_kinds_that_wait();
    outside_end(&o);
    return check_report("conformance");
}
