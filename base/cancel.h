/* base/cancel.h - a wish that work ends before it is done: long loops ask for it, between batches. Only the library has
 * it (api/call.c); a person ends the program by its process. */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include "base/status.h"

/** What this thread does from here on can be cancelled, until base_cancel_end. */
void base_cancel_begin(void);
void base_cancel_end(void);
/** Asks all threads that are between the two to end. May be called from a signal handler. */
void base_cancel_ask(void);
/** BASE_ECANCEL where this thread was asked. */
BaseStatus base_cancel_check(void);

#endif
