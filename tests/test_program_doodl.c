/* The program's guide and doodl with the shipped networks: what they write, what they refuse, a run that is resumed. */
#include "io/png.h"
#include "tests/outside.h"

static Outside o;

#define SMALL                                                                                              \
    "doodl -q -p 'a red heart' --steps 5 --cfg-scale 3 --loss class --target green-heart --clip-grad "     \
    "0.03 "

static bool same_pixels(const char *a, const char *b)
{
    Image x, y;
    Error err = {0};
    char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s", outside_path(&o, a));
    const bool read = png_read(&x, path, &o.arena, &err) == STATUS_OK &&
                      png_read(&y, outside_path(&o, b), &o.arena, &err) == STATUS_OK;
    return CHECK(read) && image_size(&x) == image_size(&y) &&
           memcmp(x.pixels, y.pixels, image_size(&x)) == 0;
}

static void test_doodl(void)
{
    const Json *json = outside_json(&o, SMALL "--updates 4 -o whole.png --record whole --json", 0);
    const double first = json_number(json_get(json, "first_loss"), 0.0);
    CHECK(json_number(json_get(json, "last_loss"), 1e9) < 0.98 * first);
    CHECK(file_exists(outside_path(&o, "whole/strip.png")) &&
          file_exists(outside_path(&o, "whole/loss.svg")));
    CHECK(outside_run(&o, SMALL "--updates 4 -t 1 -o one.png") == 0 && same_pixels("whole.png", "one.png"));
    /* stopped after two, and resumed: the updates that are asked for are not part of what a state must match */
    CHECK(outside_run(&o, SMALL "--updates 2 -o half.png --record half --save-every 2") == 0);
    CHECK(outside_run(&o, SMALL "--updates 4 -o rest.png --resume half/state.safetensors") == 0);
    CHECK(same_pixels("whole.png", "rest.png"));
    outside_fails(&o, SMALL "--updates 4 -s 8 --resume half/state.safetensors -o x.png", 3, "another run");
    outside_fails(&o, SMALL "--updates 1 --resume half/state.safetensors -o x.png", 2,
                  "2 updates are done");
    outside_fails(&o, SMALL "--resume whole.png -o x.png", 3, "whole.png");
    CHECK(!file_exists(outside_path(&o, "x.png")));
}

static void test_edit(void)
{
    CHECK(outside_run(
              &o, "doodl -q -i whole.png --loss aesthetic --steps 5 --updates 2 --cfg-scale 3 -o e.png") ==
          0);
    CHECK(!same_pixels("whole.png", "e.png"));
    CHECK(outside_run(&o,
                      "doodl -q -p 'a house' --loss image --target whole.png --target one.png --steps 5 "
                      "--updates 1 -o f.png") == 0);
}

static void test_guide(void)
{
#define GUIDE "guide -q -p 'a red heart' --steps 3 --cfg-scale 3 "
    CHECK(outside_run(&o, "txt2img -q -p 'a red heart' --steps 3 --cfg-scale 3 -o plain.png") == 0);
    CHECK(outside_run(&o, GUIDE "--grad-scale 0 -o zero.png") == 0 && same_pixels("plain.png", "zero.png"));
    CHECK(outside_run(&o, GUIDE "--grad-scale 20 -o g.png") == 0 && !same_pixels("plain.png", "g.png"));
    CHECK(outside_run(&o, "again -q g.png") == 0); /* it says how it was made */
    CHECK(outside_run(&o, GUIDE "--noise-aware style-noisy --target noto --grad-scale 5 -o n.png") == 0);
    CHECK(!same_pixels("plain.png", "n.png"));
    CHECK(outside_run(&o, GUIDE "--loss aesthetic --target 7 --freeze-unet --guide-on x0 -o x0.png") == 0);
}

static void test_refusals(void)
{
    outside_fails(&o, "doodl -o x.png", 2, "a prompt is needed");
    outside_fails(&o, "doodl -q -p a --loss class -o x.png", 2, "one class is needed");
    outside_fails(&o, "doodl -q -p a --loss class --target unicorn-fish -o x.png", 2,
                  "no answer \"unicorn-fish\"");
    outside_fails(&o, "doodl -q -p a --loss class --target 500 -o x.png", 2, "answer 500");
    outside_fails(&o, "doodl -q -p a --loss class --target 1 --head colour -o x.png", 2, "no head \"colour\"");
    outside_fails(&o, "doodl -q -p a --loss image -o x.png", 2, "pictures to be alike are needed");
    outside_fails(&o, "doodl -q -p a --loss image --target none.png -o x.png", 3, "none.png");
    outside_fails(&o, "doodl -q -p a --loss aesthetic --target nice -o x.png", 2, "a score from 1 to 10");
    outside_fails(&o, "doodl -p a --steps 7 -o x.png", 2, "do not divide");
    outside_fails(&o, "doodl -p a --updates 0 -o x.png", 2, "updates");
    outside_fails(&o, "doodl -p a --save-every 2 -o x.png", 2, "--record");
    outside_fails(&o, "doodl -p a -W 65 -o x.png", 2, "multiples of");
    outside_fails(&o, "guide -p a --clip nowhere -o x.png", 3, "nowhere");
    outside_fails(&o, "guide -p a --noise-aware style-noisy -o x.png", 2, "one class is needed");
    outside_fails(&o, "guide -p a --loss class --target 1 --noise-aware classifier -o x.png", 3,
                  "classifier");
    outside_fails(&o, "train vae --noise-aware -o x", 2, "is for classifiers");
    CHECK(!file_exists(outside_path(&o, "x.png")));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "program-doodl")) {
        if (outside_run(&o, "info -q") == 0) {
            test_doodl();
            test_edit();
            test_guide();
            test_refusals();
        } else {
            printf("skipped: the shipped model is not there\n");
        }
    }
    outside_end(&o);
    return check_report("program_doodl");
}
