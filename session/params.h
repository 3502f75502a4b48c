/* session/params.h - parameter tables as text, and what --set gives. */
#ifndef SESSION_PARAMS_H
#define SESSION_PARAMS_H

#include "base/registry.h"
#include "base/yaml.h"

/** A plug-in's parameters at their defaults; owned (base_free), a valid block also where it has none. */
BaseStatus session_params_defaults(const BaseEntry *entry, void **out);
/** "{alpha_r: 100, route: auto}": every value used, but for a text that is empty by default and still is; readable by
 *  session_params_read. */
void session_params_text(const BaseParam *table, size_t count, const void *values, BaseText *out);
/** Sets the parameter of the node's key to its value. */
BaseStatus session_param_read(const BaseYaml *node, const BaseParam *table, size_t count, void *values,
                              const char *owner, const char *where);
/** Sets the values that a text of session_params_text names. @p where: the file, for messages. */
BaseStatus session_params_read(const BaseParam *table, size_t count, void *values, const char *text, const char *owner,
                               const char *where);

/** What `train` and `unlearn` take through --set beside their own keys. */
typedef struct {
    double val_fraction;
} SessionCommon;
extern const BaseParam session_common_params[];
extern const size_t session_common_param_count;
/** Applies "key=value" texts to a table and the common one. @p owner as in base_param_set. */
BaseStatus session_assign(const char *const *assignments, size_t assignment_count, const BaseParam *table, size_t count,
                          void *values, SessionCommon *common, const char *owner);

#endif
