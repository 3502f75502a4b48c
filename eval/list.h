/* eval/list.h - one row per file of metrics: X(name) exports `const EvalMetric eval_<name>`, F(name) a family,
 * `const BaseRows eval_<name>`. The order is that of `expunge list`. */
F(accuracy)
F(loss)
X(composite)
X(tow)
X(aus)
F(outputs)
F(agreement)
F(relearning)
X(probe_forget)
F(representation)
X(weight_distance)
F(cost)
#undef X
#undef F
