/* cli/pages.h - what is installed beside the program and made from the tables of commands and options. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "cli/options.h"

/** `expunge help --man DIR`, `expunge help --completion SHELL`: @p argv from the option on. */
BaseStatus cli_pages(int argc, char **argv);

/** expunge(1), or expunge-COMMAND(1) where @p command is not NULL. @p date: "2026-01-31". */
void cli_man_page(const CliCommand *command, const char *date, BaseText *out);
/** A completion script for bash, zsh or fish; BASE_EUSAGE for another shell. */
BaseStatus cli_completion(const char *shell, BaseText *out);

#endif
