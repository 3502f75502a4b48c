/* audit/points.h - the images of an audit, in their groups. */
#ifndef AUDIT_POINTS_H
#define AUDIT_POINTS_H

#include "audit/signals.h"
#include "session/canaries.h"
#include "session/data.h"

/**
 * Fills N, group, labels and point of @p signals, whose options and seed are set, and the same points in @p points.
 * Of classes that are forgotten whole all held-out images stand beside the forgotten ones. Of listed images those of their
 * classes do; where images of such a class are kept too, half of them (drawn from stream (seed, "audit_held_out", class)), and
 * the other half stands beside the kept ones.
 */
BaseStatus audit_points_choose(const SessionData *data, const DataForget *forget, const SessionCanaries *canaries,
                               AuditSignals *signals, ModelPoints *points);

#endif
