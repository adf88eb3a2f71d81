/* The level of the x86-64 psABI that the processor has and the system has enabled. */
#include "runtime/core/core.h"

#include <cpuid.h>

enum {
  kLevel2 = bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT,
  kLevel3 = bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C,
  kLevel3Extended = bit_AVX2 | bit_BMI | bit_BMI2,
  kLevel4Extended = bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW,
  kYmmState = 0x6, /* what the system saves of the registers: SSE and AVX */
  kZmmState = 0xE6 /* and the three parts of AVX-512 */
};

static int all(uint32_t have, uint32_t wanted) { return (have & wanted) == wanted; }

/* Which register states the system saves and restores; needs OSXSAVE. */
static uint32_t enabled_state(void) {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

int32_t gradc_core_cpu_level(void) {
  uint32_t a, b, c, d, basic, extended = 0, more = 0;
  if (!__get_cpuid(1, &a, &b, &basic, &d))
    return 1;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
    extended = b;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    more = c;
  if (!all(basic, kLevel2) || !all(more, bit_LAHF_LM))
    return 1;
  if (!all(basic, kLevel3) || !all(extended, kLevel3Extended) || !all(more, bit_LZCNT) ||
      !all(enabled_state(), kYmmState))
    return 2;
  if (!all(extended, kLevel4Extended | bit_AVX512VL) || !all(enabled_state(), kZmmState))
    return 3;
  return 4;
}
