/* unlearn/stored/stored.c - the text with its places filled, and the file that it names. */
#include "unlearn/stored/stored.h"

#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "nn/weights.h"

static const char *const PLACES[UNLEARN_PLACES] = {"forget", "seed", "original", "forget_index", "retain_index", "out"};

void unlearn_places_free(char *values[UNLEARN_PLACES])
{
    for (size_t i = 0; i < UNLEARN_PLACES; i++) base_free(values[i]);
}

BaseStatus unlearn_places_make(const UnlearnContext *context, char *values[UNLEARN_PLACES])
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    if (context->forget) {
        data_forget_text(context->forget, &text);
        BASE_TRY(base_text_take(&text, &values[UNLEARN_PLACE_FORGET]));
    }
    BASE_TRY(base_format(&values[UNLEARN_PLACE_SEED], "%llu", (unsigned long long)context->seed));
out:
    return st;
}

BaseStatus unlearn_places_fill(const char *text, char *const values[UNLEARN_PLACES], BaseText *out)
{
    BaseStatus st = BASE_OK;
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "{"), i = 0;
        base_text_append(out, at, plain);
        at += plain;
        if (!*at) break;
        size_t length = strcspn(at, "}");
        while (i < UNLEARN_PLACES &&
               !(values[i] && strlen(PLACES[i]) + 1 == length && memcmp(PLACES[i], at + 1, length - 1) == 0))
            i++;
        if (i == UNLEARN_PLACES || !at[length]) {
            BaseText known = {0};
            for (i = 0; i < UNLEARN_PLACES; i++)
                if (values[i]) base_text_add(&known, "%s{%s}", known.size ? ", " : "", PLACES[i]);
            st = base_error_set(BASE_EUSAGE, "'%.*s' in '%.200s' stands for nothing: there are %s",
                                (int)(length < 40 ? length + (at[length] == '}') : 40), at, text,
                                base_text_of(&known, &st));
            base_text_free(&known);
            return st;
        }
        base_text_add(out, "%s", values[i]);
        at += length + 1;
    }
    return out->st;
}

/* Item @p number of a list "[a, b]", and its length without quotes. */
static BaseStatus item_of(const char *text, int64_t number, const char **item, int *length)
{
    const char *at = text + 1;
    int64_t count = 1;
    for (const char *c = text; *c; c++) count += *c == ',';
    if (number >= count)
        return base_error_set(BASE_EUSAGE, "%lld files for the seeds, of which this is number %lld: name one per seed",
                              (long long)count, (long long)number + 1);
    for (int64_t i = 0; i < number; i++) at += strcspn(at, ",") + 1;
    *item = at + strspn(at, " \"'");
    *length = (int)strcspn(*item, ",]\"'");
    return BASE_OK;
}

/* Of a list "[a, b]" the text for the context's seed. */
static BaseStatus choose(const UnlearnContext *context, const char *text, char **out)
{
    const char *item = "";
    int length = 0;
    if (*text != '[') return base_strdup(text, out);
    BaseStatus st = item_of(text, context->number, &item, &length);
    return st == BASE_OK ? base_format(out, "%.*s", length, item) : st;
}

BaseStatus unlearn_stored_pick(const char *text, const int64_t *numbers, size_t count, BaseText *out)
{
    BaseStatus st = BASE_OK;
    if (*text != '[') {
        base_text_add(out, "%s", text);
        return out->st;
    }
    for (size_t i = 0; i < count; i++) {
        const char *item = "";
        int length = 0;
        BASE_TRY(item_of(text, numbers[i], &item, &length));
        base_text_add(out, "%s\"%.*s\"", i ? ", " : "[", length, item);
    }
    base_text_add(out, "]");
    st = out->st;
out:
    return st;
}

BaseStatus unlearn_beside(const UnlearnContext *context, const char *name, char **out)
{
    return context->beside ? io_path_beside(context->beside, name, out) : base_strdup(name, out);
}

BaseStatus unlearn_stored_path(const UnlearnContext *context, const char *key, const char *text, char **out)
{
    BaseStatus st = BASE_OK;
    char *values[UNLEARN_PLACES] = {0}, *chosen = NULL;
    BaseText name = {0};
    *out = NULL;
    BASE_CHECK(*text, BASE_EUSAGE, "%s: a file is needed", key);
    BASE_TRY(unlearn_places_make(context, values));
    BASE_TRY(base_error_prefix(choose(context, text, &chosen), "%s", key));
    BASE_TRY(unlearn_places_fill(chosen, values, &name));
    BASE_TRY(unlearn_beside(context, base_text_of(&name, &st), out));
out:
    unlearn_places_free(values);
    base_free(chosen);
    base_text_free(&name);
    return st;
}

BaseStatus unlearn_stored_check(const UnlearnContext *context, const char *key, const char *text)
{
    char *path = NULL;
    BaseStatus st = unlearn_stored_path(context, key, text, &path);
    if (st == BASE_OK && !io_path_exists(path)) st = base_error_set(BASE_EUSAGE, "%s: %s does not exist", key, path);
    base_free(path);
    return st;
}

BaseStatus unlearn_stored_identify(const UnlearnContext *context, const char *key, const char *text, BaseText *out)
{
    char *path = NULL, hash[BASE_HASH_HEX];
    BaseStatus st = unlearn_stored_path(context, key, text, &path);
    if (st == BASE_OK) st = base_hash_file(path, hash);
    if (st == BASE_OK) base_text_add(out, "%s: %s\n", key, hash);
    base_free(path);
    return st;
}

BaseStatus unlearn_stored_load(const UnlearnContext *context, const char *text, NnNet *net, UnlearnReport *report)
{
    char *path = NULL;
    BaseStatus st = unlearn_stored_path(context, "weights", text, &path);
    if (st == BASE_OK) st = nn_weights_read(net, path);
    report->cost = UNLEARN_COST_UNKNOWN;
    base_free(path);
    return st;
}
