/* session/hub.c - each option of the preparation beside what the folder says, compared as numbers. */
#include "session/hub.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/hub_read.h"
#include "nn/arch/arch.h"

enum { WISHES = 6 };
typedef struct {
    const char *flag, *said; /* what the folder says; NULL: nothing */
    const char **option;     /* in the caller's options */
    const char **alone;      /* in `only` */
    DataOptions only;        /* this option alone */
} Wish;

static bool same_numbers(const float *a, int a_count, const float *b, int b_count)
{
    int n = a_count > b_count ? a_count : b_count;
    if (a_count != b_count && a_count != 1 && b_count != 1) return false;
    for (int i = 0; i < n; i++)
        if (a[a_count == 1 ? 0 : i] != b[b_count == 1 ? 0 : i]) return false;
    return true;
}

/* Two requests that each name the same option alone. */
static bool same_request(const DataRequest *a, const DataRequest *b)
{
    const DataPrep *p = &a->prep, *q = &b->prep;
    return a->no_normalising == b->no_normalising && same_numbers(a->mean, a->mean_count, b->mean, b->mean_count) &&
           same_numbers(a->std, a->std_count, b->std, b->std_count) && p->resize_h == q->resize_h &&
           p->resize_w == q->resize_w && p->crop_h == q->crop_h && p->crop_w == q->crop_w && p->filter == q->filter &&
           p->crop_below == q->crop_below;
}

/* Whether @p said and the option, one of them alone, mean the same. */
static BaseStatus compare(Wish *w, bool *same)
{
    BaseStatus st = BASE_OK;
    DataRequest asked = {0}, said = {0};
    *w->alone = *w->option;
    BASE_TRY(data_request_read(&w->only, &asked));
    *w->alone = w->said;
    BASE_TRY(data_request_read(&w->only, &said));
    *same = same_request(&asked, &said);
out:
    data_request_free(&asked);
    data_request_free(&said);
    return st;
}

static BaseStatus settle(const char *from, bool override, Wish *w)
{
    BaseStatus st = BASE_OK;
    bool same = true;
    if (!w->said) goto out;
    if (*w->option) BASE_TRY(compare(w, &same));
    BASE_CHECK(
        same || override, BASE_EUSAGE,
        "--%s %s is not what %s says, which is %s: leave the option out (the program's --override lets it count)",
        w->flag, *w->option, from, w->said);
    if (!*w->option) *w->option = w->said;
out:
    return st;
}

/* Without a preparation that is known, the command must say all of it. */
static BaseStatus demand(const IoHub *hub, const DataOptions *o)
{
    bool all = o->mean && o->std && o->resize && o->crop;
    if (!hub->preparation) {
        if (!all) base_notice("%s: does not say how its images are prepared", hub->folder);
        return BASE_OK;
    }
    if (all) return BASE_OK;
    return base_error_set(
        BASE_EFORMAT,
        "%s: %s, which is not known here: say how images are prepared with --mean, --std, --resize and "
        "--crop",
        hub->preparation, hub->unknown);
}

BaseStatus session_hub_open(const char *weights, bool override, DataOptions *options, SessionHub *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionHub){0};
    if (!weights || !io_path_is_folder(weights)) return BASE_OK;
    BASE_TRY(io_hub_read(weights, &out->hub));
    const IoHub *hub = out->hub;
    Wish wishes[WISHES] = {{"mean", hub->mean, &options->mean, NULL, {0}},
                           {"std", hub->std, &options->std, NULL, {0}},
                           {"resize", hub->resize, &options->resize, NULL, {0}},
                           {"crop", hub->crop, &options->crop, NULL, {0}},
                           {"interpolation", hub->interpolation, &options->interpolation, NULL, {0}},
                           {"crop-start", hub->crop_start, &options->crop_start, NULL, {0}}};
    const char **alone[WISHES] = {&wishes[0].only.mean, &wishes[1].only.std,           &wishes[2].only.resize,
                                  &wishes[3].only.crop, &wishes[4].only.interpolation, &wishes[5].only.crop_start};
    bool known = hub->preparation && !hub->unknown;
    for (int i = 0; i < WISHES && known; i++) {
        wishes[i].alone = alone[i];
        BASE_TRY(settle(hub->preparation, override, &wishes[i]));
    }
    if (!known) BASE_TRY(demand(hub, options));
    out->model = (DataModel){.from = hub->config,
                             .labels = (const char *const *)hub->labels,
                             .label_count = hub->label_count,
                             .prepared = known,
                             .override = override};
    options->model = &out->model;
out:
    if (st != BASE_OK) session_hub_free(out);
    return st;
}

void session_hub_free(SessionHub *hub)
{
    io_hub_free(hub->hub);
    *hub = (SessionHub){0};
}

BaseStatus session_graph_open(const char *name, bool override, DataOptions *options)
{
    BaseStatus st = BASE_OK;
    const NnArch *arch;
    if (!name || strncmp(name, NN_ARCH_GRAPH, strlen(NN_ARCH_GRAPH)) != 0) return BASE_OK;
    BASE_TRY(nn_arch_find(name, &arch));
    Wish mean = {.flag = "mean", .said = arch->file->mean, .option = &options->mean},
         std = {.flag = "std", .said = arch->file->std, .option = &options->std};
    mean.alone = &mean.only.mean;
    std.alone = &std.only.std;
    BASE_TRY(settle(arch->entry.name, override, &mean));
    BASE_TRY(settle(arch->entry.name, override, &std));
out:
    return st;
}
