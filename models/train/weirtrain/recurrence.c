/* One gated linear recurrence over [batch, time, width], forward and backward.
   Built at start by recurrence.py; PyTorch's own operations, which write every
   intermediate result to memory, take about four times as long on a CPU.

     f = sigmoid(gates[1]), r = sigmoid(gates[2])
     c[t] = f c[t-1] + (1 - f) gates[0]
     y = x + r (c - x)                                                        */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float wide(uint16_t b) {
  uint32_t u = (uint32_t)b << 16;
  float f;
  memcpy(&f, &u, 4);
  return f;
}
static inline uint16_t narrow(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
/* 1 / (1 + exp(-v)), in operations that compilers turn into vector code; within
   2e-7 of the exact value. exp(u) = 2^n p(f), n + f = u / ln 2 (Taylor to f^6). */
static inline float sigmoid(float v) {
  float u = fminf(fmaxf(-v, -80.0f), 80.0f) * 1.44269504f;
  float n = rintf(u), f = (u - n) * 0.69314718f;
  float p = 1 + f * (1 + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f / 720)))));
  int32_t bits = ((int32_t)n + 127) << 23;
  float scale;
  memcpy(&scale, &bits, 4);
  return 1.0f / (1.0f + p * scale);
}

/* gates: bfloat16 [batch, time, 3, width]; all others float32. */
void forward(int batch, int time, int width, const uint16_t *restrict gates, const float *restrict x,
             const float *restrict c0, float *restrict c, float *restrict y) {
  for (int b = 0; b < batch; b++) {
    const float *before = c0 + (long)b * width;
    for (int t = 0; t < time; t++) {
      long at = ((long)b * time + t) * width;
      const uint16_t *z = gates + 3 * at, *f = z + width, *r = f + width;
      const float *xt = x + at;
      float *ct = c + at, *yt = y + at;
      for (int i = 0; i < width; i++) {
        float keep = sigmoid(wide(f[i])), v = wide(z[i]);
        float now = v + keep * (before[i] - v);
        ct[i] = now;
        yt[i] = xt[i] + sigmoid(wide(r[i])) * (now - xt[i]);
      }
      before = ct;
    }
  }
}

/* dy, dc (of the last state only, [batch, width]) → dgates (bfloat16), dx, dc0. */
void backward(int batch, int time, int width, const uint16_t *restrict gates, const float *restrict x,
              const float *restrict c0, const float *restrict c, const float *restrict dy,
              const float *restrict dlast, uint16_t *restrict dgates, float *restrict dx, float *restrict dc0) {
  for (int b = 0; b < batch; b++) {
    float *g = dc0 + (long)b * width; /* gradient that comes from later runes */
    memcpy(g, dlast + (long)b * width, sizeof(float) * width);
    for (int t = time - 1; t >= 0; t--) {
      long at = ((long)b * time + t) * width;
      const uint16_t *z = gates + 3 * at, *f = z + width, *r = f + width;
      uint16_t *dz = dgates + 3 * at, *df = dz + width, *dr = df + width;
      const float *xt = x + at, *ct = c + at, *dyt = dy + at;
      const float *before = t > 0 ? c + at - width : c0 + (long)b * width;
      float *dxt = dx + at;
      for (int i = 0; i < width; i++) {
        float keep = sigmoid(wide(f[i])), pass = sigmoid(wide(r[i])), v = wide(z[i]);
        float d = g[i] + pass * dyt[i];
        dxt[i] = (1 - pass) * dyt[i];
        dr[i] = narrow(dyt[i] * (ct[i] - xt[i]) * pass * (1 - pass));
        df[i] = narrow(d * (before[i] - v) * keep * (1 - keep));
        dz[i] = narrow(d * (1 - keep));
        g[i] = d * keep;
      }
    }
  }
}
