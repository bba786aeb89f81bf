/* ldm99.h: tokens and text rows. */
#include <string.h>

#include "api/ldm_call.h"
#include "diffusion/text_conditions.h"

ldm_status ldm_tokenize(int *ids, int *used, size_t *cut, const ldm_model *model, const char *prompt,
                        ldm_error *error)
{
    LdmCall call;
    EncodedPrompt encoded;
    const Tokenizer *t = &model->model.tokenizer;
    Status status = ldm_call_begin(&call, model, MODEL_TOKENIZER);
    if (status == STATUS_OK)
        status = tokenizer_encode(&encoded, t, prompt, &call.arena, &call.error);
    if (status == STATUS_OK) {
        memcpy(ids, encoded.ids, (size_t)t->length * sizeof *ids);
        if (used != NULL)
            *used = encoded.used;
        if (cut != NULL)
            *cut = strlen(encoded.cut);
    }
    return ldm_call_end(&call, status, error);
}

const char *ldm_token_text(const ldm_model *model, int id)
{
    return (model->model.parts & MODEL_TOKENIZER) ? tokenizer_symbol(&model->model.tokenizer, id) : NULL;
}

ldm_status ldm_encode_prompt(float *text, const ldm_model *model, const char *prompt, int clip_skip,
                             ldm_error *error)
{
    LdmCall call;
    float *rows = NULL;
    Status status = ldm_call_begin(&call, model, MODEL_TOKENIZER | MODEL_TEXT);
    if (status == STATUS_OK)
        status = text_rows(&rows, NULL, &model->model, &prompt, 1, clip_skip, &call.arena, &call.error);
    if (status == STATUS_OK)
        memcpy(text, rows, text_rows_size(&model->model) * sizeof *text);
    return ldm_call_end(&call, status, error);
}
