/* audit/whole.h - arrays of whole numbers that anybody may have written, in a file or in memory. */
#ifndef AUDIT_WHOLE_H
#define AUDIT_WHOLE_H

#include "session/source.h"

/** BASE_EFORMAT unless the array at @p path has @p ndim dimensions of these lengths (< 0: any) and is not empty. */
BaseStatus audit_whole_shape(const SessionSource *from, const char *file_name, const char *path, int ndim,
                             const int64_t *shape, IoH5Info *info);
/** The array at @p path, whose shape was checked: BASE_EFORMAT where a number has a fraction or lies outside least..most,
 *  with @p why behind it ("%s holds 7 at place 5; <why>"). *out owned. */
BaseStatus audit_whole_i32(const SessionSource *from, const char *file_name, const char *path, int64_t least,
                           int64_t most, const char *why, int32_t **out);
BaseStatus audit_whole_u8(const SessionSource *from, const char *file_name, const char *path, int64_t least,
                          int64_t most, const char *why, uint8_t **out);
/** Numbers that only say what belongs together, of up to 64 bits, as 0, 1, .. in the order in which they first appear. What
 *  was numbered so stays as it is. */
BaseStatus audit_whole_ids(const SessionSource *from, const char *path, int32_t **out);
/** The same of ids [n] that are already at hand. O(n log n). */
BaseStatus audit_whole_number(const uint64_t *id, int64_t n, int32_t *out);

#endif
