/* io/hdf5_probe.h - the parent's side of the child that reads a foreign HDF5 file first (io/hdf5.h says why). */
#ifndef IO_HDF5_PROBE_H
#define IO_HDF5_PROBE_H

#include <stdint.h>

#include "base/status.h"

/** BASE_OK where the child walked and read all of the file; BASE_EFORMAT with its reason, or with how it died. */
BaseStatus io_hdf5_probe(const char *path, int64_t size);

#endif
