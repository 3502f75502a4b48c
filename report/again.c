/* report/again.c - the command that makes one row again. */
#include <math.h>
#include <string.h>

#include "report/results.h"

/* A YAML scalar inside single quotes of the shell: plain, or in double quotes. */
static void scalar(const char *text, BaseText *out)
{
    static const char PLAIN[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-";
    if (*text && *text != '-' && !text[strspn(text, PLAIN)]) {
        base_text_add(out, "%s", text);
        return;
    }
    base_text_add(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') base_text_add(out, "\\");
        if (*c == '\'')
            base_text_add(out, "'\\''");
        else
            base_text_append(out, c, 1);
    }
    base_text_add(out, "\"");
}

/* A list of YAML as it is, inside the same quotes. */
static void list(const char *text, BaseText *out)
{
    for (const char *c = text; *c; c++)
        if (*c == '\'')
            base_text_add(out, "'\\''");
        else
            base_text_append(out, c, 1);
}

/* {name: ..., label: ..., set: {alpha_r: 100, ...}} with every parameter that was used. */
static void method(const ReportRun *run, BaseText *out)
{
    const char *const *names;
    size_t count;
    base_text_add(out, "{name: %s, label: ", run->method);
    scalar(run->label, out);
    if (store_run_names(run->store, "/params", &names, &count) && count > 0) {
        base_text_add(out, ", set: {");
        for (size_t i = 0; i < count; i++) {
            const char *value = store_run_text(run->store, "/params", names[i]);
            base_text_add(out, "%s%s: ", i ? ", " : "", names[i]);
            if (value && *value == '[')
                list(value, out);
            else
                scalar(value ? value : "", out);
        }
        base_text_add(out, "}");
    }
    base_text_add(out, store_run_f64(run->store, "/", "in_turn") == 1 ? ", in_turn: true}" : "}");
}

/* Length of a word of the shell: plain letters, single quotes, backslashes. */
static size_t word(const char *at)
{
    const char *c = at;
    while (*c && *c != ' ') {
        if (*c == '\'') c += 1 + strcspn(c + 1, "'");
        if (*c == '\\' && c[1]) c++;
        if (*c) c++;
    }
    return (size_t)(c - at);
}

static const char *next(const char *at)
{
    at += word(at);
    return at + strspn(at, " ");
}

static bool starts(const char *at, const char *text) { return strncmp(at + (*at == '\''), text, strlen(text)) == 0; }

/* What report_again says itself: where results go, seeds, classes, methods. */
static bool replaced(const char *value)
{
    return starts(value, "seeds=") || starts(value, "unlearn_seeds=") || starts(value, "forget=") ||
           starts(value, "methods=");
}

/* The command as it was given, without what is replaced. */
static void without_replaced(const char *command, BaseText *out)
{
    for (const char *at = command; *at;) {
        size_t length = word(at);
        bool results = starts(at, "--results"), set = starts(at, "--set");
        bool pair = (results && length == 9) || (set && length == 5 && replaced(next(at)));
        bool alone = starts(at, "--results=") || (starts(at, "--set=") && replaced(at + (*at == '\'') + 6));
        if (!pair && !alone) {
            base_text_add(out, "%s", out->size ? " " : "");
            base_text_append(out, at, length);
        }
        at = next(at);
        if (pair) at = next(at);
    }
}

/* "3,7" as indices, whatever the data call their classes. */
static void classes(const char *forget, BaseText *out)
{
    base_text_add(out, " --set 'forget=[[");
    for (const char *at = forget; *at;) {
        size_t length = strcspn(at, ",");
        base_text_add(out, "%s\"#%.*s\"", at == forget ? "" : ",", (int)length, at);
        at += length + (at[length] == ',');
    }
    base_text_add(out, "]]'");
}

/* Of weights that the config lists by seed those of the row, since other seeds are asked for. */
static void weights(const ReportRun *run, const char *name, const char *key, BaseText *out)
{
    const char *files = store_run_text(run->store, "/meta", name);
    if (!files || *files != '[') return;
    base_text_add(out, " --set '%s.weights=", key);
    list(files, out);
    base_text_add(out, "'");
}

/* Any retrained row of the seed: a config that names retrained weights must have the method that reads them. */
static const ReportRun *reader(const ReportLabel *retrained, const ReportRun *original)
{
    if (!store_run_text(original->store, "/meta", "retrained_weights")) return NULL;
    for (size_t i = 0; retrained && i < retrained->count; i++)
        if (retrained->runs[i]->seed == original->seed) return retrained->runs[i];
    return NULL;
}

void report_again(const ReportExperiment *e, const ReportRun *run, BaseText *out)
{
    const char *command = store_run_text(run->store, "/meta", "command");
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    const ReportRun *reference = report_same_job(retrained, run);
    if (!command || strncmp(command, "expunge run ", 12) != 0 || strlen(command) >= REPORT_COMMAND_WHOLE) return;
    if (!*run->forget && !e->known->unchanged) return;
    without_replaced(command, out);
    base_text_add(out, " --results again --set 'seeds=[%.0f", run->seed);
    double peer = store_run_f64(run->store, "/meta", "peer_seed");
    if (!isnan(peer)) base_text_add(out, ", %.0f", peer);
    base_text_add(out, "]'");
    if (!isnan(store_run_f64(run->store, "/", "unlearn_seed"))) /* later ones come with those before them */
        base_text_add(out, " --set unlearn_seeds=%.0f", run->unlearn + 1);
    weights(run, "original_weights", "original", out);
    weights(run, "retrained_weights", "retrained", out);
    if (report_run_images(run))
        base_text_add(out, " --set 'forget=[%s]'", run->forget_map);
    else if (*run->forget)
        classes(run->forget, out);
    base_text_add(out, " --set 'methods=[");
    if (!*run->forget) {
        base_text_add(out, "%s", e->known->unchanged);
        reference = reader(retrained, run);
        if (reference) base_text_add(out, ", "), method(reference, out);
    } else {
        if (reference && reference != run) method(reference, out), base_text_add(out, ", ");
        method(run, out);
    }
    base_text_add(out, "]'");
}
