/* io/json_text.h - JSON strings, for this folder's own use. */
#ifndef IO_JSON_TEXT_H
#define IO_JSON_TEXT_H

#include "base/text.h"

/** Appends @p value as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD. */
void io_json_quote(BaseText *out, const char *value);

#endif
