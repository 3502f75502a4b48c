/* session/forget.h - a forget set in words for people and for JSON. */
#ifndef SESSION_FORGET_H
#define SESSION_FORGET_H

#include "data/forget/forget.h"
#include "io/json.h"

/** "Dress, Sneaker"; "600 images of 10 classes", "500 images of 3 (Dress)". */
void session_forget_names(const DataForget *forget, const DataSet *train, BaseText *out);
/** The same with the indices of classes that are forgotten whole: "3,7 (Dress, Sneaker)". */
void session_forget_both(const DataForget *forget, const DataSet *train, BaseText *out);
/** Adds `forget` and `forget_names`, the lists of classes that are forgotten whole; of images these are empty, and
 *  `forget_images` says how many there are, their hash, and the indices of their classes. */
void session_forget_json(const DataForget *forget, const DataSet *train, IoJson *json);

#endif
