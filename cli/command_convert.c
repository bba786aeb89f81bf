/* cli/command_convert.c - models and LoRA files from one layout to another. */
#include <string.h>

#include "base/folder_list.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "diffusion/convert_lora.h"
#include "diffusion/convert_model.h"
#include "io/archive_write.h"

typedef struct {
    Command command;
    const char *output, *to, *dtype, *config_from;
} Convert;

static const DType *wanted_dtype(const Convert *c)
{
    static const DType F32_TYPE = F32, F16_TYPE = F16, BF16_TYPE = BF16;
    if (strcmp(c->dtype, "keep") == 0)
        return NULL;
    return strcmp(c->dtype, "f32") == 0 ? &F32_TYPE : strcmp(c->dtype, "f16") == 0 ? &F16_TYPE : &BF16_TYPE;
}

static void say(Convert *c, const char *layout, size_t tensors)
{
    Result *r = &c->command.result;
    result_line(r, "%s: %zu tensors, %s\n", c->output, tensors, layout);
    json_write_text(&r->json, "layout", layout);
    json_write_uint64(&r->json, "tensors", tensors);
    if (!is_folder(c->output))
        result_file_quietly(r, c->output);
}

static Status wrong_target(const Convert *c, const char *path, const char *what, const char *targets,
                           Error *err)
{
    return error_set(err, STATUS_ARGUMENT, "convert: %.150s is %s: --to %s, not %s", path, what, targets,
                     c->to);
}

static bool to_is(const Convert *c, const char *name)
{
    return strcmp(c->to, name) == 0;
}

static Status from_folder(Convert *c, const char *path, Error *err)
{
    ConvertResult made = {0};
    if (!to_is(c, "auto") && !to_is(c, "ldm") && !to_is(c, "ldm-v1") && !to_is(c, "ldm-v2"))
        return wrong_target(c, path, "a model folder", "ldm, ldm-v1 or ldm-v2", err);
    const int layout = to_is(c, "ldm-v1") ? SINGLE_V1 : to_is(c, "ldm-v2") ? SINGLE_V2 : -1;
    const Status status =
        convert_to_single(&made, path, c->output, layout, wanted_dtype(c), &c->command.arena, err);
    if (status == STATUS_OK)
        say(c, made.layout == SINGLE_V2 ? "ldm-v2" : "ldm-v1", made.tensors);
    return status;
}

static Status from_single(Convert *c, const char *path, Error *err)
{
    ConvertResult made = {0};
    const Status status =
        convert_to_folder(&made, path, c->config_from, c->output, wanted_dtype(c), &c->command.arena, err);
    if (status != STATUS_OK)
        return status;
    say(c, "diffusers", made.tensors);
    json_write_bool(&c->command.result.json, "tokenizer", made.tokenizer);
    if (!made.tokenizer)
        result_line(&c->command.result, "no tokenizer: name a folder that has one with --config-from\n");
    return STATUS_OK;
}

static Status from_lora(Convert *c, const TensorArchive *file, Error *err)
{
    LoraName first = {.naming = LORA_KOHYA};
    (void)lora_name_read(&first, file->tensors[0].name);
    if (!to_is(c, "auto") && !to_is(c, "kohya") && !to_is(c, "peft"))
        return wrong_target(c, file->name, "a LoRA", "kohya, peft or safetensors", err);
    const bool kohya = to_is(c, "kohya") || (to_is(c, "auto") && first.naming != LORA_KOHYA);
    const Status status = convert_lora(file, c->output, kohya ? LORA_KOHYA : LORA_PEFT, wanted_dtype(c),
                                       &c->command.arena, err);
    if (status == STATUS_OK)
        say(c, kohya ? "kohya" : "peft", file->count);
    return status;
}

/* The same tensors under the same names. */
static Status as_safetensors(Convert *c, const TensorArchive *file, Error *err)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    ArchiveItem *items = arena_alloc(&c->command.arena, file->count + 1, sizeof *items);
    if (items == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory to convert it", file->name);
    for (size_t i = 0; i < file->count; i++)
        items[i] = archive_item(file->tensors[i].name, file, &file->tensors[i]);
    const Status status =
        archive_write(c->output, items, file->count, metadata, wanted_dtype(c), &c->command.arena, err);
    if (status == STATUS_OK)
        say(c, "safetensors", file->count);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static Status run(Convert *c, const char *path, Error *err)
{
    TensorArchive file;
    if (c->output == NULL)
        return error_set(err, STATUS_ARGUMENT, "convert: where to? -o FILE.safetensors or -o FOLDER");
    if (strcmp(path, c->output) == 0)
        return error_set(err, STATUS_ARGUMENT, "convert: input and output are the same, %.150s", path);
    json_write_text(&c->command.result.json, "input", path);
    json_write_text(&c->command.result.json, "output", c->output);
    if (is_folder(path))
        return from_folder(c, path, err);
    const Status status = archive_open(&file, path, &c->command.arena, err);
    if (status != STATUS_OK)
        return status;
    if (to_is(c, "safetensors"))
        return as_safetensors(c, &file, err);
    if (single_is(&file) &&
        (to_is(c, "diffusers") || (to_is(c, "auto") && !ends_with(c->output, ".safetensors"))))
        return from_single(c, path, err);
    if (is_lora(&file))
        return from_lora(c, &file, err);
    if (!to_is(c, "auto"))
        return wrong_target(c, path, single_is(&file) ? "a single-file model" : "a file of tensors",
                            single_is(&file) ? "diffusers or safetensors" : "safetensors", err);
    return as_safetensors(c, &file, err);
}

int command_convert(int argc, char **argv)
{
    Convert c = {.to = "auto", .dtype = "keep"};
    const Option own[] = {
        {OPTION_TEXT, "output", 'o', NULL, &c.output, 0, 0, "PATH",
         "safetensors file or model folder to write"},
        {OPTION_CHOICE, "to", 0, "layout", &c.to, 0, 0,
         "auto diffusers ldm ldm-v1 ldm-v2 kohya peft safetensors",
         "layout; auto: the other one of a folder and a single file, of kohya and PEFT, else safetensors"},
        {OPTION_CHOICE, "dtype", 0, "type", &c.dtype, 0, 0, "keep f32 f16 bf16",
         "of floating-point tensors; keep: every byte stays"},
        {OPTION_TEXT, "config-from", 0, NULL, &c.config_from, 0, 0, "FOLDER",
         "model folder whose configurations and tokenizer belong to a single file"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "convert",
                           .usage = "FOLDER|FILE -o PATH",
                           .words_low = 1,
                           .words_high = 1,
                           .about = "A model between diffusers' folder and a single file, a LoRA between "
                                    "kohya's and PEFT's names, a "
                                    ".ckpt to safetensors."};
    if (command_begin(&c.command, &about, own, argc, argv)) {
        const Status status = run(&c, c.command.options.words[0], &c.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c.command);
}
