/* api/options.h - texts "key=value" of a host, by the same tables as the command line's options. */
#ifndef API_OPTIONS_H
#define API_OPTIONS_H

#include "data/data.h"

/** BASE_EARG where one of them, or the list, is NULL; BASE_EUSAGE where one is no "key=value". */
BaseStatus api_options_check(const char *const *options, size_t count);
/** The value where the text's key is @p key; else NULL. */
const char *api_option_value(const char *option, const char *key);
/** "seed=..", or another whole number from @p least to @p most. BASE_EUSAGE. */
BaseStatus api_option_number(const char *option, const char *value, int64_t least, int64_t most, int64_t *out);
/** The value of "memory=..": bytes, 1 or more. BASE_EUSAGE. */
BaseStatus api_option_memory(const char *value, int64_t *out);
/** Whether it is one of a data set's options ("mean=.."), which *out then has. */
bool api_option_data(const char *option, DataOptions *out);
/** BASE_EUSAGE: none of @p keys, and perhaps none of a data set's; with the nearest. */
BaseStatus api_option_unknown(const char *option, const char *const *keys, size_t count, bool data);

#endif
