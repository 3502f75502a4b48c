/* io/json_read.h - the one reader of JSON in this folder: jansson's trees, and its errors in our words. */
#ifndef IO_JSON_READ_H
#define IO_JSON_READ_H

#include <jansson.h>

#include "io/tensors.h"

/** @p what: the text's name in messages: "the index". Two equal keys in one object are refused. BASE_EFORMAT,
 *  BASE_ENOMEM. *out owned: json_decref. */
BaseStatus io_json_read(const char *path, const char *what, const char *text, size_t size, json_t **out);
/** Gives the tensors the texts of @p object as metadata. BASE_EFORMAT where it is no object of texts. */
BaseStatus io_json_read_meta(const char *path, const char *what, json_t *object, IoTensors *tensors);

#endif
