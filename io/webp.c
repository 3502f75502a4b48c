/* io/webp.c - WebP through libwebp, lossy and lossless; alpha is dropped, not blended. Of an animation the first
 * picture is taken, as Pillow's convert("RGB") does. */
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "io/image_private.h"

static BaseStatus refuse(const char *where, VP8StatusCode code)
{
    static const char *const WHY[] = {[VP8_STATUS_OK] = "nothing could be decoded",
                                      [VP8_STATUS_OUT_OF_MEMORY] = "not enough memory",
                                      [VP8_STATUS_INVALID_PARAM] = "invalid parameters",
                                      [VP8_STATUS_BITSTREAM_ERROR] = "its data is invalid",
                                      [VP8_STATUS_UNSUPPORTED_FEATURE] = "a form that libwebp does not support",
                                      [VP8_STATUS_SUSPENDED] = "the file ends too early",
                                      [VP8_STATUS_USER_ABORT] = "stopped",
                                      [VP8_STATUS_NOT_ENOUGH_DATA] = "the file ends too early"};
    if (code == VP8_STATUS_OUT_OF_MEMORY) return base_error_set(BASE_ENOMEM, "%s: not enough memory to decode", where);
    return base_error_set(BASE_EFORMAT, "%s: damaged WebP image: %s", where, WHY[code]);
}

static BaseStatus decode_still(const void *bytes, size_t size, const char *where, IoImage *out)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return base_error_set(BASE_EBACKEND, "libwebp: not the version built with");
    size_t row = 3 * (size_t)out->W;
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){out->rgb, (int)row, row * (size_t)out->H};
    VP8StatusCode code = WebPDecode(bytes, size, &config);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? BASE_OK : refuse(where, code);
}

static BaseStatus decode_first(const void *bytes, size_t size, const char *where, IoImage *out)
{
    BaseStatus st = BASE_OK;
    const WebPData data = {bytes, size};
    WebPAnimDecoderOptions options;
    WebPAnimInfo info;
    WebPAnimDecoder *decoder = NULL;
    uint8_t *canvas;
    int time;
    BASE_CHECK(WebPAnimDecoderOptionsInit(&options), BASE_EBACKEND, "libwebp: not the version built with");
    options.color_mode = MODE_RGBA;
    decoder = WebPAnimDecoderNew(&data, &options);
    if (!decoder || !WebPAnimDecoderGetInfo(decoder, &info) || info.canvas_width != out->W ||
        info.canvas_height != out->H || !WebPAnimDecoderGetNext(decoder, &canvas, &time))
        BASE_TRY(refuse(where, VP8_STATUS_OK));
    for (int64_t i = 0; i < out->W * out->H; i++) memcpy(out->rgb + 3 * i, canvas + 4 * i, 3);
out:
    WebPAnimDecoderDelete(decoder);
    return st;
}

BaseStatus io_webp_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out)
{
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(bytes, size, &features);
    if (code != VP8_STATUS_OK) return refuse(where, code);
    BaseStatus st = io_image_room(features.width, features.height, where, most, out);
    if (st != BASE_OK) return st;
    return (features.has_animation ? decode_first : decode_still)(bytes, size, where, out);
}
