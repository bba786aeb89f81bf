#include "diffusion/vgg_save.h"

#include "base/file.h"
#include "weights/weights_save.h"

Status vgg_save(const Vgg *vgg, const Weights *weights, const char *folder, DType dtype, Arena *scratch,
                Error *err)
{
    const char *config_path = path_join(scratch, folder, "config.json");
    const char *path = path_join(scratch, folder, "model.safetensors");
    Bytes config = {.arena = scratch};
    JsonWriter json = {.out = &config};
    vgg_config_write(&json, NULL, &vgg->config);
    if (config_path == NULL || path == NULL || config.failed)
        return error_set(err, STATUS_MEMORY, "no memory to write %s", folder);
    Status status = folder_make(folder, err);
    if (status != STATUS_OK)
        return status;
    file_remove(config_path);
    status = weights_save(weights, NULL, path, dtype, scratch, err);
    return status == STATUS_OK ? file_write(config_path, config.data, config.size, err) : status;
}
