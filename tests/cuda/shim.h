// CUDA's blocks and threads on the host, enough for the kernels of seqkit: g++ compiles a .cu file after
// this one. Every thread of a block is a fiber; __syncthreads hands on to the next one, so that all arrive
// before any goes on. Fibers run in ascending or descending order, always the same: a missing barrier is
// not a matter of luck but a wrong number in one of the two orders.
//
// The exchanges of a warp hand on likewise: its 32 lanes meet there, and between two of them each other warp
// of the block has a turn. So warps that work side by side without locks see each other's half done work.
//
// Shared memory is filled with NaN patterns before each block, as it holds anything on a GPU. A barrier that
// only a part of the threads reaches, which hangs a GPU, is reported, and so is an exchange that only a part
// of a warp's lanes reaches.
//
// Not emulated: exchanges of a part of a warp, textures, dynamic shared memory, z dimensions, the order of
// blocks (one after another here), races within one stretch between two barriers that no order of whole
// fibers shows, and time.

#pragma once

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static __attribute__((section("emulated_shared")))

struct Index {
    unsigned x, y, z;
};

static Index threadIdx, blockIdx, blockDim, gridDim;

// The linker gives the bounds of a section by these names; weak, for a source without shared memory.
extern "C" __attribute__((weak, visibility("hidden"))) char __start_emulated_shared[];
extern "C" __attribute__((weak, visibility("hidden"))) char __stop_emulated_shared[];

namespace emulator {

enum Outcome { ok = 0, divergent_barrier = 1, divergent_exchange = 2 };
enum Order { ascending = 0, descending = 1 };
enum Place { under_way, at_barrier, at_exchange, finished };

static const unsigned lanes = 32;

struct Fiber {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(64 * 1024);
    Place place = under_way;
    // What it gives in an exchange, by turns: the first lane to go on may reach the next one before the last
    // has read this one.
    unsigned long long given[2];
    unsigned exchanges = 0;
};

static ucontext_t scheduler;
static std::vector<Fiber> pool;
static Fiber* running;
static void (*enter)(void*);
static void* entered;

static void fiber_main()
{
    enter(entered);
    running->place = finished;
    swapcontext(&running->context, &scheduler);
}

static void resume(Fiber& fiber, unsigned thread)
{
    threadIdx = {thread, 0, 0};
    running = &fiber;
    swapcontext(&scheduler, &fiber.context);
}

// Each lane of the warp that is under way takes one turn, to its next barrier or exchange.
static Outcome run_warp(std::vector<Fiber>& fibers, unsigned warp, Order order)
{
    unsigned first = warp * lanes, size = std::min<unsigned>(lanes, fibers.size() - first), meeting = 0;
    for (unsigned k = 0; k < size; ++k) {
        unsigned thread = first + (order == ascending ? k : size - 1 - k);
        if (fibers[thread].place == under_way)
            resume(fibers[thread], thread);
        meeting += fibers[thread].place == at_exchange;
    }
    if (meeting == 0)
        return ok;
    if (meeting < lanes)
        return divergent_exchange;
    for (unsigned k = 0; k < lanes; ++k)
        fibers[first + k].place = under_way;
    return ok;
}

// Rounds, in each of which every warp takes one turn; a barrier opens when all threads of the block wait there.
static Outcome run_block(std::vector<Fiber>& fibers, Order order)
{
    unsigned size = fibers.size(), warps = (size + lanes - 1) / lanes;
    if (__start_emulated_shared)
        memset(__start_emulated_shared, 0xFF, __stop_emulated_shared - __start_emulated_shared);
    for (Fiber& fiber : fibers) {
        fiber.place = under_way;
        fiber.exchanges = 0;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, fiber_main, 0);
    }
    for (;;) {
        for (unsigned k = 0; k < warps; ++k)
            if (Outcome outcome = run_warp(fibers, order == ascending ? k : warps - 1 - k, order))
                return outcome;
        unsigned done = 0, waiting = 0;
        for (const Fiber& fiber : fibers) {
            done += fiber.place == finished;
            waiting += fiber.place == at_barrier;
        }
        if (done == size)
            return ok;
        if (done + waiting < size)
            continue;
        if (done > 0)
            return divergent_barrier;
        for (Fiber& fiber : fibers)
            fiber.place = under_way;
    }
}

static Outcome run_grid(
    unsigned grid_x, unsigned grid_y, unsigned block, Order order, void (*function)(void*), void* closure)
{
    if (pool.size() != block)
        pool = std::vector<Fiber>(block);
    enter = function;
    entered = closure;
    gridDim = {grid_x, grid_y, 1};
    blockDim = {block, 1, 1};
    for (unsigned y = 0; y < grid_y; ++y)
        for (unsigned x = 0; x < grid_x; ++x) {
            blockIdx = {x, y, 0};
            if (Outcome outcome = run_block(pool, order))
                return outcome;
        }
    return ok;
}

template <typename T> std::string type_name()
{
    using Plain = std::remove_const_t<T>;
    if constexpr (std::is_pointer_v<T>)
        return type_name<std::remove_pointer_t<T>>() + "*";
    else if constexpr (std::is_same_v<Plain, bool>)
        return "bool";
    else {
        std::string kind = std::is_floating_point_v<Plain> ? "float" : std::is_signed_v<Plain> ? "int" : "uint";
        return kind + std::to_string(8 * sizeof(Plain));
    }
}

// A kernel and its arguments as cuLaunchKernel takes them: an array of addresses, one an argument.
template <typename... A> struct Call {
    void (*kernel)(A...);
    void** arguments;

    template <size_t... I> void unpack(std::index_sequence<I...>)
    {
        kernel(*static_cast<std::remove_const_t<A>*>(arguments[I])...);
    }

    static void thread(void* call)
    {
        static_cast<Call*>(call)->unpack(std::index_sequence_for<A...>());
    }
};

template <typename... A>
Outcome launch(
    void (*kernel)(A...), unsigned grid_x, unsigned grid_y, unsigned block, Order order, void** arguments)
{
    Call<A...> call{kernel, arguments};
    return run_grid(grid_x, grid_y, block, order, Call<A...>::thread, &call);
}

// The parameter types, with commas.
template <typename... A> const char* signature(void (*)(A...))
{
    static const std::string text = [] {
        std::string all;
        ((all += (all.empty() ? "" : ",") + type_name<A>()), ...);
        return all;
    }();
    return text.c_str();
}

// Hands on to the next thread until the others have come to the same place.
static void wait(Place place)
{
    Fiber* self = running;
    self->place = place;
    swapcontext(&self->context, &scheduler);
}

// Gives a value to the warp; returns how to read what a lane gave.
template <typename T> auto exchange(unsigned mask, T value)
{
    static_assert(sizeof(T) <= sizeof(Fiber::given[0]), "an exchange moves up to 8 bytes");
    if (mask != 0xFFFFFFFFu)
        abort();  // exchanges of a part of a warp are not emulated
    unsigned turn = running->exchanges++ & 1, first = threadIdx.x / lanes * lanes;
    memcpy(&running->given[turn], &value, sizeof value);
    wait(at_exchange);
    return [turn, first](unsigned lane) {
        T theirs;
        memcpy(&theirs, &pool[first + lane % lanes].given[turn], sizeof theirs);
        return theirs;
    };
}

}  // namespace emulator

[[maybe_unused]] static void __syncthreads()
{
    emulator::wait(emulator::at_barrier);
}

template <typename T> T __shfl_sync(unsigned mask, T value, int lane)
{
    return emulator::exchange(mask, value)(lane);
}

template <typename T> T __shfl_xor_sync(unsigned mask, T value, int distance)
{
    unsigned mine = threadIdx.x % emulator::lanes;
    return emulator::exchange(mask, value)(mine ^ distance);
}

[[maybe_unused]] static unsigned __ballot_sync(unsigned mask, int predicate)
{
    auto given = emulator::exchange(mask, predicate);
    unsigned votes = 0;
    for (unsigned lane = 0; lane < emulator::lanes; ++lane)
        votes |= unsigned(given(lane) != 0) << lane;
    return votes;
}

[[maybe_unused]] static int __popc(unsigned x)
{
    return __builtin_popcount(x);
}

[[maybe_unused]] static int __ffs(int x)
{
    return __builtin_ffs(x);
}

// Fibers change only at barriers and exchanges: nothing comes between the parts of an addition.
template <typename T> T atomicAdd(T* address, T value)
{
    T before = *address;
    *address = before + value;
    return before;
}

[[maybe_unused]] static int min(int a, int b)
{
    return a < b ? a : b;
}

[[maybe_unused]] static int max(int a, int b)
{
    return a > b ? a : b;
}

// What the loader calls; one for each kernel.
#define EMULATE(kernel) \
    extern "C" int emulate_##kernel(unsigned x, unsigned y, unsigned block, int order, void** arguments) \
    { \
        return emulator::launch(kernel, x, y, block, emulator::Order(order), arguments); \
    } \
    extern "C" const char* signature_##kernel() \
    { \
        return emulator::signature(kernel); \
    }
