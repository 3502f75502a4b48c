/* audit/pictures.c - the points most exposed by the strongest attack, brought back to 8 bits as PNG. */
#include "audit/pictures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/image.h"

enum { SIDE_MAX = 256 };

void audit_pictures_free(AuditPictures *p)
{
    for (size_t i = 0; p->item && i < p->count; i++) base_free(p->item[i].png);
    base_free(p->item);
    base_free(p->words);
    *p = (AuditPictures){0};
}

/* Raw value of a pixel, 0..255; float images are stretched from their own range. */
static uint8_t pixel(DataType type, const void *pixels, int64_t at, double lo, double hi)
{
    if (type == DATA_U8) return ((const uint8_t *)pixels)[at];
    double value = (double)((const float *)pixels)[at];
    double share = hi > lo ? (value - lo) / (hi - lo) : 0;
    return (uint8_t)lround(255 * fmin(fmax(share, 0), 1));
}

/* Image @p i as RGB, every step-th pixel where it is large. One channel is grey; of two or more than three the first
 * stands for all that are missing. */
static BaseStatus render(const DataSet *set, int64_t i, IoImage *out)
{
    BaseStatus st = BASE_OK;
    int64_t most = set->H > set->W ? set->H : set->W, step = (most + SIDE_MAX - 1) / SIDE_MAX, plane = set->H * set->W;
    double lo = INFINITY, hi = -INFINITY;
    void *pixels = NULL;
    *out = (IoImage){.W = (set->W + step - 1) / step, .H = (set->H + step - 1) / step};
    BASE_TRY(BASE_ALLOC_RAW(out->W * out->H * 3, &out->rgb));
    BASE_TRY(base_alloc_raw(1, data_image_bytes(set), &pixels));
    BASE_TRY(data_fetch(set, &i, 1, pixels));
    for (int64_t k = 0; set->type == DATA_F32 && k < set->C * plane; k++) {
        double value = (double)((const float *)pixels)[k];
        lo = fmin(lo, value);
        hi = fmax(hi, value);
    }
    for (int64_t y = 0; y < out->H; y++)
        for (int64_t x = 0; x < out->W; x++)
            for (int64_t c = 0; c < 3; c++) {
                int64_t channel = c < set->C ? c : 0;
                out->rgb[(y * out->W + x) * 3 + c] =
                    pixel(set->type, pixels, channel * plane + y * step * set->W + x * step, lo, hi);
            }
out:
    base_free(pixels);
    return st;
}

static BaseStatus add(const AuditPage *p, const char *folder, int64_t point, double exposure, AuditPictures *out)
{
    BaseStatus st = BASE_OK;
    const AuditSignals *s = &p->collected->signals;
    const DataSet *set = p->collected->data.train;
    IoImage image = {0};
    char *path = NULL;
    AuditPicture *item = &out->item[out->count];
    snprintf(item->file, sizeof item->file, "figures/exposed-%03zu.png", out->count + 1);
    if (set) {
        BASE_TRY(render(set, s->point[point].at, &image));
        BASE_TRY(io_png_encode(&image, &item->png, &item->size));
    } else {
        BASE_TRY(base_format(&path, "%s/%s", p->drawn, item->file));
        BASE_TRY(io_file_read(path, (size_t)4 << 20, &item->png, &item->size));
        base_free(path);
        path = NULL;
    }
    out->count++;
    BaseText class = {0};
    audit_class_words(s, s->labels[point], &class);
    snprintf(item->caption, sizeof item->caption, "%.80s, training image %lld: %+.3g", base_text_of(&class, &st),
             (long long)s->point[point].at, exposure);
    base_text_free(&class);
    BASE_TRY(st);
    BASE_TRY(base_format(&path, "%s/%s", folder, item->file));
    BASE_TRY(io_file_write_private(path, item->png, item->size));
out:
    io_image_free(&image);
    base_free(path);
    return st;
}

bool audit_has_pictures(const DataSet *set) { return set->H > 1 && set->W > 1; }

BaseStatus audit_pictures_make(const AuditPage *p, const char *folder, AuditPictures *out)
{
    BaseStatus st = BASE_OK;
    const AuditGame *game = &p->result->game[MIA_GAME_MODELS];
    const AuditAttack *by;
    const DataSet *set = p->collected->data.train;
    int64_t most = p->collected->signals.options.pictures, *order = NULL;
    double *exposure = NULL;
    AuditPictures pictures = {0};
    *out = (AuditPictures){0};
    if (most == 0 || (set ? !audit_has_pictures(set) : !p->has_pictures)) return BASE_OK;
    BASE_TRY(BASE_ALLOC(game->n, &order));
    BASE_TRY(BASE_ALLOC(game->n, &exposure));
    BASE_TRY(audit_exposed(p->result, &by, order, exposure));
    if (!by) goto out;
    BASE_TRY(BASE_ALLOC(most, &pictures.item));
    for (int64_t i = 0; i < game->n && i < most; i++)
        BASE_TRY(add(p, folder, game->point[order[i]], exposure[i], &pictures));
    BASE_TRY(
        base_format(&pictures.words,
                    "The forgotten training images that the unlearned model gives away most, by the attack %s%s. A "
                    "high rank proves nothing about a single image. Image numbers count from 0 in the training split "
                    "as given. These images were to be forgotten: anyone who gets this page gets them.",
                    by->choice->attack->entry.name,
                    p->collected->signals.R ? ": its score minus the mean score under the retrained models" : ""));
    *out = pictures;
    pictures = (AuditPictures){0};
out:
    audit_pictures_free(&pictures);
    base_free(order);
    base_free(exposure);
    return st;
}
