/* session/places.h - what lies beside this program: in the source tree, an installation, or a Python package. */
#ifndef SESSION_PLACES_H
#define SESSION_PLACES_H

#include "base/status.h"

typedef enum { SESSION_PLACE_CONFIGS, SESSION_PLACE_DOCS } SessionPlace;

/** The folder with the shipped configs, or the one in which docs/ lies. It is found from where the program is, so that a
 *  whole installation can be moved. *out owned, without links and ".."; NULL where there is none. */
BaseStatus session_place_find(SessionPlace what, char **out);

#endif
