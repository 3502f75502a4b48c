/* cli/report.c - `expunge report`: options for report/, and the main table on standard output. */
#include "report/report.h"

#include "cli/commands.h"
#include "cli/sink.h"
#include "experiment/known.h"

static BaseStatus run(const CliOptions *o)
{
    BaseText table = {0};
    ReportConfig config = {.folders = o->operands.at,
                           .folder_count = o->operands.count,
                           .out = o->out ? o->out : o->operands.at[0],
                           .command = o->command,
                           .known = &experiment_known};
    BaseStatus st = report_make(&config, cli_sink_columns(CLI_COLUMNS_TABLE), &table);
    base_text_add(&table, "\nReport: %s/report.html\n", config.out);
    if (st != BASE_OK) table.st = st;
    return cli_print_text_take(&table);
}

const CliCommand cli_report = {
    .name = "report",
    .summary = "write tables, figures and a page from stored runs",
    .purpose =
        {
#include "cli/help/report.txt.inc"
        },
    .usage = {"RESULTS_DIR... [-o DIR]"},
    .takes = "out",
    .operands_min = 1,
    .operands_max = CLI_TEXTS_MAX,
    .operand = "RESULTS_DIR",
    .examples = {"expunge report results/demo", "expunge report results/vgg-a results/vgg-b -o /tmp/both"},
    .run = run,
};
