/* diffusion/tokenizer_save.c - a tokenizer's folder, written (see diffusion/tokenizer.h). */
#include "base/file.h"
#include "diffusion/tokenizer.h"
#include "io/json.h"

static void write_vocabulary(Bytes *b, const Tokenizer *t)
{
    JsonWriter w = {.out = b};
    json_begin_object(&w, NULL);
    for (int id = 0; id < t->vocabulary; id++)
        if (t->symbol_of[id] != NO_ID)
            json_write_int(&w, t->table.symbol[t->symbol_of[id]].text, id);
    json_end(&w);
}

/* In the order of rank; a rank without a merge belonged to a pair that came again later. */
static void write_merges(Bytes *b, const Tokenizer *t, int *merge_of)
{
    const TokenTable *table = &t->table;
    for (int rank = 0; rank < table->ranks; rank++)
        merge_of[rank] = NO_ID;
    for (int i = 0; i < table->merges; i++)
        merge_of[table->merge[i].rank] = i;
    bytes_add_text(b, "#version: 0.2\n");
    for (int rank = 0; rank < table->ranks; rank++) {
        if (merge_of[rank] == NO_ID)
            continue;
        const Merge *m = &table->merge[merge_of[rank]];
        bytes_add_text(b, table->symbol[m->left].text);
        bytes_add_byte(b, ' ');
        bytes_add_text(b, table->symbol[m->right].text);
        bytes_add_byte(b, '\n');
    }
}

static void write_specials(Bytes *b, const Tokenizer *t, bool config)
{
    JsonWriter w = {.out = b};
    json_begin_object(&w, NULL);
    json_write_text(&w, "bos_token", tokenizer_symbol(t, t->start));
    json_write_text(&w, "eos_token", tokenizer_symbol(t, t->end));
    json_write_text(&w, "unk_token", tokenizer_symbol(t, t->unknown));
    json_write_text(&w, "pad_token", tokenizer_symbol(t, t->padding));
    if (config) {
        json_write_bool(&w, "add_prefix_space", false);
        json_write_bool(&w, "do_lower_case", true);
        json_write_text(&w, "errors", "replace");
        json_write_int(&w, "model_max_length", t->length);
        json_write_text(&w, "tokenizer_class", "CLIPTokenizer");
    }
    json_end(&w);
}

Status tokenizer_save(const Tokenizer *t, const char *folder, Arena *scratch, Error *err)
{
    /* vocab.json comes last: without it the folder is no tokenizer, and the others change what it means. */
    static const char *const NAMES[] = {"special_tokens_map.json", "tokenizer_config.json", "merges.txt",
                                        "vocab.json"};
    const ArenaMark mark = arena_mark(scratch);
    Status status = folder_make(folder, err);
    for (int k = 0; k < 4 && status == STATUS_OK; k++) {
        Bytes b = {.arena = scratch};
        const char *path = path_join(scratch, folder, NAMES[k]);
        int *merge_of = arena_raw(scratch, (size_t)t->table.ranks, sizeof *merge_of);
        if (k < 2)
            write_specials(&b, t, k == 1);
        else if (k == 2 && merge_of != NULL)
            write_merges(&b, t, merge_of);
        else if (k == 3)
            write_vocabulary(&b, t);
        if (path == NULL || merge_of == NULL || b.failed)
            status = error_set(err, STATUS_MEMORY, "no memory to write %s/%s", folder, NAMES[k]);
        else
            status = file_write(path, b.data, b.size, err);
    }
    arena_release(scratch, mark);
    return status;
}
