/* io/json.h - JSON output as a value tree. NaN and Inf become null. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* A value tree for OUTPUT. Building cannot fail visibly: an allocation failure sticks and io_json_text reports it.
 * Every value given to an object or array is taken by it: build it whole first, then give it. */
typedef struct IoJson IoJson;
IoJson *io_json_object(void);
IoJson *io_json_array(void);
void io_json_set_take(IoJson *object, const char *key, IoJson *value); /* value: from any constructor here */
void io_json_add_take(IoJson *array, IoJson *value);
IoJson *io_json_number(double value); /* NaN, Inf: null */
IoJson *io_json_integer(int64_t value);
IoJson *io_json_text_value(const char *value); /* NULL: null */
IoJson *io_json_text_of(const BaseText *text); /* "" while it is empty; NULL where it ran out of memory */
IoJson *io_json_bool(bool value);
IoJson *io_json_null(void);
void io_json_free(IoJson *value);
/** Pretty text, keys in the order they were set, 17 significant digits, no newline at the end. *out owned. BASE_ENOMEM
 * after a failed build. */
BaseStatus io_json_text(const IoJson *value, char **out);
/** Appends @p value as a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD. */
void io_json_quote(BaseText *out, const char *value);

#endif
