/* cli/golden_parts.h - the parts of a golden set that are not operators. */
#ifndef CLI_GOLDEN_PARTS_H
#define CLI_GOLDEN_PARTS_H

#include "cli/golden_set.h"

/* The `make` of these parts; they need no context. */
void golden_random_make(GoldenFile *file, const void *context);
void golden_schedules_make(GoldenFile *file, const void *context);
void golden_samplers_make(GoldenFile *file, const void *context);
void golden_optimizers_make(GoldenFile *file, const void *context);
void golden_ema_make(GoldenFile *file, const void *context);
void golden_grad_clip_make(GoldenFile *file, const void *context);
void golden_lr_schedules_make(GoldenFile *file, const void *context);

/* The networks of the shipped model, stage by stage; name NULL behind the last. */
GoldenPart golden_network_part(size_t i);

#endif
