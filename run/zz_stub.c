#include "run/curve.h"
#include "run/retrained.h"
#include "run/shadows/shadows.h"
BaseStatus run_curve(const MiaAttack *a, const MiaInput *i, const void *p, int64_t d, RunCurvePoint *c, int *n) { (void)a,(void)i,(void)p,(void)d,(void)c; *n = 0; return BASE_OK; }
BaseStatus run_retrained_make(const RunRetrainTask *t, char **p, RunCost *c) { (void)t,(void)p,(void)c; return base_error_set(BASE_EARG, "stub"); }
BaseStatus run_shadows_read(const char *f, RunShadows **o) { (void)f; *o = NULL; return base_error_set(BASE_EARG, "stub"); }
void run_shadows_free(RunShadows *s) { (void)s; }
BaseStatus run_shadows_gather(const RunShadowTask *t, RunShadowArrays *o) { (void)t,(void)o; return base_error_set(BASE_EARG, "stub"); }
void run_shadow_arrays_free(RunShadowArrays *a) { (void)a; }
