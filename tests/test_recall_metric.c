/* recall from outside: pictures of the picture world show what their metadata says, others do not. */
#include "tests/block_pictures.h"

static Outside o;

static double number(const char *key)
{
    return json_number(json_get(o.json, key), NAN);
}

static void refused(const char *arguments, int code, const char *text)
{
    if (!CHECK(outside_run(&o, arguments) == code))
        printf("    %s: %d\n%s", arguments, o.code, o.err);
    CHECK_TEXT(o.err, text);
}

static void test_the_world(void)
{
    CHECK(outside_run(&o, "data make -n 30 -o world -s 5 --kinds scene -q") == 0);
    outside_json(&o, "metric recall --json world", 0);
    const double right = number("value");
    CHECK(right > 0.9 && right <= 1.0 && number("count") == 30 && number("by_label") > 0.8);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "recall[ldm99-segmentation]");
    CHECK(number("least") <= number("median") && number("median") <= number("greatest"));
    CHECK(json_count(json_get(o.json, "above")) == 3 && json_count(json_get(o.json, "labels")) > 5);
    outside_json(&o, "metric recall --json --area 0.5 world", 0); /* nothing fills half a picture */
    CHECK(number("value") < 0.2);
    CHECK(outside_shell(
        &o, "mkdir turned && for i in $(seq 0 29); do cp world/$(printf '%06d' $i).png "
            "turned/$(printf '%06d' $(( (i + 1) % 30 ))).png; done; cp world/metadata.jsonl turned/"));
    outside_json(&o, "metric recall --json --area 0.02 turned", 0); /* another scene's pictures */
    CHECK(number("value") < 0.5 && number("others") > 1.0);
    CHECK(outside_run(&o, "metric recall world") == 0);
    CHECK_TEXT(o.out, "recall[ldm99-segmentation] ");
    CHECK_TEXT(o.out, "prompts: least ");
}

/* Two pictures of one caption are one prompt; a list of names is enough; what the network does not know is said. */
static void test_own_folders(void)
{
    CHECK(outside_run(&o, "data make -n 2 -o two -s 9 --kinds single -q") == 0);
    CHECK(outside_shell(
        &o,
        "n=$(grep -o '\"name\": \"[^\"]*\"' two/metadata.jsonl | head -1 | cut -d'\"' -f4); "
        "mkdir own && cp two/000000.png own/a.png && cp two/000000.png own/b.png && cp two/000000.png "
        "own/c.png && "
        "printf '{\"file_name\": \"a.png\", \"text\": \"x\", \"objects\": [\"rocket\", \"skull\"]}\\n"
        "{\"file_name\": \"b.png\", \"text\": \"x\", \"objects\": [\"unicorn\"]}\\n"
        "{\"file_name\": \"c.png\", \"text\": \"x\", \"objects\": [\"rocket\"]}\\n' > own/metadata.jsonl"));
    outside_json(&o, "metric recall --json own", 0);
    CHECK(number("count") == 2 && number("prompts") == 1 && json_count(json_get(o.json, "warnings")) == 2);
    CHECK_TEXT(json_text(json_at(json_get(o.json, "warnings"), 0), ""), "1 of 3 pictures have nothing");
    CHECK_TEXT(json_text(json_at(json_get(o.json, "warnings"), 1), ""), "1 things are none");
    CHECK(json_count(json_get(o.json, "labels")) == 2);
}

static void test_refused(void)
{
    refused("metric recall a b", 2, "expected a folder with metadata.jsonl, got 2");
    refused("metric recall nowhere", 3, "nowhere");
    write_set(&o, "plain", 2, 1);
    refused("metric recall plain", 2, "names no thing that the network knows");
    refused("metric recall --area 0 world", 2, "area");
    CHECK(outside_shell(
        &o, "cp -r own bad && echo '{\"file_name\": \"a.png\", \"objects\": [7]}' > bad/metadata.jsonl"));
    refused("metric recall bad", 3, "line 1: \"objects\" is no list of names");
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!outside_begin(&o, argv[0], "recall_metric"))
        return check_report("recall_metric");
    test_the_world();
    test_own_folders();
    test_refused();
    outside_end(&o);
    return check_report("recall_metric");
}
