// Attention, both ways. Each head of each sample is a problem of its own: LANES of them go side by side, a vector has a
// number of each, and no sum goes across one. Scores are there for some tokens at a time alone, and made anew on the
// way down.
#include <cmath>
#include <limits>

enum : L { ROWS = 8 * A, TOGETHER = 4 };  // tokens at a time, and features that are copied at a time

// One number after the other, as Python hands them over.
struct Heads {
    L heads, size, tokens, m, causal;
    L problems() const { return heads * m; }
    L groups() const { return up(problems(), LANES); }
    L all_of_it() const { return tokens * size * LANES; }  // of queries, keys or values of a group
    L pitch() const { return tokens + 64 / BYTES; }        // of scores: rows that begin at one set of the cache get lost
    // Of the tokens that one of `first` + `count` tokens sees.
    L seen(L first, L count) const { return causal ? std::min(tokens, first + count) : tokens; }
};

// does(lane, lanes, where their numbers begin in (heads, size, tokens, m)) of problems beside each other in a head.
template <typename Does>
static void runs(const Heads& of, L group, Does does) {
    const L first = group * LANES, end = std::min(of.problems(), first + LANES);
    for (L p = first; p < end;) {
        const L head = p / of.m, lanes = std::min(end, (head + 1) * of.m) - p;
        does(p - first, lanes, head * of.size * of.tokens * of.m + p % of.m);
        p += lanes;
    }
}

// The group's part of x, (heads, size, tokens, m), to (tokens, size) vectors, with zeros behind the last problem.
static void gather(const Heads& of, L group, const T* x, T* to) {
    const L line = of.tokens * of.m;
    if (of.problems() - group * LANES < LANES) memset(to, 0, of.all_of_it() * sizeof(T));
    runs(of, group, [&](L lane, L lanes, L start) {
        const T* const from = x + start;
        for (L c0 = 0; c0 < of.size; c0 += TOGETHER)
            for (L t = 0; t < of.tokens; t++)
                for (L c = c0; c < std::min(c0 + TOGETHER, of.size); c++) {
                    const T* const own = from + c * line + t * of.m;
                    T* const put = to + (t * of.size + c) * LANES + lane;
                    if (lanes == LANES)
                        store(put, load(own));
                    else
                        for (L i = 0; i < lanes; i++) put[i] = own[i];
                }
    });
}

// The way back, of tokens first .. first + count - 1, which are all that `from` has.
static void scatter(const Heads& of, L group, const T* from, L first, L count, T* x) {
    const L line = of.tokens * of.m;
    runs(of, group, [&](L lane, L lanes, L start) {
        for (L c0 = 0; c0 < of.size; c0 += TOGETHER)
            for (L t = 0; t < count; t++)
                for (L c = c0; c < std::min(c0 + TOGETHER, of.size); c++) {
                    T* const put = x + start + c * line + (first + t) * of.m;
                    const T* const own = from + (t * of.size + c) * LANES + lane;
                    if (lanes == LANES)
                        store(put, load(own));
                    else
                        for (L i = 0; i < lanes; i++) put[i] = own[i];
                }
    });
}

template <>
struct Real<V> : Real<T> {
    typedef Real<T>::Bits Bits __attribute__((vector_size(BYTES)));
};

// A row of scores becomes weights, e^s over their sum, of `seen` tokens; those behind them, before `end`, have none.
// `counted` has 1 where a token counts, else 0.
static void soften(T* row, L seen, L end, T factor, const T* counted) {
    V most = all(std::numeric_limits<T>::lowest()), total{};
    for (L u = 0; u < seen; u++) {
        V s = load(row + u * LANES) * factor;
        if (counted) s = load(counted + u * LANES) != 0 ? s : all(-std::numeric_limits<T>::infinity());
        most = s > most ? s : most;
        store(row + u * LANES, s);
    }
    for (L u = 0; u < seen; u++) {
        const V e = power<V>(load(row + u * LANES) - most, V{});
        total += e;
        store(row + u * LANES, e);
    }
    const V least = all(std::numeric_limits<T>::min()), share = 1 / (total < least ? least : total);
    for (L u = 0; u < seen; u++) store(row + u * LANES, load(row + u * LANES) * share);
    if (end > seen) memset(row + seen * LANES, 0, (end - seen) * LANES * sizeof(T));
}

// The signal at a row's scores of that at its weights: factor * w * (d - the sum of w d).
static void soften_back(const T* w, T* d, L end, T factor) {
    V along{};
    for (L u = 0; u < end; u++) along += load(w + u * LANES) * load(d + u * LANES);
    for (L u = 0; u < end; u++)
        store(d + u * LANES, factor * (load(w + u * LANES) * (load(d + u * LANES) - along)));
}

// Where a group's numbers are while it is at work; of the last ones the way up has no need.
struct Room {
    T *q, *k, *v, *weights, *block, *counted, *g, *dk, *dv, *scores, *end;
    Room(const Heads& of, T* room) {
        T** const all_of_it[] = {&q, &k, &v, &weights, &block, &counted, &g, &dk, &dv, &scores, &end};
        const L kept = of.all_of_it(), rows = ROWS * of.pitch() * LANES;
        const L sizes[] = {kept, kept, kept, rows, ROWS * of.size * LANES, of.tokens * LANES, kept, kept, kept, rows, 0};
        for (int i = 0; i < 11; i++) *all_of_it[i] = room, room += sizes[i];
    }
};

// How much each of the tokens first .. first + count - 1 takes of which.
static void weigh(const Heads& of, const Room& room, L first, L count, bool counted) {
    const auto terms = [&](L i, L rows) { return Terms{of.seen(first + i, rows), 0, of.size}; };
    product({room.q + first * of.size * LANES, of.size, 1}, {room.k, of.size, 1}, count, terms, false, room.weights,
            of.pitch());
    for (L t = 0; t < count; t++)
        soften(room.weights + t * of.pitch() * LANES, of.seen(first + t, 1),
               of.seen(first + t / A * A, std::min<L>(A, count - t / A * A)), 1 / std::sqrt((T)of.size),
               counted ? room.counted : nullptr);
}

// What is on `side`, (tokens, size), by how much each of those tokens takes of it: to room.block.
static void mix(const Heads& of, const Room& room, L first, L count, const T* by, const T* side) {
    const auto terms = [&](L i, L rows) { return Terms{of.size, 0, of.seen(first + i, rows)}; };
    product({by, of.pitch(), 1}, {side, 1, of.size}, count, terms, false, room.block, of.size);
}

// The same the other way: out[u] += the sum over those tokens of by[t, u] side[t].
static void spread(const Heads& of, L first, L count, const T* by, const T* side, T* out) {
    const auto terms = [&](L i, L) { return Terms{of.size, of.causal ? std::max(0L, i - first) : 0, count}; };
    product({by, 1, of.pitch()}, {side + first * of.size * LANES, 1, of.size}, of.seen(first, count), terms, true, out,
            of.size);
}

// Queries, keys and values of a group, below each other in `made`, and which of its tokens count, (tokens, m).
static void bring(const Heads& of, const Room& room, L group, const T* made, const T* counted) {
    const L each = of.heads * of.size * of.tokens * of.m;
    gather(of, group, made, room.q);
    gather(of, group, made + each, room.k);
    gather(of, group, made + 2 * each, room.v);
    if (counted)
        for (L t = 0; t < of.tokens; t++)
            for (L lane = 0; lane < LANES; lane++)
                room.counted[t * LANES + lane] = counted[t * of.m + (group * LANES + lane) % of.m];
}

extern "C" void attention_room(const Heads* of, L* up_and_down) {
    const Room room(*of, nullptr);
    up_and_down[0] = room.g - room.q, up_and_down[1] = room.end - room.q;
}

// One part of the work, of one replica; `room` is on a vector's border and the part's own.
extern "C" void attend(const Heads* heads, const T* made, const T* counted, T* out, T* at, L part, L parts) {
    const Heads& of = *heads;
    const Room room(of, at);
    const Span mine = part_of(of.groups(), part, parts);
    for (L group = mine.first; group < mine.first + mine.count; group++) {
        bring(of, room, group, made, counted);
        for (L first = 0; first < of.tokens; first += ROWS) {
            const L count = std::min(+ROWS, of.tokens - first);
            weigh(of, room, first, count, counted);
            mix(of, room, first, count, room.weights, room.v);
            scatter(of, group, room.block, first, count, out);
        }
    }
}

extern "C" void attend_back(const Heads* heads, const T* made, const T* counted, const T* delta, T* out, T* at, L part,
                            L parts) {
    const Heads& of = *heads;
    const Room room(of, at);
    const L each = of.heads * of.size * of.tokens * of.m;
    const Span mine = part_of(of.groups(), part, parts);
    for (L group = mine.first; group < mine.first + mine.count; group++) {
        bring(of, room, group, made, counted);
        gather(of, group, delta, room.g);
        memset(room.dk, 0, 2 * of.all_of_it() * sizeof(T));
        for (L first = 0; first < of.tokens; first += ROWS) {
            const L count = std::min(+ROWS, of.tokens - first);
            weigh(of, room, first, count, counted);
            const auto terms = [&](L i, L rows) { return Terms{of.seen(first + i, rows), 0, of.size}; };
            product({room.g + first * of.size * LANES, of.size, 1}, {room.v, of.size, 1}, count, terms, false,
                    room.scores, of.pitch());
            spread(of, first, count, room.weights, room.g, room.dv);
            for (L t = 0; t < count; t++)
                soften_back(room.weights + t * of.pitch() * LANES, room.scores + t * of.pitch() * LANES,
                            of.seen(first + t / A * A, std::min<L>(A, count - t / A * A)), 1 / std::sqrt((T)of.size));
            mix(of, room, first, count, room.scores, room.k);
            scatter(of, group, room.block, first, count, out);
            spread(of, first, count, room.scores, room.q, room.dk);
        }
        scatter(of, group, room.dk, 0, of.tokens, out + each);
        scatter(of, group, room.dv, 0, of.tokens, out + 2 * each);
    }
}
