/* data/set/classes.c - the words for classes: names, numbers, quoted lists. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/set/set.h"

void data_classes_free(DataClasses *classes)
{
    base_free(classes->in);
    *classes = (DataClasses){0};
}

/* A text of digits only: a sign or a point belongs to a name. */
static bool is_number(const char *text, int64_t *out)
{
    return *text && !text[strspn(text, "0123456789")] && base_parse_i64(text, out);
}

static BaseStatus no_such_class(const DataSet *set, const char *word)
{
    enum { SHOWN = 24 };
    BaseText list = {0};
    bool named = false, numbered = false; /* by numbers that are not the indices */
    int64_t number_of;
    for (int64_t k = 0; k < set->K && k < SHOWN; k++) {
        const char *name = set->class_names[k], *comma = k ? ", " : "";
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)k);
        bool plain = strcmp(number, name) == 0, digits = isdigit((unsigned char)name[0]);
        named |= !plain;
        numbered |= !plain && digits;
        if (plain)
            base_text_add(&list, "%s%s", comma, number);
        else /* quoted, lest a name that begins with a digit be taken for a number too */
            base_text_add(&list, "%s%s %s%.40s%s", comma, number, digits ? "'" : "", name, digits ? "'" : "");
    }
    if (set->K > SHOWN) base_text_add(&list, ", ... %lld", (long long)set->K - 1);
    bool suggests = named && !is_number(word, &number_of); /* numbers are all alike */
    const char *near = suggests ? base_text_nearest(word, (const char *const *)set->class_names, (size_t)set->K) : NULL;
    BaseStatus st = list.st;
    if (st == BASE_OK)
        st = base_error_set(BASE_EUSAGE, "%s has no class '%.100s'%s%.100s%s; there are%s: %s", set->name, word,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
                            numbered ? ", by index and name" : "", list.data);
    base_text_free(&list);
    return st;
}

/* "ankle boot" is Ankle boot, and 7 is 07. */
static bool alike(const char *name, const char *word)
{
    int64_t a, b;
    if (strcasecmp(name, word) == 0) return true;
    return is_number(word, &b) && is_number(name, &a) && a == b;
}

static bool equal(const char *name, const char *word) { return strcmp(name, word) == 0; }

static bool is_called(const DataSet *set, int64_t k, const char *word, bool (*same)(const char *, const char *))
{
    return same(set->class_names[k], word) || (set->source_names && same(set->source_names[k], word));
}

/* *out: the class whose name is @p word, as @p same compares them; -1: none. */
static BaseStatus find_name(const DataSet *set, const char *word, bool (*same)(const char *, const char *),
                            int64_t *out)
{
    *out = -1;
    for (int64_t k = 0; k < set->K; k++) {
        if (!is_called(set, k, word, same)) continue;
        if (*out >= 0)
            return base_error_set(BASE_EUSAGE, "%s: '%.100s' names classes %lld and %lld; write '#%lld' or '#%lld'",
                                  set->name, word, (long long)*out, (long long)k, (long long)*out, (long long)k);
        *out = k;
    }
    return BASE_OK;
}

#define NAME_MARK "name:"

/* What data_classes_parse promises about one word. A person who writes 3 may mean the folder 3 or the third row of the
 * classifier: where these are two classes only that person knows. */
static BaseStatus find_class(const DataSet *set, const char *word, int64_t *out)
{
    BaseStatus st = BASE_OK;
    int64_t named, index;
    *out = -1;
    if (*word == '#' && is_number(word + 1, &index)) {
        BASE_CHECK(index < set->K, BASE_EUSAGE, "%s has no class '%.100s'; there are #0 to #%lld", set->name, word,
                   (long long)set->K - 1);
        *out = index;
        return BASE_OK;
    }
    BASE_TRY(find_name(set, word, equal, &named));
    if (named < 0 && strncmp(word, NAME_MARK, strlen(NAME_MARK)) == 0) {
        word += strlen(NAME_MARK);
        BASE_TRY(find_name(set, word, equal, out));
        return *out < 0 ? no_such_class(set, word) : BASE_OK;
    }
    if (named < 0) BASE_TRY(find_name(set, word, alike, &named));
    if (is_number(word, &index) && index < set->K) {
        BASE_CHECK(named < 0 || named == index, BASE_EUSAGE,
                   "%s: '%.40s' can be read as two classes: index %lld is the class named '%.40s', and index %lld is "
                   "the class named '%.40s'; write " NAME_MARK "%.40s or '#%lld' for the first, '#%lld' for the second",
                   set->name, word, (long long)named, set->class_names[named], (long long)index,
                   set->class_names[index], set->class_names[named], (long long)named, (long long)index);
        named = index;
    }
    if (named < 0) return no_such_class(set, word);
    *out = named;
out:
    return st;
}

void data_class_word(const DataSet *set, int64_t k, char word[DATA_CLASS_WORD])
{
    bool other = false; /* a class whose name is this number */
    snprintf(word, DATA_CLASS_WORD, "%lld", (long long)k);
    for (int64_t j = 0; j < set->K && !other; j++) other = j != k && is_called(set, j, word, alike);
    snprintf(word, DATA_CLASS_WORD, "%s%lld", other ? "#" : "", (long long)k);
}

/* Cuts the next item off *at: quoted, or up to a comma outside parentheses. *more: a comma followed. */
static BaseStatus next_item(char **at, char **item, bool *more)
{
    char *p = *at + strspn(*at, " \t"), *end;
    if (*p == '"' || *p == '\'') {
        *item = p + 1;
        end = strchr(p + 1, *p);
        if (!end) return base_error_set(BASE_EUSAGE, "classes: a quote is not closed: %.100s", p);
        *end++ = '\0';
        end += strspn(end, " \t");
        if (*end && *end != ',') return base_error_set(BASE_EUSAGE, "classes: a comma is missing before '%.100s'", end);
        *more = *end == ',';
    } else {
        *item = p;
        int depth = 0;
        for (end = p; *end && (*end != ',' || depth > 0); end++) depth += (*end == '(') - (*end == ')');
        *more = *end == ',';
        char *last = end;
        while (last > p && isspace((unsigned char)last[-1])) last--;
        if (last == p)
            return base_error_set(BASE_EUSAGE, "classes: an entry of the list is empty; write '3,7' or '[3, 7]'");
        if (last != end)
            *last = '\0';
        else if (*more)
            *end = '\0';
    }
    *at = *more ? end + 1 : end;
    return BASE_OK;
}

BaseStatus data_classes_parse(const DataSet *set, const char *text, DataClasses *out)
{
    BaseStatus st = BASE_OK;
    char *copy = NULL;
    *out = (DataClasses){.K = set->K};
    BASE_TRY(base_strdup(text, &copy));
    BASE_TRY(BASE_ALLOC(set->K, &out->in));
    char *at = copy + strspn(copy, " \t\n");
    size_t size = strlen(at);
    while (size && isspace((unsigned char)at[size - 1])) at[--size] = '\0';
    if (*at == '[') {
        BASE_CHECK(at[size - 1] == ']', BASE_EUSAGE, "classes: '%.200s' has no closing bracket; write '[3, 7]'", text);
        at[size - 1] = '\0';
        at++;
        at += strspn(at, " \t");
    }
    BASE_CHECK(*at, BASE_EUSAGE, "no class is named; give names or numbers as '3,7'");
    for (bool more = true; more;) {
        char *item;
        int64_t k;
        BASE_TRY(next_item(&at, &item, &more));
        BASE_TRY(find_class(set, item, &k));
        BASE_CHECK(!out->in[k], BASE_EUSAGE, "class %lld (%.100s) is named twice in '%.200s'", (long long)k,
                   set->class_names[k], text);
        out->in[k] = 1;
        out->count++;
    }
    BASE_CHECK(out->count < set->K, BASE_EUSAGE, "all %lld classes are named; at least one must be kept",
               (long long)set->K);
out:
    if (st != BASE_OK) data_classes_free(out);
    base_free(copy);
    return st;
}
