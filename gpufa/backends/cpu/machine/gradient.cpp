// The gradient of the filters: sums over samples and places of delta x.
//
// A run is what lies one behind the other of a row of delta, all columns and samples of it. What a tap reads is a run
// of x: the columns that a stride reaches are put side by side. So runs are cut into vectors without regard to where
// samples or columns begin, and delta is read where it lies if it may.

// How the work is cut: channels and samples into blocks, the rows of windows into strips. The rows of x that a strip
// reads are copied to a ring, each once. Tiles are some taps of a kernel's row in some channels; each has a slot for
// its sums.
struct Cut {
    const Geometry& g;
    L samples, sample_blocks, most_samples, columns, line, rows, strips, pieces, high, channel_blocks, tap_blocks,
        beside, filter_blocks;
    bool in_place;
    explicit Cut(const Geometry& geometry) : g(geometry) {
        samples = up(g.m, LANES);
        sample_blocks = up(samples, BESIDE);
        most_samples = std::min(g.m, up(samples, sample_blocks) * LANES);
        columns = g.out_columns + (g.wide - 1) * g.aside / g.across;  // that lie side by side
        line = g.across * phase(most_samples);
        const L run = up(g.out_columns * most_samples, LANES);
        in_place = sample_blocks == 1 && run * LANES == g.out_columns * g.m;
        pieces = up(run, CHUNK);
        strips = up(g.out_rows, std::max(1L, CHUNK / run));
        rows = up(g.out_rows, strips);
        high = (rows - 1) * g.down + (g.high - 1) * g.apart + 1;
        channel_blocks = std::min(g.channels, up(g.channels * high * line * L(sizeof(T)), RING));
        tap_blocks = up(g.wide, GT);
        beside = tap_blocks > 1 ? 1 : GT / g.wide;
        filter_blocks = std::min(g.filters, 2 * up(g.filters, 2 * GO));  // as many for each of two threads
    }
    L phase(L lanes) const { return up(columns * lanes, LANES) * LANES + LANES; }
    Span channels(L i) const { return part_of(g.channels, i, channel_blocks); }
    Span filters(L i) const { return part_of(g.filters, i, filter_blocks); }
    L most_channels() const { return up(g.channels, channel_blocks); }
    L slots() const { return g.high * up(most_channels(), beside) * tap_blocks * SLOT; }
    L ring() const { return high * most_channels() * line; }
    L errors() const { return GO * rows * up(g.out_columns * most_samples, LANES) * LANES; }
    L room(L blocks) const { return ring() + errors() + blocks * slots(); }
};

extern "C" L gradient_room(const Geometry* g, L parts) {
    const Cut cut(*g);
    return cut.room(up(cut.filter_blocks, parts));
}

// `lanes` samples.
static inline void copy_samples(const T* from, T* to, L lanes) {
    if (lanes < LANES)
        memcpy(to, from, lanes * sizeof(T));
    else {
        for (L s = 0; s < lanes - LANES; s += LANES) store(to + s, load(from + s));
        store(to + lanes - LANES, load(from + lanes - LANES));
    }
}

// A row of x as taps read it, zeros around.
static void copy_line(const Geometry& g, const Cut& cut, const T* from, T* to, L lanes) {
    const L size = cut.phase(lanes), end = std::max(0L, std::min(g.columns, cut.columns * g.across - g.left));
    memset(to, 0, g.across * size * sizeof(T));
    if (from && g.across == 1 && lanes == g.m)
        memcpy(to + g.left * lanes, from, end * lanes * sizeof(T));
    else if (from)
        for (L k = 0; k < end; k++) {
            const L q = k + g.left;
            copy_samples(from + k * g.m, to + q % g.across * size + q / g.across * lanes, lanes);
        }
}

// out = alpha * gradient + beta * out, (filters, channels, rows, columns), for one part of the filters; `room` is
// gradient_room numbers of the part's own, on a vector's border.
extern "C" void gradient(const Geometry* geometry, const T* x, const T* delta, double alpha, double beta, T* out,
                         T* room, L part, L parts) {
    const Geometry& g = *geometry;
    const Cut cut(g);
    const Span mine = part_of(cut.filter_blocks, part, parts);
    const L slots = cut.slots(), places = g.out_rows * g.out_columns;
    T *const ring = room, *const errors = ring + cut.ring(), *const added = errors + cut.errors();
    const auto each_tile = [&](Span channels, L fb, auto does) {
        T* slot = added + fb * slots;
        for (L c = 0; c < channels.count; c += cut.beside)
            for (L i = 0; i < g.high; i++)
                for (L t = 0; t < cut.tap_blocks; t++, slot += SLOT)
                    does(i, Span{c, std::min(cut.beside, channels.count - c)}, part_of(g.wide, t, cut.tap_blocks),
                         slot);
    };
    for (L cb = 0; cb < cut.channel_blocks; cb++) {
        const Span channels = cut.channels(cb);
        memset(added, 0, mine.count * slots * sizeof(T));
        for (L job = 0; job < cut.sample_blocks * cut.strips && mine.count; job++) {
            const Span samples = part_of(cut.samples, job / cut.strips, cut.sample_blocks);
            const L s0 = samples.first * LANES, lanes = std::min(samples.count * LANES, g.m - s0);
            const Span ys = part_of(g.out_rows, job % cut.strips, cut.strips);
            const L run = up(g.out_columns * lanes, LANES), phase = cut.phase(lanes), line = g.across * phase;
            const L top = ys.first * g.down, end = top + (ys.count - 1) * g.down + (g.high - 1) * g.apart + 1;
            const L had = ys.first ? (ys.first - 1) * g.down + (g.high - 1) * g.apart + 1 : 0;
            Walk walk;
            walk.d_row = run * LANES;
            walk.d_filter = cut.in_place ? places * g.m : ys.count * walk.d_row;
            walk.x_row = channels.count * line;
            walk.x_step = g.down % cut.high;
            const L turn = top % cut.high;
            std::vector<L> reads(g.wide);  // where each tap does
            for (L j = 0, k = 0; j < g.wide; j++, k += g.aside) reads[j] = k % g.across * phase + k / g.across * lanes;
            walk.x_end = cut.high;
            for (L r = std::max(top, had); r < end; r++)
                for (L c = 0; c < channels.count; c++) {
                    const L h = r - g.above;
                    const T* from = x + ((channels.first + c) * g.rows + h) * g.columns * g.m + s0;
                    copy_line(g, cut, h < 0 || h >= g.rows ? nullptr : from,
                              ring + (r % cut.high * channels.count + c) * line, lanes);
                }
            for (L fb = 0; fb < mine.count; fb++) {
                const Span filters = cut.filters(mine.first + fb);
                const T* from = delta + (filters.first * places + ys.first * g.out_columns) * g.m;
                if (!cut.in_place) {
                    for (L f = 0; f < filters.count; f++)
                        for (L y = 0; y < ys.count; y++) {
                            T* to = errors + (f * ys.count + y) * walk.d_row;
                            store(to + walk.d_row - LANES, V{});
                            for (L q = 0; q < g.out_columns; q++)
                                copy_samples(from + (f * places + y * g.out_columns + q) * g.m + s0, to + q * lanes,
                                             lanes);
                        }
                    from = errors;
                }
                for (L i = 0; i < cut.pieces; i++) {
                    const Span piece = part_of(run, i, cut.pieces);
                    const L first = piece.first * LANES;
                    walk.vectors = piece.count;
                    const L next = i + 1 < cut.pieces ? first + walk.vectors * LANES : filters.count * walk.d_filter;
                    L tile = 0;
                    each_tile(channels, fb, [&](L i, Span beside, Span taps, T* slot) {
                        const L h = top - g.above + i * g.apart;
                        L low = 0, above = ys.count;  // rows of windows whose taps fall on zeros alone add nothing
                        while (low < above && h + low * g.down < 0) low++;
                        while (above > low && h + (above - 1) * g.down >= g.rows) above--;
                        if (low == above) return;
                        L at[GT], n = 0;
                        for (L c = 0; c < beside.count; c++)
                            for (L j = 0; j < taps.count; j++) at[n++] = c * line + reads[taps.first + j];
                        walk.rows = above - low;
                        walk.x_first = turn + low * g.down + i * g.apart;
                        walk.ahead = from + next + tile++ % filters.count * walk.d_filter;
                        sum_of(filters.count, n)(from + low * walk.d_row + first, ring + beside.first * line + first,
                                                 at, walk, slot);
                    });
                }
            }
        }
        for (L fb = 0; fb < mine.count; fb++) {
            const Span filters = cut.filters(mine.first + fb);
            each_tile(channels, fb, [&](L i, Span beside, Span taps, T* slot) {
                for (L f = filters.first; f < filters.first + filters.count; f++)
                    for (L c = beside.first; c < beside.first + beside.count; c++) {
                        T* to = out + ((f * g.channels + channels.first + c) * g.high + i) * g.wide;
                        for (L j = taps.first; j < taps.first + taps.count; j++, slot++)
                            to[j] = alpha * *slot + (beta ? beta * to[j] : 0);
                    }
            });
        }
    }
}
