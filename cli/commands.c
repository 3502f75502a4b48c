/* cli/commands.c - the list of commands, and the texts of the page that names them. */
#include "cli/commands.h"

const CliCommand *const cli_commands[] = {
#define X(name) &cli_##name,
    CLI_COMMANDS(X)
#undef X
};
const size_t cli_command_count = BASE_COUNT(cli_commands);

const char *const cli_overview_before[] = {
#include "cli/help/expunge.txt.inc"
    NULL};
const char *const cli_overview_after[] = {
#include "cli/help/first-steps.txt.inc"
    NULL};
