/* audit/settings.c - out of metadata, held against each other key by key. */
#include "audit/settings.h"

#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "nn/arch/arch.h"

static const char EXCLUDED[] = "excluded", NONE[] = "none";

/* The rest of the line behind @p key in @p text; NULL: no line begins so. */
static const char *line_of(const char *text, const char *key, size_t *length)
{
    size_t n = strlen(key);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at += at != NULL)
        if (strncmp(at, key, n) == 0) {
            *length = strcspn(at + n, "\n");
            return at + n;
        }
    return NULL;
}

static void add(BaseText *out, const char *key, const char *value, size_t length)
{
    bool braces = length >= 2 && value[0] == '{' && value[length - 1] == '}';
    if (braces) {
        value++;
        length -= 2;
    }
    base_text_add(out, "%s%s%.*s", out->size ? ", " : "", key, (int)length, value);
}

BaseStatus audit_settings_of(const IoTensors *tensors, BaseText *out)
{
    static const char *const META[][2] = {
        {"expunge.arch", "arch: "}, {"expunge.precision", "precision: "}, {"expunge.train", ""}};
    static const char *const LINES[][2] = {
        {"arch: ", "arch: "}, {"precision: ", "precision: "}, {"train: ", ""}, {"pool: ", "pool: "}};
    const char *made = io_tensors_meta(tensors, "expunge.made_by");
    bool known = io_tensors_meta(tensors, "expunge.train") != NULL;
    size_t length;
    for (size_t i = 0; known && i < BASE_COUNT(META); i++) {
        const char *value = io_tensors_meta(tensors, META[i][0]);
        bool graph = value && strncmp(value, NN_ARCH_GRAPH, strlen(NN_ARCH_GRAPH)) == 0;
        const char *pin = graph ? strrchr(value, '#') : NULL; /* the file is its content, wherever it was */
        if (pin) {
            add(out, META[i][1], NN_ARCH_GRAPH, strlen(NN_ARCH_GRAPH));
            base_text_add(out, "%s", pin + 1);
        } else if (value)
            add(out, META[i][1], value, strlen(value));
    }
    const char *excluded = io_tensors_meta(tensors, "expunge.exclude");
    if (known && excluded) base_text_add(out, ", %s: %s", EXCLUDED, *excluded ? excluded : NONE);
    for (size_t i = 0; !known && made && i < BASE_COUNT(LINES); i++) {
        const char *value = line_of(made, LINES[i][0], &length);
        if (value) add(out, LINES[i][1], value, length);
    }
    return out->st;
}

/* One of "key: value, key: value". */
typedef struct {
    const char *key, *value;
    int key_length, length;
} Setting;

/* The first setting from *at on, which moves behind it; false: there is none. */
static bool next_setting(const char **at, Setting *out)
{
    while (**at) {
        const char *start = *at, *comma = strstr(start, ", "), *end = comma ? comma : start + strlen(start);
        const char *colon = strstr(start, ": ");
        *at = comma ? comma + 2 : end;
        if (!colon || colon >= end) continue;
        *out = (Setting){start, colon + 2, (int)(colon - start), (int)(end - colon - 2)};
        return true;
    }
    return false;
}

static bool find_setting(const char *text, const char *key, int key_length, Setting *out)
{
    while (next_setting(&text, out))
        if (out->key_length == key_length && strncmp(out->key, key, (size_t)key_length) == 0) return true;
    return false;
}

static bool is_excluded(const Setting *s)
{
    return s->key_length == (int)strlen(EXCLUDED) && strncmp(s->key, EXCLUDED, strlen(EXCLUDED)) == 0;
}

/* "lr 0.1, not 0.05; epochs 3, not 20"; nothing where they agree on all that both say. */
void audit_settings_differences(const char *own, const char *other, BaseText *out)
{
    Setting theirs, mine;
    while (next_setting(&other, &theirs)) {
        if (is_excluded(&theirs) || !find_setting(own, theirs.key, theirs.key_length, &mine)) continue;
        if (mine.length == theirs.length && strncmp(mine.value, theirs.value, (size_t)mine.length) == 0) continue;
        base_text_add(out, "%s%.*s %.*s, not %.*s", out->size ? "; " : "", theirs.key_length, theirs.key, mine.length,
                      mine.value, theirs.length, theirs.value);
    }
}

/* The settings of @p text that @p other says too; the rest are appended to @p lacking. */
static int64_t said_too(const char *text, const char *other, BaseText *lacking)
{
    int64_t both = 0;
    Setting one, same;
    while (next_setting(&text, &one)) {
        if (is_excluded(&one)) continue;
        if (find_setting(other, one.key, one.key_length, &same))
            both++;
        else
            base_text_add(lacking, "%s%.*s", lacking->size ? ", " : "", one.key_length, one.key);
    }
    return both;
}

int64_t audit_settings_compared(const char *own, const char *other, BaseText *lacking)
{
    said_too(own, other, lacking);
    return said_too(other, own, lacking);
}

bool audit_settings_exclude_none(const char *settings)
{
    Setting excluded;
    return find_setting(settings, EXCLUDED, (int)strlen(EXCLUDED), &excluded) && excluded.length == (int)strlen(NONE) &&
           strncmp(excluded.value, NONE, strlen(NONE)) == 0;
}
