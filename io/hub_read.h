/* io/hub_read.h - reading what io/hub.h holds. */
#ifndef IO_HUB_READ_H
#define IO_HUB_READ_H

#include "io/hub.h"

/** BASE_EFORMAT where there are no weights, no config.json, one that is damaged, or one of a network that is not built as
 *  its tensors' names suggest. */
BaseStatus io_hub_read(const char *folder, IoHub **out);

#endif
