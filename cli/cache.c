/* cli/cache.c - `expunge cache`: lists what experiments keep, and removes it only by the rules that were given. */
#include "models/cache.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/sink.h"
#include "report/table.h"

static BaseStatus print_json(const ModelCacheList *list, bool prune)
{
    IoJson *json = io_json_object(), *files = io_json_array();
    for (size_t i = 0; i < list->count; i++) {
        const ModelCacheFile *f = &list->files[i];
        IoJson *row = io_json_object();
        io_json_set_take(row, "experiment", io_json_text_value(f->folder));
        io_json_set_take(row, "file", io_json_text_value(f->name));
        io_json_set_take(row, "bytes", io_json_integer(f->size));
        io_json_set_take(row, "days", io_json_number(f->days));
        io_json_set_take(row, "runs", io_json_integer(f->runs));
        io_json_set_take(row, "superseded_runs", io_json_integer(f->superseded));
        if (prune) io_json_set_take(row, "removed", io_json_integer(f->remove));
        io_json_add_take(files, row);
    }
    io_json_set_take(json, "files", files);
    io_json_set_take(json, "bytes", io_json_integer(list->bytes));
    if (prune) io_json_set_take(json, "freed", io_json_integer(list->freed));
    return cli_print_json_take(json);
}

/* A table of the files (after prune: of those chosen). */
static BaseStatus add_table(const ModelCacheList *list, bool chosen, BaseText *out)
{
    size_t shown = 0;
    char used[160];
    ReportTable t = report_table_make(chosen ? "To be removed" : "Cached networks and searches");
    report_table_column(&t, "experiment", "experiment", false, 0, 90);
    report_table_column(&t, "file", "file", false, 0, 1000);
    report_table_column(&t, "size", "MiB", true, 2, 100);
    report_table_column(&t, "days", "days old", true, 1, 80);
    report_table_column(&t, "used", "used by", false, 0, 95);
    for (size_t i = 0; i < list->count; i++) {
        const ModelCacheFile *f = &list->files[i];
        if (chosen && !f->remove) continue;
        shown++;
        if (f->runs > 0)
            snprintf(used, sizeof used, "%d run%s (%.100s%s)", f->runs, f->runs > 1 ? "s" : "", f->user,
                     f->runs > 1 ? ", .." : "");
        else
            snprintf(used, sizeof used, f->superseded ? "earlier configs (%d runs)" : "no run", f->superseded);
        report_table_row(&t, 0);
        report_table_text(&t, 0, f->folder);
        report_table_text(&t, 1, f->name);
        report_table_number(&t, 2, math_estimate((double)f->size / (1 << 20), 0), NAN);
        report_table_number(&t, 3, math_estimate(f->days, 0), NAN);
        report_table_text(&t, 4, used);
    }
    BaseStatus st = t.st;
    if (st == BASE_OK && shown > 0) report_table_terminal(&t, cli_sink_columns(CLI_COLUMNS_TABLE), out);
    report_table_free(&t);
    return st == BASE_OK ? out->st : st;
}

static BaseStatus print(const CliOptions *o, const ModelCacheList *list, bool prune)
{
    BaseText text = {0};
    const double mib = 1 << 20;
    size_t chosen = 0;
    if (o->json) return print_json(list, prune);
    for (size_t i = 0; i < list->count; i++) chosen += list->files[i].remove;
    BaseStatus st = add_table(list, prune, &text);
    for (size_t i = 0; i < list->closed_count; i++) base_text_add(&text, "left alone: %s\n", list->closed[i]);
    if (prune)
        base_text_add(&text, "%s%zu of %zu files, %.1f of %.1f MiB%s\n", list->count ? "" : "nothing cached: ", chosen,
                      list->count, (double)list->freed / mib, (double)list->bytes / mib,
                      o->dry_run ? " would be removed (--dry-run)" : " removed");
    else
        base_text_add(&text, "%zu files, %.1f MiB\n", list->count, (double)list->bytes / mib);
    if (st != BASE_OK) text.st = st;
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    static const char *const RESULTS[] = {"results"}, *const ACTIONS[] = {"list", "prune"};
    BaseStatus st = BASE_OK;
    ModelCacheList list = {0};
    ModelCachePrune what = {
        .unused = o->unused, .older = (double)o->older_than, .most = -1, .force = o->force, .dry_run = o->dry_run};
    const char *action = o->operands.at[0], *const *folders = o->operands.count > 1 ? o->operands.at + 1 : RESULTS;
    size_t count = o->operands.count > 1 ? o->operands.count - 1 : 1;
    bool prune = strcmp(action, ACTIONS[1]) == 0;
    const char *near = base_text_nearest(action, ACTIONS, 2);
    BASE_CHECK(prune || strcmp(action, ACTIONS[0]) == 0, BASE_EUSAGE, "cache: '%.50s': must be list or prune%s%s%s",
               action, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    BASE_CHECK(!o->max_size || base_parse_bytes(o->max_size, &what.most), BASE_EUSAGE,
               "--max-size '%.50s': must be bytes, or a number with K, M, G or T", o->max_size);
    BASE_CHECK(prune == (o->unused || o->older_than > 0 || o->max_size), BASE_EUSAGE,
               prune ? "cache prune: say what to remove: --unused, --older-than DAYS or --max-size SIZE"
                     : "cache list takes no --unused, --older-than or --max-size: those go with prune");
    BASE_CHECK(prune || (!o->force && !o->dry_run), BASE_EUSAGE, "cache list takes no --force and no --dry-run");
    BASE_TRY(prune ? model_cache_prune(folders, count, &what, &list) : model_cache_list(folders, count, &list));
    BASE_TRY(print(o, &list, prune));
out:
    model_cache_free(&list);
    return st;
}

const CliCommand cli_cache = {
    .name = "cache",
    .summary = "list, or remove, what experiments keep in models/",
    .purpose =
        {
#include "cli/help/cache.txt.inc"
        },
    .usage = {"list|prune [DIR]... [--unused] [--older-than DAYS] [--max-size SIZE] [--dry-run] [--force]"},
    .takes = "unused older-than max-size dry-run force json",
    .operands_min = 1,
    .operands_max = CLI_TEXTS_MAX,
    .words = "list prune",
    .operand = "list or prune",
    .examples = {"expunge cache list", "expunge cache prune results --unused --older-than 30 --dry-run"},
    .run = run,
};
