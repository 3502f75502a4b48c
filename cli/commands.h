/* cli/commands.h - the commands: one row here is cli/<name>.c exporting cli_<name>. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"
#include "io/json.h"
#include "session/model.h"

#define CLI_COMMANDS(X)                                                                                                \
    X(run) X(report) X(train) X(unlearn) X(eval) X(predict) X(attack) X(audit) X(inspect) X(bench) X(list) X(cache)
#define X(name) extern const CliCommand cli_##name;
CLI_COMMANDS(X)
#undef X

/** All of them, in the order of the overview, and what that says before and behind their names (lines, then NULL). */
extern const CliCommand *const cli_commands[];
extern const size_t cli_command_count;
extern const char *const cli_overview_before[], *const cli_overview_after[];

/** Opens what --data, --weights, --arch, --image-size and --tuning say. The caller frees both, also after a failure. */
BaseStatus cli_open(const CliOptions *options, SessionData *data, SessionModel *model);
/** `inspect --graph`. */
BaseStatus cli_graph(const CliOptions *options);
/** Prints a JSON value with a newline and frees it. */
BaseStatus cli_print_json_take(IoJson *value);
/** Prints a text and frees it; its sticky status is checked. */
BaseStatus cli_print_text_take(BaseText *text);

#endif
