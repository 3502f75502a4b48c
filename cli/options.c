/* cli/options.c - options are stored by offset from the table; mistakes are answered with the nearest name. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "math/threads.h"
#include "session/params.h"

typedef enum { FLAG, TEXT, NUMBER, TEXTS } Kind;
typedef enum { NAMED, OF_DATA, EVERYWHERE } Reach; /* commands that name it; those that take --data; all */
typedef struct {
    const char *name;
    char letter; /* short form; 0: none */
    Kind kind;
    size_t offset;
    const char *value; /* what stands for the value in help */
    const char *def;   /* default in words */
    int64_t min, max;  /* NUMBER */
    const char *help;
    Reach reach;
} Option;

#define AT(field) offsetof(CliOptions, field)
#define CLASSES   "names, else indices; '#3' is always an index, name:3 always a name"
static const Option OPTIONS[] = {
    {"arch", 0, TEXT, AT(arch), "A", "", 0, 0, "architecture, a name of `expunge list archs`; auto: read off --weights",
     NAMED},
    {"weights", 0, TEXT, AT(weights), "F", "", 0, 0, "weights file: .safetensors (or its .index.json), .pt, .pth, .h5",
     NAMED},
    {"data", 0, TEXT, AT(data), "D", "", 0, 0, "data set, name[:path] of `expunge list datasets`", NAMED},
#define X(field, flag, value, def, help) {flag, 0, TEXT, AT(prepare.field), value, def, 0, 0, help, OF_DATA},
    DATA_OPTION_LIST(X)
#undef X
        {"split", 0, TEXT, AT(split), "S", "test", 0, 0, "train or test", NAMED},
    {"forget", 0, TEXT, AT(forget), "C[,C]", "none", 0, 0, "classes to forget: " CLASSES, NAMED},
    {"exclude", 0, TEXT, AT(exclude), "C[,C]", "none", 0, 0, "classes to leave out of the training: " CLASSES, NAMED},
    {"method", 0, TEXT, AT(method), "M", "", 0, 0, "unlearning method, a name of `expunge list methods`", NAMED},
    {"name", 0, TEXT, AT(name), "LIST", "", 0, 0, "attacks, names of `expunge list attacks` with commas, or all",
     NAMED},
    {"signals", 0, TEXT, AT(signals), "F", "", 0, 0, "HDF5 file of logits, labels and roles (docs/signals.md)", NAMED},
    {"original", 0, TEXT, AT(original), "F", "none", 0, 0, "the model before it unlearned", NAMED},
    {"retrained", 0, TEXT, AT(retrained), "F,F", "none", 0, 0,
     "models trained without the forgotten classes, from several seeds", NAMED},
    {"make-retrained", 0, NUMBER, AT(make_retrained), "N", "0", 1, 1000, "trains so many retrained models more", NAMED},
    {"shadow", 0, TEXT, AT(shadow), "DIR", "none", 0, 0, "folder of shadow models with a shadows.json", NAMED},
    {"attacks", 0, TEXT, AT(attacks), "LIST", "auto: a selection", 0, 0,
     "names of `expunge list attacks` with commas, or all", NAMED},
    {"alpha", 0, TEXT, AT(alpha), "A", "0.05", 0, 0, "chance of a false finding over all attacks and games together",
     NAMED},
    {"margin", 0, TEXT, AT(margin), "M", "0.05", 0, 0, "AUC differences below it count as none", NAMED},
    {"pictures", 0, TEXT, AT(pictures), "N", "0", 0, 0,
     "shows the N forgotten images that are most exposed; whoever gets the page gets them", NAMED},
    {"verify", 0, TEXT, AT(verify), "DIR", "none", 0, 0, "checks the folder of an earlier audit", NAMED},
    {"signers", 0, TEXT, AT(signers), "FILE", "none", 0, 0, "whose signatures count: ssh-keygen's ALLOWED SIGNERS",
     NAMED},
    {"identity", 0, TEXT, AT(identity), "I", "none", 0, 0, "who of them must have signed", NAMED},
    {"beside", 0, TEXT, AT(beside), "B", "unlearn", 0, 0,
     "copies of the weights in the same file: unlearn them too, drop or keep them; keep: unknown objects too", NAMED},
    {"set", 0, TEXTS, AT(set), "K=V", "none", 0, 0, "sets a parameter; may be given often", NAMED},
    {"out", 'o', TEXT, AT(out), "PATH", "", 0, 0, "where the result goes", NAMED},
    {"results", 0, TEXT, AT(results), "DIR", "results", 0, 0, "parent folder of the experiment's own folder", NAMED},
    {"unused", 0, FLAG, AT(unused), NULL, "off", 0, 0, "only what no run of a present config was made with", NAMED},
    {"older-than", 0, NUMBER, AT(older_than), "DAYS", "any age", 1, 100000, "only what was written longer ago", NAMED},
    {"max-size", 0, TEXT, AT(max_size), "SIZE", "no limit", 0, 0, "until the rest is this small: 500M, 20G", NAMED},
    {"force", 0, FLAG, AT(force), NULL, "off", 0, 0, "run: do complete jobs again; cache: remove what is used, too",
     NAMED},
    {"dry-run", 0, FLAG, AT(dry_run), NULL, "off", 0, 0,
     "say what would be done (run: in how many hours); write nothing", NAMED},
    {"jobs", 0, NUMBER, AT(jobs), "N", "1", 1, 1024, "processes that do jobs side by side and share the threads",
     NAMED},
    {"share", 0, FLAG, AT(share), NULL, "off", 0, 0,
     "the ranks of mpirun share the images (methods that say so); any number of ranks gives the same bits", NAMED},
    {"precision", 0, TEXT, AT(precision), "P", "f32; run: the config's", 0, 0, "f32 or bf16: arithmetic of the network",
     NAMED},
    {"tuning", 0, TEXT, AT(tuning), "FILE", "the program's own rules; run: the config's", 0, 0,
     "which algorithm runs each convolution: a table of `expunge bench --tune`", NAMED},
    {"tune", 0, FLAG, AT(tune), NULL, "off", 0, 0, "time the algorithms of each convolution and make a table", NAMED},
    {"batch-size", 0, NUMBER, AT(batch), "N", "128", 1, 1 << 20, "images of a training step", NAMED},
    {"json", 0, FLAG, AT(json), NULL, "off", 0, 0, "print results as JSON on stdout", NAMED},
    {"quiet", 0, FLAG, AT(quiet), NULL, "off", 0, 0, "no notices and no progress on stderr", EVERYWHERE},
    {"threads", 0, NUMBER, AT(threads), "N", "all CPUs, or OMP_NUM_THREADS", 1, MATH_THREADS_MAX, "compute threads",
     EVERYWHERE},
    {"seed", 0, NUMBER, AT(seed), "N", "0; run: the config's seeds", 0, INT64_MAX, "seed of every random draw",
     EVERYWHERE},
    {"help", 'h', FLAG, AT(help), NULL, "off", 0, 0, "this page", EVERYWHERE},
};

/* Whether @p command names the option: 0 no, 1 yes, 2 it must be given. */
static int names_it(const CliCommand *command, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = command->takes; *at;) {
        size_t word = strcspn(at, " ");
        bool must = word > 0 && at[word - 1] == '!';
        if (word - must == length && strncmp(at, name, length) == 0) return must ? 2 : 1;
        at += word;
        at += strspn(at, " ");
    }
    return 0;
}

/* Whether @p command takes the option: 0 no, 1 yes, 2 it must be given. */
static int takes(const CliCommand *command, const Option *option)
{
    if (option->reach == EVERYWHERE) return 1;
    if (option->reach == OF_DATA) return names_it(command, "data") ? 1 : 0;
    return names_it(command, option->name);
}

static BaseStatus unknown(const CliCommand *command, const char *word)
{
    const char *names[BASE_COUNT(OPTIONS)];
    size_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(OPTIONS); i++)
        if (takes(command, &OPTIONS[i])) names[count++] = OPTIONS[i].name;
    char bare[64];
    const char *start = word + strspn(word, "-");
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(start, "="), start);
    const char *near = base_text_nearest(bare, names, count);
    return base_error_set(BASE_EUSAGE, "%s: unknown option '%.100s'%s%s%s; see `expunge %s --help`", command->name,
                          word, near ? "; did you mean '--" : "", near ? near : "", near ? "'?" : "", command->name);
}

/* The option an argument names; *value: what follows '=', or NULL. */
static const Option *find(const CliCommand *command, const char *arg, const char **value)
{
    *value = NULL;
    for (const Option *o = OPTIONS; o < OPTIONS + BASE_COUNT(OPTIONS); o++) {
        if (!takes(command, o)) continue;
        if (o->letter && arg[0] == '-' && arg[1] == o->letter && arg[2] == '\0') return o;
        size_t length = strlen(o->name);
        if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, o->name, length) != 0) continue;
        if (arg[2 + length] == '\0') return o;
        if (arg[2 + length] == '=') return *value = arg + 3 + length, o;
    }
    return NULL;
}

static BaseStatus store(const CliCommand *command, const Option *o, const char *value, CliOptions *out)
{
    void *field = (char *)out + o->offset;
    if (o->kind == TEXT) {
        if (!*value)
            return base_error_set(BASE_EUSAGE, "%s: %s%s is empty: it needs %s", command->name, o->letter ? "-" : "--",
                                  o->letter ? "o" : o->name, o->help);
        if (*(const char **)field)
            return base_error_set(BASE_EUSAGE, "%s: --%s is given twice", command->name, o->name);
        *(const char **)field = value;
    } else if (o->kind == NUMBER) {
        int64_t number;
        if (!base_parse_i64(value, &number) || number < o->min || number > o->max)
            return base_error_set(BASE_EUSAGE, "%s: --%s '%.100s': must be a whole number from %lld to %lld",
                                  command->name, o->name, value, (long long)o->min, (long long)o->max);
        *(int64_t *)field = number;
        if (field == &out->seed) out->has_seed = true;
    } else {
        CliTexts *texts = field;
        if (texts->count == CLI_TEXTS_MAX)
            return base_error_set(BASE_EUSAGE, "%s: --%s: at most %d times", command->name, o->name, CLI_TEXTS_MAX);
        texts->at[texts->count++] = value;
    }
    return BASE_OK;
}

static void record_command(const CliCommand *command, int argc, char **argv, CliOptions *out)
{
    size_t used = (size_t)snprintf(out->command, sizeof out->command, "expunge %s", command->name);
    for (int i = 0; i < argc && used < sizeof out->command; i++) {
        bool plain = argv[i][0] && !argv[i][strcspn(argv[i], " '\"\\$`&|;<>()*?[]{}~#!\t\n")];
        used += (size_t)snprintf(out->command + used, sizeof out->command - used, plain ? " %s" : " '%s'", argv[i]);
    }
}

/* A link that is named as output is written through, as other programs do, and stays a link. */
static BaseStatus follow_output(CliOptions *out)
{
    BaseStatus st = BASE_OK;
    char *target = NULL;
    if (!out->out) return BASE_OK;
    BASE_TRY(io_path_target(out->out, &target));
    if (!target) goto out;
    BASE_CHECK(strlen(target) < sizeof out->target, BASE_EUSAGE, "--out %.200s: a link to a path of %zu bytes",
               out->out, strlen(target));
    strcpy(out->target, target);
    out->out = out->target;
out:
    base_free(target);
    return st;
}

static BaseStatus check(const CliCommand *command, CliOptions *out)
{
    for (const Option *o = OPTIONS; o < OPTIONS + BASE_COUNT(OPTIONS); o++) {
        if (takes(command, o) != 2 || *(const char **)((char *)out + o->offset)) continue;
        return base_error_set(BASE_EUSAGE, "%s: %s%s %s is missing: %s; see `expunge %s --help`", command->name,
                              o->letter ? "-" : "--", o->letter ? "o" : o->name, o->value, o->help, command->name);
    }
    if (out->operands.count < command->operands_min)
        return base_error_set(BASE_EUSAGE, "%s: %s is missing; see `expunge %s --help`", command->name,
                              command->operand, command->name);
    if (out->operands.count > command->operands_max)
        return base_error_set(BASE_EUSAGE, "%s: '%.100s' is one argument too many; see `expunge %s --help`",
                              command->name, out->operands.at[command->operands_max], command->name);
    if (out->split && strcmp(out->split, "train") != 0 && strcmp(out->split, "test") != 0)
        return base_error_set(BASE_EUSAGE, "%s: --split '%.100s': must be train or test", command->name, out->split);
    BaseStatus st = follow_output(out);
    return st == BASE_OK && out->precision ? nn_precision_parse(out->precision, &out->use) : st;
}

BaseStatus cli_options_parse(const CliCommand *command, int argc, char **argv, CliOptions *out)
{
    bool only_operands = false;
    *out = (CliOptions){0};
    record_command(command, argc, argv, out);
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *value;
        if (!only_operands && strcmp(arg, "--") == 0) {
            only_operands = true;
            continue;
        }
        if (only_operands || arg[0] != '-' || arg[1] == '\0') {
            if (out->operands.count == CLI_TEXTS_MAX)
                return base_error_set(BASE_EUSAGE, "%s: more than %d arguments", command->name, CLI_TEXTS_MAX);
            out->operands.at[out->operands.count++] = arg;
            continue;
        }
        const Option *o = find(command, arg, &value);
        if (!o) return unknown(command, arg);
        if (o->kind == FLAG) {
            if (value) return base_error_set(BASE_EUSAGE, "%s: --%s takes no value", command->name, o->name);
            *(bool *)((char *)out + o->offset) = true;
            continue;
        }
        if (!value && i + 1 < argc) {
            const char *rest; /* an option of this command is no value: the value was forgotten; --x=--y says it is */
            if (!find(command, argv[i + 1], &rest)) value = argv[++i];
        }
        if (!value) return base_error_set(BASE_EUSAGE, "%s: %s needs a value: %s", command->name, arg, o->help);
        BaseStatus st = store(command, o, value, out);
        if (st != BASE_OK) return st;
    }
    return out->help ? BASE_OK : check(command, out);
}

void cli_options_params(const BaseParam *table, size_t count, BaseText *out)
{
    for (size_t i = 0; i < count; i++) {
        BaseText def = {0}, range = {0};
        switch (table[i].kind) {
        case BASE_KIND_TEXT: base_text_add(&def, "%s", table[i].text); break;
        case BASE_KIND_CHOICE: base_text_add(&def, "%s", table[i].choices[(size_t)table[i].def]); break;
        case BASE_KIND_BOOL: base_text_add(&def, "%s", table[i].def != 0 ? "true" : "false"); break;
        case BASE_KIND_F64:
        case BASE_KIND_I64: base_text_add(&def, "%.10g", table[i].def); break;
        }
        base_param_describe(&table[i], &range);
        base_text_add(out, "    %-18s %-10s %s (%s)\n", table[i].name, base_text_of(&def, &out->st), table[i].meaning,
                      base_text_of(&range, &out->st));
        base_text_free(&def);
        base_text_free(&range);
    }
}

void cli_options_help(const CliCommand *command, BaseText *out)
{
    base_text_add(out, "%s\n\nUsage: expunge %s\n\nOptions:\n", command->purpose, command->usage);
    for (const Option *o = OPTIONS; o < OPTIONS + BASE_COUNT(OPTIONS); o++) {
        int how = takes(command, o);
        char name[64];
        if (!how) continue;
        if (o->letter == 'o')
            snprintf(name, sizeof name, "-o, --out %s", o->value);
        else
            snprintf(name, sizeof name, "%s--%s %s", o->letter == 'h' ? "-h, " : "", o->name, o->value ? o->value : "");
        base_text_add(out, "  %-20s %s", name, o->help);
        if (how == 2)
            base_text_add(out, "; must be given\n");
        else if (*o->def)
            base_text_add(out, " (default: %s)\n", o->def);
        else
            base_text_add(out, "\n");
    }
    if (command->set_table || command->set_common) base_text_add(out, "\nKeys of --set, with their defaults:\n");
    if (command->set_table) cli_options_params(command->set_table, *command->set_count, out);
    if (command->set_common) cli_options_params(session_common_params, session_common_param_count, out);
    base_text_add(out, "\nExamples:\n");
    for (size_t i = 0; i < BASE_COUNT(command->examples); i++) base_text_add(out, "  %s\n", command->examples[i]);
}
