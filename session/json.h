/* session/json.h - numbers of the statistics as JSON: the same keys wherever they are printed (docs/signals.md). */
#ifndef SESSION_JSON_H
#define SESSION_JSON_H

#include "io/json.h"
#include "mia/mia.h"

IoJson *session_json_interval(double lo, double hi); /* [lo, hi], or null where no interval is defined */
IoJson *session_json_estimate(const MathEstimate *e);
/** Sets @p key to right / n in percent and @p key_ci to its 95% Clopper-Pearson interval [lo, hi]; null where n is 0. */
void session_json_percent(IoJson *object, const char *key, int64_t right, int64_t n);
IoJson *session_json_percent_ci(int64_t right, int64_t n); /* the interval alone */
IoJson *session_json_tpr(const MiaResult *result);         /* {"0.001": {value, ci, fpr, n}, ..} */
IoJson *session_json_epsilon(const MiaResult *result);
IoJson *session_json_numbers(const MiaResult *result);
IoJson *session_json_params(const BaseEntry *entry, const void *params);
const char *session_json_fitted(MiaFitted fitted);

#endif
