/* session/json.h - numbers of the statistics as JSON: the same keys wherever they are printed (docs/signals.md). */
#ifndef SESSION_JSON_H
#define SESSION_JSON_H

#include "io/json.h"
#include "mia/mia.h"

IoJson *session_json_interval(double lo, double hi); /* [lo, hi], or null where no interval is defined */
IoJson *session_json_estimate(const MathEstimate *e);
IoJson *session_json_tpr(const MiaResult *result); /* {"0.001": {value, ci, fpr, n}, ..} */
IoJson *session_json_epsilon(const MiaResult *result);
IoJson *session_json_numbers(const MiaResult *result);
IoJson *session_json_params(const BaseEntry *entry, const void *params);
const char *session_json_fitted(MiaFitted fitted);

#endif
