/* run/json.h - numbers of the statistics as JSON: the same keys wherever they are printed (docs/signals.md). */
#ifndef RUN_JSON_H
#define RUN_JSON_H

#include "io/json.h"
#include "mia/mia.h"

IoJson *run_json_interval(double lo, double hi); /* [lo, hi], or null where no interval is defined */
IoJson *run_json_estimate(const MathEstimate *e);
IoJson *run_json_tpr(const MiaResult *result); /* {"0.001": {value, ci, fpr, n}, ..} */
IoJson *run_json_epsilon(const MiaResult *result);
IoJson *run_json_numbers(const MiaResult *result);
IoJson *run_json_params(const BaseEntry *entry, const void *params);
const char *run_json_fitted(MiaFitted fitted);

#endif
