/* cli/print.c - texts and JSON on standard output, which is checked; control characters are made visible. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/visible.h"

BaseStatus cli_print_text_take(BaseText *text)
{
    BaseStatus st = text->st;
    if (st == BASE_OK && text->data && !cli_visible_put(text->data, true, stdout))
        st = base_error_set(BASE_EIO, "standard output cannot be written");
    base_text_free(text);
    return st;
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
