/* api/options.c - keys are compared up to their "=". */
#include "api/options.h"

#include <stdio.h>
#include <string.h>

#include "base/param.h"
#include "base/text.h"

static const struct {
    const char *key;
    size_t offset;
} DATA[] = {
#define X(field, flag, value, def, help) {flag, offsetof(DataOptions, field)},
    DATA_OPTION_LIST(X)
#undef X
};

BaseStatus api_options_check(const char *const *options, size_t count)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(options || !count, BASE_EARG, "options is NULL");
    for (size_t i = 0; i < count; i++) {
        BASE_CHECK(options[i], BASE_EARG, "options[%zu] is NULL", i);
        BASE_CHECK(strchr(options[i], '=') && *options[i] != '=', BASE_EUSAGE, "option %.100s: must be key=value",
                   options[i]);
    }
out:
    return st;
}

const char *api_option_value(const char *option, const char *key)
{
    size_t length = strlen(key);
    return strncmp(option, key, length) == 0 && option[length] == '=' ? option + length + 1 : NULL;
}

BaseStatus api_option_number(const char *option, const char *value, int64_t least, int64_t most, int64_t *out)
{
    if (base_parse_i64(value, out) && *out >= least && *out <= most) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "option %.60s: must be a whole number from %lld to %lld", option,
                          (long long)least, (long long)most);
}

BaseStatus api_option_memory(const char *value, int64_t *out)
{
    if (base_parse_bytes(value, out) && *out >= 1) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "option memory=%.50s: must be bytes, or a number with K, M, G or T", value);
}

bool api_option_data(const char *option, DataOptions *out)
{
    for (size_t i = 0; i < BASE_COUNT(DATA); i++) {
        const char *value = api_option_value(option, DATA[i].key);
        if (value) return *(const char **)((char *)out + DATA[i].offset) = value, true;
    }
    return false;
}

BaseStatus api_option_unknown(const char *option, const char *const *keys, size_t count, bool data)
{
    enum { MOST = 32 };
    const char *names[MOST], *near;
    char key[64];
    size_t n = 0;
    for (size_t i = 0; i < count && n < MOST; i++) names[n++] = keys[i];
    for (size_t i = 0; data && i < BASE_COUNT(DATA) && n < MOST; i++) names[n++] = DATA[i].key;
    snprintf(key, sizeof key, "%.*s", (int)strcspn(option, "="), option);
    near = base_text_nearest(key, names, n);
    return base_error_set(BASE_EUSAGE, "option %.60s: there is no such option here%s%s%s", key,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
