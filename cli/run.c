/* cli/run.c - `expunge run`: prints the plan of a dry run, or does the experiment and says how it ended. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/configs.h"
#include "cli/sink.h"
#include "experiment/experiment.h"
#include "math/threads.h"

static BaseStatus print_plan(const CliOptions *o, const ExperimentOutcome *outcome, BaseText *table)
{
    if (!o->json) return cli_print_text_take(table);
    IoJson *json = io_json_object();
    io_json_set_take(json, "jobs", io_json_integer(outcome->planned));
    io_json_set_take(json, "complete", io_json_integer(outcome->skipped));
    io_json_set_take(json, "hours", io_json_number(outcome->hours));
    io_json_set_take(json, "folder", io_json_text_value(outcome->folder));
    return cli_print_json_take(json);
}

static BaseStatus print_outcome(const CliOptions *o, const ExperimentOutcome *outcome, BaseText *table)
{
    if (o->json) {
        IoJson *json = io_json_object();
        io_json_set_take(json, "done", io_json_integer(outcome->done));
        io_json_set_take(json, "skipped", io_json_integer(outcome->skipped));
        io_json_set_take(json, "failed", io_json_integer(outcome->failed));
        io_json_set_take(json, "folder", io_json_text_value(outcome->folder));
        return cli_print_json_take(json);
    }
    base_text_add(table, "\n%d done, %d already complete, %d failed. Report: %s/report.html\n", outcome->done,
                  outcome->skipped, outcome->failed, outcome->folder);
    return cli_print_text_take(table);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    ExperimentOutcome outcome;
    BaseText table = {0}, tuning = {0};
    char *path = NULL;
    const char *assignments[CLI_TEXTS_MAX + 3];
    char seed[48], precision[32];
    ExperimentTask config = {.assignments = assignments,
                             .results = o->results ? o->results : "results",
                             .force = o->force,
                             .dry_run = o->dry_run,
                             .jobs = o->jobs ? (int)o->jobs : 1,
                             .threads = math_threads_get(),
                             .command = o->command,
                             .columns = cli_sink_columns(CLI_COLUMNS_TABLE)};
    BASE_TRY(cli_configs_find(o->operands.at[0], &path));
    config.config = path;
    for (size_t i = 0; i < o->set.count; i++) assignments[config.assignment_count++] = o->set.at[i];
    if (o->has_seed) {
        snprintf(seed, sizeof seed, "seeds=[%lld]", (long long)o->seed);
        assignments[config.assignment_count++] = seed;
    }
    if (o->precision) {
        snprintf(precision, sizeof precision, "precision=%s", nn_precision_name(o->use));
        assignments[config.assignment_count++] = precision;
    }
    if (o->tuning) {
        base_text_add(&tuning, "tuning='"); /* quoted as YAML does it: any path is one text */
        for (const char *c = o->tuning; *c; c++) base_text_add(&tuning, "%s%c", *c == '\'' ? "'" : "", *c);
        base_text_add(&tuning, "'");
        BASE_TRY(tuning.st);
        assignments[config.assignment_count++] = tuning.data;
    }
    BASE_TRY(experiment_run(&config, &outcome, &table));
    if (outcome.silent) goto out;
    if (o->dry_run) {
        st = print_plan(o, &outcome, &table);
        goto out;
    }
    BASE_TRY(print_outcome(o, &outcome, &table));
    BASE_CHECK(outcome.failed == 0, BASE_EARG, "%d of %d jobs failed; the reasons are in %s/report.html",
               outcome.failed, outcome.done + outcome.skipped + outcome.failed, outcome.folder);
out:
    base_text_free(&table);
    base_text_free(&tuning);
    base_free(path);
    return st;
}

const CliCommand cli_run = {
    .name = "run",
    .summary = "run every job of an experiment, then write its report",
    .purpose =
        {
#include "cli/help/run.txt.inc"
        },
    .usage = {"NAME|FILE.yaml [--set a.b=c]... [--results DIR] [--jobs N] [--force] [--dry-run]"},
    .takes = "set results jobs force dry-run precision tuning memory json",
    .ranks = true,
    .operands_min = 1,
    .operands_max = 1,
    .words = "@configs",
    .operand = "NAME or FILE.yaml",
    .examples = {"expunge run demo", "expunge run demo --set train.epochs=4 --set forget=[5] --results /tmp/r"},
    .run = run,
};
