/* unlearn/layers/select.h - which layers a method edits. */
#ifndef UNLEARN_LAYERS_SELECT_H
#define UNLEARN_LAYERS_SELECT_H

#include "nn/net.h"

/** @p text: "all", "last" (the classifier, or two whose logits are summed, which count as one), "first K", "last K", "only K" (the Kth,
 *  from 1), or layer names,
 * "[features.0, classifier.6]" or without the brackets.
 *  *selected [number of layers] of 0 and 1, by base_free. BASE_EUSAGE on an unknown name, with "did you mean". */
BaseStatus unlearn_layers_select(const NnNet *net, const char *text, uint8_t **selected);
/** 1 for the last @p k layers. BASE_EUSAGE where there are fewer than k. */
BaseStatus unlearn_layers_last(const NnNet *net, int64_t k, uint8_t **selected);

#endif
