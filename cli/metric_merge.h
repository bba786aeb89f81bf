/* cli/metric_merge.h - `ldm99 metric merge FILE... --stats OUT`: statistics of parts as those of the whole. */
#ifndef CLI_METRIC_MERGE_H
#define CLI_METRIC_MERGE_H

#include "cli/common.h"

/* The command's words but the first are files of `metric fid A --stats`, or folders with such files.  One file at a time
 * is in memory beside the sums. */
MUST_CHECK Status metric_merge(Command *c, const char *out, Arena *scratch, Error *err);

#endif
