#include "diffusion/convert_lora.h"

#include <string.h>

#include "io/archive_write.h"

/* Parts of layer names that have an underscore of their own (diffusers' U-Net, transformers' CLIP). */
static const char *const WORDS[] = {"down_blocks", "up_blocks",     "mid_block",     "transformer_blocks",
                                    "to_q",        "to_k",          "to_v",          "to_out",
                                    "proj_in",     "proj_out",      "time_emb_proj", "time_embedding",
                                    "linear_1",    "linear_2",      "cond_proj",     "conv_in",
                                    "conv_out",    "conv_shortcut", "text_model",    "self_attn",
                                    "q_proj",      "k_proj",        "v_proj",        "out_proj"};

bool is_lora(const TensorArchive *file)
{
    LoraName name;
    return file->count > 0 && lora_name_read(&name, file->tensors[0].name);
}

void lora_module_points(char module[WEIGHTS_NAME])
{
    for (char *p = module; *p != '\0';) {
        size_t length = 0;
        for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
            const size_t n = strlen(WORDS[i]);
            if (n > length && strncmp(p, WORDS[i], n) == 0 && (p[n] == '_' || p[n] == '\0'))
                length = n;
        }
        if (length == 0)
            length = strcspn(p, "_");
        p += length;
        if (*p == '_')
            *p++ = '.';
    }
}

/* The file's tensor under its name in the other naming. */
static Status rename_tensor(ArchiveItem *out, const TensorArchive *file, const ArchiveTensor *t,
                            LoraNaming naming, Arena *arena, Error *err)
{
    LoraName name;
    char key[WEIGHTS_NAME];
    if (!lora_name_read(&name, t->name))
        return error_set(err, STATUS_FORMAT,
                         "%.150s: the tensor %.200s is none of a LoRA's up, down and alpha", file->name,
                         t->name);
    if (name.naming == LORA_KOHYA)
        lora_module_points(name.module);
    if (!lora_name_write(key, naming, name.role, name.text, name.module))
        return error_set(err, STATUS_FORMAT, "%.150s: the name %.200s is too long", file->name, t->name);
    const char *text = arena_text(arena, key, strlen(key));
    if (text == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory to convert it", file->name);
    *out = archive_item(text, file, t);
    return STATUS_OK;
}

Status convert_lora(const TensorArchive *file, const char *path, LoraNaming naming, const DType *dtype,
                    Arena *arena, Error *err)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    const ArenaMark mark = arena_mark(arena);
    ArchiveItem *items = arena_alloc(arena, file->count + 1, sizeof *items);
    Status status = STATUS_OK;
    if (items == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory to convert it", file->name);
    for (size_t i = 0; i < file->count && status == STATUS_OK; i++)
        status = rename_tensor(&items[i], file, &file->tensors[i], naming, arena, err);
    if (status == STATUS_OK)
        status = archive_write(path, items, file->count, metadata, dtype, arena, err);
    arena_release(arena, mark);
    return status;
}
