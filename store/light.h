/* store/light.h - a run without its heavy arrays, once more at the end of its file, so that a report over thousands of
 * runs reads kilobytes of each and not megabytes. Only store/ includes it.
 *
 * A second form of the same is worth it: 200 runs of the demo (2.1 MB, 15 kB of them this section) took 0.36 ms each,
 * and from HDF5, which a child process has to read as a whole first, 93 ms each (one core of an EPYC, twice). */
#ifndef STORE_LIGHT_H
#define STORE_LIGHT_H

#include "base/text.h"
#include "store/tree.h"

/** Whether what is at @p path is left out. */
bool store_light_omits(const char *path);
/** Appends the section with its own last line, which holds size and hash. */
void store_light_add(const StoreRun *run, BaseText *out);
/** Reads the section that ends @p behind bytes before the end of the file. *out NULL where there is none or it is not
 *  whole: the HDF5 image then tells what is wrong. BASE_ENOMEM. */
BaseStatus store_light_read(const char *path, size_t behind, StoreRun **out);

#endif
