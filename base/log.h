/* base/log.h - notices and progress on their way to a person. Code below cli/ only reports; cli/ sets the one sink and
 * decides what to print. Without a sink (tests, library use) nothing is printed. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <pthread.h>
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

enum { BASE_LOG_TEXT = 1024, BASE_LOG_RELAYED = 8 };
/** Messages of threads on their way to the one they work for, whose sink may be its own. Of those that nobody has fetched the
 *  first BASE_LOG_RELAYED are kept. */
typedef struct {
    pthread_mutex_t lock;
    BaseLogSink sink; /* of the working threads: base_log_thread_sink */
    int count;
    BaseLogLevel level[BASE_LOG_RELAYED];
    char text[BASE_LOG_RELAYED][BASE_LOG_TEXT];
} BaseLogRelay;
/** Stays where it is until base_log_relay_end. */
void base_log_relay_begin(BaseLogRelay *relay);
/** Reports what has come, from the calling thread. */
void base_log_relay_say(BaseLogRelay *relay);
void base_log_relay_end(BaseLogRelay *relay);

#endif
