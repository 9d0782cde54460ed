// The gradient of the filters: sums over samples and places of delta x.

#if defined(__x86_64__)
#define KEEP(v) asm("" : "+v"(v))  // in a register, where GCC would read it again for each product
#elif defined(__aarch64__)
#define KEEP(v) asm("" : "+w"(v))
#else
#define KEEP(v)
#endif

struct Walk {
    L vectors, rows, columns, d_vector, d_row, d_column, d_filter, x_vector, x_row, x_column, x_tap;
};

typedef void Sum(const T* delta, const T* x, const L* lines, const Walk& walk, T* out);

template <int O, int J, int R>
static void sum(const T* delta, const T* x, const L* lines, const Walk& walk, T* out) {
    V added[O][R][J] = {};
    L line[R];
    for (int r = 0; r < R; r++) line[r] = lines[r];
    for (L k = 0; k < walk.vectors * walk.rows; k++) {
        const L v = k / walk.rows, y = k % walk.rows;
        const T *d = delta + v * walk.d_vector + y * walk.d_row, *p = x + v * walk.x_vector + y * walk.x_row;
#pragma GCC unroll 2
        for (L at = 0; at < walk.columns; at++, d += walk.d_column, p += walk.x_column) {
            V e[O];
#pragma GCC unroll 4
            for (int o = 0; o < O; o++) e[o] = load(d + o * walk.d_filter);
#pragma GCC unroll 6
            for (int r = 0; r < R; r++)
#pragma GCC unroll 6
                for (int j = 0; j < J; j++) {
                    V seen = *(const V*)(p + line[r] + j * walk.x_tap);
                    KEEP(seen);
#pragma GCC unroll 4
                    for (int o = 0; o < O; o++) added[o][r][j] += e[o] * seen;
                }
        }
    }
    const int n = O * R * J;
#pragma GCC unroll 8
    for (int k = 0; k < n; k += LANES) *(V*)(out + k) += sums<LANES>(&added[0][0][0] + k, n - k);
}

template <int O, int J>
static Sum* by_lines(L n) {
    constexpr int M = GT / J;
    switch (std::min(n, L(M))) {
        case 1: return sum<O, J, 1>;
        case 2: return sum<O, J, std::min(2, M)>;
        case 3: return sum<O, J, std::min(3, M)>;
        case 4: return sum<O, J, std::min(4, M)>;
        case 5: return sum<O, J, std::min(5, M)>;
        default: return sum<O, J, M>;
    }
}
template <int O>
static Sum* by_taps(L taps, L lines) {
    switch (taps) {
        case 1: return by_lines<O, 1>(lines);
        case 2: return by_lines<O, 2>(lines);
        case 3: return by_lines<O, 3>(lines);
        case 4: return by_lines<O, 4>(lines);
        case 5: return by_lines<O, 5>(lines);
        default: return by_lines<O, 6>(lines);
    }
}
static Sum* sum_of(L filters, L taps, L lines) {
    switch (filters) {
        case 1: return by_taps<1>(taps, lines);
        case 2: return by_taps<2>(taps, lines);
        case 3: return by_taps<std::min(3, +GO)>(taps, lines);
        default: return by_taps<GO>(taps, lines);
    }
}

// How the work is cut. A line is a row of the kernel in a channel, a tap one place of it; tiles are some taps of some
// lines. Each tile has a slot for its sums.
struct Cut {
    const Geometry& g;
    L vectors, rows, strips, high, wide, filter_blocks, channel_blocks, most_channels, tap_blocks, sample_blocks;
    explicit Cut(const Geometry& geometry) : g(geometry) {
        vectors = std::min(up(g.m, LANES), L(BESIDE));
        wide = (g.out_columns - 1) * g.across + (g.wide - 1) * g.aside + 1;
        for (L chunk : {MOST, LEAST}) {
            rows = std::max(1L, std::min(g.out_rows, chunk / (g.out_columns * vectors)));
            strips = up(g.out_rows, rows);
            rows = up(g.out_rows, strips);
            high = (rows - 1) * g.down + (g.high - 1) * g.apart + 1;
            channel_blocks = std::min(g.channels, std::max(1L, up(g.channels * high * wide * vectors * BYTES, STRIP)));
            if (channel_blocks == 1) break;
        }
        filter_blocks = up(g.filters, GO);
        most_channels = up(g.channels, channel_blocks);
        tap_blocks = up(g.wide, GT);
        sample_blocks = up(up(g.m, LANES), vectors);
    }
    Span channels(L i) const { return part_of(g.channels, i, channel_blocks); }
    Span filters(L i) const { return part_of(g.filters, i, filter_blocks); }
    Span taps(L i) const { return part_of(g.wide, i, tap_blocks); }
    L tiles(L lines, L taps) const { return up(lines, GT / taps); }
    L slots() const {  // at most, of a block of channels and one of filters
        L n = 0;
        for (L i = 0; i < tap_blocks; i++) n += tiles(g.high * most_channels, taps(i).count);
        return n;
    }
    L strip() const { return vectors * high * most_channels * wide * LANES; }
    L errors() const { return vectors * rows * g.out_columns * GO * LANES; }
    L room(L blocks) const { return strip() + blocks * (errors() + channel_blocks * slots() * SLOT); }
};

extern "C" L gradient_room(const Geometry* g, L parts) {
    const Cut cut(*g);
    return cut.room(up(cut.filter_blocks, parts));
}

// out = alpha * gradient + beta * out, (filters, channels, rows, columns), for one part of the filters; `room` is
// gradient_room numbers of the part's own, on a vector's border.
extern "C" void gradient(const Geometry* geometry, const T* x, const T* delta, double alpha, double beta, T* out,
                         T* room, L part, L parts) {
    const Geometry& g = *geometry;
    const Cut cut(g);
    const Span mine = part_of(cut.filter_blocks, part, parts);
    const L line = cut.wide * LANES, slots = cut.slots() * SLOT;
    T *const strip = room, *const errors = strip + cut.strip(), *const added = errors + mine.count * cut.errors();
    memset(added, 0, mine.count * cut.channel_blocks * slots * sizeof(T));
    const auto errors_of = [&](L f, L y) { return delta + (f * g.out_rows + y) * g.out_columns * g.m; };
    const auto each_tile = [&](L cb, L fb, auto does) {
        const L lines = g.high * cut.channels(cb).count;
        T* slot = added + (cb * mine.count + fb) * slots;
        for (L i = 0; i < cut.tap_blocks; i++) {
            const Span taps = cut.taps(i);
            const L tiles = cut.tiles(lines, taps.count);
            for (L t = 0; t < tiles; t++, slot += SLOT) does(taps, part_of(lines, t, tiles), slot);
        }
    };
    for (L job = 0; job < cut.sample_blocks * cut.strips && mine.count; job++) {
        const L s0 = job / cut.strips * cut.vectors * LANES, lanes = std::min(cut.vectors * LANES, g.m - s0);
        const Span ys = part_of(g.out_rows, job % cut.strips, cut.strips);
        const L top = ys.first * g.down - g.above, high = (ys.count - 1) * g.down + (g.high - 1) * g.apart + 1;
        const L places = ys.count * g.out_columns;
        Walk walk;
        walk.vectors = up(lanes, LANES);
        walk.columns = g.out_columns;
        for (L cb = 0; cb < cut.channel_blocks; cb++) {
            const Span channels = cut.channels(cb);
            walk.x_vector = high * channels.count * line;
            walk.x_row = g.down * channels.count * line;
            walk.x_column = g.across * LANES;
            walk.x_tap = g.aside * LANES;
            for (L r = 0; r < high; r++)
                for (L c = 0; c < channels.count; c++) {
                    const L h = top + r;
                    T* to = strip + (r * channels.count + c) * line;
                    for (L q = 0; q < cut.wide; q++, to += LANES) {
                        const L k = q - g.left;
                        if (h < 0 || h >= g.rows || k < 0 || k >= g.columns)
                            for (L v = 0; v < walk.vectors; v++) store(to + v * walk.x_vector, V{});
                        else
                            copy_apart(x + (((channels.first + c) * g.rows + h) * g.columns + k) * g.m + s0, to,
                                       walk.x_vector, lanes);
                    }
                }
            for (L fb = 0; fb < mine.count; fb++) {
                const Span filters = cut.filters(mine.first + fb);
                T* const own = errors + fb * cut.errors();
                walk.d_filter = LANES;
                walk.d_column = filters.count * LANES;
                walk.d_row = g.out_columns * walk.d_column;
                walk.d_vector = places * walk.d_column;
                for (L f = 0; f < filters.count && cb == 0; f++)
                    for (L place = 0; place < places; place++)
                        copy_apart(errors_of(filters.first + f, ys.first) + place * g.m + s0,
                                   own + (place * filters.count + f) * LANES, walk.d_vector, lanes);
                each_tile(cb, fb, [&](Span taps, Span lines, T* slot) {
                    const L first = lines.first / channels.count;
                    const L last = (lines.first + lines.count - 1) / channels.count;
                    L from = 0, to = ys.count;  // rows of windows whose lines fall on zeros alone add nothing
                    while (from < to && top + from * g.down + last * g.apart < 0) from++;
                    while (to > from && top + (to - 1) * g.down + first * g.apart >= g.rows) to--;
                    if (from == to) return;
                    L at[GT];
                    for (L n = 0; n < lines.count; n++) {
                        const L i = (lines.first + n) / channels.count, c = (lines.first + n) % channels.count;
                        at[n] = (i * g.apart * channels.count + c) * line;
                    }
                    walk.rows = to - from;
                    sum_of(filters.count, taps.count, lines.count)(
                        own + from * walk.d_row, strip + from * walk.x_row + taps.first * walk.x_tap, at, walk, slot);
                });
            }
        }
    }
    for (L cb = 0; cb < cut.channel_blocks; cb++)
        for (L fb = 0; fb < mine.count; fb++) {
            const Span channels = cut.channels(cb), filters = cut.filters(mine.first + fb);
            each_tile(cb, fb, [&](Span taps, Span lines, T* slot) {
                for (L f = filters.first; f < filters.first + filters.count; f++)
                    for (L n = lines.first; n < lines.first + lines.count; n++) {
                        const L c = channels.first + n % channels.count, i = n / channels.count;
                        T* to = out + ((f * g.channels + c) * g.high + i) * g.wide + taps.first;
                        for (L j = 0; j < taps.count; j++, to++) *to = alpha * *slot++ + (beta ? beta * *to : 0);
                    }
            });
        }
}
