/* cli/man.c - manual pages in roff, with the content of the help pages. */
#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/pages.h"
#include "session/params.h"
#include "session/program.h"

/* A text as roff shows it letter by letter, except that `...` is bold, which may end in a later line (*bold). */
static void add(BaseText *out, const char *text, bool *bold)
{
    static const char *const SHOWN[] = {
        ['\\'] = "\\e", ['-'] = "\\-", ['\''] = "\\(aq", ['^'] = "\\(ha", ['~'] = "\\(ti"};
    if (*text == '.') base_text_add(out, "\\&"); /* no request */
    for (const char *c = text; *c; c++) {
        const unsigned char u = (unsigned char)*c;
        if (u == '`' && bold)
            base_text_add(out, "%s", (*bold = !*bold) ? "\\fB" : "\\fR");
        else if (u < BASE_COUNT(SHOWN) && SHOWN[u])
            base_text_add(out, "%s", SHOWN[u]);
        else
            base_text_append(out, c, 1);
    }
}

static void add_line(BaseText *out, const char *text)
{
    bool bold = false;
    add(out, text, &bold);
    base_text_add(out, "\n");
}

/* Lines of a help page: paragraphs, and rows "  term   meaning" as a list. */
static void add_lines(BaseText *out, const char *const *lines)
{
    bool bold = false, apart = false;
    for (const char *line; (line = *lines); lines++) {
        if (!*line) {
            apart = true;
            continue;
        }
        const bool starts = strncmp(line, "  ", 2) == 0;
        const char *gap = starts ? strstr(line + 2, "  ") : NULL;
        if (starts) {
            base_text_add(out, ".TP\n\\fB");
            char term[128] = "";
            size_t length = gap ? (size_t)(gap - line) - 2 : strlen(line + 2);
            if (length < sizeof term) memcpy(term, line + 2, length);
            add(out, term, NULL);
            base_text_add(out, "\\fR\n");
            line = gap ? gap + strspn(gap, " ") : "";
        } else if (apart) {
            base_text_add(out, ".PP\n");
        }
        apart = false;
        if (!*line) continue;
        add(out, line, &bold);
        base_text_add(out, "\n");
    }
}

static void add_head(const CliCommand *command, const char *date, BaseText *out)
{
    base_text_add(out, ".\\\" made by `expunge help --man`\n.TH EXPUNGE");
    for (const char *c = command ? command->name : ""; *c; c++)
        base_text_add(out, "%s%c", c == command->name ? "\\-" : "", toupper((unsigned char)*c));
    base_text_add(out, " 1 %s \"expunge %s\" \"expunge\"\n.SH NAME\n", date, SESSION_PROGRAM_VERSION);
}

static void add_term(BaseText *out, const char *before, const char *name, const char *value)
{
    base_text_add(out, ".TP\n\\fB");
    add(out, before, NULL);
    add(out, name, NULL);
    base_text_add(out, "\\fR");
    if (value) {
        base_text_add(out, " \\fI");
        add(out, value, NULL);
        base_text_add(out, "\\fR");
    }
    base_text_add(out, "\n");
}

static void add_options(const CliCommand *command, BaseText *out)
{
    CliOptionText o;
    base_text_add(out, ".SH OPTIONS\n");
    for (size_t at = 0; cli_options_next(command, &at, &o);) {
        BaseText meaning = {0};
        char letter[] = "-?, --";
        letter[1] = o.letter;
        add_term(out, o.letter ? letter : "--", o.name, o.value);
        cli_options_meaning(&o, &meaning);
        add_line(out, base_text_of(&meaning, &out->st));
        base_text_free(&meaning);
    }
}

static void add_params(const BaseParam *table, size_t count, BaseText *out)
{
    for (size_t i = 0; i < count; i++) {
        BaseText def = {0}, meaning = {0}, range = {0};
        cli_options_default(&table[i], &def);
        base_param_describe(&table[i], &range);
        base_text_add(&meaning, "%s (%s", table[i].meaning, base_text_of(&range, &out->st));
        if (def.data && *def.data) base_text_add(&meaning, "; default: %s", def.data);
        base_text_add(&meaning, ")");
        add_term(out, "", table[i].name, NULL);
        add_line(out, base_text_of(&meaning, &out->st));
        if (def.st != BASE_OK) out->st = def.st;
        base_text_free(&def);
        base_text_free(&range);
        base_text_free(&meaning);
    }
}

static void add_command(const CliCommand *command, BaseText *out)
{
    base_text_add(out, "expunge\\-%s \\- ", command->name);
    add_line(out, command->summary);
    base_text_add(out, ".SH SYNOPSIS\n");
    for (size_t i = 0; i < BASE_COUNT(command->usage) && command->usage[i]; i++) {
        base_text_add(out, "%s\\fBexpunge %s\\fR ", i ? ".br\n" : "", command->name);
        add_line(out, command->usage[i]);
    }
    base_text_add(out, ".SH DESCRIPTION\n");
    add_lines(out, command->purpose);
    add_options(command, out);
    if (command->set_table || command->set_common) base_text_add(out, ".SH KEYS OF \\-\\-SET\n");
    if (command->set_table) add_params(command->set_table, *command->set_count, out);
    if (command->set_common) add_params(session_common_params, session_common_param_count, out);
    base_text_add(out, ".SH EXAMPLES\n.EX\n");
    for (size_t i = 0; i < BASE_COUNT(command->examples); i++) add_line(out, command->examples[i]);
    base_text_add(out, ".EE\n.SH SEE ALSO\n.BR expunge (1)\n");
}

static void add_overview(BaseText *out)
{
    static const char *const FILES[][2] = {
        {"share/expunge/configs", "the shipped configs, and a README.md that explains their keys"},
        {"share/doc/expunge", "README.md, and the documents docs/*.md that these pages name"}};
    base_text_add(out, "expunge \\- make image classifiers forget classes, and audit what they still give away\n"
                       ".SH SYNOPSIS\n\\fBexpunge\\fR \\fICOMMAND\\fR ...\n.SH DESCRIPTION\n");
    /* its first paragraph: what the program is */
    for (const char *const *line = cli_overview_before; *line && **line; line++) add_line(out, *line);
    base_text_add(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        add_term(out, "", cli_commands[i]->name, NULL);
        add_line(out, cli_commands[i]->summary);
    }
    base_text_add(out, ".SH OPTIONS\n");
    add_lines(out, cli_overview_after);
    base_text_add(out, ".SH FILES\nBeside the folder of the program:\n");
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        add_term(out, "", FILES[i][0], NULL);
        add_line(out, FILES[i][1]);
    }
    base_text_add(out, ".SH SEE ALSO\n");
    for (size_t i = 0; i < cli_command_count; i++)
        base_text_add(out, ".BR expunge\\-%s (1)%s\n", cli_commands[i]->name, i + 1 < cli_command_count ? "," : "");
}

void cli_man_page(const CliCommand *command, const char *date, BaseText *out)
{
    add_head(command, date, out);
    if (command)
        add_command(command, out);
    else
        add_overview(out);
}
