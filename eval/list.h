/* eval/list.h - one row per file of metrics: X(name) exports `const EvalMetric eval_<name>`, F(name) a family,
 * `const BaseRows eval_<name>`. The order is that of `expunge list`. */
F(accuracy)
F(loss)
X(composite)
X(tow)
X(aus)
X(activation_distance)
X(js_retrained)
X(zrf)
X(zrf_repository)
X(relearn_steps)
X(anamnesis)
X(probe_forget)
X(weight_distance)
F(cost)
#undef X
#undef F
