/* audit/training.h - whether retrained models were trained as the original was, as far as their files say. */
#ifndef AUDIT_TRAINING_H
#define AUDIT_TRAINING_H

#include "audit/collect.h"

/** A sentence about the retrained models of @p collected beside the original (without one, the unlearned model, whose file
 *  keeps what it was trained with), and a line for each that was trained otherwise. Empty without retrained models, or of
 *  a file of logits. */
BaseStatus audit_training_words(const AuditCollected *collected, BaseText *out);

#endif
