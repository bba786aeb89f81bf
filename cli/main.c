#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/contract.h"
#include "cli/commands.h"
#include "cli/common.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"txt2img", command_txt2img, "pictures from a prompt"},
    {"img2img", command_img2img, "pictures from a picture and a prompt"},
    {"inpaint", command_inpaint, "a part of a picture made anew"},
    {"control", command_control, "pictures from a prompt, steered by pictures through ControlNets"},
    {"adapter", command_adapter, "the same through T2I-Adapters"},
    {"guide", command_guide, "pictures guided by the gradient of a loss at every step"},
    {"invert", command_invert, "from a picture to the noise that DDIM makes it of"},
    {"doodl", command_doodl, "a picture whose noise is moved until it fits a loss"},
    {"edict", command_edict, "a picture changed by two prompts, exactly invertible"},
    {"again", command_again, "a picture made again from its own record: the same bits?"},
    {"encode", command_encode, "a picture to its latent"},
    {"decode", command_decode, "a latent to its picture"},
    {"tokenize", command_tokenize, "a text as the numbers that the text encoder reads"},
    {"segment", command_segment, "which thing is where in a picture"},
    {"embed", command_embed, "pictures and texts as rows of CLIP's space, and how well they fit"},
    {"train", command_train, "train a part of a model by a recipe"},
    {"info", command_info, "what a model folder, tensor file or picture holds"},
    {"convert", command_convert, "a model or a LoRA from one file layout to another"},
    {"compare", command_compare, "where two files of tensors or pictures differ"},
    {"metric", command_metric, "how near pictures are: mse, psnr, ssim"},
    {"classify", command_classify, "what is in a picture and in whose style"},
    {"golden", command_golden, "is this build on the numeric contract?"},
    {"data", command_data, "make, list and show the training pictures"},
    {"table", command_table, "how well a model draws, in numbers"},
    {"demo", command_demo, "sheets of pictures from the shipped model"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void usage(FILE *out)
{
    fprintf(out, "ldm99 " LDM99_VERSION ": latent diffusion in C99, the same bits everywhere\n"
                 "usage: ldm99 SUBCOMMAND [options]      ldm99 SUBCOMMAND --help\n"
                 "       ldm99 -p \"a red apple\"          is txt2img\n"
                 "       ldm99 --version\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
}

static int unknown(const char *word)
{
    const char *names[COMMANDS + 1];
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    names[COMMANDS] = NULL;
    const char *near = nearest_word(word, names);
    fprintf(stderr, "ldm99: unknown subcommand \"%.80s\"%s%s%s; see ldm99 --help\n", word,
            near != NULL ? ", did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
    return EXIT_USAGE;
}

#ifdef _OPENMP
/* OpenMP's threads wait for work by spinning, some for milliseconds, which on a busy machine costs far more than
 * it saves.  The runtimes read the limit only at their start, so the program starts once more with it set; where
 * that is not possible it goes on as it is. */
static void start_with_short_spins(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL ||
        getenv("KMP_BLOCKTIME") != NULL)
        return;
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    if (length > 0 && setenv("GOMP_SPINCOUNT", "3000", 0) == 0 && setenv("KMP_BLOCKTIME", "0", 0) == 0)
        execv(program, argv);
}
#endif

/* A stream that the caller has closed would give its number to the first file that is opened, and its words would go
 * there.  Nothing can be written to what takes its place. */
static void hold_streams(void)
{
#ifdef F_GETFD
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return;
#endif
}

/* For what is printed without a Command. */
static int printed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    fprintf(stderr, "ldm99: standard output: cannot write\n");
    return EXIT_FILE;
}

int main(int argc, char **argv)
{
    Error error = {0};
    hold_streams();
#ifdef _OPENMP
    start_with_short_spins(argv);
#endif
    if (contract_check(&error) != STATUS_OK) {
        fprintf(stderr, "ldm99: %s\n", error.text);
        return exit_code(error.status);
    }
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return printed();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ldm99 " LDM99_VERSION "\n");
        return printed();
    }
    if (argv[1][0] == '-')
        return command_txt2img(argc, argv);
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
