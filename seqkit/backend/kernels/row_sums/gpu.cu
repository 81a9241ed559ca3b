// Sums of the rows that share an id: one thread a (distinct id, column), which walks the rows of its id in
// their order. So float32 sums have the bits of the CPU's, in every run; CuPy's add.at adds atomically, in the
// order in which threads happen to come, and an exact resume would be lost.
//
// order lists the rows sorted by id, starts where each id begins in it (R entries of N rows). A frequent id is
// one long walk; its loads do not wait for each other, only its additions do.

extern "C" __global__ void sum_segments(
    const float* values, const long long* order, const long long* starts, float* sums, int R, long long N, int E)
{
    int segment = blockIdx.x, j = blockIdx.y * blockDim.x + threadIdx.x;
    if (j >= E)
        return;
    long long end = segment + 1 < R ? starts[segment + 1] : N;
    float total = 0.0f;
    for (long long n = starts[segment]; n < end; ++n)
        total += values[order[n] * E + j];
    sums[(long long)segment * E + j] = total;
}
