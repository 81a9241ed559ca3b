// Random words: one thread a block of four. See reference.py.
// The reference keeps eight arrays of 8 bytes a block and takes about 100 launches.

#include "../philox/block.cuh"

extern "C" __global__ void random_words(
    unsigned* words, long long count, long long first, unsigned seed0, unsigned seed1, unsigned stream, unsigned low,
    unsigned high)
{
    long long block = first / 4 + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    PhiloxWords drawn = philox_block(unsigned(block), stream, low, high, seed0, seed1);
    for (int k = 0; k < 4; ++k) {
        long long i = 4 * block + k - first;
        if (i >= 0 && i < count)
            words[i] = drawn.word[k];
    }
}
