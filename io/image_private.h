/* io/image_private.h - the decoders behind io/image.h. */
#ifndef IO_IMAGE_PRIVATE_H
#define IO_IMAGE_PRIVATE_H

#include "io/image.h"

BaseStatus io_jpeg_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);
BaseStatus io_png_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);
BaseStatus io_webp_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);

#endif
