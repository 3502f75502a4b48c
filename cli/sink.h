/* cli/sink.h - where notices and progress go: stderr, never stdout. */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include <stdbool.h>

/** Takes base/log.h's messages from here on. A progress bar with its time to go is drawn where stderr is a terminal.
 *  @p quiet: neither notices nor progress; warnings still come. */
void cli_sink_open(bool quiet);
/** Wipes an unfinished bar. */
void cli_sink_close(void);
/** Widths where there is no terminal to fit into. */
enum { CLI_COLUMNS_TABLE = 100, CLI_COLUMNS_HELP = 80 };
/** Columns of the terminal at stdout; where it is none those of COLUMNS, else @p otherwise. */
int cli_sink_columns(int otherwise);

#endif
