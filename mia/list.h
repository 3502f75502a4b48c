/* mia/list.h - one row per file of attacks: X(name) exports `const MiaAttack mia_<name>`, F(name) a family,
 * `const BaseRows mia_<name>`. The order is that of `expunge list` and of an audit. */
F(threshold)
X(attack_p)
X(svc)
X(logistic)
X(mlp)
X(quantile)
F(lira)
F(rmia)
X(attack_r)
X(iam)
X(ulira)
X(ruli)
X(other_classes)
X(population_umia)
X(epsilon_score)
X(klom)
#undef X
#undef F
