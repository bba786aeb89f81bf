#include "cli/picture_method.h"

#include <string.h>

static void no_options(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS])
{
    (void)r;
    table[0] = (Option){.kind = OPTION_END};
}

static Status run(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    return txt2img(out, &r->run.model, o, &r->command->arena, err);
}

const PictureMethod METHOD_TXT2IMG = {
    .name = "txt2img", .about = "Pictures from a prompt.", .table = no_options, .run = run};

const PictureMethod *picture_method_find(const char *name)
{
    static const PictureMethod *const METHODS[] = {&METHOD_TXT2IMG, &METHOD_IMG2IMG, &METHOD_INPAINT,
                                                   &METHOD_CONTROL, &METHOD_ADAPTER, &METHOD_GUIDE};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
        if (strcmp(METHODS[i]->name, name) == 0)
            return METHODS[i];
    return NULL;
}
