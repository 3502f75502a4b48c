/* cli/complete.c - completion scripts for shells: commands and options are written out, names of plug-ins and configs are asked
 * of the program (`expunge list KIND --names`) when they are needed. */
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "cli/commands.h"
#include "cli/pages.h"

typedef enum { NOTHING, ANY_FILE, FOLDER, WORDS, LIST } Kind;
/* What a shell offers for a value. */
typedef struct {
    Kind kind;
    char names[32];    /* KIND of `expunge list`; "": none */
    const char *words; /* and these */
} Offer;

static Offer offer(const char *value, const char *words)
{
    static const char *const FILES[] = {"F", "F,F", "FILE", "PATH"};
    Offer o = {.kind = NOTHING, .words = words ? words : ""};
    if (words && *words == '@') {
        size_t length = strcspn(words + 1, " ");
        if (length < sizeof o.names) memcpy(o.names, words + 1, length);
        o.words = words + 1 + length + strspn(words + 1 + length, " ");
    }
    if (words) o.kind = strcmp(value, "LIST") == 0 ? LIST : WORDS;
    if (o.kind == NOTHING && strcmp(value, "DIR") == 0) o.kind = FOLDER;
    for (size_t i = 0; o.kind == NOTHING && i < BASE_COUNT(FILES); i++)
        if (strcmp(value, FILES[i]) == 0) o.kind = ANY_FILE;
    return o;
}

/* Whether operands may be files: they may not where one word of a closed list is all there is. */
static bool takes_files(const CliCommand *command)
{
    return command->operands_max > 1 || (command->operands_max == 1 && (!command->words || *command->words == '@'));
}

/* @p text with each of @p special behind a '\'. */
static void add_escaped(BaseText *out, const char *text, const char *special)
{
    for (const char *c = text; *c; c++) {
        if (strchr(special, *c)) base_text_add(out, "\\");
        base_text_append(out, c, 1);
    }
}

/* Within '...' of a POSIX shell. */
static void add_quoted(BaseText *out, const char *text)
{
    for (const char *c = text; *c; c++) base_text_add(out, *c == '\'' ? "'\\''" : "%c", *c);
}

static void add_command_names(BaseText *out)
{
    for (size_t i = 0; i < cli_command_count; i++) base_text_add(out, "%s ", cli_commands[i]->name);
}

/* The options of @p command as the words "-o --out ". */
static void add_option_words(const CliCommand *command, BaseText *out)
{
    CliOptionText o;
    for (size_t at = 0; cli_options_next(command, &at, &o);) {
        if (o.letter) base_text_add(out, "-%c ", o.letter);
        base_text_add(out, "--%s ", o.name);
    }
}

/* ------------------------------------------------------------ bash */

static void bash_offer(const Offer *o, BaseText *out)
{
    static const char *const ACTIONS[] = {[NOTHING] = ":",
                                          [ANY_FILE] = "_expunge_files",
                                          [FOLDER] = "_expunge_folders",
                                          [WORDS] = "_expunge_words",
                                          [LIST] = "_expunge_list"};
    base_text_add(out, "%s", ACTIONS[o->kind]);
    if (o->kind < WORDS) return;
    base_text_add(out, " \"%s", o->words);
    if (*o->names) base_text_add(out, " $(\"$program\" list %s --names 2>/dev/null)", o->names);
    base_text_add(out, "\"");
}

/* A value means the same for every command. */
static void bash_values(BaseText *out)
{
    BaseText seen = {0};
    base_text_add(out, "    case $previous in\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        CliOptionText o;
        for (size_t at = 0; cli_options_next(cli_commands[i], &at, &o);) {
            BaseText mark = {0};
            base_text_add(&mark, " --%s ", o.name);
            const char *word = base_text_of(&mark, &out->st);
            if (o.value && !strstr(base_text_of(&seen, &out->st), word)) {
                Offer values = offer(o.value, o.words);
                base_text_add(&seen, "%s", word);
                base_text_add(out, "    ");
                if (o.letter) base_text_add(out, "-%c | ", o.letter);
                base_text_add(out, "--%s) ", o.name);
                bash_offer(&values, out);
                base_text_add(out, "; return ;;\n");
            }
            base_text_free(&mark);
        }
    }
    base_text_add(out, "    esac\n");
    if (seen.st != BASE_OK) out->st = seen.st;
    base_text_free(&seen);
}

static void bash(BaseText *out)
{
    base_text_add(
        out,
        "_expunge_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }\n"
        "_expunge_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); }\n"
        "_expunge_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); }\n"
        "# the last of several words with commas between them\n"
        "_expunge_list() {\n"
        "    local before=''\n"
        "    case $current in *,*) before=${current%%,*}, ;; esac\n"
        "    mapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$1\" -- \"${current##*,}\")\n"
        "}\n"
        "_expunge() {\n"
        "    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]} options='' operands='' files=''\n"
        "    local previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        _expunge_words '");
    add_command_names(out);
    base_text_add(out, "help --help --version --environment'\n        return\n    fi\n"
                       "    case $current in = | :) current='' ;; esac\n"
                       "    case $previous in\n"
                       "    =) previous=${COMP_WORDS[COMP_CWORD - 2]} ;; # --option=value\n"
                       "    :) _expunge_files; return ;; # NAME:PATH of a data set\n"
                       "    esac\n");
    bash_values(out);
    base_text_add(out, "    case $command in\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        const CliCommand *command = cli_commands[i];
        base_text_add(out, "    %s)\n        options='", command->name);
        add_option_words(command, out);
        base_text_add(out, "'\n");
        if (command->words) {
            Offer operands = offer("", command->words);
            base_text_add(out, "        operands=\"%s", operands.words);
            if (*operands.names) base_text_add(out, "$(\"$program\" list %s --names 2>/dev/null)", operands.names);
            base_text_add(out, "\"\n");
        }
        if (takes_files(command)) base_text_add(out, "        files=1\n");
        base_text_add(out, "        ;;\n");
    }
    base_text_add(out, "    help) operands='");
    add_command_names(out);
    base_text_add(out,
                  "' options='--man --completion' ;;\n    esac\n"
                  "    case $current in\n"
                  "    -*) _expunge_words \"$options\" ;;\n"
                  "    *)\n"
                  "        [ -z \"$files\" ] || _expunge_files\n"
                  "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W \"$operands\" -- \"$current\")\n"
                  "        ;;\n"
                  "    esac\n"
                  "}\n"
                  "complete -F _expunge expunge\n");
}

/* ------------------------------------------------------------ zsh */

static void zsh_offer(const Offer *o, BaseText *out)
{
    static const char *const ACTIONS[] = {[NOTHING] = " ", [ANY_FILE] = "_files", [FOLDER] = "_files -/"};
    if (o->kind < WORDS)
        base_text_add(out, "%s", ACTIONS[o->kind]);
    else if (*o->names)
        base_text_add(out, "%s_expunge_%s", o->kind == LIST ? "_sequence " : "", o->names);
    else
        base_text_add(out, "(%s)", o->words);
}

static void zsh_option(const CliOptionText *o, BaseText *out)
{
    BaseText explained = {0};
    add_escaped(&explained, o->help, "\\[]:");
    for (int form = 0; form < 2; form++) { /* the letter, then the name */
        if (form == 0 && !o->letter) continue;
        base_text_add(out, "            '");
        if (o->value && (strcmp(o->value, "K=V") == 0)) base_text_add(out, "*"); /* may be given again */
        if (form == 0)
            base_text_add(out, "-%c", o->letter);
        else
            base_text_add(out, o->value ? "--%s=" : "--%s", o->name);
        base_text_add(out, "[");
        add_quoted(out, base_text_of(&explained, &out->st));
        base_text_add(out, "]");
        if (o->value) {
            Offer values = offer(o->value, o->words);
            base_text_add(out, ":%s:", o->value);
            zsh_offer(&values, out);
        }
        base_text_add(out, "'\n");
    }
    base_text_free(&explained);
}

/* One function for each KIND of `expunge list` that is named somewhere, with the words that stand beside it. */
static void zsh_names(BaseText *out)
{
    BaseText seen = {0};
    for (size_t i = 0; i < cli_command_count; i++) {
        CliOptionText o = {.value = "", .words = cli_commands[i]->words};
        size_t at = 0;
        do {
            Offer values = offer(o.value ? o.value : "", o.words);
            if (!*values.names || strstr(base_text_of(&seen, &out->st), values.names)) continue;
            base_text_add(&seen, "%s ", values.names);
            base_text_add(out,
                          "_expunge_%s() { compadd \"$@\" - %s ${(f)\"$($expunge list %s --names 2>/dev/null)\"} }\n",
                          values.names, values.words, values.names);
        } while (cli_options_next(cli_commands[i], &at, &o));
    }
    if (seen.st != BASE_OK) out->st = seen.st;
    base_text_free(&seen);
}

static void zsh(BaseText *out)
{
    zsh_names(out);
    base_text_add(out, "_expunge() {\n    local expunge=$words[1]\n    if (( CURRENT == 2 )); then\n"
                       "        local -a commands=(\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        base_text_add(out, "            '%s:", cli_commands[i]->name);
        add_quoted(out, cli_commands[i]->summary);
        base_text_add(out, "'\n");
    }
    base_text_add(
        out,
        "            'help:explain a command'\n        )\n        _describe command commands\n        return\n    fi\n"
        "    shift words\n    (( CURRENT-- ))\n    local -a arguments\n    case $words[1] in\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        const CliCommand *command = cli_commands[i];
        CliOptionText o;
        base_text_add(out, "    %s)\n        arguments=(\n", command->name);
        for (size_t at = 0; cli_options_next(command, &at, &o);) zsh_option(&o, out);
        if (command->words) {
            Offer operands = offer("", command->words);
            base_text_add(out, *operands.names ? "            '1: :{ " : "            '1: :");
            zsh_offer(&operands, out);
            if (*operands.names) base_text_add(out, "; _files }");
            base_text_add(out, "'\n");
        }
        if (takes_files(command)) base_text_add(out, "            '*: :_files'\n");
        base_text_add(out, "        )\n        ;;\n");
    }
    base_text_add(out, "    help) arguments=('1:command:(");
    add_command_names(out);
    base_text_add(out, ")') ;;\n    esac\n    _arguments $arguments\n}\n_expunge \"$@\"\n");
}

/* ------------------------------------------------------------ fish */

static void fish_quoted(BaseText *out, const char *text)
{
    base_text_add(out, "'");
    add_escaped(out, text, "\\'");
    base_text_add(out, "'");
}

static void fish_offer(const Offer *o, BaseText *out)
{
    if (o->kind == NOTHING) base_text_add(out, " -x");
    if (o->kind == ANY_FILE) base_text_add(out, " -r -F");
    if (o->kind == FOLDER) base_text_add(out, " -x -a '(__fish_complete_directories)'");
    if (o->kind < WORDS) return;
    base_text_add(out, " -x -a '%s%s", o->words, *o->words && *o->names ? " " : "");
    if (*o->names) base_text_add(out, o->kind == LIST ? "(__expunge_last %s)" : "(__expunge_names %s)", o->names);
    base_text_add(out, "'");
}

static void fish(BaseText *out)
{
    base_text_add(
        out,
        "function __expunge_names\n    set -l words (commandline -opc)\n"
        "    $words[1] list $argv[1] --names 2>/dev/null\nend\n"
        "# the last of several words with commas between them\n"
        "function __expunge_last\n"
        "    set -l before (string replace -r '[^,]*$' '' -- (commandline -ct | string replace -r '^--[a-z]*=' ''))\n"
        "    printf '%%s\\n' $before(__expunge_names $argv[1])\nend\n"
        "function __expunge_command\n    set -l words (commandline -opc)\n"
        "    test (count $words) -gt 1; and test $words[2] = $argv[1]\nend\n"
        "function __expunge_no_command\n    test (count (commandline -opc)) -eq 1\nend\n"
        "complete -c expunge -f\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        const CliCommand *command = cli_commands[i];
        CliOptionText o;
        base_text_add(out, "complete -c expunge -n __expunge_no_command -a %s -d ", command->name);
        fish_quoted(out, command->summary);
        base_text_add(out, "\n");
        for (size_t at = 0; cli_options_next(command, &at, &o);) {
            base_text_add(out, "complete -c expunge -n '__expunge_command %s'", command->name);
            if (o.letter) base_text_add(out, " -s %c", o.letter);
            base_text_add(out, " -l %s -d ", o.name);
            fish_quoted(out, o.help);
            if (o.value) {
                Offer values = offer(o.value, o.words);
                fish_offer(&values, out);
            }
            base_text_add(out, "\n");
        }
        if (command->operands_max > 0) {
            Offer operands = offer("", command->words);
            base_text_add(out, "complete -c expunge -n '__expunge_command %s'%s", command->name,
                          takes_files(command) ? " -F" : "");
            if (command->words && *operands.names) base_text_add(out, " -a '(__expunge_names %s)'", operands.names);
            if (command->words && !*operands.names) base_text_add(out, " -a '%s'", operands.words);
            base_text_add(out, "\n");
        }
    }
    base_text_add(out, "complete -c expunge -n __expunge_no_command -a help -d 'explain a command'\n"
                       "complete -c expunge -n '__expunge_command help' -a '");
    add_command_names(out);
    base_text_add(out, "'\n");
}

BaseStatus cli_completion(const char *shell, BaseText *out)
{
    static const struct {
        const char *shell, *head;
        void (*write)(BaseText *out);
    } SHELLS[] = {{"bash", "# ", bash}, {"zsh", "#compdef expunge\n# ", zsh}, {"fish", "# ", fish}};
    for (size_t i = 0; i < BASE_COUNT(SHELLS); i++) {
        if (strcmp(shell, SHELLS[i].shell) != 0) continue;
        base_text_add(out, "%sCompletion for expunge, made by `expunge help --completion %s`.\n", SHELLS[i].head,
                      shell);
        SHELLS[i].write(out);
        return out->st;
    }
    return base_error_set(BASE_EUSAGE, "help: --completion '%.100s': must be bash, zsh or fish", shell);
}
