/* audit/settings.h - how a network was trained, as its file says. */
#ifndef AUDIT_SETTINGS_H
#define AUDIT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "io/tensors.h"

/** What a file says of its training: "arch: mlp, precision: f32, epochs: 10, .., excluded: 6 (Shirt)", from the metadata that
 *  `expunge train` and `run` write; "" where it says nothing. Appended. */
BaseStatus audit_settings_of(const IoTensors *tensors, BaseText *out);

/** The settings that both say and that differ, as "lr 0.1, not 0.05; epochs 3, not 20"; excluded classes are not compared.
 *  Appended. */
void audit_settings_differences(const char *own, const char *other, BaseText *out);
/** How many settings both say; the names of those that only one of them says, as "lr, epochs", are appended. */
int64_t audit_settings_compared(const char *own, const char *other, BaseText *lacking);
/** Whether it says that no class was left out. */
bool audit_settings_exclude_none(const char *settings);

#endif
