/* io/image_private.h - the decoders behind io/image.h. */
#ifndef IO_IMAGE_PRIVATE_H
#define IO_IMAGE_PRIVATE_H

#include "io/image.h"

BaseStatus io_jpeg_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);
BaseStatus io_png_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);
BaseStatus io_webp_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);
/** Sets W and H and takes room for the pixels (contents undefined); BASE_EFORMAT, BASE_ELIMIT, BASE_ENOMEM. */
BaseStatus io_image_room(int64_t W, int64_t H, const char *where, int64_t most, IoImage *out);

#endif
