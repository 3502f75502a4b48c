/* unlearn/foreign.c - networks that were unlearned elsewhere, as rows beside the methods here: `external` reads their weights
 * or their logits, `command` has a program make them. In texts of both {forget} stands for what is forgotten ("3", "3,7") and {seed} for the seed;
 * a command also gets
 *
 *   {original}                       PyTorch weights of the original, as torch.load reads them
 *   {forget_index}, {retain_index}   files with positions in the training split, one per line
 *   {out}                            where it must leave the weights, as torch.save or safetensors write them
 *
 * It runs in a folder of its own, in which everything that stands beside the config can be seen, and which is removed
 * afterwards. Of external weights no cost is known. Logits are no network: they are read where networks would be judged
 * (UnlearnMethod.logits), and what needs weights cannot be measured of them. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/run.h"
#include "io/file.h"
#include "io/tensors.h"
#include "nn/weights.h"
#include "unlearn/stored/stored.h"

enum {
    SAID = 2000,
    HASHED = 64 << 20
}; /* bytes: of what a command said last that are kept; of a file that ids follow */

typedef struct {
    BaseParamText weights, logits;
} External;
static const BaseParam EXTERNAL[] = {
    BASE_PARAM_TEXT(External, weights, "", "file of the unlearned weights, in which {forget} and {seed} are replaced"),
    BASE_PARAM_TEXT(External, logits, "",
                    "HDF5 file of the unlearned network's logits in place of weights, in which {forget} and {seed} are "
                    "replaced"),
};

typedef struct {
    BaseParamText run;
    double limit;
} Command;
static const BaseParam COMMAND[] = {
    BASE_PARAM_TEXT(
        Command, run, "",
        "shell command that makes the weights {out} out of {original}, {forget_index}, {retain_index}, {forget} "
        "and {seed}"),
    BASE_PARAM_F64(Command, limit, 86400, 1, 1e9, "seconds after which the command is ended, and its row failed"),
};

/* ---- weights, logits ---- */

static BaseStatus check_external(const UnlearnContext *context, const void *values)
{
    const External *params = values;
    bool weights = *params->weights.s, logits = *params->logits.s;
    if (weights == logits)
        return base_error_set(BASE_EUSAGE,
                              weights ? "weights: and logits: are both there, and a row has one of them"
                                      : "weights: a file is needed, as in weights: \"mine-{forget}-s{seed}.pt\" (or "
                                        "logits: \"mine-{forget}-s{seed}.h5\")");
    return weights ? unlearn_stored_check(context, "weights", params->weights.s)
                   : unlearn_stored_check(context, "logits", params->logits.s);
}

static BaseStatus identify_external(const UnlearnContext *context, const void *values, BaseText *out)
{
    const External *params = values;
    return *params->logits.s ? unlearn_stored_identify(context, "logits", params->logits.s, out)
                             : unlearn_stored_identify(context, "weights", params->weights.s, out);
}

static BaseStatus logits_external(const UnlearnContext *context, const void *values, char **path)
{
    const External *params = values;
    *path = NULL;
    return *params->logits.s ? unlearn_stored_path(context, "logits", params->logits.s, path) : BASE_OK;
}

static BaseStatus apply_external(const UnlearnContext *context, void *state, const void *params, NnNet *net,
                                 UnlearnReport *report)
{
    (void)state;
    if (*((const External *)params)->logits.s)
        return base_error_set(BASE_EUSAGE, "logits: a network is asked for here, which only weights give");
    return unlearn_stored_load(context, ((const External *)params)->weights.s, net, report);
}

/* ---- commands ---- */

static BaseStatus check_command(const UnlearnContext *context, const void *values)
{
    BaseStatus st = BASE_OK;
    const Command *params = values;
    char *none[UNLEARN_PLACES] = {0};
    BaseText text = {0};
    BASE_CHECK(
        params->run.s[0], BASE_EUSAGE,
        "run: a command is needed, as in run: \"python3 my.py --original {original} --forget-index {forget_index} "
        "--out {out}\"");
    BASE_CHECK(strstr(params->run.s, "{out}"), BASE_EUSAGE,
               "run: the command has no {out}, the file where the weights are expected");
    BASE_TRY(unlearn_places_make(context, none));
    for (size_t i = UNLEARN_PLACE_ORIGINAL; i < UNLEARN_PLACES; i++) BASE_TRY(base_strdup("", &none[i]));
    BASE_TRY(unlearn_places_fill(params->run.s, none, &text));
out:
    unlearn_places_free(none);
    base_text_free(&text);
    return st;
}

/* The contents of files that the command names, but for large ones, which are data: an edited script makes other rows. */
static BaseStatus identify_command(const UnlearnContext *context, const void *values, BaseText *out)
{
    static const char GAPS[] = " \t\n'\"=;&|<>()";
    BaseStatus st = BASE_OK;
    const Command *params = values;
    char *word = NULL, *path = NULL, hash[BASE_HASH_HEX];
    int64_t size;
    for (const char *at = params->run.s; at += strspn(at, GAPS), *at;) {
        size_t length = strcspn(at, GAPS);
        BASE_TRY(base_format(&word, "%.*s", (int)length, at));
        BASE_TRY(unlearn_beside(context, word, &path));
        if (io_path_exists(path) && !io_path_is_no_file(path) && io_file_size(path, &size) == BASE_OK &&
            size <= HASHED) {
            BASE_TRY(base_hash_file(path, hash));
            base_text_add(out, "%s: %s\n", word, hash);
        }
        base_free(word);
        base_free(path);
        word = path = NULL;
        at += length;
    }
out:
    base_free(word);
    base_free(path);
    return st;
}

/* What stands beside the config is seen from @p folder. */
static BaseStatus link_all(const char *beside, const char *folder)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *here = NULL, *parent = NULL, *from = NULL, *to = NULL;
    size_t count = 0;
    BASE_TRY(io_path_beside(beside ? beside : "x", ".", &here));
    BASE_TRY(io_path_full(here, &parent));
    BASE_TRY(io_folder_list(parent, "", &names, &count));
    for (size_t i = 0; i < count; i++) {
        BASE_TRY(base_format(&from, "%s/%s", parent, names[i]));
        BASE_TRY(base_format(&to, "%s/%s", folder, names[i]));
        BASE_CHECK(symlink(from, to) == 0, BASE_EIO, "%s cannot be made", to);
        base_free(from);
        base_free(to);
        from = to = NULL;
    }
out:
    io_names_free(names, count);
    base_free(here);
    base_free(parent);
    base_free(from);
    base_free(to);
    return st;
}

static BaseStatus write_index(const char *path, const DataIndex *index)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    for (int64_t i = 0; i < index->n; i++) base_text_add(&text, "%lld\n", (long long)index->at[i]);
    BASE_TRY(text.st);
    BASE_TRY(io_file_write(path, text.data ? text.data : "", text.size));
out:
    base_text_free(&text);
    return st;
}

/* The files that the command is given, and their names in @p values. */
static BaseStatus give(const UnlearnContext *context, const char *folder, char *values[UNLEARN_PLACES],
                       UnlearnReport *report)
{
    static const char *const NAMES[UNLEARN_PLACES] = {[UNLEARN_PLACE_ORIGINAL] = "original.pt",
                                                      [UNLEARN_PLACE_FORGET_INDEX] = "forget.txt",
                                                      [UNLEARN_PLACE_RETAIN_INDEX] = "retain.txt",
                                                      [UNLEARN_PLACE_OUT] = "unlearned.pt"};
    BaseStatus st = BASE_OK;
    DataIndex forget = {0}, retain = {0};
    NnNet *copy = NULL;
    IoTensors *tensors = NULL;
    for (size_t i = UNLEARN_PLACE_ORIGINAL; i < UNLEARN_PLACES; i++)
        BASE_TRY(base_format(&values[i], "%s/%s", folder, NAMES[i]));
    BASE_TRY(data_forget_partition(&context->train, context->forget, &forget, &retain));
    BASE_TRY(write_index(values[UNLEARN_PLACE_FORGET_INDEX], &forget));
    BASE_TRY(write_index(values[UNLEARN_PLACE_RETAIN_INDEX], &retain));
    report->samples_forget = forget.n;
    report->samples_retain = retain.n;
    BASE_TRY(nn_net_clone(context->original, &copy));
    BASE_TRY(nn_weights_export(copy, &tensors));
    BASE_TRY(io_tensors_write(tensors, values[UNLEARN_PLACE_ORIGINAL]));
out:
    io_tensors_free(tensors);
    nn_net_free(copy);
    data_index_free(&forget);
    data_index_free(&retain);
    return st;
}

/* The end of the file, whole lines where there are any. */
static BaseStatus read_end(const char *path, char **out)
{
    BaseStatus st = BASE_OK;
    int64_t size;
    char *text = NULL;
    BASE_TRY(io_file_size(path, &size));
    int64_t first = size > SAID ? size - SAID : 0;
    BASE_TRY(io_file_read_part(path, first, (size_t)(size - first), &text));
    BASE_TRY(BASE_ALLOC(size - first + 1, out));
    const char *line = first ? memchr(text, '\n', (size_t)(size - first)) : NULL;
    const char *from = line ? line + 1 : text, *end = text + (size - first);
    while (end > from && (end[-1] == '\n' || end[-1] == '\r')) end--;
    memcpy(*out, from, (size_t)(end - from));
    for (char *c = *out; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n') *c = ' ';
out:
    base_free(text);
    return st;
}

static BaseStatus apply_command(const UnlearnContext *context, void *state, const void *values_of, NnNet *net,
                                UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Command *params = values_of;
    char *folder = NULL, *work = NULL, *output = NULL, *values[UNLEARN_PLACES] = {0};
    BaseText command = {0};
    BaseRunEnd end;
    static char shell[] = "sh", option[] = "-c";
    BASE_TRY(io_folder_temporary("command", &folder));
    BASE_TRY(base_format(&work, "%s/work", folder));
    BASE_TRY(base_format(&output, "%s/said.txt", folder));
    BASE_TRY(io_folder_make(work));
    BASE_TRY(link_all(context->beside, work));
    BASE_TRY(unlearn_places_make(context, values));
    BASE_TRY(give(context, folder, values, report));
    BASE_TRY(unlearn_places_fill(params->run.s, values, &command));
    char *argv[] = {shell, option, command.data, NULL};
    const BaseRunPlan plan = {.folder = work, .output = output, .limit = params->limit};
    base_notice("%s", command.data);
    BASE_TRY(base_run_plan(argv, &plan, &end));
    BASE_TRY(read_end(output, &report->said));
    report->cost = UNLEARN_COST_ITS_OWN;
    report->own_wall_seconds = end.wall_seconds;
    report->own_cpu_seconds = end.cpu_seconds;
    report->own_peak_memory = end.peak_memory;
    report->passes = NAN;
    BASE_CHECK(!end.timed_out, BASE_ELIMIT, "the command did not end within %g s (limit); it said last: %s",
               params->limit, report->said);
    BASE_CHECK(end.code == 0, BASE_EBACKEND, "the command ended with status %d after %.1f s; it said last: %s",
               end.code, end.wall_seconds, report->said);
    BASE_CHECK(io_path_exists(values[UNLEARN_PLACE_OUT]), BASE_EBACKEND,
               "the command left no file {out}; it said last: %s", report->said);
    BASE_TRY(nn_weights_read(net, values[UNLEARN_PLACE_OUT]));
out:
    if (folder) io_folder_remove(folder);
    base_free(folder);
    base_free(work);
    base_free(output);
    base_text_free(&command);
    unlearn_places_free(values);
    return st;
}

static const UnlearnMethod ROWS[] = {
    {.entry = BASE_ENTRY("external", "reads weights or logits of a network that was unlearned elsewhere", "", External,
                         EXTERNAL),
     .needs = UNLEARN_ELSEWHERE,
     .apply = apply_external,
     .check = check_external,
     .identify = identify_external,
     .logits = logits_external},
    {.entry = BASE_ENTRY("command", "has a program of your own unlearn the network", "", Command, COMMAND),
     .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET,
     .apply = apply_command,
     .check = check_command,
     .identify = identify_command},
};
const BaseRows unlearn_foreign = BASE_ROWS(ROWS);
