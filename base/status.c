/* base/status.c - one buffer per thread, whose text is made one safe line before anything else sees it. */
#include "base/status.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 2048 };
static _Thread_local char text[TEXT_SIZE];

const char *base_status_name(BaseStatus st)
{
    static const char *const NAMES[] = {
#define X(code, what) #code,
        BASE_STATUS_LIST(X)
#undef X
    };
    return (unsigned)st < BASE_STATUS_COUNT ? NAMES[st] : "?";
}

const char *base_error_text(void) { return text; }
void base_error_clear(void) { text[0] = '\0'; }

/* A text is one line, and names from a file must not steer a terminal. */
static void keep(const char fresh[TEXT_SIZE])
{
    memcpy(text, fresh, sizeof text);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = *c == '\n' || *c == '\t' ? ' ' : '?';
}

BaseStatus base_error_set(BaseStatus st, const char *format, ...)
{
    char fresh[TEXT_SIZE]; /* an argument may point into text */
    va_list args;
    va_start(args, format);
    vsnprintf(fresh, sizeof fresh, format, args);
    va_end(args);
    keep(fresh);
    return st;
}

BaseStatus base_error_prefix(BaseStatus st, const char *format, ...)
{
    char head[TEXT_SIZE / 2], fresh[TEXT_SIZE];
    va_list args;
    if (st == BASE_OK) return st;
    va_start(args, format);
    vsnprintf(head, sizeof head, format, args);
    va_end(args);
    int used = snprintf(fresh, sizeof fresh, "%s: ", head);
    size_t room = sizeof fresh - (size_t)used;
    size_t kept = strlen(text) < room ? strlen(text) : room - 1;
    memcpy(fresh + used, text, kept);
    fresh[(size_t)used + kept] = '\0';
    keep(fresh);
    return st;
}
