/* data/stream/hashes.h - SHA-256 of many files, each read once and then known by its path, size and times. */
#ifndef DATA_STREAM_HASHES_H
#define DATA_STREAM_HASHES_H

#include <stdint.h>

#include "base/texts.h"

enum { DATA_DIGEST = 32 };

void data_digest_from_hex(const char *hex, uint8_t out[DATA_DIGEST]);

/** Digests of the first @p n of @p paths, which are or may be below the folder @p root: @p out [n]. What was hashed before is in one file per root in the
 *  user's cache folder, and counts while size, time of change and time of status change of the file are the same. What is
 *  not a file that can be read has a digest of zeros: whoever decodes it tells. BASE_EIO where a disk fails, BASE_ENOMEM. */
BaseStatus data_hashes(const char *root, const BaseTexts *paths, int64_t n, uint8_t (*out)[DATA_DIGEST]);

#endif
