/* cli/print.c - texts and JSON on standard output, which is checked; control characters are made visible. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/visible.h"
#include "math/stats.h"
#include "session/answers.h"
#include "session/json.h"

BaseStatus cli_print_text_take(BaseText *text)
{
    BaseStatus st = text->st;
    if (st == BASE_OK && text->data && !cli_visible_put(text->data, true, stdout))
        st = base_error_set(BASE_EIO, "standard output cannot be written");
    base_text_free(text);
    return st;
}

IoJson *cli_json_percent_ci(int64_t right, int64_t n)
{
    if (n == 0) return io_json_null();
    MathEstimate e = math_stats_share(right, n, 0.95);
    return session_json_interval(100 * e.lo, 100 * e.hi);
}

void cli_json_percent(IoJson *object, const char *key, int64_t right, int64_t n)
{
    char ci[64];
    snprintf(ci, sizeof ci, "%s_ci", key);
    io_json_set_take(object, key, io_json_number(session_percent(right, n)));
    io_json_set_take(object, ci, cli_json_percent_ci(right, n));
}

BaseStatus cli_print_json_take(IoJson *value)
{
    char *text = NULL;
    BaseStatus st = io_json_text(value, &text);
    if (st == BASE_OK && (!cli_visible_put(text, true, stdout) || fputc('\n', stdout) == EOF))
        st = base_error_set(BASE_EIO, "standard output cannot be written");
    base_free(text);
    io_json_free(value);
    return st;
}
