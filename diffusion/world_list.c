#include "diffusion/world_list.h"

#include "io/json.h"

static const char *const STYLE_ROLES[] = {"base", "domain", "line"};
static const char *const CONCEPT_ROLES[] = {"core", "more", "rest", "held"};

static int count_pairs(const World *world, int style, WorldPair pair)
{
    int count = 0;
    for (int c = 0; c < world->concepts; c++)
        count += world_pair(world, style, c) == pair;
    return count;
}

void world_list_styles(Bytes *out, const World *world)
{
    bytes_add_format(out, "%-10s %-7s %5s %5s  %-13s %s\n", "style", "role", "train", "test", "licence",
                     "artwork");
    for (int s = 0; s < world->styles; s++) {
        const WorldStyle *style = &world->style[s];
        bytes_add_format(out, "%-10s %-7s %5d %5d  %-13s %s by %s\n", style->name, STYLE_ROLES[style->role],
                         count_pairs(world, s, PAIR_TRAIN), count_pairs(world, s, PAIR_TEST),
                         style->licence, style->artwork, style->author);
    }
}

void world_list_concepts(Bytes *out, const World *world)
{
    for (int k = 0; k < world->categories; k++) {
        bytes_add_format(out, "%s:", world->category[k]);
        for (int c = 0; c < world->concepts; c++) {
            if (world->concept[c].category != k)
                continue;
            const WorldConceptRole role = world->concept[c].role;
            bytes_add_text(out, role == CONCEPT_MORE ? " (" : role == CONCEPT_REST ? " [" : " ");
            bytes_add_text(out, world->concept[c].slug);
            bytes_add_text(out, role == CONCEPT_MORE   ? ")"
                                : role == CONCEPT_REST ? "]"
                                : role == CONCEPT_HELD ? "*"
                                                       : "");
        }
        bytes_add_byte(out, '\n');
    }
    bytes_add_text(out, "\nname    core: still recognisable at 28 pixels, what scenes are made of\n"
                        "(name)  more: the denoiser meets it alone, in scenes too without core_scenes\n"
                        "[name]  rest: known to autoencoder and judges, the denoiser never meets it\n"
                        "name*   held: known to judges alone, neither autoencoder nor denoiser meets it\n");
}

void world_list_tests(Bytes *out, const World *world)
{
    for (int s = 0; s < world->styles; s++) {
        for (int c = 0; c < world->concepts; c++) {
            if (world_pair(world, s, c) == PAIR_TEST)
                bytes_add_format(out, "%s\t%s\n", world->style[s].name, world->concept[c].slug);
        }
    }
}

void world_list_company(Bytes *out, const World *world)
{
    for (int a = 0; a < world->concepts; a++) {
        if (world->concept[a].role != CONCEPT_CORE)
            continue;
        bytes_add_format(out, "%s:", world->concept[a].slug);
        for (int b = 0; b < world->concepts; b++) {
            if (world->concept[b].role == CONCEPT_CORE && world_apart(world, a, b))
                bytes_add_format(out, " %s", world->concept[b].slug);
        }
        bytes_add_byte(out, '\n');
    }
}

static void write_style(JsonWriter *w, const WorldStyle *style)
{
    json_begin_object(w, NULL);
    json_write_text(w, "name", style->name);
    json_write_text(w, "role", STYLE_ROLES[style->role]);
    json_write_text(w, "artwork", style->artwork);
    json_write_text(w, "author", style->author);
    json_write_text(w, "licence", style->licence);
    json_write_text(w, "source", style->source);
    json_end(w);
}

static void write_styles_of(JsonWriter *w, const char *key, const World *world, int concept, WorldPair pair)
{
    json_begin_array(w, key);
    for (int s = 0; s < world->styles; s++) {
        if (world_pair(world, s, concept) == pair)
            json_write_text(w, NULL, world->style[s].name);
    }
    json_end(w);
}

static void write_concept(JsonWriter *w, const World *world, int c)
{
    const WorldConcept *concept = &world->concept[c];
    json_begin_object(w, NULL);
    json_write_text(w, "slug", concept->slug);
    json_write_text(w, "name", concept->name);
    json_write_text(w, "article", concept->article);
    json_write_text(w, "category", world->category[concept->category]);
    json_write_text(w, "role", CONCEPT_ROLES[concept->role]);
    json_begin_array(w, "tags");
    for (int k = 0; k < WORLD_TAGS; k++)
        json_write_text(w, NULL, concept->tag[k]);
    json_end(w);
    json_write_bool(w, "mirror", concept->mirror);
    write_styles_of(w, "train", world, c, PAIR_TRAIN);
    write_styles_of(w, "test", world, c, PAIR_TEST);
    json_begin_array(w, "apart");
    for (int b = 0; b < world->concepts; b++) {
        if (world_apart(world, c, b))
            json_write_text(w, NULL, world->concept[b].slug);
    }
    json_end(w);
    json_end(w);
}

void world_list_json(Bytes *out, const World *world)
{
    JsonWriter w = {.out = out};
    json_begin_object(&w, NULL);
    json_begin_array(&w, "styles");
    for (int s = 0; s < world->styles; s++)
        write_style(&w, &world->style[s]);
    json_end(&w);
    json_begin_array(&w, "concepts");
    for (int c = 0; c < world->concepts; c++)
        write_concept(&w, world, c);
    json_end(&w);
    json_end(&w);
}
