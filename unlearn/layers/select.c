/* unlearn/layers/select.c - names, other people's names, and words such as last, resolved into a flag per layer. */
#include "unlearn/layers/select.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "base/text.h"
#include "nn/naming.h"

/* By its own name, or by that of one of its parameters as PyTorch prints it: "fc", "fc.weight"; the packed "in_proj" of
 * an attention has "in_proj_weight". */
static bool is_called(const char *layer, const char *name)
{
    static const char *const ENDS[] = {"", ".weight", ".bias", "_weight", "_bias"};
    size_t size = strlen(layer);
    if (strncmp(layer, name, size) != 0) return false;
    for (size_t i = 0; i < BASE_COUNT(ENDS); i++)
        if (strcmp(name + size, ENDS[i]) == 0) return true;
    return false;
}

/* The number of the layer called so, here or in other people's networks (nn/naming.h); -1: none. */
static int find_layer(const NnLayer *layers, int count, const char *name)
{
    char given[NN_NAMING_SIZE], ours[2][NN_NAMING_SIZE] = {"", ""};
    if (strlen(name) < sizeof given / 4) {
        snprintf(given, sizeof given, "%s.weight", name);
        if (!nn_naming_canonical(name, ours[0])) ours[0][0] = '\0';
        if (!nn_naming_canonical(given, ours[1])) ours[1][0] = '\0';
    }
    for (int i = 0; i < count; i++)
        if (is_called(layers[i].name, name)) return i;
    for (int i = 0; i < count; i++)
        if (is_called(layers[i].name, ours[0]) || is_called(layers[i].name, ours[1])) return i;
    return -1;
}

static BaseStatus select_one(const NnNet *net, const NnLayer *layers, int count, const char *name, uint8_t *selected)
{
    BaseStatus st = BASE_OK;
    const char **names = NULL;
    BaseText list = {0};
    size_t prefix = strlen(nn_net_prefix(net));
    int found = find_layer(layers, count, name);
    if (found < 0 && prefix && strncmp(name, nn_net_prefix(net), prefix) == 0)
        found = find_layer(layers, count, name + prefix);
    if (found >= 0) return selected[found] = 1, BASE_OK;
    BASE_TRY(BASE_ALLOC(count, &names));
    for (int i = 0; i < count; i++) {
        names[i] = layers[i].name;
        base_text_add(&list, "%s%s", i ? ", " : "", names[i]);
    }
    BASE_TRY(list.st);
    const char *near = base_text_nearest(name, names, (size_t)count);
    BASE_FAIL(BASE_EUSAGE, "layers: no layer named '%.100s'%s%s%s; there are: %s, or all, or last", name,
              near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list.size ? list.data : "none");
out:
    base_free(names);
    base_text_free(&list);
    return st;
}

/* Of layers behind each other the last @p k; two classifiers stand side by side and count as one. */
static void select_last(const NnNet *net, int64_t k, uint8_t *selected)
{
    int at, classifiers[NN_CLASSIFIERS], heads = nn_net_classifiers(net, classifiers);
    nn_net_layers(net, &at);
    for (int i = 0; i < heads; i++) selected[classifiers[i]] = 1;
    for (k--; k > 0 && at-- > 0;)
        if (!selected[at]) selected[at] = 1, k--;
}

/* "first 2", "last 2", "only 2": layers by their place, so that one config serves any network. */
static BaseStatus select_places(const NnNet *net, const char *text, int count, uint8_t *selected, bool *told)
{
    static const char *const WORDS[] = {"first ", "last ", "only "};
    *told = false;
    for (int w = 0; w < 3; w++) {
        size_t length = strlen(WORDS[w]);
        int64_t k;
        if (strncmp(text, WORDS[w], length) != 0) continue;
        *told = true;
        if (!base_parse_i64(text + length, &k) || k < 1 || k > count)
            return base_error_set(
                BASE_EUSAGE, "layers: '%.100s': the number must be from 1 to %d, the number of layers", text, count);
        for (int i = 0; i < count; i++) selected[i] = w == 0 ? i < k : w == 2 && i == k - 1;
        if (w == 1) select_last(net, k, selected);
    }
    return BASE_OK;
}

/* A list of names. */
static BaseStatus select_names(const NnNet *net, const char *text, uint8_t *selected)
{
    BaseStatus st = BASE_OK;
    char *copy = NULL, *rest = NULL;
    int count, named = 0;
    const NnLayer *layers = nn_net_layers(net, &count);
    BASE_TRY(base_strdup(text, &copy));
    for (char *word = strtok_r(copy, "[], \t\"'", &rest); word; word = strtok_r(NULL, "[], \t\"'", &rest), named++)
        BASE_TRY(select_one(net, layers, count, word, selected));
    BASE_CHECK(named > 0, BASE_EUSAGE,
               "layers: '%.100s' names no layer; write all, last, first 2, last 2, only 2, or a list of layer names",
               text);
out:
    base_free(copy);
    return st;
}

BaseStatus unlearn_layers_select(const NnNet *net, const char *text, uint8_t **out)
{
    BaseStatus st = BASE_OK;
    uint8_t *selected = NULL;
    int count;
    bool told = true;
    nn_net_layers(net, &count);
    *out = NULL;
    BASE_TRY(BASE_ALLOC(count, &selected));
    if (strcmp(text, "all") == 0)
        memset(selected, 1, (size_t)count);
    else if (strcmp(text, "last") == 0)
        select_last(net, 1, selected);
    else
        BASE_TRY(select_places(net, text, count, selected, &told));
    if (!told) BASE_TRY(select_names(net, text, selected));
    *out = selected;
    selected = NULL;
out:
    base_free(selected);
    return st;
}

BaseStatus unlearn_layers_last(const NnNet *net, int64_t k, uint8_t **out)
{
    BaseStatus st = BASE_OK;
    int count;
    nn_net_layers(net, &count);
    *out = NULL;
    BASE_CHECK(k >= 1 && k <= count, BASE_EUSAGE, "k = %lld: the network has %d layers", (long long)k, count);
    BASE_TRY(BASE_ALLOC(count, out));
    select_last(net, k, *out);
out:
    return st;
}
