/* The peak of memory that the program says of itself against what the system saw of it.
 *
 * The program counts its own data.  On top come its code and libraries, which a run that does nothing shows, and
 * threads, buffers of files, and what malloc keeps of memory that was given back: OVERHEAD. */
#include <sys/resource.h>

#include "tests/outside.h"

static const double OVERHEAD = 8.0 * 1048576.0; /* bytes; 1 MiB is usual */

static const char *const RECIPE =
    "{\"model\": {\"block_out_channels\": [8, 8, 8], \"layers_per_block\": 1, \"norm_num_groups\": 4,"
    " \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    " \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]},"
    " \"data\": {\"size\": 32}, \"loss\": {\"mse\": 1.0, \"kl\": 1e-5},"
    " \"train\": {\"max_train_steps\": 1, \"batch_size\": 32, \"lr\": 0.001, \"held_out\": 2}}";

/* Runs the program in a process between, whose largest child it is.  Returns the largest resident size in bytes. */
static double resident(Outside *o, const char *arguments)
{
    int ends[2];
    double bytes = 0.0;
    if (!CHECK(pipe(ends) == 0))
        return 0.0;
    const pid_t between = fork();
    if (between == 0) {
        struct rusage usage;
        outside_run(o, arguments);
        const bool good = o->code == 0 && getrusage(RUSAGE_CHILDREN, &usage) == 0;
        bytes = good ? (double)usage.ru_maxrss * 1024.0 : 0.0;
        _exit(write(ends[1], &bytes, sizeof bytes) != (ssize_t)sizeof bytes);
    }
    CHECK(read(ends[0], &bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    CHECK(between > 0 && waitpid(between, NULL, 0) == between);
    close(ends[0]);
    close(ends[1]);
    return bytes;
}

static void check(Outside *o, double nothing, const char *arguments)
{
    const double seen = resident(o, arguments);
    Bytes out = {0};
    const Json *json = NULL;
    const Status status = file_read(&out, outside_path(o, "stdout"), &o->arena, NULL);
    if (!CHECK(status == STATUS_OK) ||
        !CHECK(json_parse(&json, (const char *)out.data, out.size, "stdout", &o->arena, NULL) == STATUS_OK))
        return;
    const double said = json_number(json_get(json, "peak_bytes"), 0.0);
    if (!CHECK(said > 0.0 && said <= seen && seen <= nothing + said + OVERHEAD))
        printf("    ldm99 %s: said %.0f bytes, the system saw %.0f\n", arguments, said, seen);
}

static bool measurable(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#endif
#endif
    const char *preload = getenv("LD_PRELOAD");
    return preload == NULL || strstr(preload, "valgrind") == NULL;
}

int main(int argc, char **argv)
{
    static Outside o;
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "peak-memory") && measurable()) {
        const double nothing = resident(&o, "--version");
        check(&o, nothing, "golden hashes -q -t 2 --json");
        if (outside_run(&o, "data list styles") == 0) {
            outside_write(&o, "recipe.json", RECIPE);
            check(&o, nothing, "data make -q --json -n 2 -o pictures");
            check(&o, nothing, "train vae -q --json -t 2 --recipe recipe.json -o vae");
        } else {
            printf("skipped: the picture world is not there\n");
        }
        if (outside_run(&o, "info") == 0) {
            check(&o, nothing, "txt2img -q --json -t 2 -p apple --steps 1");
            check(&o, nothing,
                  "txt2img -q --json -t 2 -p apple --steps 1 -b 4 -o four.png --save-latents four.npy");
            check(&o, nothing, "decode -q --json -t 2 -i four.npy -o again.png");
            check(&o, nothing, "encode -q --json -t 2 -i again_1.png");
            check(&o, nothing, "demo -q --json -t 2 --steps 1 -o .");
        } else {
            printf("skipped: the shipped model is not there\n");
        }
    }
    outside_end(&o);
    return check_report("peak_memory");
}
