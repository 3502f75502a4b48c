/* base/log.h - notices and progress on their way to a person. Code below cli/ only reports; cli/ sets the one sink and
 * decides what to print. Without a sink (tests, library use) nothing is printed. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

typedef enum { BASE_LOG_NOTICE, BASE_LOG_WARNING } BaseLogLevel;

typedef struct {
    void (*message)(void *user, BaseLogLevel level, const char *text);
    /** done == total ends the bar. @p detail may be NULL ("loss 0.31, 812 images/s"). */
    void (*progress)(void *user, const char *label, int64_t done, int64_t total, const char *detail);
    void *user;
} BaseLogSink;

/** Copied; process-wide, to be set once before threads start. NULL: silence. */
void base_log_sink(const BaseLogSink *sink);
/** What this thread reports goes to @p sink (borrowed) and not to the process's; NULL: to the process's again. */
void base_log_thread_sink(const BaseLogSink *sink);
void base_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void base_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void base_progress(const char *label, int64_t done, int64_t total, const char *detail);

#endif
