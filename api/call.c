/* api/call.c - the frame of a call, and what is asked about the last one. */
#include "api/call.h"

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/memory.h"
#include "session/program.h"

#define X(code, text)                                                                                                  \
    _Static_assert((int)EXPUNGE_##code == (int)BASE_##code, "a public status has its own number in base/status.h");
BASE_STATUS_LIST(X)
#undef X

enum { NOTICES = 8192 };
static _Thread_local char notices[NOTICES];

static void keep_notice(void *user, BaseLogLevel level, const char *text)
{
    (void)user, (void)level;
    size_t used = strlen(notices), size = strlen(text);
    if (used + size + 2 > sizeof notices) return;
    snprintf(notices + used, sizeof notices - used, "%s%s", used ? "\n" : "", text);
}
static const BaseLogSink COLLECTOR = {.message = keep_notice};

void api_enter(ApiCall *call)
{
    fegetenv(&call->floating);
    fesetenv(FE_DFL_ENV);
    call->locale = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* "C" is one object of libc: nothing to free */
    notices[0] = '\0';
    base_log_thread_sink(&COLLECTOR);
    base_error_clear();
    base_cancel_begin();
}

expunge_status api_leave(ApiCall *call, BaseStatus st)
{
    base_cancel_end();
    base_log_thread_sink(NULL);
    if (st == BASE_OK) base_error_clear(); /* of what failed on the way and was handled */
    if (call->locale) uselocale(call->locale);
    fesetenv(&call->floating);
    return (expunge_status)st;
}

const char *expunge_status_name(expunge_status status) { return base_status_name((BaseStatus)status); }
const char *expunge_error_text(void) { return base_error_text(); }
const char *expunge_notices(void) { return notices; }
const char *expunge_version(void) { return SESSION_PROGRAM_VERSION; }
void expunge_free(char *text) { base_free(text); }
void expunge_trim(void) { base_memory_trim(); }
void expunge_cancel(void) { base_cancel_ask(); }
