// Correlation: out = b + the sum of w x.

// What all tiles of a row of windows have in common: steps through taps, of which `length` lie one behind the other.
struct Run {
    L x_column, x_row, w_column, w_row, rows, length, filter, last;
    bool first;
};

typedef void Tile(const T* x, const T* w, L columns, const Run& run, const T* b, T* out);

// The last vector begins so early that it ends where the samples do, and may do again what the one before it does.
template <int O, int N>
static void tile(const T* x, const T* w, L columns, const Run& run, const T* b, T* out) {
    V sum[O][N];
    const L filter = run.filter, last = run.last;
#pragma GCC unroll 12
    for (int o = 0; o < O; o++)
#pragma GCC unroll 4
        for (int v = 0; v < N; v++)
            sum[o][v] = run.first ? all(b[o]) : load(out + o * filter + (v < N - 1 ? v * LANES : last));
    for (L j = 0; j < columns; j++)
        for (L i = 0; i < run.rows; i++) {
            const T *p = x + j * run.x_column + i * run.x_row, *q = w + j * run.w_column + i * run.w_row;
            for (L c = 0; c < run.length; c++, p += N * LANES, q += O) {
                V seen[N];
#pragma GCC unroll 4
                for (int v = 0; v < N; v++) seen[v] = *(const V*)(p + v * LANES);
#pragma GCC unroll 12
                for (int o = 0; o < O; o++) {
                    const V weight = all(q[o]);
#pragma GCC unroll 4
                    for (int v = 0; v < N; v++) sum[o][v] += seen[v] * weight;
                }
            }
        }
#pragma GCC unroll 12
    for (int o = 0; o < O; o++)
#pragma GCC unroll 4
        for (int v = 0; v < N; v++) store(out + o * filter + (v < N - 1 ? v * LANES : last), sum[o][v]);
}

template <int O>
static Tile* wide(L n) {
    switch (n) {
        case 1: return tile<O, 1>;
        case 2: return tile<O, 2>;
        case 3: return tile<O, std::min(3, +VB)>;
        default: return tile<O, VB>;
    }
}
template <int O>
static Tile* narrow(L n) {
    return n == 1 ? tile<O, 1> : tile<O, 2>;
}

static Tile* tile_of(L filters, L vectors) {
    switch (filters) {
        case 1: return wide<1>(vectors);
        case 2: return wide<2>(vectors);
        case 3: return wide<3>(vectors);
        case 4: return wide<4>(vectors);
        case 5: return wide<5>(vectors);
        case 6: return wide<6>(vectors);
        case 7: return narrow<7>(vectors);
        case 8: return narrow<8>(vectors);
        case 9: return narrow<9>(vectors);
        case 10: return narrow<10>(vectors);
        case 11: return narrow<11>(vectors);
        default: return narrow<12>(vectors);
    }
}

// How the work is cut: filters and channels by blocks, the maps by strips of rows, the samples by WIDE.
struct Plan {
    const Geometry& g;
    L channel_blocks, most_channels, filter_blocks, vectors, sample_blocks, strips;
    explicit Plan(const Geometry& geometry) : g(geometry) {
        const L area = g.high * g.wide, most = VB > 2 && g.m <= 2 * LANES ? 2 * OB : OB;
        channel_blocks = std::min(g.channels, std::max(1L, up(g.channels * area * WIDE * sizeof(T), WINDOW)));
        most_channels = up(g.channels, channel_blocks);
        filter_blocks = up(g.filters, most);
        vectors = up(g.m, LANES);
        sample_blocks = up(vectors, VB);
        L rows = 1;
        while (rows < g.out_rows && g.columns * read(rows + 1) * most_channels * WIDE * L(sizeof(T)) <= STRIP) rows++;
        strips = up(g.out_rows, rows);
        if (sample_blocks % 2) strips = std::min(g.out_rows, 2 * up(strips, 2));  // as many for each of two threads
    }
    L read(L rows) const {  // rows of x that so many of `out` read
        return std::min(g.rows, (rows - 1) * g.down + (g.high - 1) * g.apart + 1);
    }
    Span channels(L i) const { return part_of(g.channels, i, channel_blocks); }
    Span filters(L i) const { return part_of(g.filters, i, filter_blocks); }
    L room() const { return g.columns * read(up(g.out_rows, strips)) * most_channels * WIDE; }
};

extern "C" L strip_room(const Geometry* g) { return Plan(*g).room(); }

// Filters in the order in which tiles read them; w has these steps, and may be a view of any kind.
extern "C" void pack(const Geometry* geometry, const T* w, L filter, L channel, L row, L column, T* out) {
    const Geometry& g = *geometry;
    const Plan plan(g);
    for (L cb = 0; cb < plan.channel_blocks; cb++)
        for (L fb = 0; fb < plan.filter_blocks; fb++) {
            const Span channels = plan.channels(cb), filters = plan.filters(fb);
            for (L j = 0; j < g.wide; j++)
                for (L i = 0; i < g.high; i++)
                    for (L c = channels.first; c < channels.first + channels.count; c++)
                        for (L f = filters.first; f < filters.first + filters.count; f++)
                            *out++ = w[f * filter + c * channel + i * row + j * column];
        }
}

// One part of the work; `out` has these steps, `strip` is strip_room numbers of the part's own, on a vector's border.
extern "C" void correlate(const Geometry* geometry, const T* x, const T* packed, const T* b, T* out, L filter, L row,
                          L column, T* strip, L part, L parts) {
    const Geometry& g = *geometry;
    const Plan plan(g);
    static const T none[2 * OB] = {};
    T few[2 * OB][LANES] = {};
    const Span mine = part_of(plan.sample_blocks * plan.strips, part, parts);
    for (L job = mine.first; job < mine.first + mine.count; job++) {
        const Span vectors = part_of(plan.vectors, job / plan.strips, plan.sample_blocks);
        const Span ys = part_of(g.out_rows, job % plan.strips, plan.strips);
        const L s0 = vectors.first * LANES, lanes = std::min(vectors.count * LANES, g.m - s0);
        const bool small = lanes < LANES;
        const L low = std::max(0L, ys.first * g.down - g.above);
        const L end = (ys.first + ys.count - 1) * g.down - g.above + (g.high - 1) * g.apart + 1;
        const L rows = std::max(0L, std::min(g.rows, end) - low);
        for (L cb = 0; cb < plan.channel_blocks; cb++) {
            const Span channels = plan.channels(cb);
            const L line = channels.count * vectors.count * LANES, pile = rows * line;  // of one row, and of one column
            for (L c = 0; c < channels.count; c++)
                for (L r = 0; r < rows; r++)
                    for (L q = 0; q < g.columns; q++)
                        copy_lanes(x + (((channels.first + c) * g.rows + low + r) * g.columns + q) * g.m + s0,
                                   strip + q * pile + (r * channels.count + c) * vectors.count * LANES, vectors.count,
                                   lanes);
            Run run;
            run.x_column = g.aside * pile;
            run.x_row = g.apart * line;
            run.filter = small ? L(LANES) : filter;
            run.last = small ? 0 : lanes - LANES;
            run.first = cb == 0;
            for (L y = ys.first; y < ys.first + ys.count; y++) {
                const Taps v = taps(y * g.down - g.above, g.rows, g.high, g.apart);
                run.rows = g.apart == 1 ? 1 : v.count;
                run.length = g.apart == 1 ? v.count * channels.count : channels.count;
                const L read = std::max(1L, v.count * line * L(sizeof(T)));
                const L step = std::max(1L, NEAR / read / g.across - g.wide + 1);
                for (L x0 = 0; x0 < g.out_columns; x0 += step)
                    for (L fb = 0; fb < plan.filter_blocks; fb++) {
                        const Span filters = plan.filters(fb);
                        run.w_row = channels.count * filters.count;
                        run.w_column = g.high * run.w_row;
                        const T* w = packed + v.first * run.w_row;
                        w += g.high * g.wide * (channels.first * g.filters + filters.first * channels.count);
                        Tile* const add = tile_of(filters.count, vectors.count);
                        for (L at = x0; at < std::min(g.out_columns, x0 + step); at++) {
                            const Taps h = taps(at * g.across - g.left, g.columns, g.wide, g.aside);
                            T* const to = out + filters.first * filter + y * row + at * column + s0;
                            const auto copy = [&](bool back) {
                                for (L f = 0; f < filters.count && small; f++)
                                    memcpy(back ? to + f * filter : few[f], back ? few[f] : to + f * filter,
                                           lanes * sizeof(T));
                            };
                            copy(false);
                            add(strip + h.at * pile + (v.at - low) * line, w + h.first * run.w_column,
                                v.count ? h.count : 0, run, b ? b + filters.first : none, small ? few[0] : to);
                            copy(true);
                        }
                    }
            }
        }
    }
}
