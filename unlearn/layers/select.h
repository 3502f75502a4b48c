/* unlearn/layers/select.h - which layers a method edits. */
#ifndef UNLEARN_LAYERS_SELECT_H
#define UNLEARN_LAYERS_SELECT_H

#include "nn/net.h"

/** @p text: "all", "last" (the classifier), "first K", "last K", "only K" (the Kth, from 1), or layer names,
 * "[features.0, classifier.6]" or without the brackets.
 *  @p selected [number of layers] becomes 0 or 1. BASE_EUSAGE on an unknown name, with "did you mean". */
BaseStatus unlearn_layers_select(const NnNet *net, const char *text, uint8_t *selected);

#endif
