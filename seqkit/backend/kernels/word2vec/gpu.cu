// Word2vec: many warps train the same vectors side by side, without locks. See reference.py.
//
// Draws are numbered through a chunk, and how many a sentence takes depends on those before it, so one warp
// walks each chunk first (walk). Then every word kept knows its context and its draws, and the examples of
// all chunks are dealt out in equal shares, consecutive words to one warp (train): neighbours share their
// context, and within a warp each example sees the one before. One warp alone does what the reference does.
//
// A warp's lanes lie along the columns of a row, 32 floats (a cache line) apart. Updates are added atomically:
// none is lost, and a row is not read again for it. Rows are read past the first-level cache, which would not
// show what other processors write.

#define ALL 0xFFFFFFFFu

typedef unsigned long long Word64;

static __device__ __forceinline__ Word64 splitmix64(Word64 key, Word64 number)
{
    Word64 z = key + number * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// The window of the word at place i of a sentence that lies in [begin, end).
static __device__ __forceinline__ int span(Word64 key, Word64 number, int window, bool shrink)
{
    return shrink ? 1 + int((splitmix64(key, number) >> 32) * window >> 32) : window;
}

// One warp a chunk: subsampling, sentences and the numbers of the draws. The words kept of chunk c lie from
// bounds[c] on, without gaps; for each, its context [first, last) in the same array, and the number of the
// draw of its window, which its negatives follow.
extern "C" __global__ void walk(
    const int* ids, const long long* bounds, int eos, int unk, const unsigned* keep, const Word64* keys, int window,
    bool shrink, int negative, bool skip_gram, int* kept, int* first, int* last, Word64* draws,
    long long* kept_counts, long long* words, long long* examples)
{
    int lane = threadIdx.x, chunk = blockIdx.x;
    unsigned before = (1u << lane) - 1;
    long long position = bounds[chunk], stop = bounds[chunk + 1], read = 0, made = 0;
    int begin = int(position);  // of the sentence, among the words kept
    Word64 key = keys[chunk], number = 0;

    while (position < stop) {
        int length = 0;
        for (bool open = true; open && position < stop;) {  // 32 tokens at a time
            int id = position + lane < stop ? ids[position + lane] : eos;
            unsigned ends = __ballot_sync(ALL, id == eos);
            open = ends == 0;
            int size = open ? 32 : __ffs(int(ends)) - 1;
            bool counts = lane < size && id != unk;
            unsigned reads = __ballot_sync(ALL, counts);
            Word64 mine = number + __popc(reads & before) + 1;
            bool stays = counts && unsigned(splitmix64(key, mine) >> 32) < keep[id];
            unsigned stay = __ballot_sync(ALL, stays);
            if (stays)
                kept[begin + length + __popc(stay & before)] = id;
            number += __popc(reads);
            read += __popc(reads);
            length += __popc(stay);
            position += size + !open;
        }
        if (length < 2)
            continue;  // the next sentence takes its place
        int end = begin + length;
        if (skip_gram)
            for (int i = begin; i < end; ++i) {  // how many draws a word takes, its window says
                int reach = span(key, ++number, window, shrink);
                int from = max(begin, i - reach), to = min(end, i + reach + 1);
                if (lane == 0) {
                    first[i] = from;
                    last[i] = to;
                    draws[i] = number;
                }
                number += Word64(negative) * (to - from - 1);
                made += to - from - 1;
            }
        else {
            for (int i = begin + lane; i < end; i += 32) {
                Word64 mine = number + 1 + Word64(i - begin) * (1 + negative);
                int reach = span(key, mine, window, shrink);
                first[i] = max(begin, i - reach);
                last[i] = min(end, i + reach + 1);
                draws[i] = mine;
            }
            number += Word64(length) * (1 + negative);
            made += length;
        }
        begin = end;
    }
    if (lane == 0) {
        kept_counts[chunk] = begin - bounds[chunk];
        words[chunk] = read;
        examples[chunk] = made;
    }
}

// The settings and tables that all examples share, and the vectors.
struct Model {
    float *input, *output;
    const unsigned* threshold;
    const int* alias;
    int V, E, negative;
};

// What other warps may be writing to.
static __device__ __forceinline__ float load(const float* x)
{
    return *(const volatile float*)x;
}

static __device__ __forceinline__ float warp_sum(float x)
{
    for (int distance = 16; distance > 0; distance /= 2)
        x += __shfl_xor_sync(ALL, x, distance);
    return x;
}

static __device__ __forceinline__ int drawn(const Model& model, Word64 key, Word64 number)
{
    Word64 bits = splitmix64(key, number);
    int word = int((bits & 0xFFFFFFFFu) * model.V >> 32);
    return unsigned(bits >> 32) < model.threshold[word] ? word : model.alias[word];
}

// Moves the output vectors of the centre and of the negatives, whose draws follow ``number``; fills gradient
// with the update of h and returns the loss. R floats of a row are a lane's.
template <int R>
static __device__ __forceinline__ float update(
    const Model& model, const float (&h)[R], float (&gradient)[R], int centre, float alpha, Word64 key, Word64 number)
{
    int lane = threadIdx.x % 32, mine = centre;
    float loss = 0.0f;
#pragma unroll
    for (int r = 0; r < R; ++r)
        gradient[r] = 0.0f;
    for (int k = 0; k <= model.negative; ++k) {
        if (k % 32 == 0 && k + lane > 0 && k + lane <= model.negative)
            mine = drawn(model, key, number + k + lane);  // 32 at once
        int word = __shfl_sync(ALL, mine, k % 32);
        if (k > 0 && word == centre)
            continue;
        float* o = model.output + (long long)word * model.E;
        float row[R], score = 0.0f;
#pragma unroll
        for (int r = 0; r < R; ++r) {
            int j = lane + 32 * r;
            row[r] = j < model.E ? load(o + j) : 0.0f;
            score += h[r] * row[r];
        }
        score = warp_sum(score);
        score = score < -8.0f ? -8.0f : score > 8.0f ? 8.0f : score;  // NaN stays NaN
        float label = k == 0 ? 1.0f : 0.0f, small = expf(-score);
        loss += log1pf(small) + (1.0f - label) * score;
        float step = alpha * (label - 1.0f / (1.0f + small));
#pragma unroll
        for (int r = 0; r < R; ++r) {
            int j = lane + 32 * r;
            gradient[r] += step * row[r];
            if (j < model.E)
                atomicAdd(o + j, step * h[r]);
        }
    }
    return loss;
}

template <int R>
static __device__ __forceinline__ void one_share(
    const Model& model, const long long* bounds, const long long* starts, int chunks, const Word64* keys,
    const float* alphas, const int* kept, const int* first, const int* last, const Word64* draws, bool skip_gram,
    bool mean, bool true_gradient, double* losses)
{
    int lane = threadIdx.x % 32, E = model.E, chunk = 0;
    long long warp = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    long long warps = (long long)gridDim.x * blockDim.x / 32, total = starts[chunks];
    long long end = total * (warp + 1) / warps;
    double loss = 0.0;

    for (long long m = total * warp / warps; m < end; ++m) {
        while (m >= starts[chunk + 1])
            ++chunk;
        int i = int(bounds[chunk] + m - starts[chunk]), from = first[i], to = last[i], centre = kept[i];
        Word64 key = keys[chunk], number = draws[i];
        float alpha = alphas[chunk], h[R], gradient[R];
        if (skip_gram) {
            for (int p = from; p < to; ++p) {
                if (p == i)
                    continue;
                float* x = model.input + (long long)kept[p] * E;
#pragma unroll
                for (int r = 0; r < R; ++r)
                    h[r] = lane + 32 * r < E ? load(x + lane + 32 * r) : 0.0f;
                loss += update<R>(model, h, gradient, centre, alpha, key, number);
                number += model.negative;
#pragma unroll
                for (int r = 0; r < R; ++r)
                    if (lane + 32 * r < E)
                        atomicAdd(x + lane + 32 * r, gradient[r]);
            }
            continue;
        }
#pragma unroll
        for (int r = 0; r < R; ++r)
            h[r] = 0.0f;
        for (int p = from; p < to; ++p) {
            if (p == i)
                continue;
            const float* x = model.input + (long long)kept[p] * E;
#pragma unroll
            for (int r = 0; r < R; ++r)
                if (lane + 32 * r < E)
                    h[r] += load(x + lane + 32 * r);
        }
        float share = 1.0f / float(to - from - 1);
        if (mean)
#pragma unroll
            for (int r = 0; r < R; ++r)
                h[r] *= share;
        loss += update<R>(model, h, gradient, centre, alpha, key, number);
        if (mean && true_gradient)
#pragma unroll
            for (int r = 0; r < R; ++r)
                gradient[r] *= share;
        for (int p = from; p < to; ++p) {
            if (p == i)
                continue;
            float* x = model.input + (long long)kept[p] * E;
#pragma unroll
            for (int r = 0; r < R; ++r)
                if (lane + 32 * r < E)
                    atomicAdd(x + lane + 32 * r, gradient[r]);
        }
    }
    if (lane == 0)
        losses[warp] = loss;
}

// One for each width of a row that a warp's registers are laid out for: up to 128, 320 and 1,024 columns.

extern "C" __global__ void train_128(
    float* input, float* output, const unsigned* threshold, const int* alias, int V, int E, int negative,
    const long long* bounds, const long long* starts, int chunks, const Word64* keys, const float* alphas,
    const int* kept, const int* first, const int* last, const Word64* draws, bool skip_gram, bool mean,
    bool true_gradient, double* losses)
{
    one_share<4>(
        {input, output, threshold, alias, V, E, negative}, bounds, starts, chunks, keys, alphas, kept, first, last,
        draws, skip_gram, mean, true_gradient, losses);
}

extern "C" __global__ void train_320(
    float* input, float* output, const unsigned* threshold, const int* alias, int V, int E, int negative,
    const long long* bounds, const long long* starts, int chunks, const Word64* keys, const float* alphas,
    const int* kept, const int* first, const int* last, const Word64* draws, bool skip_gram, bool mean,
    bool true_gradient, double* losses)
{
    one_share<10>(
        {input, output, threshold, alias, V, E, negative}, bounds, starts, chunks, keys, alphas, kept, first, last,
        draws, skip_gram, mean, true_gradient, losses);
}

extern "C" __global__ void train_1024(
    float* input, float* output, const unsigned* threshold, const int* alias, int V, int E, int negative,
    const long long* bounds, const long long* starts, int chunks, const Word64* keys, const float* alphas,
    const int* kept, const int* first, const int* last, const Word64* draws, bool skip_gram, bool mean,
    bool true_gradient, double* losses)
{
    one_share<32>(
        {input, output, threshold, alias, V, E, negative}, bounds, starts, chunks, keys, alphas, kept, first, last,
        draws, skip_gram, mean, true_gradient, losses);
}
