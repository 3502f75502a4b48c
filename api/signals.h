/* api/signals.h - what a host's handle of signals holds. */
#ifndef API_SIGNALS_H
#define API_SIGNALS_H

#include <expunge.h>

#include "session/source.h"

struct expunge_signals {
    char *path; /* of a file; NULL: arrays */
    SessionSource arrays;
};

/** What messages and reports call them. */
const char *api_signals_name(const expunge_signals *signals);

#endif
