/* unlearn/svd/twice.h - has the file that BODY names stand twice: with REAL float and with REAL double, NAME(name) for
 * its functions and MATRIX(from) for the matrix of a space or a factor in that precision. No guard: once in each route. */
#define REAL         float
#define NAME(name)   name
#define MATRIX(from) (from)->matrix
#include BODY
#undef REAL
#undef NAME
#undef MATRIX
#define REAL         double
#define NAME(name)   name##_f64
#define MATRIX(from) (from)->matrix_f64
#include BODY
