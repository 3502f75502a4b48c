/* Every default of the program in one literal table, with where it comes from. Who changes one changes numbers that
 * others compare with: it is changed here too, and in CHANGELOG.md. */
#include "tests/support/support.h"

#include "audit/choose.h"
#include "eval/relearn/relearn.h"
#include "experiment/config.h"
#include "mia/mia.h"
#include "models/logits.h"
#include "nn/train.h"
#include "session/params.h"

typedef struct {
    const char *name, *values, *source;
} Row;

#define SVD_SAMPLE                                                                                                     \
    "alpha_r=100 alpha_f=3 retain_per_class=100 forget_samples=900 patches=paper max_patches=10000 route=auto "        \
    "retain_without="
static const Row METHODS[] = {
    {"none", "", "a control without parameters"},
    {"svd", SVD_SAMPLE " layers=all spectra=false",
     "Kodge et al. 2024 and its code: sizes of the samples, 10000 rows a layer; alphas from the ranges searched there"},
    {"svd_means", "alpha_r=10000 alpha_f=10000 nearest=0.25 retain_per_class=100 forget_samples=900 layers=all",
     "ours"},
    {"retrain", "epochs=0 weights=", "as the original's training"},
    {"finetune",
     "preset=here epochs=10 batch_size=256 lr=0.01 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0 layers=all",
     "code of Unlearn-Sparse, FT"},
    {"neggrad",
     "preset=here clip=1 epochs=10 batch_size=64 lr=0.003 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none stop=0.01 "
     "forget_samples=0 layers=all",
     "ours: lr 3e-3, clipped and stopped (neggrad.c); stop: code of DUCK"},
    {"neggrad_plus",
     "preset=here rule=neggrad_plus beta=0.99 clip=0 check_every=100 epochs=1 batch_size=128 lr=0.01 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none "
     "retain_per_class=0 "
     "forget_samples=0 layers=all",
     "Kurmanji et al. 2023"},
    {"random_label",
     "preset=here labels=once batches=apart epochs=10 batch_size=256 lr=0.013 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0 "
     "forget_samples=0 layers=all",
     "code of SalUn, RL"},
    {"salun",
     "preset=here labels=once batches=apart share=0.5 epochs=10 batch_size=256 lr=0.013 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0 "
     "forget_samples=0 layers=all",
     "code of SalUn: half of the weights"},
    {"ssd",
     "preset=here alpha=10 lambda=1 threshold=alpha importance=squared_gradient batch_size=64 order=mixed retain_per_class=0 forget_samples=0",
     "Foster et al. 2024, their code for ResNet-18"},
    {"scrub",
     "preset=here max_epochs=2 forget_batch=512 gamma=0.99 alpha=0.001 temperature=4 rewind=false epochs=3 batch_size=128 "
     "lr=0.0005 "
     "momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none stop=0.01 retain_per_class=0 forget_samples=0 layers=all",
     "the authors' notebook for their large-scale setting; batch_size: its argument, not its loader (scrub.c); stop: ours"},
    {"unsir",
     "preset=here noise_images=256 noise_used=0 noise_mode=eval noise_labels=own noise_steps=40 noise_lr=0.1 noise_decay=0.1 noise_repeats=20 impair_epochs=1 impair_lr=0.002 "
     "repair_epochs=1 repair_lr=0.001 batch_size=256 momentum=0.9 weight_decay=0 optimizer=adam augment=none retain_per_class=1000 "
     "layers=all",
     "the authors' notebook, with a tenth of its learning rates (unsir.c)"},
    {"cf_k",
     "preset=here k=1 schedule=constant lr_min=0.005 clip=0 statistics=frozen epochs=10 batch_size=256 lr=0.01 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0",
     "the classifier alone; steps as finetune"},
    {"eu_k",
     "preset=here renew=all k=1 schedule=constant lr_min=0.005 clip=0 statistics=frozen epochs=10 batch_size=256 lr=0.01 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0",
     "the classifier alone; steps as finetune"},
    {"l1_sparse",
     "preset=here l1=0.0001 epochs=10 batch_size=256 lr=0.01 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0 "
     "layers=all",
     "code of Unlearn-Sparse, its fine-tuning; l1: ours (l1_sparse.c)"},
    {"bad_teacher",
     "preset=here retain_share=0.3 temperature=1 divergence=sum epochs=1 batch_size=256 lr=0.0001 momentum=0.9 weight_decay=0 optimizer=adam augment=none "
     "forget_samples=0 layers=all",
     "code of the bad-teaching repository; divergence: ours"},
    {"boundary_shrink",
     "preset=here classes=retained round=false bound=0.1 epochs=10 batch_size=64 lr=1e-05 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none forget_samples=0 "
     "layers=all",
     "the authors' code for an All-CNN"},
    {"boundary_expand",
     "preset=here row=uniform epochs=10 batch_size=64 lr=1e-05 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none forget_samples=0 layers=all",
     "the authors' code for an All-CNN"},
    {"fisher", "preset=here alpha=1e-07 retain_per_class=100", "ours, between SSD's 1e-6 and Unlearn-Sparse's 1e-9"},
    {"influence",
     "preset=here alpha=0 longest=10 inverse=woodbury damping=0.1 gradients=32 fisher_batch=8 parts=40 stop=0.01 batch_size=256 retain_per_class=0 "
     "forget_samples=0",
     "ours: lengths up to longest, ended by stop (influence.c)"},
    {"delete",
     "preset=here epochs=20 batch_size=128 lr=0.0001 momentum=0.9 weight_decay=0 optimizer=sgd augment=none forget_samples=0 layers=all",
     "code of DELETE for CIFAR-10 and ResNet-18"},
    {"jit",
     "preset=here draws=10 noise=0.5 epochs=20 batch_size=128 lr=3e-05 momentum=0 weight_decay=0 optimizer=sgd augment=none stop=0.01 "
     "forget_samples=0 layers=all",
     "ours, with the noise of the authors' code for VGG (jit.c); draws: code of SUPREME"},
    {"kernel_transpose",
     "preset=here epochs=3 batch_size=64 lr=0.001 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none retain_per_class=0",
     "code of Deep Unlearn, CT"},
    {"masked_small_gradients",
     "preset=here share=0.3 factor=0.1 biases=kept epochs=5 batch_size=64 lr=0.001 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none "
     "retain_per_class=0 forget_samples=0",
     "code of Deep Unlearn, MSG"},
    {"munba",
     "preset=here labels=once clip=1 guard=0 epochs=10 batch_size=64 lr=0.01 momentum=0.9 weight_decay=0.0005 optimizer=sgd augment=none "
     "retain_per_class=0 forget_samples=0 layers=all",
     "the authors' arguments for CIFAR-10; labels, guard and batches: ours (munba.c)"},
    {"sfron",
     "preset=here ratio=1 weight=25 power=0.5 every=5 clip=7 retain_steps=1500 batch_size=128 lr=0.01 momentum=0.9 weight_decay=0.0005 "
     "optimizer=sgd augment=none stop=0.01 retain_per_class=0 forget_samples=0 layers=all",
     "the authors' code for CIFAR-10; stop: ours (sfron.c)"},
    {"lotus",
     "preset=here alpha=0 retain_share=0.3 unseen=-1 stop=0.01 epochs=10 batch_size=128 lr=0.0003 momentum=0.9 weight_decay=0 optimizer=adam "
     "augment=none forget_samples=0 layers=all",
     "the authors' code and scripts; lr and stop: ours (lotus.c)"},
    {"negmerge",
     "preset=here candidates=3 spread=10 lambda=0 longest=1000 parts=60 epochs=1 batch_size=64 lr=0.05 momentum=0.9 weight_decay=0 "
     "optimizer=sgd augment=none stop=0.01 forget_samples=0 layers=all",
     "torchunlearn, but for lr and lambda, which are ours (negmerge.c)"},
    {"esc", "preset=here percent=1.5 forget_samples=0", "the authors' newest code"},
    {"scar",
     "preset=here statistics=retain surrogates=mixtures surrogate_images=10000 surrogate_steps=6 least_epochs=2 power=0.5 gamma_diagonal=3 "
     "gamma_rest=3 weight_forget=1 weight_keep=5 temperature=1 epochs=10 batch_size=128 lr=0.0005 momentum=0.9 weight_decay=0 optimizer=adam "
     "augment=none stop=0.01 retain_per_class=500 forget_samples=0 layers=all",
     "the authors' code, but for surrogates, epochs, batches and retain_per_class, which are ours (scar.c)"},
    {"mask_logit", "", "a control without parameters"},
    {"last_layer", SVD_SAMPLE, "as svd"},
    {"random_projection", SVD_SAMPLE " layers=all", "as svd"},
    {"external", "weights= logits=", "none: a file must be named"},
    {"command", "run= limit=86400", "ours: a day"},
};
#undef SVD_SAMPLE
static const Row ATTACKS[] = {
    {"loss", "thresholds=global chosen_on=points compat=exact", "ours: exact signals, no threshold fitted"},
    {"confidence", "thresholds=global chosen_on=points", "ours: exact signals, no threshold fitted"},
    {"entropy", "thresholds=global chosen_on=points compat=exact", "ours: exact signals, no threshold fitted"},
    {"modified_entropy", "thresholds=global chosen_on=points compat=exact", "ours: exact signals, no threshold fitted"},
    {"correctness", "thresholds=global chosen_on=points", "ours: exact signals, no threshold fitted"},
    {"attack_p", "fpr=0.1 group=all", "ours: level 0.1"},
    {"svc", "C=3 gamma=0 features=confidence max_points=0 solver=auto",
     "Kodge et al. 2024: SVC(C=3, gamma=\"auto\", kernel=\"rbf\") on the confidence; the same in Unlearn-Sparse and "
     "SalUn"},
    {"logistic", "C=1 features=signals folds=5 standardise=true", "scikit-learn: C = 1"},
    {"mlp", "features=signals folds=5 hidden=64 epochs=50 batch_size=200 lr=0.001 alpha=0.0001",
     "scikit-learn's MLPClassifier but for 64 units and the passes, as mia/mlp.c says"},
    {"quantile", "fpr=0.1 head=gaussian features=both folds=5 ridge=1e-06", "ours"},
    {"lira_online", "variance=per_example signal=exact", "mi_lira_2021: a variance a point"},
    {"lira_offline", "sided=one variance=per_example signal=exact",
     "the paper: one-sided; mi_lira_2021: a variance a point"},
    {"rmia_online", "gamma=2 strict=false signal=softmax temperature=1 trim=0 compat=none",
     "research/2024_rmia: gamma 2"},
    {"rmia_offline",
     "gamma=2 offline_a=0.3 correct_population=true strict=false signal=softmax temperature=1 trim=0 compat=none",
     "research/2024_rmia: gamma 2, offline_a 0.3"},
    {"attack_r", "fpr=0.1 fit=linear", "ours: level 0.1"},
    {"iam", "steps=100 distribution=gumbel spread=auto signal=exact",
     "its public iam_score.py: 100 steps, Gumbel; auto and exact: ours"},
    {"ulira", "predictive=student null=retrained signal=exact", "ours: Student, right for few models"},
    {"ruli", "bandwidth=1 game=efficacy signal=exact", "RULI's public code: bandwidth 1; exact: ours"},
    {"other_classes", "shrinkage=0.1 folds=5", "ours"},
    {"population_umia", "predictive=student signal=exact", "as ulira"},
    {"epsilon_score", "delta=1e-05 alpha=0.05 estimate=smoothed signal=exact draws=199",
     "ours: delta as in the audit; smoothed, since the published estimate discards nearly perfect attacks"},
    {"klom", "bins=20 clip=100 floor=1e-05 direction=unlearned_retrained compat=none draws=199",
     "data-unlearning-bench: 20 bins, margins within 100, q at least 1e-5"},
};

typedef struct {
    Row row;
    const BaseParam *table;
    const size_t *count;
    size_t size;
} Table;
static const Table TABLES[] = {
    {{"training",
      "epochs=6 batch_size=128 lr=0.05 momentum=0.9 weight_decay=0.0005 nesterov=true optimizer=sgd schedule=one_cycle "
      "gamma=0.1 step_epochs=30 warmup=0.3 patience=5 augment=false label_smoothing=0",
      "ours; warm-up: pct_start of PyTorch's OneCycleLR"},
     nn_train_params,
     &nn_train_param_count,
     sizeof(NnTrainConfig)},
    {{"audit",
      "alpha=0.05 margin=0.05 margin_tpr=0.02 draws=1000 points=5000 pictures=0 curve_draws=10 canary_guesses=0 shadow_method=auto flip=false shift=0",
      "docs/audit.md; who changes alpha or margin changes verdicts"},
     audit_params,
     &audit_param_count,
     sizeof(AuditOptions)},
    {{"relearn",
      "enabled=true per_class=100 judge_per_class=200 batch_size=64 max_steps=100 repeats=3 lr=0.001 margin=0.05 "
      "retain_epochs=5",
      "ours, bounded; Adam and the margin as the code of zero-shot-unlearning has them"},
     eval_relearn_params,
     &eval_relearn_param_count,
     sizeof(EvalRelearnConfig)},
    {{"probe", "enabled=true per_class=100 epochs=30 lr=0.005 layers=false", "ours"},
     eval_probe_params,
     &eval_probe_param_count,
     sizeof(EvalProbeConfig)},
    {{"saliency", "enabled=false images=4 side=7", "ours; 7: the last maps of ImageNet's networks"},
     eval_saliency_params,
     &eval_saliency_param_count,
     sizeof(EvalSaliencyConfig)},
    {{"budget", "strategy=grid trials=0 epochs=0", "the whole grid"},
     experiment_budget_params,
     &experiment_budget_param_count,
     sizeof(ExperimentBudget)},
    {{"queries", "flip=false shift=0", "one query, the image as it is"},
     model_query_params,
     &model_query_param_count,
     sizeof(ModelQueries)},
    {{"common", "val_fraction=0", "all images are trained on"},
     session_common_params,
     &session_common_param_count,
     sizeof(SessionCommon)},
};

static void same(const Row *want, const char *name, const BaseParam *table, size_t count, size_t size)
{
    BaseText got = {0};
    void *params = NULL;
    assert_string_equal(name, want->name);
    assert_ok(base_alloc_bytes(1, size ? size : 1, &params));
    base_param_defaults(table, count, params);
    for (size_t p = 0; p < count; p++) {
        base_text_add(&got, "%s%s=", p ? " " : "", table[p].name);
        base_param_format(&table[p], params, &got);
    }
    assert_ok(got.st);
    assert_string_equal(got.data ? got.data : "", want->values);
    assert_true(strlen(want->source) > 3);
    base_text_free(&got);
    base_free(params);
}

static void registry(const BaseRegistry *r, const Row *rows, size_t count)
{
    assert_int_equal(base_registry_count(r), count);
    for (size_t i = 0; i < count; i++) {
        const BaseEntry *e = base_registry_at(r, i);
        same(&rows[i], e->name, e->params, e->param_count, e->params_size);
    }
}

static void of_methods(void **state)
{
    (void)state;
    registry(&unlearn_registry, METHODS, BASE_COUNT(METHODS));
}

static void of_attacks(void **state)
{
    (void)state;
    registry(&mia_registry, ATTACKS, BASE_COUNT(ATTACKS));
}

static void of_all_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(TABLES); i++) {
        const Table *t = &TABLES[i];
        same(&t->row, t->row.name, t->table, *t->count, t->size);
    }
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        const BaseEntry *metric = base_registry_at(&eval_registry, i);
        assert_int_equal(metric->param_count, 0);
    }
}

/* What "auto" makes is a default too. */
static void of_an_audits_attacks(void **state)
{
    (void)state;
    static const char *const AUTO[] = {"loss",          "entropy",     "modified_entropy", "correctness",
                                       "logistic",      "lira_online", "lira_offline",     "rmia_offline",
                                       "attack_r",      "ulira",       "other_classes",    "population_umia",
                                       "epsilon_score", "klom"}; /* docs/audit.md */
    for (int shadows = 0; shadows < 2; shadows++) {
        AuditChoice *choice;
        size_t count;
        assert_ok(audit_choose(NULL, shadows, NULL, 0, &choice, &count));
        assert_int_equal(count, shadows ? BASE_COUNT(AUTO) : 5);
        for (size_t i = 0; i < count; i++) assert_string_equal(choice[i].attack->entry.name, AUTO[i]);
        audit_choice_free(choice, count);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(of_methods),
    cmocka_unit_test(of_attacks),
    cmocka_unit_test(of_all_else),
    cmocka_unit_test(of_an_audits_attacks),
};
SUPPORT_MAIN(tests)
