/* cli/recall_metric.h - `ldm99 metric recall A`: whether the pictures of a folder show the things that they should. */
#ifndef CLI_RECALL_METRIC_H
#define CLI_RECALL_METRIC_H

#include "cli/set_metric.h"

/* Things of metadata.jsonl against a segmentation network's maps (metrics/recall.h); says its result. */
MUST_CHECK Status recall_metric(const SetMetric *m, Error *err);

#endif
