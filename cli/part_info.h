/* cli/part_info.h - what `info` says of a folder with one network in it (config.json and weights): its class, its shape,
 * and which tensors of its file match. */
#ifndef CLI_PART_INFO_H
#define CLI_PART_INFO_H

#include "cli/result.h"

/* Whether the folder is such a one: config.json without model_index.json beside it. */
bool is_part_folder(const char *folder, Arena *arena);

/* Only names and shapes are read.  STATUS_FORMAT when the configuration is refused, or when tensors are missing,
 * misshapen or left over: they are listed before. */
MUST_CHECK Status part_info(Result *r, const char *folder, bool tensors, Arena *arena, Error *err);

#endif
