/* Features of a set by the shipped network, in the process: against plain sums, and with every allocation failing. */
#include "cli/metric_side.h"

#include "tests/picture_files.h"

static PictureFiles files;
static const char *const NETWORK = "weights/features";

static void test_names(void)
{
    Arena arena = {0};
    PictureNames names, part;
    Error err = {0}, none = {0};
    CHECK(is_picture_name("a.png") && is_picture_name("b.x.pgm") && !is_picture_name("png") &&
          !is_picture_name("a.png.txt"));
    if (!CHECK(picture_names(&names, files.folder, &arena, &err) == STATUS_OK))
        return;
    CHECK(names.count == 5 && names.others == 1);
    size_t at = 0;
    for (int i = 1; i <= 7; i++) { /* 0 or 1 each, in order, all of them */
        part = picture_names_part(&names, i, 7);
        CHECK(part.count <= 1 && part.path == names.path + at);
        at += part.count;
    }
    CHECK(at == 5);
    part = picture_names_part(&names, 2, 2);
    CHECK(part.count == 3 && part.path == names.path + 2);
    part = picture_names_part(&names, 1000000, 1000000);
    CHECK(part.count == 1);
    CHECK(picture_names(&names, "/no/such", &arena, &none) == STATUS_FILE);
    arena_free(&arena);
}

static Status open_both(MetricSide *side, FeatureNetwork *network, Arena *arena, Error *err)
{
    const Status status = metric_side_open(side, files.folder, arena, err);
    return status == STATUS_OK ? feature_network_open(network, NETWORK, arena, err) : status;
}

/* The statistics of the sums are those of the features. */
static void test_sums_are_of_the_features(void)
{
    Arena arena = {0}, scratch = {0};
    FeatureNetwork network;
    MetricSide side;
    FeatureStatistics plain;
    if (!CHECK(open_both(&side, &network, &arena, NULL) == STATUS_OK))
        return;
    CHECK(network.d == 128 && strncmp(network.name, "vgg-", 4) == 0 &&
          strncmp(network.weights, network.name + 4, 8) == 0);
    CHECK_TEXT(network.recipe, network.weights);
    CHECK_TEXT(network.recipe, network.config);
    CHECK(metric_side_features(&side, &network, &arena, &scratch, NULL) == STATUS_OK);
    CHECK(metric_side_sums(&side, &network, &arena, &scratch, NULL) == STATUS_OK);
    CHECK(scratch.used == 0 && side.file.count == 5 && side.sizes.count == 5 && side.sizes.different == 1);
    if (CHECK(feature_statistics(&plain, side.x, 5, network.d, &arena, NULL) == STATUS_OK))
        for (int i = 0; i < network.d * network.d; i++) {
            CHECK_NEAR(side.file.features.covariance[i], plain.covariance[i], 1e-12);
            CHECK_NEAR(side.file.features.mean[i % network.d], plain.mean[i % network.d], 1e-14);
        }
    arena_free(&arena);
    arena_free(&scratch);
}

static void test_failing_allocations(void)
{
    size_t calls = 0, failed = 0;
    for (size_t n = 0; n <= calls; n += n < 60 ? 1 : 9) {
        ArenaAccount account = {.fail_at = n};
        Arena arena = {.account = &account}, scratch = {.account = &account};
        FeatureNetwork network;
        MetricSide side;
        Error err = {0};
        Status status = open_both(&side, &network, &arena, &err);
        if (status == STATUS_OK)
            status = metric_side_sums(&side, &network, &arena, &scratch, &err);
        if (status == STATUS_OK)
            status = metric_side_features(&side, &network, &arena, &scratch, &err);
        CHECK(status == (n == 0 ? STATUS_OK : STATUS_MEMORY) && err.status == status);
        calls = n == 0 ? account.calls : calls;
        failed += status == STATUS_MEMORY;
        arena_free(&arena);
        arena_free(&scratch);
        CHECK(account.touched == 0);
    }
    CHECK(failed > 60);
}

int main(void)
{
    files_begin(&files, "metric_side");
    files_write(&files, "notes.txt", "no picture");
    for (int i = 0; i < 5; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d.png", i);
        files_picture(&files, name, 64, i == 3 ? 40 : 64, 50 * i);
    }
    test_names();
    test_sums_are_of_the_features();
    test_failing_allocations();
    files_end(&files);
    return check_report("metric_side");
}
