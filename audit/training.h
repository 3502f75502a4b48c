/* audit/training.h - whether retrained models were trained as the original was, as far as their files say. */
#ifndef AUDIT_TRAINING_H
#define AUDIT_TRAINING_H

#include "audit/collect.h"

/** What a file says of its training: "arch: mlp, precision: f32, epochs: 10, .., excluded: 6 (Shirt)", from the metadata that
 *  `expunge train` and `run` write; "" where it says nothing. Appended. */
BaseStatus audit_training_of(const IoTensors *tensors, BaseText *out);

/** A sentence about the retrained models of @p collected beside the original (without one, the unlearned model, whose file
 *  keeps what it was trained with), and a line for each that was trained otherwise. Empty without retrained models, or of
 *  a file of logits. */
BaseStatus audit_training_words(const AuditCollected *collected, BaseText *out);

#endif
