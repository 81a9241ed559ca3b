// Dropout in one pass, the mask never in memory: one thread the four elements of a Philox block.
// See reference.py. x and out may be the same array: each element is read before it is written, by one thread.

#include "../philox/block.cuh"

extern "C" __global__ void masked_scale(
    const float* x, float* out, long long count, long long first, unsigned seed0, unsigned seed1, unsigned stream,
    unsigned low, unsigned high, unsigned long long threshold, float scale)
{
    long long block = first / 4 + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    PhiloxWords drawn = philox_block(unsigned(block), stream, low, high, seed0, seed1);
    for (int k = 0; k < 4; ++k) {
        long long i = 4 * block + k - first;
        if (i >= 0 && i < count)
            out[i] = x[i] * (drawn.word[k] < threshold ? scale : 0.0f);  // a product, so that NaN stays NaN
    }
}
