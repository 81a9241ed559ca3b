// One Philox4x32-10 block; see reference.py. Integer arithmetic only: the same bits as on the CPU.

struct PhiloxWords {
    unsigned word[4];
};

static __device__ __forceinline__ PhiloxWords philox_block(
    unsigned block, unsigned stream, unsigned low, unsigned high, unsigned seed0, unsigned seed1)
{
    unsigned c0 = block, c1 = stream, c2 = low, c3 = high;
    for (int round = 0; round < 10; ++round) {
        unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;  // each one wide multiplication
        c0 = unsigned(p1 >> 32) ^ c1 ^ seed0;
        c1 = unsigned(p1);
        c2 = unsigned(p0 >> 32) ^ c3 ^ seed1;
        c3 = unsigned(p0);
        seed0 += 0x9E3779B9u;
        seed1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}
