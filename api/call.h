/* api/call.h - the frame of every public call that returns a status: what the host would notice is kept away from it. */
#ifndef API_CALL_H
#define API_CALL_H

#include <expunge.h>
#include <fenv.h>
#include <locale.h>

#include "base/log.h"
#include "base/status.h"

/** What the calling thread had before. */
typedef struct {
    fenv_t floating;
    locale_t locale;
} ApiCall;

/** From here on numbers are written and read as in C, floating-point modes are the default ones, notices are collected for
 *  expunge_notices, and the error text is empty. */
void api_enter(ApiCall *call);
/** Puts everything back, and returns @p st, whose text stays. */
expunge_status api_leave(ApiCall *call, BaseStatus st);

/** EXPUNGE_EARG, "FUNCTION: NAME is NULL", unless @p pointer is something. In a function with BASE_TRY's `st` and `out`. */
#define API_GIVEN(pointer) BASE_CHECK((pointer) != NULL, BASE_EARG, "%s: %s is NULL", __func__, #pointer)

#endif
