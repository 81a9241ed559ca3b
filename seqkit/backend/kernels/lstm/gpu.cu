// The pointwise part of one LSTM step: one thread a cell (row, j) of the state. See reference.py.
// One launch where the reference takes about 20; at the sizes of a language model a launch costs more than
// its arithmetic. Gates of a row lie i, f, g, o, each H wide. Rows not kept leave z as it came: nothing
// reads their gates.

static __device__ __forceinline__ float sigmoid(float x)
{
    return 0.5f * tanhf(0.5f * x) + 0.5f;  // no overflow for any x
}

extern "C" __global__ void step_forward(
    float* z, const float* recurrent, const bool* keep, const float* h_before, const float* c_before, float* h,
    float* c, int H)
{
    int row = blockIdx.x, j = blockIdx.y * blockDim.x + threadIdx.x;
    if (j >= H)
        return;
    long long cell = (long long)row * H + j;
    if (!keep[row]) {
        h[cell] = h_before[cell];
        c[cell] = c_before[cell];
        return;
    }
    float* gates = z + 4ll * row * H + j;
    const float* products = recurrent + 4ll * row * H + j;
    float i = sigmoid(gates[0] + products[0]);
    float f = sigmoid(gates[H] + products[H]);
    float g = tanhf(gates[2 * H] + products[2 * H]);
    float o = sigmoid(gates[3 * H] + products[3 * H]);
    float c_new = f * c_before[cell] + i * g;
    gates[0] = i;
    gates[H] = f;
    gates[2 * H] = g;
    gates[3 * H] = o;
    c[cell] = c_new;
    h[cell] = o * tanhf(c_new);
}

extern "C" __global__ void step_backward(
    const float* gates, const bool* keep, const float* c_before, const float* c, const float* dh, float* dc,
    float* dz, int H)
{
    int row = blockIdx.x, j = blockIdx.y * blockDim.x + threadIdx.x;
    if (j >= H)
        return;
    long long cell = (long long)row * H + j;
    float* d = dz + 4ll * row * H + j;
    if (!keep[row]) {  // dc passes through; the caller passes dh on
        d[0] = d[H] = d[2 * H] = d[3 * H] = 0.0f;
        return;
    }
    const float* gate = gates + 4ll * row * H + j;
    float i = gate[0], f = gate[H], g = gate[2 * H], o = gate[3 * H];
    float t = tanhf(c[cell]);  // computed again: cheaper than a fifth array from the forward
    float dc_total = dc[cell] + dh[cell] * o * (1.0f - t * t);
    d[0] = dc_total * g * i * (1.0f - i);
    d[H] = dc_total * c_before[cell] * f * (1.0f - f);
    d[2 * H] = dc_total * i * (1.0f - g * g);
    d[3 * H] = dh[cell] * t * o * (1.0f - o);
    dc[cell] = dc_total * f;
}
