/* base/log.c - one sink for the whole process, or for a thread that has its own; a message is formatted here and cut at 1023 bytes. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static BaseLogSink sink;
static _Thread_local const BaseLogSink *own;

void base_log_thread_sink(const BaseLogSink *thread_sink) { own = thread_sink; }

void base_log_sink(const BaseLogSink *new_sink) { sink = new_sink ? *new_sink : (BaseLogSink){0}; }

static void say(BaseLogLevel level, const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    const BaseLogSink *to = own ? own : &sink;
    if (to->message) to->message(to->user, level, text);
}

void base_notice(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(BASE_LOG_NOTICE, format, args);
    va_end(args);
}

void base_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(BASE_LOG_WARNING, format, args);
    va_end(args);
}

void base_progress(const char *label, int64_t done, int64_t total, const char *detail)
{
    const BaseLogSink *to = own ? own : &sink;
    if (to->progress) to->progress(to->user, label, done, total, detail);
}
