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
    char text[BASE_LOG_TEXT];
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

static void relay_message(void *user, BaseLogLevel level, const char *text)
{
    BaseLogRelay *relay = user;
    pthread_mutex_lock(&relay->lock);
    if (relay->count < BASE_LOG_RELAYED) {
        relay->level[relay->count] = level;
        snprintf(relay->text[relay->count++], BASE_LOG_TEXT, "%s", text);
    }
    pthread_mutex_unlock(&relay->lock);
}

void base_log_relay_begin(BaseLogRelay *relay)
{
    pthread_mutex_init(&relay->lock, NULL); /* cannot fail with default attributes on Linux */
    relay->sink = (BaseLogSink){.message = relay_message, .user = relay};
    relay->count = 0;
}

void base_log_relay_say(BaseLogRelay *relay)
{
    const BaseLogSink *to = own ? own : &sink;
    pthread_mutex_lock(&relay->lock);
    for (int i = 0; to->message && i < relay->count; i++) to->message(to->user, relay->level[i], relay->text[i]);
    relay->count = 0;
    pthread_mutex_unlock(&relay->lock);
}

void base_log_relay_end(BaseLogRelay *relay) { pthread_mutex_destroy(&relay->lock); }
