/* The built program from outside: exit codes, sentences, files, and the bits of a run that was interrupted. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "io/safetensors.h"
#include "tests/check.h"
#include "tests/scratch.h"

static char program[SCRATCH_PATH], folder[SCRATCH_PATH];

typedef struct {
    int code;
    char out[20000], err[4000];
} Ran;

static void slurp(char *text, size_t room, const char *path)
{
    FILE *file = fopen(path, "rb");
    const size_t n = file != NULL ? fread(text, 1, room - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL)
        fclose(file);
}

/* Runs a command line of the shell in the test's own folder; `ldm99` in it is the program. */
static const Ran *run(const char *arguments)
{
    static Ran ran;
    char line[3 * SCRATCH_PATH], path[SCRATCH_PATH + 20];
    snprintf(line, sizeof line, "cd '%.900s' && '%.900s' %.1000s >stdout 2>stderr", folder, program,
             arguments);
    const int status = system(line);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    snprintf(path, sizeof path, "%s/stdout", folder);
    slurp(ran.out, sizeof ran.out, path);
    snprintf(path, sizeof path, "%s/stderr", folder);
    slurp(ran.err, sizeof ran.err, path);
    return &ran;
}

/* Ends with that code and says one sentence on stderr, with `part` in it. */
static void fails(const char *arguments, int code, const char *part)
{
    const Ran *r = run(arguments);
    const size_t length = strlen(r->err);
    if (!CHECK(r->code == code))
        printf("    ldm99 %s: exit %d, want %d\n", arguments, r->code, code);
    CHECK_TEXT(r->err, part);
    CHECK(strncmp(r->err, "ldm99: ", 7) == 0 && strchr(r->err, '\n') == r->err + length - 1);
}

static const Ran *works(const char *arguments)
{
    const Ran *r = run(arguments);
    if (!CHECK(r->code == 0))
        printf("    ldm99 %s: exit %d, %s\n", arguments, r->code, r->err);
    return r;
}

static bool there(const char *name)
{
    char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void write_text(const char *name, const char *text)
{
    char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(file_write(path, text, strlen(text), NULL) == STATUS_OK);
}

static void test_usage(void)
{
    static const char *const names[] = {"txt2img", "encode",   "decode", "train", "info",
                                        "compare", "metric",   "golden", "data",  "demo",
                                        "again",   "classify", "embed"};
    char line[80], want[80];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(line, sizeof line, "%s --help", names[i]);
        snprintf(want, sizeof want, "usage: ldm99 %s [options]", names[i]);
        const Ran *r = works(line);
        CHECK(strncmp(r->out, want, strlen(want)) == 0 && r->err[0] == '\0');
        CHECK_TEXT(r->out, "--threads");
        CHECK_TEXT(works("--help")->out, names[i]);
    }
    CHECK_TEXT(works("--version")->out, "ldm99 ");
    CHECK_TEXT(works("--help")->out, "ldm99 --version\n");
    CHECK_TEXT(works("txt2img --help")->out, "; also --num-inference-steps\n");
    CHECK(run("")->code == 2 && run("")->out[0] == '\0');
    fails("trian vae", 2, "unknown subcommand \"trian\", did you mean train?");
    fails("quetzalcoatl", 2, "see ldm99 --help");
    fails("compare --tolerence 1 a b", 2, "unknown option --tolerence, did you mean --tolerance?");
    fails("compare a", 2, "expected A B after the options");
    fails("compare -t 1000000 a b", 2, "--threads");
    fails("txt2img -p x --steps 0", 2, "--steps");
    fails("golden slef", 2, "slef");
    fails("train vea -o out", 2, "did you mean vae");
    fails("train vae", 2, "--output");
    fails("data maek", 2, "did you mean make");
    fails("table wrld", 2, "expected world");
    fails("demo objets", 2, "did you mean objects");
    fails("segment", 2, "-i x.png");
    fails("segment -i none.png -m none", 3, "none/config.json");
}

/* Two files of one tensor that differ in one number. */
static void test_compare(void)
{
    char path[2 * SCRATCH_PATH];
    float x[4] = {1.0f, 2.0f, 3.0f, 4.0f};
    Arena arena = {0};
    for (int i = 0; i < 2; i++) {
        const SafetensorsItem item = {.name = "x", .dtype = F32, .rank = 1, .dim = {4}, .data = x};
        snprintf(path, sizeof path, "%s/%c.safetensors", folder, 'a' + i);
        CHECK(safetensors_write(path, &item, 1, NULL, &arena, NULL) == STATUS_OK);
        x[2] = 3.5f;
    }
    arena_free(&arena);
    CHECK_TEXT(works("compare a.safetensors a.safetensors")->out, "equal");
    fails("compare a.safetensors b.safetensors", 4, "1 of 1 tensor differs");
    CHECK_TEXT(run("compare a.safetensors b.safetensors")->out, "max abs 0.5");
    works("compare --atol 0.5 a.safetensors b.safetensors");
    fails("compare --tolerance=0.49 a.safetensors b.safetensors", 4, "differ");
    CHECK_TEXT(run("compare --json a.safetensors b.safetensors")->out, "\"different\": 1");
    fails("compare a.safetensors none.safetensors", 3, "none.safetensors");
    fails("info none.safetensors", 3, "none.safetensors");
    write_text("bad.safetensors", "no tensors at all");
    fails("info bad.safetensors", 3, "bad.safetensors");

    write_text("config.json", "{\"tolerance\": 0.5}");
    works("compare --config config.json a.safetensors b.safetensors");
    fails("compare --config config.json --tolerance 0.1 a.safetensors b.safetensors", 4, "differ");
    CHECK_TEXT(works("compare --config=config.json --print-config x y")->out, "\"tolerance\": 0.5");
    write_text("config.json", "{\"tolerence\": 0.5}");
    fails("compare --config config.json a.safetensors b.safetensors", 2, "did you mean --tolerance");
}

static void test_golden(void)
{
    CHECK_TEXT(works("golden self")->out, " 0 failed");
}

static void test_golden_set(void)
{
    char line[2 * SCRATCH_PATH];
    CHECK_TEXT(works("golden list --only softmax")->out, "softmax/ordinary");
    works("golden write set --only softmax");
    CHECK(there("set/index.json") && there("set/softmax.safetensors"));
    CHECK_TEXT(works("golden check set --only softmax")->out, " 0 differ");
    CHECK_TEXT(works("golden check set --against set --strict")->out, " 0 within bound, 0 outside");
    fails("golden check set --against nowhere", 4, "the first is softmax/ordinary/output");
    fails("golden check set --only matmul", 3, "matmul.safetensors");
    CHECK_TEXT(works("golden list --only relu/special,softmax/large")->out, "softmax/large");
    CHECK(strstr(works("golden list --only relu/special,softmax/large")->out, "softmax/ordinary") == NULL);
    fails("golden list --only softmax,", 2, "begins with");
    fails("golden check set --only softmix", 2, "begins with \"softmix\"");
    fails("golden write", 2, "which folder");
    fails("golden write set --against set", 2, "--against");
    snprintf(line, sizeof line, "rm -r '%s/set'", folder);
    CHECK(system(line) == 0);
}

static void test_data(void)
{
    char line[2 * SCRATCH_PATH + 60];
    works("data make -q -n 3 --size 32 -o made1");
    works("data make -q -n 3 --size 32 -o made2 -t 1");
    snprintf(line, sizeof line, "cd '%s' && diff -r made1 made2 >stdout && rm -r made1 made2", folder);
    CHECK(system(line) == 0);
    works("data show -q -n 2 --size 32 -o sheet.png");
    CHECK(there("sheet.png"));
    fails("data show -n 2 --size 33 -o none.png", 2, "size");
    fails("data show -n 2 --styles no-such-style -o none.png", 2, "no-such-style");
    fails("data show -n 2 --styles line -o none.png", 2,
          "the styles that are asked for have no drawing of such things");
    CHECK(!there("none.png"));
    fails("data make -n 2 --data no/world -o none", 3, "no/world");
    CHECK(!there("none"));
}

/* ---- training ---- */

static const char *const RECIPE =
    "{\"model\": {\"block_out_channels\": [8, 8, 8], \"layers_per_block\": 1, \"norm_num_groups\": 4,"
    " \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    " \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]},"
    " \"data\": {\"size\": 32}, \"loss\": {\"mse\": 1.0, \"kl\": 1e-5},"
    " \"train\": {\"max_train_steps\": 12, \"batch_size\": 2, \"save_every\": 1, \"lr\": 0.001}}";

/* The text behind "state_sha256": "..." of train --json; "" when there is none. */
static void state_hash(char hash[65], const char *out)
{
    const char *p = strstr(out, "\"state_sha256\": \"");
    snprintf(hash, 65, "%.64s", p != NULL ? p + 17 : "");
}

/* Starts the training, waits for its first saved state, interrupts it, and returns its exit code. */
static int interrupted_training(void)
{
    char state[2 * SCRATCH_PATH];
    snprintf(state, sizeof state, "%s/cut/state.safetensors", folder);
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) == 0 && freopen("stdout", "w", stdout) != NULL &&
            freopen("stderr", "w", stderr) != NULL)
            execl(program, "ldm99", "train", "vae", "-q", "--recipe", "recipe.json", "-o", "cut",
                  (char *)NULL);
        _exit(99);
    }
    const struct timespec pause = {.tv_nsec = 2000000};
    int status = 0;
    for (int i = 0; i < 30000 && !file_exists(state) && waitpid(child, &status, WNOHANG) == 0; i++)
        nanosleep(&pause, NULL);
    kill(child, SIGINT);
    while (waitpid(child, &status, 0) < 0 && child > 0)
        break;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_training(void)
{
    char straight[65], resumed[65], line[2 * SCRATCH_PATH];
    write_text("recipe.json", RECIPE);
    state_hash(straight, works("train vae -q --json --recipe recipe.json -o whole")->out);
    CHECK(strlen(straight) == 64);
    CHECK(there("whole/config.json") && there("whole/diffusion_pytorch_model.safetensors"));
    CHECK(there("whole/log.csv") && there("whole/loss.svg"));
    const int code = interrupted_training();
    CHECK(code == 130 || code == 0);
    if (code == 0)
        printf("skipped: the training was done before it could be interrupted\n");
    else
        CHECK(there("cut/state.safetensors") && !there("cut/config.json"));
    state_hash(resumed,
               works("train vae -q --json --recipe recipe.json -o cut --resume --micro-batch 1")->out);
    CHECK(strcmp(resumed, straight) == 0);
    fails("train vae -q --recipe recipe.json -o cut", 2, "a run is there already");
    fails("train vae -q --recipe recipe.json -o cut --resume --lr 0.1", 3,
          "with lr 0.001, which is now 0.1");
    fails("train vae -q --recipe recipe.json -o cut --resume --max-train-steps 20", 3,
          "with max_train_steps 12, which is now 20");
    fails("train vae -q --recipe recipe.json -o none --resume", 3, "state.safetensors");
    snprintf(line, sizeof line, "rm '%s/cut/log.csv'", folder); /* the state alone decides */
    CHECK(system(line) == 0);
    const Ran *r = works("train vae --json --recipe recipe.json -o cut --resume");
    CHECK_TEXT(r->err, "cut/log.csv is missing: a new one begins at step 12\n");
    state_hash(resumed, r->out);
    CHECK(strcmp(resumed, straight) == 0 && there("cut/log.csv"));
    fails("train tokenizer -q -o words --max-train-steps 3", 2, "train tokenizer: has no steps");
    fails("train tokenizer -q -o words --resume", 2, "train tokenizer: has no steps");
    CHECK(!there("words"));
    write_text("recipe.json", "{\"train\": {\"bach_size\": 3}}");
    fails("train vae -q --recipe recipe.json -o never", 3, "bach_size");
    CHECK(!there("never"));
}

static void test_missing_model(void)
{
    write_text("recipe.json", RECIPE);
    fails("txt2img -q -p apple --model no/model -o none.png", 3, "no/model");
    CHECK(!there("none.png"));
}

/* $LDM99_PROGRAM, or the program that was built with this test; from the root, since the test goes elsewhere. */
static void find_program(const char *self)
{
    const char *set = getenv("LDM99_PROGRAM"), *slash = strrchr(self, '/');
    char here[400] = "", name[500];
    if (set != NULL)
        snprintf(name, sizeof name, "%.400s", set);
    else
        snprintf(name, sizeof name, "%.*s/../ldm99", slash != NULL ? (int)(slash - self) : 1,
                 slash != NULL ? self : ".");
    if (name[0] != '/' && getcwd(here, sizeof here) == NULL)
        return;
    snprintf(program, sizeof program, "%s%s%s", here, here[0] != '\0' ? "/" : "", name);
}

int main(int argc, char **argv)
{
    char line[SCRATCH_PATH + 40];
    find_program(argc > 0 ? argv[0] : "");
    scratch_path(folder, "program");
    CHECK(folder_make(folder, NULL) == STATUS_OK);
    if (run("--version")->code != 0) {
        printf("skipped: the program does not run here\n");
    } else {
        test_usage();
        test_compare();
        test_golden();
        test_golden_set();
        test_missing_model();
        if (run("data list styles")->code == 0) {
            test_data();
            test_training();
        } else {
            printf("skipped: the picture world is not there\n");
        }
    }
    snprintf(line, sizeof line, "rm -r '%s'", folder);
    CHECK(system(line) == 0);
    return check_report("program");
}
