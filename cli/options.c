/* cli/options.c - options are stored by offset from the table; mistakes are answered with the nearest name. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/wrap.h"
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
    const char *words; /* see CliOptionText */
} Option;

#define AT(field)                                      offsetof(CliOptions, field)
#define CLASSES                                        "names, or else indices; '#3' is always an index, name:3 always a name"
#define WORD_ROW(name, field, value, def, words, help) name, 0, TEXT, AT(field), value, def, 0, 0, help, NAMED, words
#define TEXT_ROW(name, field, value, def, help)        WORD_ROW(name, field, value, def, NULL, help)
#define NUMBER_ROW(name, field, value, def, min, max, help)                                                            \
    name, 0, NUMBER, AT(field), value, def, min, max, help, NAMED, NULL
#define FLAG_ROW(name, field, help) name, 0, FLAG, AT(field), NULL, "off", 0, 0, help, NAMED, NULL
static const Option OPTIONS[] = {
    {WORD_ROW(
        "arch", arch, "A", "", "@archs auto",
        "architecture, a name from `expunge list archs`; graph:FILE.json: a network of your own (docs/graph.md); auto: "
        "recognised from --weights (a folder's default)")},
    {TEXT_ROW(
        "weights", weights, "F", "",
        "weights file: .safetensors (or its .index.json), .pt, .pth, .ckpt, .bin, .h5; or a folder with config.json")},
    {TEXT_ROW(
        "image-size", image_size, "N|HxW", "the weights' own",
        "size of images to which a vision transformer's positions are interpolated, as in timm; with --graph: of the "
        "input, perhaps CxHxW")},
    {WORD_ROW("graph", graph, "ARCH", "none", "@archs", "print this architecture as a graph file (docs/graph.md)")},
    {NUMBER_ROW("classes", classes, "K", "10; a graph file's own", 1, 1 << 20, "number of classes of --graph")},
    {FLAG_ROW("override", override, "let options count that differ from what the folder of --weights says")},
    {WORD_ROW("data", data, "D", "", "@datasets", "data set, name[:path] from `expunge list datasets`")},
#define X(field, flag, value, def, help) {flag, 0, TEXT, AT(prepare.field), value, def, 0, 0, help, OF_DATA, NULL},
    DATA_OPTION_LIST(X)
#undef X
        {WORD_ROW("split", split, "S", "test", "train test", "split: train or test")},
    {TEXT_ROW("forget", forget, "C[,C]", "none", "classes to forget: " CLASSES)},
    {TEXT_ROW("forget-index", forget_index, "FILE", "none",
              "training images to forget, in place of --forget: one position or range per line, as for --train-index")},
    {TEXT_ROW("exclude", exclude, "C[,C]", "none", "classes to leave out of the training: " CLASSES)},
    {NUMBER_ROW("canaries", canaries, "N", "0", 1, 10000000,
                "number of canaries: training images that a fair coin each leaves out of the training, for audits")},
    {WORD_ROW("canary-kind", canary_kind, "K", "image", "image label",
              "kind of canaries: image (with its own label) or label (with a wrong one)")},
    {TEXT_ROW("canary-classes", canary_classes, "C[,C]", "all", "classes that canaries are trained as: " CLASSES)},
    {NUMBER_ROW("checkpoint", checkpoint, "S", "60", 1, 86400,
                "seconds between two writes of the training's position, from which the same command goes on if it was "
                "stopped")},
    {WORD_ROW("method", method, "M", "", "@methods", "unlearning method, a name from `expunge list methods`")},
    {WORD_ROW("name", name, "LIST", "", "@attacks all",
              "attacks, names from `expunge list attacks` separated by commas, or all")},
    {TEXT_ROW("signals", signals, "F", "", "HDF5 file of logits, labels and roles (docs/signals.md)")},
    {TEXT_ROW("original", original, "F", "none", "weights of the model before unlearning")},
    {TEXT_ROW("retrained", retrained, "F,F", "none",
              "weights of models trained without the forgotten classes, from several seeds")},
    {NUMBER_ROW("make-retrained", make_retrained, "N", "0", 1, 1000,
                "number of retrained models to train in addition")},
    {TEXT_ROW("shadow", shadow, "DIR", "none", "folder of shadow models with a shadows.json")},
    {WORD_ROW("attacks", attacks, "LIST", "auto: a selection", "@attacks all",
              "attacks, names from `expunge list attacks` separated by commas, or all")},
    {TEXT_ROW("alpha", alpha, "A", "0.05", "probability of a false finding over all attacks and games together")},
    {TEXT_ROW("margin", margin, "M", "0.05", "difference of AUC below which two models count as equal")},
    {TEXT_ROW("pictures", pictures, "N", "0",
              "number of most exposed forgotten images to show; anyone who gets the page gets them")},
    {TEXT_ROW("verify", verify, "DIR", "none", "folder of an earlier audit, which is checked")},
    {TEXT_ROW("pdf", pdf, "FILE", "none", "PDF of the page, printed by chromium or weasyprint")},
    {TEXT_ROW("signers", signers, "FILE", "none",
              "file of those whose signatures are accepted: ssh-keygen's ALLOWED SIGNERS")},
    {TEXT_ROW("identity", identity, "I", "none", "identity in --signers that must have signed")},
    {WORD_ROW("beside", beside, "B", "unlearn", "unlearn drop keep",
              "copies of the weights in the same file: unlearn, drop or keep them; keep also keeps unknown objects")},
    {"meta", 0, TEXTS, AT(meta), "K=V", "none", 0, 0,
     "fact V about the audit named K (auditor, owner, purpose), for its pages; may be given several times", NAMED,
     NULL},
    {"set", 0, TEXTS, AT(set), "K=V", "none", 0, 0, "value V of the parameter K; may be given several times", NAMED,
     NULL},
    {"out", 'o', TEXT, AT(out), "PATH", "", 0, 0, "file or folder to which the result is written", NAMED, NULL},
    {TEXT_ROW("results", results, "DIR", "results", "parent folder of the experiment's own folder")},
    {FLAG_ROW("unused", unused, "select only files that no run of a current config uses")},
    {NUMBER_ROW("older-than", older_than, "DAYS", "any age", 1, 100000,
                "select only what was written more than DAYS days ago")},
    {TEXT_ROW("max-size", max_size, "SIZE", "no limit",
              "remove the oldest until the rest is no larger than this: 500M, 20G")},
    {FLAG_ROW("force", force, "run: repeat complete jobs; cache: also remove what is used")},
    {FLAG_ROW("dry-run", dry_run,
              "show what would be done (run: and in about how many hours) without writing anything")},
    {NUMBER_ROW("jobs", jobs, "N", "1", 1, 1024,
                "number of processes that run jobs side by side and share the threads")},
    {FLAG_ROW("share", share,
              "let the ranks of mpirun share the images (see `expunge list methods`); their number changes no bit")},
    {WORD_ROW("precision", precision, "P", "f32; run: the config's", "f32 bf16",
              "arithmetic of the network: f32 or bf16")},
    {TEXT_ROW("tuning", tuning, "FILE", "the program's own rules; run: the config's",
              "table of `expunge bench --tune` that says which algorithm runs each convolution")},
    {FLAG_ROW("tune", tune, "time the algorithms of each convolution and make a table of the fastest")},
    {NUMBER_ROW("batch-size", batch, "N", "128", 1, 1 << 20, "images per training step")},
    {FLAG_ROW("names", names, "print the names alone, one per line")},
    {FLAG_ROW("json", json, "print results as JSON on stdout")},
    {"quiet", 0, FLAG, AT(quiet), NULL, "off", 0, 0, "print no notices and no progress on stderr", EVERYWHERE, NULL},
    {"threads", 0, NUMBER, AT(threads), "N", "all CPUs, or OMP_NUM_THREADS", 1, MATH_THREADS_MAX,
     "number of compute threads", EVERYWHERE, NULL},
    {TEXT_ROW("memory", memory, "SIZE", "half of what the machine, the control group and ulimit -v allow",
              "memory that the process should stay below (500M, 2G): decides which images stay in memory")},
    {"seed", 0, NUMBER, AT(seed), "N", "0; run: the config's seeds", 0, INT64_MAX, "seed of every random draw",
     EVERYWHERE, NULL},
    {"help", 'h', FLAG, AT(help), NULL, "off", 0, 0, "show this page", EVERYWHERE, NULL},
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
            return base_error_set(BASE_EUSAGE, "%s: %s%s is empty; it must be: %s", command->name,
                                  o->letter ? "-" : "--", o->letter ? "o" : o->name, o->help);
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
            return base_error_set(BASE_EUSAGE, "%s: --%s is given more than %d times", command->name, o->name,
                                  CLI_TEXTS_MAX);
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
    BASE_CHECK(strlen(target) < sizeof out->target, BASE_EUSAGE,
               "--out %.200s: is a link to a path of %zu bytes, which is too long", out->out, strlen(target));
    strcpy(out->target, target);
    out->out = out->target;
out:
    base_free(target);
    return st;
}

static BaseStatus check(const CliCommand *command, CliOptions *out)
{
    if (!out->arch && out->weights && io_path_is_folder(out->weights)) out->arch = "auto"; /* its config.json says */
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
            const char *rest; /* an option of this command is not taken as a value; --x=--y gives it as one */
            if (!find(command, argv[i + 1], &rest)) value = argv[++i];
        }
        if (!value) return base_error_set(BASE_EUSAGE, "%s: %s needs a value: %s", command->name, arg, o->help);
        BaseStatus st = store(command, o, value, out);
        if (st != BASE_OK) return st;
    }
    return out->help ? BASE_OK : check(command, out);
}

void cli_options_default(const BaseParam *p, BaseText *out)
{
    switch (p->kind) {
    case BASE_KIND_TEXT: base_text_add(out, "%s", p->text); break;
    case BASE_KIND_CHOICE: base_text_add(out, "%s", p->choices[(size_t)p->def]); break;
    case BASE_KIND_BOOL: base_text_add(out, "%s", p->def != 0 ? "true" : "false"); break;
    case BASE_KIND_F64:
    case BASE_KIND_I64: base_text_add(out, "%.10g", p->def); break;
    }
}

void cli_options_params(const BaseParam *table, size_t count, int columns, BaseText *out)
{
    for (size_t i = 0; i < count; i++) {
        BaseText def = {0}, range = {0}, name = {0}, meaning = {0};
        cli_options_default(&table[i], &def);
        base_param_describe(&table[i], &range);
        base_text_add(&name, "%-18s %-10s", table[i].name, base_text_of(&def, &out->st));
        base_text_add(&meaning, "%s (%s)", table[i].meaning, base_text_of(&range, &out->st));
        cli_wrap_row(out, 4, 29, base_text_of(&name, &out->st), base_text_of(&meaning, &out->st), columns);
        base_text_free(&name);
        base_text_free(&def);
        base_text_free(&range);
        base_text_free(&meaning);
    }
}

bool cli_options_next(const CliCommand *command, size_t *at, CliOptionText *out)
{
    while (*at < BASE_COUNT(OPTIONS)) {
        const Option *o = &OPTIONS[(*at)++];
        int how = takes(command, o);
        if (!how) continue;
        *out = (CliOptionText){o->name, o->value, o->help, o->words, o->def, o->letter, how == 2};
        return true;
    }
    return false;
}

void cli_options_meaning(const CliOptionText *option, BaseText *out)
{
    base_text_add(out, "%s", option->help);
    if (option->required)
        base_text_add(out, "; required");
    else if (*option->def)
        base_text_add(out, " (default: %s)", option->def);
}

void cli_options_help(const CliCommand *command, int columns, BaseText *out)
{
    cli_wrap_lines(out, command->purpose, columns);
    base_text_add(out, "\n");
    for (size_t i = 0; i < BASE_COUNT(command->usage) && command->usage[i]; i++) {
        base_text_add(out, "%s expunge %s ", i == 0 ? "Usage:" : "      ", command->name);
        cli_wrap_words(out, command->usage[i], 16 + (int)strlen(command->name), columns);
        base_text_add(out, "\n");
    }
    base_text_add(out, "\nOptions:\n");
    CliOptionText o;
    for (size_t at = 0; cli_options_next(command, &at, &o);) {
        char name[64], letter[8] = "";
        BaseText meaning = {0};
        if (o.letter) snprintf(letter, sizeof letter, "-%c, ", o.letter);
        snprintf(name, sizeof name, "%s--%s %s", letter, o.name, o.value ? o.value : "");
        cli_options_meaning(&o, &meaning);
        cli_wrap_row(out, 2, 20, name, base_text_of(&meaning, &out->st), columns);
        base_text_free(&meaning);
    }
    if (command->set_table || command->set_common) base_text_add(out, "\nKeys of --set, with their defaults:\n");
    if (command->set_table) cli_options_params(command->set_table, *command->set_count, columns, out);
    if (command->set_common) cli_options_params(session_common_params, session_common_param_count, columns, out);
    base_text_add(out, "\nExamples:\n");
    for (size_t i = 0; i < BASE_COUNT(command->examples); i++) base_text_add(out, "  %s\n", command->examples[i]);
}
