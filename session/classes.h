/* session/classes.h - classes in words for people, for this program, and for JSON. */
#ifndef SESSION_CLASSES_H
#define SESSION_CLASSES_H

#include "data/data.h"
#include "io/json.h"

/** "3,7", ascending, "Dress, Sneaker", and "3,7 (Dress, Sneaker)", which is how whatever a person reads says them. */
void session_classes_text(const DataClasses *classes, BaseText *out);
void session_classes_names(const DataClasses *classes, const DataSet *set, BaseText *out);
void session_classes_both(const DataClasses *classes, const DataSet *set, BaseText *out);
/** "3,#7": what data_classes_parse reads as just these. */
void session_classes_words(const DataClasses *classes, const DataSet *set, BaseText *out);
/** [3, 7] and ["Dress", "Sneaker"]. */
IoJson *session_classes_json(const DataClasses *classes);
IoJson *session_classes_names_json(const DataClasses *classes, const DataSet *set);

#endif
