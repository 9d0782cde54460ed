// Half precision, rounded to nearest even.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t standin_to_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000, kept = bits & 0x7fffffff;
    const float size = fabsf(x);
    if (x != x) return sign | 0x7e00;
    if (size >= 65520) return sign | 0x7c00;
    if (size < 6.103515625e-05f) return sign | (uint32_t)rintf(size * 16777216);
    return sign | ((kept + 0xfff + (kept >> 13 & 1)) >> 13) - (112 << 10);
}
static inline float standin_from_half(uint16_t half) {
    const uint32_t sign = (half & 0x8000u) << 16, rest = half & 0x7fff;
    const uint32_t large = rest >= 0x7c00 ? 0x7f800000 | (rest & 0x3ff) << 13 : (rest + (112 << 10)) << 13;
    const float small = rest / 16777216.0f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    bits = sign | (rest < 0x400 ? bits : large);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
