/* io/image.h - JPEG, PNG and WebP files as 8-bit RGB, decoded as Pillow's convert("RGB") does. */
#ifndef IO_IMAGE_H
#define IO_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { IO_IMAGE_PIXELS = 1 << 27, IO_IMAGE_BYTES = 1 << 28 }; /* the most that is decoded, and read from a file */

typedef struct {
    int64_t W, H;
    uint8_t *rgb; /* [H, W, 3] */
    bool damaged; /* the decoder met bad data and went on: what it shows may be wrong in places */
    bool clipped; /* grey of 16 bits without alpha, with values over 255, which became 255 */
} IoImage;

/** Decodes a JPEG, PNG or WebP by its first bytes. Grey is repeated; CMYK is taken as inverted, as Adobe writes it;
 *  alpha is dropped, not blended; of 16 bits the upper 8 count, but grey without alpha is clipped at 255. Width and
 *  height are held against @p most pixels before memory is taken. @p where: the file, for messages.
 *  @return BASE_EFORMAT: no such image (GIF, BMP, TIFF and others by name), damaged or cut off; BASE_ELIMIT;
 *  BASE_ENOMEM. */
BaseStatus io_image_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out);
/** The same of a file of at most IO_IMAGE_BYTES and IO_IMAGE_PIXELS. BASE_EIO where it cannot be read. */
BaseStatus io_image_read(const char *path, IoImage *out);
/** Sets W and H and takes room for the pixels (contents undefined); BASE_EFORMAT, BASE_ELIMIT, BASE_ENOMEM. */
BaseStatus io_image_room(int64_t W, int64_t H, const char *where, int64_t most, IoImage *out);
void io_image_free(IoImage *image);

/** The image as a PNG of 8-bit RGB, without times or other data: the same pixels, the same bytes. *out owned. */
BaseStatus io_png_encode(const IoImage *image, char **out, size_t *size);

#endif
