/* api/helper.c - expunge-helper: the process that reads a foreign HDF5 file before the library's host touches it. */
#include <string.h>

#include "base/system.h"
#include "io/hdf5.h"

int main(int argc, char **argv)
{
    if (base_system_descriptors() != BASE_OK || argc != 3 || strcmp(argv[1], IO_HDF5_PROBE) != 0) return 2;
    return io_hdf5_probe_main(argv[2]);
}
