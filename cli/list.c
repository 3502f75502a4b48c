/* cli/list.c - `expunge list`: walks the registries, so that a new plug-in shows up with nothing added here. */
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "base/registry.h"
#include "cli/commands.h"
#include "cli/configs.h"
#include "cli/sink.h"
#include "cli/wrap.h"
#include "data/data.h"
#include "eval/eval.h"
#include "mia/mia.h"
#include "nn/arch/arch.h"
#include "session/params.h"
#include "unlearn/unlearn.h"

static const struct {
    const char *name;
    const BaseRegistry *registry;
} KINDS[] = {{"methods", &unlearn_registry},
             {"attacks", &mia_registry},
             {"metrics", &eval_registry},
             {"archs", &nn_arch_registry},
             {"datasets", &data_registry}};
static const char CONFIGS[] = "configs";

/* What only this kind of plug-in has, in words; "" for nothing. */
static void add_extra(const char *kind, const BaseEntry *entry, BaseText *out)
{
    if (strcmp(kind, "methods") == 0) {
        unsigned needs = ((const UnlearnMethod *)entry)->needs; /* the entry is the plug-in's first member */
        bool retain = needs & UNLEARN_NEEDS_RETAIN, forget = needs & UNLEARN_NEEDS_FORGET;
        bool gradient = needs & UNLEARN_NEEDS_GRADIENT;
        base_text_add(out, "needs %s%s%s%s%s%s", retain ? "retained images" : "", retain && forget ? ", " : "",
                      forget ? "forgotten images" : "", (retain || forget) && gradient ? ", " : "",
                      gradient ? "gradients" : "", retain || forget || gradient ? "" : "nothing");
        if (needs & UNLEARN_SHARES) base_text_add(out, "; takes --share");
        if (needs & UNLEARN_ONLY_CLASSES) base_text_add(out, "; whole classes only");
        if (needs & UNLEARN_CONTROL) base_text_add(out, "; a control, not an unlearning method");
    } else if (strcmp(kind, "attacks") == 0) {
        const MiaAttack *a = (const MiaAttack *)entry;
        base_text_add(out, "%s", a->sets);
        if (a->needs & MIA_NEEDS_SHADOW) base_text_add(out, "; needs shadow models");
        if (a->needs & MIA_NEEDS_POPULATION) base_text_add(out, "; needs a population");
        if (a->needs & MIA_NEEDS_SHADOW_POPULATION)
            base_text_add(out, "; needs the population under the shadow models");
        if (a->needs & MIA_NEEDS_UNLEARNED) base_text_add(out, "; needs unlearned models");
        if (a->needs & MIA_NEEDS_RETRAINED) base_text_add(out, "; needs retrained models");
        if (a->needs & MIA_NEEDS_ORIGINAL) base_text_add(out, "; needs the original");
    } else if (strcmp(kind, "metrics") == 0) {
        const EvalMetric *m = (const EvalMetric *)entry;
        base_text_add(out, "%s in %s%s", m->title, m->unit, m->only_classes ? "; of whole classes only" : "");
    } else if (strcmp(kind, "archs") == 0) {
        const NnArch *a = (const NnArch *)entry;
        if (a->C > 0)
            base_text_add(out, "input %lldx%lldx%lld", (long long)a->C, (long long)a->H, (long long)a->W);
        else
            base_text_add(out, "input of the data's shape");
    } else {
        static const char *const NEEDS[] = {"%s", "%s or %s:PATH", "%s:PATH"};
        base_text_add(out, NEEDS[((const DataSource *)entry)->path], entry->name, entry->name);
    }
}

static IoJson *params_json(const BaseEntry *entry)
{
    void *values = NULL;
    if (session_params_defaults(entry, &values) != BASE_OK) return NULL;
    IoJson *list = io_json_array();
    for (size_t i = 0; i < entry->param_count; i++) {
        BaseText def = {0}, range = {0};
        IoJson *row = io_json_object();
        base_param_format(&entry->params[i], values, &def);
        base_param_describe(&entry->params[i], &range);
        io_json_set_take(row, "name", io_json_text_value(entry->params[i].name));
        io_json_set_take(row, "default", io_json_text_of(&def));
        io_json_set_take(row, "range", io_json_text_of(&range));
        io_json_set_take(row, "meaning", io_json_text_value(entry->params[i].meaning));
        io_json_add_take(list, row);
        base_text_free(&def);
        base_text_free(&range);
    }
    base_free(values);
    return list;
}

static BaseStatus print_json(const char *kind, const BaseRegistry *registry)
{
    IoJson *json = io_json_object(), *list = io_json_array();
    for (size_t i = 0; i < base_registry_count(registry); i++) {
        const BaseEntry *entry = base_registry_at(registry, i);
        BaseText extra = {0};
        IoJson *row = io_json_object();
        add_extra(kind, entry, &extra);
        io_json_set_take(row, "name", io_json_text_value(entry->name));
        io_json_set_take(row, "summary", io_json_text_value(entry->summary));
        io_json_set_take(row, "source", io_json_text_value(entry->source));
        io_json_set_take(row, "note", io_json_text_of(&extra));
        io_json_set_take(row, "parameters", params_json(entry));
        io_json_add_take(list, row);
        base_text_free(&extra);
    }
    io_json_set_take(json, kind, list);
    return cli_print_json_take(json);
}

static BaseStatus print_table(const char *kind, const BaseRegistry *registry)
{
    int columns = cli_sink_columns(INT_MAX); /* whole lines for grep and the like */
    BaseText text = {0};
    for (size_t i = 0; i < base_registry_count(registry); i++) {
        const BaseEntry *entry = base_registry_at(registry, i);
        BaseText about = {0}, extra = {0};
        base_text_add(&about, "%s", entry->summary);
        if (*entry->source) base_text_add(&about, " (%s)", entry->source);
        add_extra(kind, entry, &extra);
        cli_wrap_row(&text, 0, 18, entry->name, base_text_of(&about, &text.st), columns);
        cli_wrap_row(&text, 0, 18, "", base_text_of(&extra, &text.st), columns);
        cli_options_params(entry->params, entry->param_count, columns, &text);
        base_text_free(&about);
        base_text_free(&extra);
    }
    if (strcmp(kind, "datasets") == 0) {
        base_text_add(&text, "\nOptions that go with --data, and keys of a config:\n");
#define X(field, flag, value, def, help) cli_wrap_row(&text, 4, 18, "--" flag, help " (default: " def ")", columns);
        DATA_OPTION_LIST(X)
#undef X
    }
    if (strcmp(kind, "attacks") == 0) {
        base_text_add(&text, "\nWirings: which images are members, non-members and audited\n");
        for (size_t i = 0; i < mia_wiring_count; i++)
            cli_wrap_row(&text, 4, 18, mia_wirings[i].name, mia_wirings[i].question, columns);
    }
    return cli_print_text_take(&text);
}

static BaseStatus print_names(const BaseRegistry *registry)
{
    BaseText text = {0};
    for (size_t i = 0; i < base_registry_count(registry); i++)
        base_text_add(&text, "%s\n", ((const BaseEntry *)base_registry_at(registry, i))->name);
    return cli_print_text_take(&text);
}

/* Configs are files, with neither parameters nor a registry. */
static BaseStatus print_configs(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    int columns = cli_sink_columns(INT_MAX);
    CliConfigs all = {0};
    BaseText text = {0};
    IoJson *json = io_json_object(), *list = io_json_array();
    BASE_TRY(cli_configs_read(&all));
    BASE_CHECK(all.folder, BASE_EIO,
               "list: the shipped configs are not where this program is: they are installed in "
               "share/expunge/configs beside bin");
    for (const CliConfig *c = all.config; c < all.config + all.count; c++) {
        IoJson *row = io_json_object();
        io_json_set_take(row, "name", io_json_text_value(c->name));
        io_json_set_take(row, "summary", io_json_text_value(c->about));
        io_json_set_take(row, "file", io_json_text_value(c->path));
        io_json_add_take(list, row);
        if (o->names)
            base_text_add(&text, "%s\n", c->name);
        else
            cli_wrap_row(&text, 0, 24, c->name, c->about, columns);
    }
    if (!o->names) base_text_add(&text, "\nThey lie in %s; README.md there explains their keys.\n", all.folder);
    if (!o->json) {
        st = cli_print_text_take(&text);
        goto out;
    }
    io_json_set_take(json, CONFIGS, list);
    st = cli_print_json_take(json);
    json = list = NULL;
out:
    io_json_free(list);
    io_json_free(json);
    base_text_free(&text);
    cli_configs_free(&all);
    return st;
}

static BaseStatus run(const CliOptions *o)
{
    const char *names[BASE_COUNT(KINDS) + 1];
    if (o->names && o->json) return base_error_set(BASE_EUSAGE, "list: --names and --json exclude each other");
    if (strcmp(o->operands.at[0], CONFIGS) == 0) return print_configs(o);
    names[BASE_COUNT(KINDS)] = CONFIGS;
    for (size_t i = 0; i < BASE_COUNT(KINDS); i++) {
        names[i] = KINDS[i].name;
        if (strcmp(names[i], o->operands.at[0]) != 0) continue;
        if (o->names) return print_names(KINDS[i].registry);
        return o->json ? print_json(names[i], KINDS[i].registry) : print_table(names[i], KINDS[i].registry);
    }
    const char *near = base_text_nearest(o->operands.at[0], names, BASE_COUNT(names));
    return base_error_set(
        BASE_EUSAGE, "list: no list of '%.100s'%s%s%s; there are: methods, attacks, metrics, archs, datasets, configs",
        o->operands.at[0], near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

const CliCommand cli_list = {
    .name = "list",
    .summary = "list methods, attacks, metrics, archs, datasets or configs",
    .purpose =
        {
#include "cli/help/list.txt.inc"
        },
    .usage = {"KIND [--names | --json]"},
    .takes = "names json",
    .operands_min = 1,
    .operands_max = 1,
    .words = "methods attacks metrics archs datasets configs",
    .operand = "methods, attacks, metrics, archs, datasets or configs",
    .examples = {"expunge list methods", "expunge list attacks --json"},
    .run = run,
};
