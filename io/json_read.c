/* io/json_read.c - texts parsed by jansson. */
#include "io/json_read.h"

BaseStatus io_json_read(const char *path, const char *what, const char *text, size_t size, json_t **out)
{
    json_error_t error;
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (*out) return BASE_OK;
    return base_error_set(json_error_code(&error) == json_error_out_of_memory ? BASE_ENOMEM : BASE_EFORMAT,
                          "%s: %s is not JSON: %s (at byte %d)", path, what, error.text, error.position);
}

BaseStatus io_json_read_meta(const char *path, const char *what, json_t *object, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    const char *key;
    json_t *value;
    BASE_CHECK(json_is_object(object), BASE_EFORMAT, "%s: %s must be an object of texts", path, what);
    json_object_foreach(object, key, value)
    {
        BASE_CHECK(json_is_string(value), BASE_EFORMAT, "%s: %s '%.100s' must be text", path, what, key);
        BASE_TRY(io_tensors_set_meta(tensors, key, json_string_value(value)));
    }
out:
    return st;
}
