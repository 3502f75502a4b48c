/* cli/main.c - finds the command, starts threads and MPI for it, turns its status into exit code and message. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/system.h"
#include "cli/commands.h"
#include "cli/pages.h"
#include "cli/sink.h"
#include "cli/start.h"
#include "cli/visible.h"
#include "cli/wrap.h"
#include "experiment/experiment.h"
#include "io/hdf5.h"
#include "math/threads.h"
#include "nn/arch/arch.h"
#include "session/answers.h"
#include "session/hub.h"
#include "session/json.h"
#include "session/places.h"
#include "session/program.h"
#include "sweep/ranks.h"
#include "sweep/spawn.h"

static SessionBlas blas; /* what OpenBLAS uses in this process */

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int complain(BaseStatus st)
{
    const char *text = base_error_text();
    fflush(stdout);
    cli_sink_close();
    fputs("expunge: ", stderr);
    if (!*text) text = base_status_name(st);
    cli_visible_put(text, false, stderr);
    fputc('\n', stderr);
    return st == BASE_EUSAGE || st == BASE_ENOTFOUND ? EXIT_USAGE : EXIT_FAILED;
}

static BaseStatus print_overview(void)
{
    int columns = cli_sink_columns(CLI_COLUMNS_HELP);
    BaseText text = {0};
    char *docs = NULL;
    BaseStatus st = session_place_find(SESSION_PLACE_DOCS, &docs);
    if (st != BASE_OK) return st;
    cli_wrap_lines(&text, cli_overview_before, columns);
    for (size_t i = 0; i < cli_command_count; i++)
        cli_wrap_row(&text, 2, 20, cli_commands[i]->name, cli_commands[i]->summary, columns);
    cli_wrap_lines(&text, cli_overview_after, columns);
    if (docs) base_text_add(&text, "\nThe documents that help pages name, docs/*.md, are in %s.\n", docs);
    base_free(docs);
    return cli_print_text_take(&text);
}

static BaseStatus print_version(void)
{
    BaseText text = {0};
    base_text_add(&text, "expunge %s\nlibraries: ", SESSION_PROGRAM_VERSION);
    session_libraries(&text);
    base_text_add(&text, "\nBLAS: %s\nBLAS core: ", math_blas_version());
    session_blas_text(&blas, &text);
    base_text_add(&text, "\n");
    return cli_print_text_take(&text);
}

static BaseStatus find_command(const char *word, const CliCommand **out)
{
    BaseStatus st = BASE_OK;
    const char **names = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(cli_command_count, &names));
    for (size_t i = 0; i < cli_command_count; i++) {
        names[i] = cli_commands[i]->name;
        if (strcmp(names[i], word) == 0) *out = cli_commands[i];
    }
    const char *near = *out ? NULL : base_text_nearest(word, names, cli_command_count);
    BASE_CHECK(*out, BASE_EUSAGE, "no command '%.100s'%s%s%s; see `expunge --help`", word,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
out:
    base_free(names);
    return st;
}

static BaseStatus print_help(const CliCommand *command)
{
    BaseText page = {0};
    cli_options_help(command, cli_sink_columns(CLI_COLUMNS_HELP), &page);
    return cli_print_text_take(&page);
}

/* A command that several processes of an MPI job share: they also share the CPUs, unless told how many each has. */
static BaseStatus start_ranks(const CliOptions *options)
{
    int all;
    BaseStatus st = sweep_ranks_start();
    if (st == BASE_OK) st = session_threads_set(options->threads, &all);
    if (st == BASE_OK && options->threads == 0 && !getenv("OMP_NUM_THREADS"))
        st = session_threads_set(sweep_ranks_threads(all), NULL);
    base_memory_divide_budget(sweep_ranks_count());
    return st;
}

static BaseStatus set_memory(const CliOptions *options)
{
    int64_t bytes = 0;
    if (options->memory && (!base_parse_bytes(options->memory, &bytes) || bytes < 1))
        return base_error_set(BASE_EUSAGE, "--memory '%.50s': must be bytes, or a number with K, M, G or T",
                              options->memory);
    base_memory_set_budget(bytes);
    return BASE_OK;
}

static BaseStatus run_command(const CliCommand *command, int argc, char **argv)
{
    static CliOptions options;
    BaseStatus st = cli_options_parse(command, argc, argv, &options);
    if (st != BASE_OK) return st;
    if (options.help) return print_help(command);
    cli_sink_open(options.quiet);
    st = set_memory(&options);
    if (st != BASE_OK) return st;
    st = command->ranks ? start_ranks(&options) : session_threads_set(options.threads, NULL);
    /* what computes with networks takes a precision */
    if (st == BASE_OK && strstr(command->takes, "precision") && sweep_ranks_number() == 0) session_blas_say(&blas);
    SessionHub hub = {0};
    if (st == BASE_OK) st = session_hub_open(options.weights, options.override, &options.prepare, &hub);
    if (st == BASE_OK) st = session_graph_open(options.arch, options.override, &options.prepare);
    if (st == BASE_OK) st = command->run(&options);
    session_hub_free(&hub);
    nn_arch_release();
    return st;
}

/* @p started: what came of the start, which help does not need. */
static BaseStatus dispatch(int argc, char **argv, BaseStatus started)
{
    const CliCommand *command;
    if (argc < 2) return base_error_set(BASE_EUSAGE, "a command is missing; see `expunge --help`");
    bool help = strcmp(argv[1], "help") == 0;
    if (help && argc > 2 && (strcmp(argv[2], "--man") == 0 || strcmp(argv[2], "--completion") == 0))
        return cli_pages(argc - 2, argv + 2);
    if (help && argc > 2 && argv[2][0] != '-') { /* expunge help COMMAND */
        if (argc > 3)
            return base_error_set(BASE_EUSAGE, "help: '%.100s' is one argument too many; see `expunge --help`",
                                  argv[3]);
        BaseStatus st = find_command(argv[2], &command);
        return st == BASE_OK ? print_help(command) : st;
    }
    if (help || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return print_overview();
    if (started != BASE_OK) return started;
    if (strcmp(argv[1], "--environment") == 0) return cli_start_environment();
    if (strcmp(argv[1], "--version") == 0) return print_version();
    BaseStatus st = find_command(argv[1], &command);
    return st == BASE_OK ? run_command(command, argc - 2, argv + 2) : st;
}

int main(int argc, char **argv)
{
    if (base_system_descriptors() != BASE_OK) return complain(BASE_EIO); /* before any file is opened */
    base_system_started(argv[0]);
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    if (argc > 1 && strcmp(argv[1], SWEEP_WORKER) == 0) {
        cli_start_last_words(true);
        return experiment_worker_main(argc, argv);
    }
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* whole lines, where ranks or workers share it */
    signal(SIGXFSZ, SIG_IGN);              /* a file over the size limit is an error of write(), not the end */
    cli_start_last_words(false);
    BaseStatus st = dispatch(argc, argv, cli_start(argv, &blas));
    if (st == BASE_OK && fflush(stdout) != 0) st = base_error_set(BASE_EIO, "standard output cannot be written");
    int status = st == BASE_OK ? EXIT_DONE : complain(st);
    if (st == BASE_OK) cli_sink_close();
    sweep_ranks_stop(st);
    return status;
}
