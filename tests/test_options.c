#include "cli/options.h"

#include "base/file.h"
#include "tests/check.h"
#include "tests/scratch.h"

typedef struct {
    const char *prompt, *sampler;
    OptionTexts loras;
    int steps;
    int64_t first;
    uint64_t seed;
    double scale;
    bool tiled;
    Option own[7], common[3];
    Options options;
} Bench;

/* The tables point into *b, so it must stay where it is. */
static void bench(Bench *b)
{
    *b = (Bench){.sampler = "ddim", .steps = 30, .seed = 42, .scale = 7.5};
    const Option own[] = {
        {OPTION_TEXT, "prompt", 'p', NULL, &b->prompt, 0, 0, NULL, "what to paint"},
        {OPTION_INT, "steps", 'n', "num-inference-steps", &b->steps, 1, 1000, NULL, "steps"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale scale", &b->scale, -1, 100, NULL, "guidance"},
        {OPTION_CHOICE, "sampler", 0, "scheduler", &b->sampler, 0, 0, "ddim ddpm", "which sampler"},
        {OPTION_TEXTS, "lora", 0, NULL, &b->loras, 0, 0, "FILE", "files"},
        {OPTION_WHOLE, "first", 0, NULL, &b->first, 0, 0, NULL, "number"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Option common[] = {
        {OPTION_SEED, "seed", 's', NULL, &b->seed, 0, 0, NULL, "of the noise"},
        {OPTION_FLAG, "vae-tiling", 0, NULL, &b->tiled, 0, 0, NULL, "in tiles"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(b->own, own, sizeof own);
    memcpy(b->common, common, sizeof common);
    b->options = (Options){.command = "paint", .usage = "FILES", .about = "Paints.", .words_high = 2};
    b->options.tables[0] = b->own;
    b->options.tables[1] = b->common;
}

enum { WORDS = 40 };

/* Parses "a b c" (words between single spaces) as a command line. */
static Status parse(Bench *b, const char *line, Error *err)
{
    static char text[4000];
    static char command[] = "paint";
    char *argv[WORDS] = {command};
    int argc = 1;
    bench(b);
    *err = (Error){0};
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL && argc < WORDS; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(&b->options, argc, argv, err);
}

static void good(Bench *b, const char *line)
{
    Error err;
    if (!CHECK(parse(b, line, &err) == STATUS_OK))
        printf("    %s: %s\n", line, err.text);
}

static void bad(const char *line, const char *sentence)
{
    Bench b;
    Error err;
    if (!CHECK(parse(&b, line, &err) == STATUS_ARGUMENT))
        printf("    %s\n", line);
    CHECK_TEXT(err.text, sentence);
    CHECK(strncmp(err.text, "paint: ", 7) == 0);
}

static void test_spellings(void)
{
    Bench b;
    good(&b, "");
    CHECK(b.prompt == NULL && b.steps == 30 && b.seed == 42 && b.scale == 7.5 && !b.tiled);
    const char *const lines[] = {"--cfg-scale 3.25",      "--cfg_scale 3.25", "--cfg-scale=3.25",
                                 "--guidance_scale=3.25", "--scale 3.25",     "--scale 1 --cfg-scale 3.25"};
    for (int i = 0; i < 6; i++) {
        good(&b, lines[i]);
        CHECK(b.scale == 3.25);
    }
    const char *const letters[] = {"-p cat -n 5", "-p=cat -n=5", "-pcat -n5", "--prompt=cat --steps 5"};
    for (int i = 0; i < 4; i++) {
        good(&b, letters[i]);
        CHECK(b.prompt != NULL && strcmp(b.prompt, "cat") == 0 && b.steps == 5);
    }
    good(&b, "--prompt=a=b");
    CHECK(strcmp(b.prompt, "a=b") == 0);
    good(&b, "--prompt=");
    CHECK(b.prompt[0] == '\0');
    good(&b, "--prompt -x --cfg-scale -0.5"); /* a value may begin with a dash */
    CHECK(strcmp(b.prompt, "-x") == 0 && b.scale == -0.5);
    CHECK(option_name_is("a_b", "a-b", 3) && !option_name_is("ab", "a-b", 3) &&
          !option_name_is("ab", "ac", 2));
    CHECK(options_find(&b.options, "vae_tiling=x", 10) == &b.common[1]);
    CHECK(options_find(&b.options, "scheduler", 9) == &b.own[3]);
    CHECK(options_find(&b.options, "p", 1) == NULL && options_find(&b.options, "guidance", 8) == NULL);
}

static void test_flags_and_words(void)
{
    Bench b;
    good(&b, "one --vae-tiling two");
    CHECK(b.tiled && b.options.word_count == 2);
    CHECK(strcmp(b.options.words[0], "one") == 0 && strcmp(b.options.words[1], "two") == 0);
    good(&b, "--vae_tiling=true --vae-tiling=false");
    CHECK(!b.tiled);
    bad("--vae-tiling=yes", "--vae-tiling is \"yes\", expected true, false");
    good(&b, "-- --steps -n");
    CHECK(b.steps == 30 && b.options.word_count == 2 && strcmp(b.options.words[0], "--steps") == 0);
    good(&b, "- --"); /* a single dash is a word */
    CHECK(b.options.word_count == 1 && strcmp(b.options.words[0], "-") == 0);
    bad("one two three", "\"three\" is one word too many, expected FILES");
    good(&b, "--help --nonsense");
    CHECK(b.options.help);
    good(&b, "-h");
    CHECK(b.options.help);

    char command[] = "paint", *none[] = {command};
    Error err = {0};
    bench(&b);
    b.options.words_low = 1;
    CHECK(options_parse(&b.options, 1, none, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "expected FILES after the options, got 0 words");
}

static void test_values(void)
{
    Bench b;
    good(&b, "--steps 1 --cfg-scale -1");
    good(&b, "--steps 1000 --cfg-scale 1e2");
    CHECK(b.steps == 1000 && b.scale == 100.0);
    bad("--steps 0", "--steps is \"0\", expected a whole number from 1 to 1000");
    bad("--steps 1001", "from 1 to 1000");
    bad("--steps 2.5", "a whole number");
    bad("--steps 99999999999999999999", "a whole number");
    bad("--steps 5x", "\"5x\"");
    good(&b, "--first 9007199254740992");
    CHECK(b.first == 9007199254740992);
    good(&b, "--first -9007199254740992");
    CHECK(b.first == -9007199254740992);
    bad("--first 9007199254740994", "--first is \"9007199254740994\", expected a whole number");
    bad("--first 0.5", "expected a whole number");
    bad("--steps 3000000000", "a whole number from 1 to 1000");
    bad("--num-inference-steps x", "--steps is \"x\"");
    bad("--cfg-scale nan", "a number from -1 to 100");
    bad("--cfg-scale 1e999", "a number");
    bad("--cfg-scale 101", "a number from -1 to 100");
    bad("--steps", "--steps needs a value");
    bad("-n", "--steps needs a value");
    good(&b, "-s 18446744073709551615");
    CHECK(b.seed == UINT64_MAX);
    good(&b, "-s 9007199254740993");
    CHECK(b.seed == 9007199254740993u);
    bad("--seed 18446744073709551616", "from 0 to 18446744073709551615");
    bad("--seed -1", "a whole number");
    bad("--seed 1.5", "a whole number");
    bad("--seed=", "a whole number");
    good(&b, "--scheduler ddpm");
    CHECK(strcmp(b.sampler, "ddpm") == 0);
    bad("--sampler ddi", "--sampler is \"ddi\", expected ddim, ddpm");
    bad("--sampler=", "expected ddim, ddpm");
}

static void test_repeated_texts(void)
{
    Bench b;
    char many[1000] = "";
    good(&b, "--lora a.st --steps 3 --lora=b.st --lora a.st");
    CHECK(b.loras.count == 3 && strcmp(b.loras.text[0], "a.st") == 0 &&
          strcmp(b.loras.text[1], "b.st") == 0);
    for (int i = 0; i <= OPTION_TEXTS_MAX; i++)
        strcat(many, "--lora=x ");
    bad(many, "--lora is given more than 32 times");
}

static Status read_text(Bench *b, const char *json, Arena *arena, Error *err)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "options.json");
    *err = (Error){0};
    CHECK(file_write(path, json, strlen(json), NULL) == STATUS_OK);
    const Status status = options_read_config(&b->options, path, arena, err);
    remove(path);
    return status;
}

/* A list of the file goes when the command line begins one of its own. */
static void test_lists_of_the_file_are_replaced(void)
{
    Bench b;
    Arena arena = {0};
    Error err;
    char command[] = "paint", one[] = "--lora=c", two[] = "--lora", three[] = "d",
         *argv[] = {command, one, two, three};
    bench(&b);
    CHECK(read_text(&b, "{\"lora\": [\"a\", \"b\"], \"steps\": 9}", &arena, &err) == STATUS_OK);
    CHECK(b.loras.count == 2);
    CHECK(options_parse(&b.options, 1, argv, &err) == STATUS_OK && b.loras.count == 2 && b.steps == 9);
    CHECK(options_parse(&b.options, 4, argv, &err) == STATUS_OK && b.loras.count == 2);
    CHECK(strcmp(b.loras.text[0], "c") == 0 && strcmp(b.loras.text[1], "d") == 0);
    bench(&b);
    b.loras = (OptionTexts){.text = {"default"}, .count = 1};
    CHECK(read_text(&b, "{\"lora\": []}", &arena, &err) == STATUS_OK && b.loras.count == 0);
    arena_free(&arena);
}

static const char *look_up(const char *name, int argc, char **argv)
{
    Bench b;
    bench(&b);
    const char *value = options_look_up(&b.options, argc, argv, name);
    return value != NULL ? value : "none";
}

static void test_looking_one_option_up(void)
{
    char w[9][20] = {"paint",        "--lora",     "--prompt", "-p",        "x",
                     "--vae-tiling", "--prompt=y", "--",       "--prompt=z"};
    char *argv[9];
    for (int i = 0; i < 9; i++)
        argv[i] = w[i];
    CHECK(strcmp(look_up("prompt", 9, argv), "y") == 0);
    CHECK(strcmp(look_up("prompt", 6, argv), "x") == 0);
    CHECK(strcmp(look_up("prompt", 4, argv), "none") == 0); /* the value is missing */
    CHECK(strcmp(look_up("prompt", 3, argv), "none") == 0); /* the value of --lora */
    CHECK(strcmp(look_up("lora", 9, argv), "--prompt") == 0);
    CHECK(strcmp(look_up("steps", 9, argv), "none") == 0);
}

/* defaults < the file's preset < the file < the words' preset < the words */
static void test_presets(void)
{
    static const char *const slow[] = {"steps", "500", "cfg-scale", "2", NULL};
    static const char *const wrong[] = {"setps", "500", NULL};
    const OptionPreset presets[] = {{"slow", slow}, {"wrong", wrong}, {NULL, NULL}};
    Bench b;
    Arena arena = {0};
    Error err = {0};
    bench(&b);
    CHECK(options_apply_preset(&b.options, "slow", &err) == STATUS_ARGUMENT);
    err = (Error){0};
    b.options.presets = presets;
    b.own[3] = (Option){OPTION_CHOICE, "preset", 0, NULL, &b.sampler, 0, 0, "slow wrong", "many"};
    CHECK(options_apply_preset(&b.options, "slow", &err) == STATUS_OK && b.steps == 500 && b.scale == 2.0);
    CHECK(options_apply_preset(&b.options, "wrong", &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "--setps");
    err = (Error){0};
    CHECK(options_apply_preset(&b.options, "fast", &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "--preset is \"fast\", expected slow, wrong");
    b.steps = 30;
    b.scale = 7.5;
    CHECK(read_text(&b, "{\"steps\": 9, \"preset\": \"slow\"}", &arena, &err) == STATUS_OK);
    CHECK(b.steps == 9 && b.scale == 2.0 && strcmp(b.sampler, "slow") == 0);
    CHECK(read_text(&b, "{\"preset\": \"fast\"}", &arena, &err) == STATUS_ARGUMENT);
    arena_free(&arena);
}

static void test_unknown(void)
{
    bad("--setps 3", "unknown option --setps, did you mean --steps?");
    bad("--cfg_scael=3", "did you mean --cfg-scale?");
    bad("--num-inferense-steps 3", "did you mean --num-inference-steps?");
    bad("--vae-tilin", "did you mean --vae-tiling?");
    bad("--quetzalcoatl 3", "unknown option --quetzalcoatl; see ldm99 paint --help");
    bad("-z", "unknown option -z; see ldm99 paint --help");
    const char *const words[] = {"train", "info", NULL};
    CHECK(strcmp(nearest_word("trian", words), "train") == 0);
    CHECK(strcmp(nearest_word("inof", words), "info") == 0);
    CHECK(nearest_word("xylophone", words) == NULL);
    char longer[201];
    memset(longer, 'x', 200);
    longer[200] = '\0';
    const char *const long_words[] = {longer, NULL};
    CHECK(nearest_word("info", long_words) == NULL); /* longer than any name that is compared */
}

static void test_help(void)
{
    Bench b;
    Arena arena = {0};
    Bytes text = {.arena = &arena};
    bench(&b);
    options_help(&b.options, &text);
    bytes_add_byte(&text, 0);
    const char *help = (const char *)text.data;
    CHECK(!text.failed);
    CHECK_TEXT(help, "usage: ldm99 paint [options] FILES\nPaints.\n");
    CHECK_TEXT(help, "-n, --steps N");
    CHECK_TEXT(help, "steps (1 to 1000, default 30)");
    CHECK_TEXT(help, "which sampler: ddim | ddpm (default ddim)");
    CHECK_TEXT(help, "    --vae-tiling ");
    CHECK_TEXT(help, "    --lora FILE ");
    CHECK_TEXT(help, "number (default 0)\n");
    CHECK_TEXT(help, "  -h, --help   ");
    CHECK_TEXT(help, "guidance (-1 to 100, default 7.5)");
    CHECK_TEXT(help, "default 7.5); also --guidance-scale, --scale\n");
    arena_free(&arena);
}

/* ---- the configuration file ---- */

static void test_configuration_round_trip(void)
{
    Bench b, c;
    Arena arena = {0};
    Error err;
    Bytes text = {.arena = &arena}, again = {.arena = &arena};
    good(&b, "--first 8000000000 --steps 77 --cfg-scale 0.1 --sampler ddpm --lora x --lora y --vae-tiling "
             "--seed 18446744073709551615");
    b.prompt = "a \"red\" apple\n\xc3\xa9 \\ ";
    options_write_config(&b.options, &text);
    bytes_add_byte(&text, 0);
    bench(&c);
    CHECK(read_text(&c, (const char *)text.data, &arena, &err) == STATUS_OK);
    CHECK(c.first == 8000000000 && c.steps == 77 && c.scale == 0.1 && c.tiled && c.seed == UINT64_MAX);
    CHECK(strcmp(c.sampler, "ddpm") == 0 && c.prompt != NULL && strcmp(c.prompt, b.prompt) == 0);
    CHECK(c.loras.count == 2 && strcmp(c.loras.text[1], "y") == 0);
    options_write_config(&c.options, &again);
    CHECK(again.size + 1 == text.size && memcmp(again.data, text.data, again.size) == 0);

    bench(&b); /* what is not given stays not given */
    text.size = 0;
    options_write_config(&b.options, &text);
    bytes_add_byte(&text, 0);
    bench(&c);
    CHECK(read_text(&c, (const char *)text.data, &arena, &err) == STATUS_OK);
    CHECK(c.prompt == NULL && c.loras.count == 0 && c.steps == 30);
    arena_free(&arena);
}

static void test_configuration_refusals(void)
{
    const struct {
        const char *json, *sentence;
        Status status;
    } cases[] = {
        {"{\"setps\": 3}", "unknown option --setps, did you mean --steps?", STATUS_ARGUMENT},
        {"{\"steps\": 0}", "--steps is \"0\"", STATUS_ARGUMENT},
        {"{\"steps\": 2.5}", "--steps is \"2.5\"", STATUS_ARGUMENT},
        {"{\"steps\": {\"a\": 1}}", "\"steps\" must be text, a number, true or false", STATUS_FORMAT},
        {"{\"lora\": [3]}", "\"lora\" must be a list of texts", STATUS_FORMAT},
        {"[1, 2]", "is not a JSON object of options", STATUS_FORMAT},
        {"{\"steps\": 3", "options.json", STATUS_FORMAT},
    };
    Bench b;
    Arena arena = {0};
    Error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench(&b);
        if (!CHECK(read_text(&b, cases[i].json, &arena, &err) == cases[i].status))
            printf("    %s\n", cases[i].json);
        CHECK_TEXT(err.text, cases[i].sentence);
    }
    err = (Error){0};
    CHECK(options_read_config(&b.options, "no/such/file.json", &arena, &err) == STATUS_FILE);
    arena_free(&arena);
}

int main(void)
{
    test_spellings();
    test_flags_and_words();
    test_values();
    test_repeated_texts();
    test_lists_of_the_file_are_replaced();
    test_looking_one_option_up();
    test_presets();
    test_unknown();
    test_help();
    test_configuration_round_trip();
    test_configuration_refusals();
    return check_report("options");
}
