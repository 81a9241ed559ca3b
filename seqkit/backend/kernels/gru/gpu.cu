// The pointwise part of one GRU step: one thread a cell (row, j) of the state. See reference.py.
// Gates of a row lie r, z, n, each H wide. Rows not kept leave the gates as they came: nothing reads them.

static __device__ __forceinline__ float sigmoid(float x)
{
    return 0.5f * tanhf(0.5f * x) + 0.5f;  // no overflow for any x
}

extern "C" __global__ void step_forward(
    float* a, const float* recurrent, const bool* keep, const float* h_before, float* h, int H)
{
    int row = blockIdx.x, j = blockIdx.y * blockDim.x + threadIdx.x;
    if (j >= H)
        return;
    long long cell = (long long)row * H + j;
    float old = h_before[cell];
    if (!keep[row]) {
        h[cell] = old;
        return;
    }
    float* gates = a + 3ll * row * H + j;
    const float* products = recurrent + 3ll * row * H + j;
    float r = sigmoid(gates[0] + products[0]);
    float z = sigmoid(gates[H] + products[H]);
    float n = tanhf(gates[2 * H] + r * products[2 * H]);
    gates[0] = r;
    gates[H] = z;
    gates[2 * H] = n;
    h[cell] = n + z * (old - n);
}

extern "C" __global__ void step_backward(
    const float* gates, const float* recurrent, const bool* keep, const float* h_before, float* dh, float* da,
    float* du, int H)
{
    int row = blockIdx.x, j = blockIdx.y * blockDim.x + threadIdx.x;
    if (j >= H)
        return;
    long long cell = (long long)row * H + j, first = 3ll * row * H + j;
    float *input = da + first, *hidden = du + first;
    if (!keep[row]) {  // dh passes through
        input[0] = input[H] = input[2 * H] = 0.0f;
        hidden[0] = hidden[H] = hidden[2 * H] = 0.0f;
        return;
    }
    float r = gates[first], z = gates[first + H], n = gates[first + 2 * H], d = dh[cell];
    float dn = d * (1.0f - z) * (1.0f - n * n);
    float dz = d * (h_before[cell] - n) * z * (1.0f - z);
    float dr = dn * recurrent[first + 2 * H] * r * (1.0f - r);
    input[0] = hidden[0] = dr;
    input[H] = hidden[H] = dz;
    input[2 * H] = dn;
    hidden[2 * H] = dn * r;
    dh[cell] = d * z;
}
