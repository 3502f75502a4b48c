/* api/data.h - what a host's handle of data holds; models that were opened with it hold it, too. */
#ifndef API_DATA_H
#define API_DATA_H

#include <expunge.h>

#include "session/data.h"

struct expunge_data {
    _Atomic int holders; /* the host, and models */
    SessionData data;    /* never changed */
    char *mean, *std;    /* as its options say them; NULL: they do not */
};

/** One holder more; one less, the last of which frees it. */
void api_data_hold(const expunge_data *data);
void api_data_drop(const expunge_data *data);

#endif
