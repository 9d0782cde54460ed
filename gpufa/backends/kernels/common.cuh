// T: the type of arithmetic and parameters. S: the type that slabs of activity are kept in. V: elements per access.
typedef long long i64;
typedef unsigned long long u64;

struct bf16 {  // the upper half of a float, rounded to nearest even
    unsigned short bits;
    bf16() = default;
    __device__ bf16(float x) {
        const unsigned u = __float_as_uint(x);
        bits = x != x ? 0x7fff : (u + 0x7fff + (u >> 16 & 1)) >> 16;
    }
    __device__ operator float() const { return __uint_as_float((unsigned)bits << 16); }
};

template <class E>
struct alignas(sizeof(E) * V) Pack {
    E at[V];
};

template <class E>
__device__ Pack<E> load(const E* from) {
    return *reinterpret_cast<const Pack<E>*>(from);
}

// A plain assignment would store member by member.
template <int BYTES>
struct Vector;
template <> struct Vector<1> { typedef unsigned char type; };
template <> struct Vector<2> { typedef unsigned short type; };
template <> struct Vector<4> { typedef unsigned type; };
template <> struct Vector<8> { typedef uint2 type; };
template <> struct Vector<16> { typedef uint4 type; };

template <class E>
__device__ void store(E* to, const Pack<E>& pack) {
    typedef typename Vector<sizeof(pack)>::type Bits;
    Bits bits;
    memcpy(&bits, &pack, sizeof bits);
    __stwb(reinterpret_cast<Bits*>(to), bits);
}

// Whether this block is the last of so many to get here, to see all that they wrote; for all of its threads, behind a
// barrier. `arrived` is 0 before and after.
static __device__ bool last_of(unsigned* arrived, unsigned blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        last = atomicAdd(arrived, 1u) == blocks - 1;
        if (last) *arrived = 0;
        __threadfence();
    }
    __syncthreads();
    return last;
}

// part[0] = the sum of what a block of MANY threads has put into `part`, in one order always; for the first of them.
template <int MANY, class E>
static __device__ void add_up(E* part) {
    for (int half = MANY / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    }
}

#define FOR_PACK(v) _Pragma("unroll") for (int v = 0; v < V; v++)

// Every element of slabs (replicas, rows, columns), V columns at a time, whatever the grid.
#define FOR_REPLICAS(r) for (i64 r = blockIdx.z; r < replicas; r += gridDim.z)
#define FOR_ROWS(row) \
    for (i64 row = blockIdx.y * (i64)blockDim.y + threadIdx.y; row < rows; row += (i64)gridDim.y * blockDim.y)
#define FOR_COLUMNS(c) \
    for (i64 c = (blockIdx.x * (i64)blockDim.x + threadIdx.x) * V; c < columns; c += (i64)gridDim.x * blockDim.x * V)
