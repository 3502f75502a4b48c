/* mia/list.h - one row per file of attacks: X(name) exports `const MiaAttack mia_<name>`, F(name) a family,
 * `const BaseRows mia_<name>`. The order is that of `expunge list`. */
X(loss)
X(confidence)
X(entropy)
X(modified_entropy)
X(correctness)
X(attack_p)
X(attack_r)
X(svc)
X(logistic)
X(mlp)
X(quantile)
F(lira)
F(rmia)
X(ulira)
X(population_umia)
X(epsilon_score)
X(klom)
X(other_classes)
#undef X
#undef F
