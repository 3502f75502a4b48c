/* cli/options.h - one table of every option, one parser, one help page. A command names the options it takes. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdint.h>

#include "base/param.h"
#include "data/data.h"
#include "nn/backend.h"

enum { CLI_TEXTS_MAX = 256, CLI_LINES_MAX = 64 };
typedef struct {
    const char *at[CLI_TEXTS_MAX]; /* borrowed from argv */
    size_t count;
} CliTexts;

/** Every option of every command; what was not given stays at its default (NULL, 0, false). */
typedef struct {
    const char *arch, *weights, *data, *split, *forget, *forget_index, *exclude, *method, *precision, *out, *results,
        *name, *signals, *original, *retrained, *shadow, *attacks, *alpha, *margin, *pictures, *verify, *pdf, *signers,
        *identity, *max_size, *memory, *tuning, *beside, *image_size, *canary_kind, *canary_classes, *graph;
    int64_t threads, seed, make_retrained, jobs, older_than, batch, canaries, classes, checkpoint;
    bool json, names, quiet, force, dry_run, share, unused, tune, help, has_seed, override;
    CliTexts set, meta, operands;
    DataOptions prepare; /* what is asked of --data */
    NnPrecision use;     /* of --precision, where the command takes it */
    char target[4096];   /* what `out` leads to, where that is a link */
    char command[4096];  /* as typed, for provenance */
} CliOptions;

typedef struct CliCommand CliCommand;
struct CliCommand {
    const char *name, *summary;         /* one line */
    const char *purpose[CLI_LINES_MAX]; /* the lines of cli/help/<name>.txt, then NULL */
    const char *usage[3];               /* what follows "expunge <name> ": one form or more */
    const char *takes;                  /* option names separated by blanks; one ending in '!' must be given */
    size_t operands_min, operands_max;
    const char *words;          /* of operands, as in CliOptionText; NULL: files */
    const char *operand;        /* what an operand is: "RESULTS_DIR" */
    const BaseParam *set_table; /* keys of --set, for the help page; NULL: none of its own */
    const size_t *set_count;
    bool ranks;      /* started by mpirun, its processes work together */
    bool set_common; /* --set takes session_common_params too */
    const char *examples[2];
    BaseStatus (*run)(const CliOptions *options);
};

/** An option as a page shows it. */
typedef struct {
    const char *name, *value; /* what stands for the value; NULL: it takes none */
    const char *help;
    const char *words; /* what a shell offers as the value: "train test"; "@archs": names of `expunge list archs`; NULL:
                          files where `value` says so, else nothing */
    const char *def;   /* default in words; "": none */
    char letter;       /* short form; 0: none */
    bool required;
} CliOptionText;
/** The next option that @p command takes, in the order of pages; *at starts at 0. False: no more. */
bool cli_options_next(const CliCommand *command, size_t *at, CliOptionText *out);
/** Its meaning, and its default or that it is required. */
void cli_options_meaning(const CliOptionText *option, BaseText *out);

/** Reads argv after the command's name. BASE_EUSAGE with "did you mean". --help sets help and checks nothing else. */
BaseStatus cli_options_parse(const CliCommand *command, int argc, char **argv, CliOptions *out);
/** The help page of a command, as those below in lines of @p columns where words allow that. */
void cli_options_help(const CliCommand *command, int columns, BaseText *out);
/** The default of a parameter, in words. */
void cli_options_default(const BaseParam *param, BaseText *out);
/** One row for each parameter of a table: name, default, meaning and range, indented. */
void cli_options_params(const BaseParam *table, size_t count, int columns, BaseText *out);

#endif
