// CUDA's blocks and threads on the host, enough for the kernels of seqkit: g++ compiles a .cu file after
// this one. Every thread of a block is a fiber; __syncthreads hands on to the next one, so that all arrive
// before any goes on. Fibers run in ascending or descending order, always the same: a missing barrier is
// not a matter of luck but a wrong number in one of the two orders.
//
// Shared memory is filled with NaN patterns before each block, as it holds anything on a GPU. A barrier that
// only a part of the threads reaches, which hangs a GPU, is reported.
//
// Not emulated: warps, atomics, textures, dynamic shared memory, z dimensions, the order of blocks, races
// within one stretch between two barriers that no order of whole fibers shows, and time.

#pragma once

#include <math.h>
#include <string.h>
#include <ucontext.h>

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

enum Outcome { ok = 0, divergent_barrier = 1 };
enum Order { ascending = 0, descending = 1 };

struct Fiber {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(64 * 1024);
    bool finished = false;
};

static ucontext_t scheduler;
static Fiber* running;
static void (*enter)(void*);
static void* entered;

static void fiber_main()
{
    enter(entered);
    running->finished = true;
    swapcontext(&running->context, &scheduler);
}

static void resume(Fiber& fiber, unsigned thread)
{
    threadIdx = {thread, 0, 0};
    running = &fiber;
    swapcontext(&scheduler, &fiber.context);
}

// Rounds from barrier to barrier: in each, every thread of the block takes one turn.
static Outcome run_block(std::vector<Fiber>& fibers, Order order)
{
    unsigned size = fibers.size();
    if (__start_emulated_shared)
        memset(__start_emulated_shared, 0xFF, __stop_emulated_shared - __start_emulated_shared);
    for (Fiber& fiber : fibers) {
        fiber.finished = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, fiber_main, 0);
    }
    for (;;) {
        unsigned finished = 0;
        for (unsigned k = 0; k < size; ++k) {
            unsigned thread = order == ascending ? k : size - 1 - k;
            resume(fibers[thread], thread);
            finished += fibers[thread].finished;
        }
        if (finished == size)
            return ok;
        if (finished > 0)
            return divergent_barrier;
    }
}

static Outcome run_grid(
    unsigned grid_x, unsigned grid_y, unsigned block, Order order, void (*function)(void*), void* closure)
{
    static std::vector<Fiber> pool;
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

}  // namespace emulator

[[maybe_unused]] static void __syncthreads()
{
    emulator::Fiber* self = emulator::running;
    Index mine = threadIdx;
    swapcontext(&self->context, &emulator::scheduler);
    threadIdx = mine;
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
