/* The metrics of sets from outside: numbers, recipes, statistics, shards, refusals. */
#include "io/npz.h"
#include "io/picture.h"
#include "tests/block_pictures.h"

static Outside o;

static double number(const char *arguments, const char *key)
{
    return json_number(json_get(outside_json(&o, arguments, 0), key), NAN);
}

static bool same_files(const char *a, const char *b)
{
    char line[200];
    snprintf(line, sizeof line, "cmp %s %s", a, b);
    return outside_shell(&o, line);
}

static void test_fid(void)
{
    write_set(&o, "a", 7, 100);
    write_set(&o, "b", 6, 200);
    const double value = number("metric fid --json a b", "value");
    CHECK(value > 1.0);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "FID[ldm99-features]");
    const char *hash = json_text(json_get(json_get(o.json, "network"), "weights_sha256"), "none");
    CHECK(strlen(hash) == 64);
    CHECK_TEXT(json_text(json_get(o.json, "features"), ""), hash);
    CHECK_TEXT(json_text(json_get(o.json, "features"), ""), "not Inception");
    CHECK(json_count(json_get(o.json, "warnings")) == 2);
    CHECK_TEXT(json_text(json_at(json_get(o.json, "warnings"), 0), ""), "7 pictures for 128 numbers");
    const double traces =
        json_number(json_get(o.json, "trace_a"), 0.0) + json_number(json_get(o.json, "trace_b"), 0.0);
    CHECK_NEAR(json_number(json_get(o.json, "mean_part"), 0.0) + traces -
                   2.0 * json_number(json_get(o.json, "trace_root"), 0.0),
               value, 1e-12);
    CHECK_NEAR(number("metric fid --json b a", "value") / value, 1.0, 1e-6);
    CHECK(fabs(number("metric fid --json a a", "value")) <= 1e-6 * traces);
    CHECK(number("metric fid --json -t 1 a b", "value") == value);
    CHECK(outside_run(&o, "metric fid a b") == 0);
    CHECK_TEXT(o.out, "FID[ldm99-features] ");
    CHECK_TEXT(
        o.out,
        "\nA: a, 7 pictures of 64 x 64\nB: b, 6 pictures of 64 x 64\nfeatures: ldm99-features/hidden1");
    CHECK_TEXT(o.out, "\nwarning: a: 7 pictures for 128 numbers");
}

/* The distance against the number of pictures: it ends where the plain run does, and a + b / n is the line through it. */
static void test_fid_against_the_number(void)
{
    write_set(&o, "many", 24, 500);
    write_set(&o, "more", 31, 600);
    const double value = number("metric fid --json many more", "value");
    CHECK(number("metric fid --json many more --plot fid.svg", "value") == value);
    CHECK(outside_has(&o, "fid.svg") && outside_shell(&o, "grep -q 'a + b / n' fid.svg"));
    const Json *curve = json_get(o.json, "curve");
    double x[10], y[10], mx = 0.0, my = 0.0, xx = 0.0, xy = 0.0;
    if (!CHECK(json_count(curve) == 10))
        return;
    for (int i = 0; i < 10; i++) {
        const double n = json_number(json_get(json_at(curve, (size_t)i), "n"), 0.0);
        CHECK(n == (i < 4 ? 3.0 * (i + 1) : 12.0 + 2.0 * (i - 3))); /* 24 in tenths: 3 3 3 3 2 2 ... */
        x[i] = 1.0 / n;
        y[i] = json_number(json_get(json_at(curve, (size_t)i), "value"), 0.0);
        mx += i >= 3 ? x[i] / 7 : 0.0; /* from 12 on */
        my += i >= 3 ? y[i] / 7 : 0.0;
    }
    CHECK(y[9] == value);
    for (int i = 3; i < 10; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
    }
    CHECK(xy > 0.0); /* fewer pictures, larger */
    CHECK_NEAR(number("metric fid --json many more --plot fid.svg", "extrapolated"), my - xy / xx * mx,
               1e-9 * my);
    CHECK(json_int(json_get(json_at(json_get(o.json, "sets"), 1), "other_sizes"), -1) == 0);
    write_blocks(&o, "more/7.png", 48, 3, 1);
    CHECK(number("metric fid --json many more --plot fid.svg", "value") ==
          number("metric fid --json many more", "value"));
    CHECK(json_int(json_get(json_at(json_get(o.json, "sets"), 1), "other_sizes"), -1) == 1);
    outside_json(&o, "metric fid --json many more --plot fid.svg", 0);
    CHECK(json_int(json_get(json_at(json_get(o.json, "sets"), 1), "other_sizes"), -1) == 1);
    CHECK(outside_run(&o, "metric fid many --stats x.npz --plot fid.svg") == 2);
    CHECK_TEXT(o.err, "--plot needs two sets");
    CHECK(outside_run(&o, "metric fid --resize half-pixel a b") == 2);
    CHECK_TEXT(o.err, "--resize is of Inception");
}

/* A file of statistics in the place of either folder changes no bit. */
static void test_statistics(void)
{
    const double value = number("metric fid --json --stats a.npz a b", "value");
    CHECK(outside_has(&o, "a.npz"));
    CHECK(number("metric fid --json a.npz b", "value") == value);
    CHECK(number("metric fid --json b --stats b.npz", "shards") == 1.0);
    CHECK(number("metric fid --json a b.npz", "value") == value);
    CHECK(number("metric fid --json a.npz b.npz", "value") == value);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "FID[ldm99-features]");
    CHECK(json_kind(json_get(o.json, "network")) == JSON_ABSENT);
}

/* Any number of shards, also more than pictures, joined in any order: the bytes of one run. */
static void test_shards(void)
{
    char line[300];
    for (int n = 1; n <= 9; n += n < 3 ? 1 : 3) {
        CHECK(outside_shell(&o, "rm -rf parts && mkdir parts"));
        for (int i = 1; i <= n; i++) {
            snprintf(line, sizeof line, "metric fid a --stats parts/%d.npz --shard %d/%d", i, i, n);
            CHECK(outside_run(&o, line) == 0);
        }
        CHECK(outside_run(&o, "metric merge parts --stats merged.npz") == 0);
        CHECK(same_files("a.npz", "merged.npz"));
    }
    CHECK(outside_run(&o,
                      "metric merge --stats merged2.npz parts/9.npz parts/1.npz parts/3.npz parts/2.npz "
                      "parts/4.npz parts/8.npz parts/7.npz parts/6.npz parts/5.npz") == 0);
    CHECK(same_files("a.npz", "merged2.npz"));
    CHECK_TEXT(o.out, "9 files, 7 pictures\n");

    outside_fails(&o, "metric merge --stats no.npz parts/1.npz parts/2.npz", 2, "shard 3 of 9 is missing");
    outside_fails(&o, "metric merge --stats no.npz parts parts/4.npz", 2, "shard 4 of 9 is there twice");
    outside_fails(&o, "metric merge --stats no.npz a.npz parts/4.npz", 2, "a.npz is one of 1 shards");
    outside_fails(&o, "metric merge --stats no.npz a.npz b", 3, "b holds no .npz");
    outside_fails(&o, "metric merge a.npz b.npz", 2, "--stats FILE.npz");
    outside_fails(&o, "metric fid parts/4.npz b", 2,
                  "parts/4.npz is shard 4 of 9; metric merge joins them");
    CHECK(!outside_has(&o, "no.npz"));

    CHECK(outside_run(&o, "metric merge a.npz b.npz --stats both.npz") == 0); /* two sets as one */
    CHECK(outside_shell(&o, "mkdir both && for i in 0 1 2 3 4 5 6; do cp a/$i.png both/a$i.png; done && "
                            "for i in 0 1 2 3 4 5; do cp b/$i.png both/b$i.png; done"));
    CHECK(outside_run(&o, "metric fid both --stats together.npz") == 0 &&
          same_files("both.npz", "together.npz"));
}

static void test_lists(void)
{
    outside_write(&o, "list.txt", "a/6.png\r\na/0.png\n\na/2.png\na/1.png\na/3.png\na/5.png\na/4.png");
    CHECK(outside_run(&o, "metric fid list.txt --stats listed.npz") == 0 &&
          same_files("a.npz", "listed.npz"));
    outside_write(&o, "hole.txt", "a/0.png\na/none.png\n");
    outside_fails(&o, "metric fid hole.txt b --stats no.npz", 3, "a/none.png");
    outside_write(&o, "empty.txt", "\n\n");
    outside_fails(&o, "metric fid empty.txt b", 3, "empty.txt: names no pictures");
    outside_fails(&o, "metric fid a/0.png b", 3,
                  "a/0.png: is no folder, no .npz with statistics and no list");
    CHECK(!outside_has(&o, "no.npz"));
}

/* The tiles of a sheet, row after row, are the pictures of a folder, whatever is made of them. */
static void test_sheets(void)
{
    Arena arena = {0};
    Image sheet, tile;
    CHECK(image_new(&sheet, 4 * 64, 2 * 64, 3, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 7; i++) {
        char name[20];
        snprintf(name, sizeof name, "a/%d.png", i);
        CHECK(picture_read(&tile, outside_path(&o, name), &arena, NULL) == STATUS_OK);
        for (int y = 0; y < 64; y++)
            memcpy(image_at(&sheet, i % 4 * 64, i / 4 * 64 + y), image_at(&tile, 0, y), 3 * 64);
    }
    CHECK(png_write(outside_path(&o, "sheet.png"), &sheet, NULL, 0, &arena, NULL) == STATUS_OK);
    CHECK(image_crop(&tile, &sheet, 192, 64, 64, 64, &arena, NULL) == STATUS_OK); /* the eighth is black */
    CHECK(outside_shell(&o, "cp -r a eight"));
    CHECK(png_write(outside_path(&o, "eight/7.png"), &tile, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
    const double value = number("metric fid --json eight b", "value");
    CHECK(number("metric fid --json sheet.png@64 b", "value") == value);
    CHECK(number("metric fid --json sheet.png@64x64 b --plot fid.svg", "value") == value);
    CHECK(json_int(json_get(json_at(json_get(o.json, "sets"), 0), "count"), 0) == 8);
    CHECK(number("metric kid --json --full sheet.png@64 b", "value") ==
          number("metric kid --json --full eight b", "value"));
    CHECK(outside_run(&o, "metric fid sheet.png@64 --shard 2/3 --stats part.npz") == 0);
    CHECK(outside_run(&o, "metric fid eight --shard 2/3 --stats same.npz") == 0);
    CHECK(same_files("part.npz", "same.npz"));
    CHECK(number("metric pr --json sheet.png@64 b", "value") ==
          number("metric pr --json eight b", "value"));
    CHECK(outside_run(&o, "metric fid sheet.png@63 b") == 1);
    CHECK_TEXT(o.err, "sheet.png: 256 x 128 pixels are not full of tiles of 63 x 63");
    CHECK(outside_run(&o, "metric fid none.png@64 b") == 3);
    CHECK(outside_run(&o, "metric fid sheet.png@64y b") != 0);
    CHECK(outside_run(&o, "metric lpips sheet.png@64") == 2);
}

/* Grey, and sizes that are multiples for which nothing is cut: what the features are made of is RGB of 8 bits. */
static void test_other_pictures(void)
{
    CHECK(outside_shell(&o, "mkdir grey mixed && cp a/1.png a/2.png mixed"));
    for (int i = 0; i < 7; i++) {
        char name[40];
        snprintf(name, sizeof name, "grey/%d.png", i);
        write_blocks(&o, name, 64, 1, 100 + (uint64_t)i);
    }
    CHECK(outside_run(&o, "metric fid grey --stats grey.npz") == 0 && same_files("a.npz", "grey.npz"));
    write_blocks(&o, "mixed/3.png", 96, 3, 9);
    outside_write(&o, "mixed/notes.txt", "no picture");
    CHECK(outside_run(&o, "metric fid mixed b") == 0);
    CHECK_TEXT(o.out, "warning: mixed: 1 of 3 pictures are not of 64 x 64, the first's size\n");
    CHECK_TEXT(o.out, "warning: mixed: 1 file is not .png, .ppm or .pgm, left out\n");
}

/* Palettes, 16 bits, few bits, transparency, Adam7: the same features as from the picture in RGB of 8 bits over white. */
static void test_kinds_of_png(void)
{
    static const char *const kinds[] = {"c3-08", "c3-04-clear", "c2-16",       "c0-16",      "c0-01",
                                        "c4-08", "c6-16",       "c2-08-adam7", "c0-04-clear"};
    static const unsigned char white[3] = {255, 255, 255};
    Arena arena = {0};
    CHECK(outside_shell(&o, "mkdir kinds plain"));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char from[100], name[60];
        Bytes bytes;
        Image image;
        snprintf(from, sizeof from, "tests/corpus/png/%s.png", kinds[i]);
        snprintf(name, sizeof name, "kinds/%s.png", kinds[i]);
        CHECK(file_read(&bytes, from, &arena, NULL) == STATUS_OK &&
              file_write(outside_path(&o, name), bytes.data, bytes.size, NULL) == STATUS_OK);
        snprintf(name, sizeof name, "plain/%s.png", kinds[i]);
        CHECK(png_decode(&image, bytes.data, bytes.size, from, &arena, NULL) == STATUS_OK &&
              image_flatten(&image, &image, white, &arena, NULL) == STATUS_OK &&
              image_convert(&image, &image, 3, &arena, NULL) == STATUS_OK &&
              png_write(outside_path(&o, name), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    }
    arena_free(&arena);
    CHECK(outside_run(&o, "metric fid kinds --stats kinds.npz") == 0 &&
          outside_run(&o, "metric fid plain --stats plain.npz") == 0 &&
          same_files("kinds.npz", "plain.npz"));
}

static void test_damaged_pictures(void)
{
    CHECK(outside_shell(
        &o, "mkdir empty one cut && cp a/0.png one && cp a/*.png cut && head -c 90 a/3.png >cut/3.png"));
    outside_fails(&o, "metric fid empty b", 3, "empty: holds no pictures");
    outside_fails(&o, "metric fid one b --stats no.npz", 2, "one: 1 picture, expected at least 2");
    outside_fails(&o, "metric fid cut b --stats no.npz", 3, "cut/3.png");
    outside_fails(&o, "metric fid cut --stats no.npz", 3, "cut/3.png");
    outside_fails(&o, "metric kid cut b --full", 3, "cut/3.png");
    outside_fails(&o, "metric fid nowhere b", 3, "nowhere");
    CHECK(!outside_has(&o, "no.npz"));
}

static void write_statistics(const char *name, uint64_t d, double value)
{
    static double mu[200], sigma[200 * 200];
    Arena arena = {0};
    for (uint64_t i = 0; i < d * d; i++)
        sigma[i] = i % (d + 1) == 0;
    mu[0] = value;
    const NpzItem items[] = {{"mu", {.dtype = F64, .rank = 1, .dim = {d}, .data = mu}},
                             {"sigma", {.dtype = F64, .rank = 2, .dim = {d, d}, .data = sigma}}};
    CHECK(npz_write(outside_path(&o, name), items, 2, false, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

/* Files with mu and sigma alone, as pytorch-fid writes them: |mu_1 - mu_2|^2 by hand, and never called ours. */
static void test_statistics_of_others(void)
{
    write_statistics("p.npz", 5, 1.0);
    write_statistics("q.npz", 5, 4.0);
    CHECK_NEAR(number("metric fid --json p.npz q.npz", "value"), 9.0, 1e-12);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "FID[unknown]");
    CHECK(json_kind(json_get(o.json, "features")) == JSON_NULL &&
          json_count(json_get(o.json, "warnings")) == 2);
    outside_fails(&o, "metric fid a p.npz", 1, "features of 128 numbers in a and of 5 in p.npz");
    write_statistics("r.npz", 128, 4.0);
    CHECK(outside_run(&o, "metric fid a r.npz") == 0);
    CHECK_TEXT(o.out, "FID[unknown] ");
    write_statistics("n.npz", 128, NAN);
    outside_fails(&o, "metric fid a n.npz", 5, "number 0 of \"mu\" is not finite");
    outside_fails(&o, "metric merge p.npz q.npz --stats no.npz", 2, "p.npz has mean and covariance alone");
    outside_write(&o, "bad.npz", "PK no zip");
    outside_fails(&o, "metric fid a bad.npz", 3, "bad.npz");
    CHECK(!outside_has(&o, "no.npz"));
}

/* The same network from another place is another name, and its statistics are not mixed with the shipped one's. */
static void test_another_network(void)
{
    char line[2 * SCRATCH_PATH];
    const double value = number("metric fid --json a b", "value");
    const char *folder = json_text(json_get(json_get(o.json, "network"), "folder"), "");
    snprintf(line, sizeof line, "ln -s '%.900s' net", folder);
    CHECK(outside_shell(&o, line));
    CHECK(number("metric fid --json --features net a b", "value") == value);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "FID[vgg-");
    outside_fails(&o, "metric fid --features net a b.npz", 2, "have features by other recipes");
    outside_fails(&o, "metric fid --features a a b", 3, "config.json");
}

static void test_kid_and_prc(void)
{
    const double same = number("metric kid --json --full a a", "value"),
                 value = number("metric kid --json --full a b", "value");
    CHECK(same < 0.0 && value > same); /* unbiased: a set is nearer to itself than to chance */
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "KID[ldm99-features]");
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "one estimate of the first 6 of each");
    CHECK(isfinite(number("metric kid --json --subsets 3 --subset-size 5 a b", "deviation")));
    outside_fails(&o, "metric kid a b", 2,
                  "subsets of 1000 pictures of a set of 6; --subset-size or --full");
    outside_fails(&o, "metric kid a b.npz", 2, "b.npz has mean and covariance alone; kid needs pictures");

    CHECK(number("metric prc --json a a", "precision") == 1.0);
    const double precision = number("metric prc --json --neighbour 2 a b", "precision"),
                 recall = json_number(json_get(o.json, "recall"), -1.0);
    CHECK(number("metric prc --json -k 2 b a", "recall") == precision);
    CHECK(json_number(json_get(o.json, "precision"), -1.0) == recall);
    CHECK(outside_run(&o, "metric prc a a") == 0);
    CHECK_TEXT(o.out, "PRC[ldm99-features] precision 1, recall 1, F 1\n");
    outside_fails(&o, "metric prc -k 6 a b", 2, "a set of 6 pictures has no neighbour 6");
}

/* Pictures of one colour have features like others. */
static void test_pictures_of_one_colour(void)
{
    Arena arena = {0};
    Image image;
    CHECK(outside_shell(&o, "mkdir colour"));
    for (int i = 0; i < 3; i++) {
        char name[40];
        snprintf(name, sizeof name, "colour/%d.png", i);
        CHECK(image_new(&image, 64, 64, 3, &arena, NULL) == STATUS_OK);
        memset(image.pixels, 80 * i, image_size(&image));
        CHECK(png_write(outside_path(&o, name), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    }
    arena_free(&arena);
    CHECK(number("metric fid --json colour b", "value") > 1.0);
    CHECK(fabs(number("metric fid --json colour colour", "value")) <=
          1e-6 * number("metric fid --json colour colour", "trace_a"));
    CHECK(outside_shell(&o,
                        "cp colour/1.png colour/0.png && cp colour/1.png colour/2.png")); /* all the same */
    CHECK(number("metric fid --json colour colour", "value") == 0.0);
    CHECK(number("metric fid --json colour b", "trace_a") == 0.0);
}

/* Five sizes of balls where the sets have so many pictures; the number is that of the plain run. */
static void test_prc_plot(void)
{
    const double plain = number("metric prc --json -k 2 many more", "recall");
    CHECK(number("metric prc --json -k 2 many more --plot prc.svg", "recall") == plain);
    CHECK(outside_shell(&o, "grep -q 'k = 8' prc.svg && grep -q '>recall<' prc.svg"));
    CHECK(outside_run(&o, "metric prc a b --plot prc.svg") == 0);
    CHECK_TEXT(o.out, "prc.svg");
    CHECK(outside_shell(&o, "grep -q 'k = 5' prc.svg && ! grep -q 'k = 8' prc.svg")); /* 6 pictures */
}

static void test_words(void)
{
    outside_fails(&o, "metric fid a", 2, "expected two sets A B, or A and --stats FILE");
    outside_fails(&o, "metric kid a", 2, "metric kid: expected two sets A B, got 1");
    outside_fails(&o, "metric fid a b b", 2, "expected two sets A B, got 3");
    outside_fails(&o, "metric fid a b --stats x.txt", 2, "\"x.txt\" does not end in .npz");
    outside_fails(&o, "metric kid a b --stats x.npz", 2, "--stats belongs to fid and merge");
    outside_fails(&o, "metric fid a b --shard 1/2", 2, "--shard belongs to metric fid A --stats FILE");
    static const char *const bad[] = {"0/2", "3/2", "1", "1/", "/2", "1/2x", "-1/2", "1/99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[100];
        snprintf(line, sizeof line, "metric fid a --stats no.npz --shard=%s", bad[i]);
        outside_fails(&o, line, 2, "is no part i/n");
    }
    outside_fails(&o, "metric fid --range 2 a b", 2, "--range belongs to psnr and ssim");
    outside_fails(&o, "metric psnr --stats x.npz a b", 2, "--stats and --shard belong to fid");
    outside_fails(&o, "metric fidd a b", 2, "did you mean fid");
    CHECK(!outside_has(&o, "no.npz"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "sets")) {
        test_fid();
        test_fid_against_the_number();
        test_statistics();
        test_shards();
        test_lists();
        test_sheets();
        test_other_pictures();
        test_kinds_of_png();
        test_damaged_pictures();
        test_statistics_of_others();
        test_another_network();
        test_kid_and_prc();
        test_pictures_of_one_colour();
        test_prc_plot();
        test_words();
    }
    outside_end(&o);
    return check_report("set_metric");
}
