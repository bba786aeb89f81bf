#include "diffusion/control_files.h"

#include "base/file.h"

Status control_files_find(ControlFiles *out, const char *folder, Arena *arena, Error *err)
{
    ControlFiles files = {path_join(arena, folder, "config.json"),
                          path_join(arena, folder, "diffusion_pytorch_model.safetensors")};
    const char *half = path_join(arena, folder, "diffusion_pytorch_model.fp16.safetensors");
    if (files.config == NULL || files.weights == NULL || half == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its files", folder);
    if (!file_exists(files.weights) && file_exists(half))
        files.weights = half;
    *out = files;
    return STATUS_OK;
}

static Status read_config(const Json **json, ControlFiles *files, const char *folder, Arena *arena,
                          Error *err)
{
    const Status status = control_files_find(files, folder, arena, err);
    return status == STATUS_OK ? json_read(json, files->config, arena, err) : status;
}

Status controlnet_open(ControlNet *out, const char *folder, Arena *arena, Error *err)
{
    ControlFiles files;
    ControlNetConfig config;
    ControlNet net;
    Weights weights = {.count = 0};
    const Json *json = NULL;
    Status status = read_config(&json, &files, folder, arena, err);
    if (status == STATUS_OK)
        status = controlnet_config_read(&config, json, files.config, arena, err);
    if (status != STATUS_OK)
        return status;
    weights_open(&weights, arena, files.weights);
    controlnet_load(&net, &config, &weights, "");
    status = weights_finish(&weights, err);
    if (status == STATUS_OK)
        *out = net;
    return status;
}

Status t2i_adapter_open(T2iAdapter *out, const char *folder, Arena *arena, Error *err)
{
    ControlFiles files;
    AdapterConfig config;
    T2iAdapter adapter;
    Weights weights = {.count = 0};
    const Json *json = NULL;
    Status status = read_config(&json, &files, folder, arena, err);
    if (status == STATUS_OK)
        status = t2i_adapter_config_read(&config, json, files.config, arena, err);
    if (status != STATUS_OK)
        return status;
    weights_open(&weights, arena, files.weights);
    t2i_adapter_load(&adapter, &config, &weights, "");
    status = weights_finish(&weights, err);
    if (status == STATUS_OK)
        *out = adapter;
    return status;
}
