/* report/figure/saliency.c - Grad-CAM maps laid over the images: a column per image, rows the image itself, then each
 * model. A map is scaled to its own maximum: it says where, and the probability below it how surely. The .csv has the
 * maps as they are; the pixels of the drawing are in the script. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { MODELS = 3, IMAGES = 12, PIXELS = 64, TILE = 104, GAP = 18, HEAD = 40, SIDE = 74 };

typedef struct {
    const char *title[MODELS];
    StoreArray maps[MODELS], predicted[MODELS], confidence[MODELS]; /* [n, h, w], [n], [n] */
    int models;
    StoreArray pictures, labels, forgotten; /* [n, C, H, W], [n], [n] */
    int64_t n;
    const char *const *names;
    size_t name_count;
} Saliency;

static bool array_of(const StoreRun *run, const char *name, const char *suffix, StoreType type, int64_t n,
                     StoreArray *out)
{
    char path[64];
    snprintf(path, sizeof path, "/saliency/%s%s", name, suffix);
    return store_run_array(run, path, out) && out->type == type && out->shape[0] == n && out->count > 0;
}

static void take_model(const StoreRun *run, const char *suffix, const char *title, Saliency *s)
{
    int m = s->models;
    StoreArray labels;
    if (!array_of(run, "maps", suffix, STORE_F32, s->n, &s->maps[m]) || s->maps[m].ndim != 3 ||
        !array_of(run, "predicted", suffix, STORE_I32, s->n, &s->predicted[m]) ||
        !array_of(run, "confidence", suffix, STORE_F64, s->n, &s->confidence[m]))
        return;
    if (!array_of(run, "labels", "", STORE_I32, s->n, &labels) ||
        memcmp(labels.data, s->labels.data, (size_t)s->n * sizeof(int32_t)) != 0)
        return; /* of other images */
    s->title[s->models++] = title;
}

static bool saliency_of(const ReportFigures *f, int at, Saliency *s)
{
    const StoreRun *run = f->full[at];
    int retrained = report_figures_rank(f, REPORT_RANK_RETRAINED);
    *s = (Saliency){0};
    if (!store_run_array(run, "/saliency/pictures", &s->pictures) || s->pictures.type != STORE_F32 ||
        s->pictures.ndim != 4 || s->pictures.count == 0)
        return false;
    s->n = s->pictures.shape[0];
    if (!array_of(run, "labels", "", STORE_I32, s->n, &s->labels) ||
        !array_of(run, "forgotten", "", STORE_U8, s->n, &s->forgotten) ||
        !store_run_texts(run, "/class_names", &s->names, &s->name_count))
        return false;
    for (int64_t i = 0; i < s->n; i++) {
        int32_t c = ((const int32_t *)s->labels.data)[i];
        if (c < 0 || (size_t)c >= s->name_count) return false;
    }
    take_model(run, "_original", "before", s);
    take_model(run, "", "after", s);
    if (retrained >= 0) take_model(f->full[retrained], "", "retrained", s);
    return s->models > 0;
}

/* The map at a pixel of a picture of @p H x @p W: bilinear between the centres of its places. */
static double map_at(const StoreArray *maps, int64_t image, double y, double x, int64_t H, int64_t W)
{
    int64_t h = maps->shape[1], w = maps->shape[2];
    const float *map = (const float *)maps->data + image * h * w;
    double v = fmin(fmax((y + 0.5) * (double)h / (double)H - 0.5, 0), (double)(h - 1));
    double u = fmin(fmax((x + 0.5) * (double)w / (double)W - 0.5, 0), (double)(w - 1));
    int64_t i = (int64_t)v, j = (int64_t)u, i1 = i + 1 < h ? i + 1 : i, j1 = j + 1 < w ? j + 1 : j;
    double a = v - (double)i, b = u - (double)j;
    return (1 - a) * ((1 - b) * (double)map[i * w + j] + b * (double)map[i * w + j1]) +
           a * ((1 - b) * (double)map[i1 * w + j] + b * (double)map[i1 * w + j1]);
}

/* Black through red and yellow to white, as a fire burns: t in 0..1. */
static void heat(double t, double rgb[3])
{
    rgb[0] = fmin(1, 2.2 * t);
    rgb[1] = fmin(1, fmax(0, 2.2 * t - 0.8));
    rgb[2] = fmax(0, 3 * t - 2);
}

/* One tile's pixels as a data block; @p model -1: the picture alone. */
static void write_tile(const Saliency *s, int64_t image, int model, BaseText *gp)
{
    int64_t C = s->pictures.shape[1], H = s->pictures.shape[2], W = s->pictures.shape[3];
    int64_t step = (H > W ? H : W) > PIXELS ? ((H > W ? H : W) + PIXELS - 1) / PIXELS : 1;
    const float *picture = (const float *)s->pictures.data + image * C * H * W;
    double largest = 0;
    for (int64_t p = 0; model >= 0 && p < s->maps[model].shape[1] * s->maps[model].shape[2]; p++) {
        int64_t at = image * s->maps[model].shape[1] * s->maps[model].shape[2] + p;
        largest = fmax(largest, (double)((const float *)s->maps[model].data)[at]);
    }
    base_text_add(gp, "$t%lld_%d << EOD\n", (long long)image, model + 1);
    for (int64_t y = 0; y < H; y += step) {
        for (int64_t x = 0; x < W; x += step) {
            double t = largest > 0 ? map_at(&s->maps[model], image, (double)y, (double)x, H, W) / largest : 0, hot[3];
            double grey = 0;
            for (int64_t c = 0; c < C; c++) grey += (double)picture[(c * H + y) * W + x] / (double)C;
            heat(t, hot);
            base_text_add(gp, "%lld,%lld", (long long)(x / step), (long long)(y / step));
            for (int64_t c = 0; c < 3; c++) {
                double own = C >= 3 ? (double)picture[(c * H + y) * W + x] : grey;
                double value = model < 0 ? own : 0.45 * grey + 0.55 * hot[c];
                base_text_add(gp, ",%.0f", 255 * fmin(fmax(value, 0), 1));
            }
            base_text_add(gp, "\n");
        }
    }
    base_text_add(gp, "EOD\n");
}

static void write_maps(const Saliency *s, int64_t images, BaseText *csv)
{
    for (int m = 0; m < s->models; m++) {
        int64_t h = s->maps[m].shape[1], w = s->maps[m].shape[2];
        for (int64_t i = 0; i < images; i++)
            for (int64_t p = 0; p < h * w; p++)
                base_text_add(csv, "%s,%lld,%d,%d,%d,%.6g,%lld,%lld,%.6g\n", s->title[m], (long long)i,
                              ((const int32_t *)s->labels.data)[i], ((const uint8_t *)s->forgotten.data)[i],
                              ((const int32_t *)s->predicted[m].data)[i], ((const double *)s->confidence[m].data)[i],
                              (long long)(p / w), (long long)(p % w),
                              (double)((const float *)s->maps[m].data)[i * h * w + p]);
    }
}

static void tile(const Saliency *s, int64_t image, int model, int width, int height, BaseText *gp)
{
    double left = SIDE + (double)image * (TILE + 6), top = HEAD + (model + 1) * (double)(TILE + GAP);
    int32_t label = ((const int32_t *)s->labels.data)[image];
    write_tile(s, image, model, gp);
    base_text_add(gp,
                  "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset tmargin at screen %.5f\nset bmargin at "
                  "screen %.5f\nset xlabel ",
                  left / width, (left + TILE) / width, 1 - top / height, 1 - (top + TILE) / height);
    if (model < 0) {
        report_escape_gnuplot(gp, s->names[label]);
        base_text_add(gp, " offset 0,0.6 font ',9' textcolor rgb '%s'\n",
                      ((const uint8_t *)s->forgotten.data)[image] ? "#D55E00" : "#222222");
    } else {
        BaseText text = {0};
        base_text_add(&text, "p = %.2f", ((const double *)s->confidence[model].data)[image]);
        report_escape_gnuplot(gp, base_text_of(&text, &gp->st));
        base_text_add(gp, " offset 0,0.6 font ',9' textcolor rgb '%s'\n",
                      ((const int32_t *)s->predicted[model].data)[image] == label ? "#222222" : "#7F7F7F");
        base_text_free(&text);
    }
    base_text_add(gp, "plot $t%lld_%d using 1:2:3:4:5 with rgbimage notitle\n", (long long)image, model + 1);
}

BaseStatus report_figure_saliency(ReportFigures *f)
{
    BaseText *gp = &f->gp, *caption = &f->caption;
    Saliency s;
    int at = report_figures_featured(f);
    if (at < 0 || !saliency_of(f, at, &s)) return BASE_OK;
    int64_t images = s.n < IMAGES ? s.n : IMAGES;
    int width = SIDE + (int)images * (TILE + 6) + 10, height = HEAD + (s.models + 1) * (TILE + GAP) + 8;
    report_figure_begin(f, "saliency", NULL, "model,image,class,forgotten,predicted,confidence,row,column,map\n");
    write_maps(&s, images, &f->csv);
    report_figure_preamble(gp);
    base_text_add(gp, "set multiplot\nunset grid\nset border 15 lc rgb '#bbbbbb'\nunset xtics\nunset ytics\nset yrange "
                      "[*:*] reverse noextend\nset xrange [*:*] noextend\n");
    for (int m = -1; m < s.models; m++)
        base_text_add(gp, "set label '%s' at screen %.5f,%.5f rotate by 90 center font ',10'\n",
                      m < 0 ? "image" : s.title[m], 18.0 / width,
                      1 - (HEAD + (m + 1) * (double)(TILE + GAP) + TILE / 2.0) / height);
    for (int64_t i = 0; i < images; i++) {
        for (int m = -1; m < s.models; m++) {
            tile(&s, i, m, width, height, gp);
            if (i == 0 && m == -1) base_text_add(gp, "unset label\n");
        }
    }
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption,
                  "Where the models look for the true class (Grad-CAM): forgotten images first, their names in "
                  "orange, then retained ones (%s, ",
                  f->e->labels[at].label);
    report_figure_job(f->job[at], caption);
    base_text_add(caption,
                  "). Bright: places that count towards the class, each map scaled to its own maximum; black: none do. "
                  "p: the probability of the true class, in grey if another class has a higher one.");
    f->natural = true;
    return report_figure_add(f, "Where the network looks", width, height);
}
