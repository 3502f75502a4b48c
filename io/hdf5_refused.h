/* io/hdf5_refused.h - what this process found damaged: the same file is not tried twice, and a folder full of such
 * files does not cost a minute for each. */
#ifndef IO_HDF5_REFUSED_H
#define IO_HDF5_REFUSED_H

#include "base/status.h"

enum { IO_HDF5_REFUSED_TEXT = 512, IO_HDF5_FOLDER_SECONDS = 60, IO_HDF5_AFTER_SECONDS = 2 };

/** Whether @p path was refused before and has the size and times that it had; @p text why. */
bool io_hdf5_refused(const char *path, char text[IO_HDF5_REFUSED_TEXT]);
/** Remembers that reading @p path took @p seconds and ended with this @p text. */
void io_hdf5_refuse(const char *path, double seconds, const char *text);
/** Whether files of the folder of @p path were refused for IO_HDF5_FOLDER_SECONDS: from then on one may take
 *  IO_HDF5_AFTER_SECONDS. */
bool io_hdf5_folder_spent(const char *path);

#endif
