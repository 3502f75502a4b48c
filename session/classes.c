/* session/classes.c - one function per form. */
#include "session/classes.h"

#include "data/forget/forget.h"

void session_classes_text(const DataClasses *classes, BaseText *out)
{
    data_forget_text(&(DataForget){.classes = *classes}, out);
}

void session_classes_names(const DataClasses *classes, const DataSet *set, BaseText *out)
{
    const char *comma = "";
    for (int64_t c = 0; c < classes->K; c++) {
        if (!classes->in[c]) continue;
        base_text_add(out, "%s%s", comma, set->class_names[c]);
        comma = ", ";
    }
}

void session_classes_both(const DataClasses *classes, const DataSet *set, BaseText *out)
{
    session_classes_text(classes, out);
    base_text_add(out, " (");
    session_classes_names(classes, set, out);
    base_text_add(out, ")");
}

void session_classes_words(const DataClasses *classes, const DataSet *set, BaseText *out)
{
    const char *comma = "";
    for (int64_t c = 0; c < classes->K; c++) {
        char word[DATA_CLASS_WORD];
        if (!classes->in[c]) continue;
        data_class_word(set, c, word);
        base_text_add(out, "%s%s", comma, word);
        comma = ",";
    }
}

IoJson *session_classes_json(const DataClasses *classes)
{
    IoJson *array = io_json_array();
    for (int64_t c = 0; c < classes->K; c++)
        if (classes->in[c]) io_json_add_take(array, io_json_integer(c));
    return array;
}

IoJson *session_classes_names_json(const DataClasses *classes, const DataSet *set)
{
    IoJson *array = io_json_array();
    for (int64_t c = 0; c < classes->K; c++)
        if (classes->in[c]) io_json_add_take(array, io_json_text_value(set->class_names[c]));
    return array;
}
