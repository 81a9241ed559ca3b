// Softmax cross entropy: one block a row of scores, three passes over it: maximum, sum of exponentials,
// gradient. See reference.py, which holds two more (N, V) arrays. A row is 4V bytes, so the second and third
// pass mostly find it in a cache; the exponential is computed twice instead of stored.
//
// Sums are taken in float64 by halving over shared memory, in an order that depends on V alone: the same bits
// in every run. gradient may be logits: in the last pass each element is read and written by one thread, and
// everything else that reads logits is done before a barrier.

static __device__ double block_sum(double mine, double* slots)
{
    slots[threadIdx.x] = mine;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            slots[threadIdx.x] += slots[threadIdx.x + half];
        __syncthreads();
    }
    double total = slots[0];
    __syncthreads();  // the next reduction writes the slots again
    return total;
}

// NaN is passed over here; it comes back in the sum of exponentials.
static __device__ float block_max(float mine, double* slots)
{
    slots[threadIdx.x] = mine;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            slots[threadIdx.x] = fmax(slots[threadIdx.x], slots[threadIdx.x + half]);
        __syncthreads();
    }
    float top = float(slots[0]);
    __syncthreads();
    return top;
}

template <typename Target>
static __device__ __forceinline__ void one_row(
    const float* logits, const Target* targets, float* gradient, double* losses, int V, long long ignore_index,
    double smoothing, bool wants_gradient, double* slots)
{
    int row = blockIdx.x;
    const float* x = logits + (long long)row * V;
    float* d = gradient + (long long)row * V;
    long long target = targets[row];
    int first = threadIdx.x, stride = blockDim.x;

    if (target == ignore_index) {  // the whole block turns here: no barrier is left half reached
        if (wants_gradient)
            for (int j = first; j < V; j += stride)
                d[j] = 0.0f;
        if (first == 0)
            losses[row] = 0.0;
        return;
    }

    float top = x[0];
    for (int j = first; j < V; j += stride)
        top = fmaxf(top, x[j]);
    top = block_max(top, slots);

    double sum = 0.0, shifted = 0.0;
    for (int j = first; j < V; j += stride) {
        float below = x[j] - top;
        sum += expf(below);
        shifted += below;
    }
    sum = block_sum(sum, slots);
    if (smoothing > 0.0)
        shifted = block_sum(shifted, slots);

    if (first == 0) {
        // An id outside the row is not looked up: that would stop the device. Its loss is NaN, which stops
        // the training, since checking ids beforehand would make the host wait.
        double hit = target >= 0 && target < V ? double(x[target] - top) : nan("");
        double loss = log(sum) - (1.0 - smoothing) * hit;
        losses[row] = smoothing > 0.0 ? loss - smoothing / V * shifted : loss;
    }
    if (!wants_gradient)
        return;
    __syncthreads();  // x[target] has been read: d may be x

    float scale = float(1.0 / sum), uniform = float(smoothing / V), onehot = float(1.0 - smoothing);
    for (int j = first; j < V; j += stride) {
        float p = expf(x[j] - top) * scale - uniform;
        d[j] = j == target ? p - onehot : p;
    }
}

extern "C" __global__ void loss_and_gradient_int32(
    const float* logits, const int* targets, float* gradient, double* losses, int V, long long ignore_index,
    double smoothing, bool wants_gradient)
{
    __shared__ double slots[512];
    one_row(logits, targets, gradient, losses, V, ignore_index, smoothing, wants_gradient, slots);
}

extern "C" __global__ void loss_and_gradient_int64(
    const float* logits, const long long* targets, float* gradient, double* losses, int V, long long ignore_index,
    double smoothing, bool wants_gradient)
{
    __shared__ double slots[512];
    one_row(logits, targets, gradient, losses, V, ignore_index, smoothing, wants_gradient, slots);
}
