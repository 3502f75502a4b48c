/* cli/sink.h - where notices and progress go: stderr, never stdout. */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include <stdbool.h>

/** Takes base/log.h's messages from here on. A progress bar with its time to go is drawn where stderr is a terminal.
 *  @p quiet: neither notices nor progress; warnings still come. */
void cli_sink_open(bool quiet);
/** Wipes an unfinished bar. */
void cli_sink_close(void);
/** Columns of the terminal at stdout; COLUMNS, else 100, where it is none. */
int cli_sink_columns(void);

#endif
