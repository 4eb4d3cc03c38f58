/* A cos that is right to 0.6 ulp and rounds one value in five otherwise than a correctly rounded one, as the C
 * libraries of other systems do more rarely. Preloaded, it shows that the tests do not depend on the last bit:
 *
 *     gcc -O2 -fno-builtin -shared -fPIC -o other_cos.so tests/data/other_cos.c -lm
 *     LD_PRELOAD=$PWD/other_cos.so python -m pytest -m numeric
 */
#include <math.h>

double cos(double angle) {
    long double exact = cosl(angle);
    double nearest = (double)exact;
    long double rest = exact - nearest;
    double other = nextafter(nearest, rest > 0 ? INFINITY : -INFINITY);
    return fabsl(rest) > 0.4L * fabsl((long double)other - nearest) ? other : nearest;
}
