/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The most recent of many: as sorting them would have it.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_recent.h"

#define N  5000

static uint64_t  times[N];


static int
latest_first(const void *one, const void *two)
{
    const uint64_t  *a = one, *b = two;

    return (*a < *b) - (*a > *b);
}


static void
try(size_t n, size_t max, const char *name)
{
    size_t           taken = 0, wrong = 0, same = 0, want_same = 0;
    uint64_t         least, sorted[N];
    tlsrpt_recent_t  recent = { NULL, 0, 0, 0, 0 };

    for (size_t i = 0; i < n; i++) {
        wrong += tlsrpt_recent_note(&recent, times[i]) != 0;
    }

    memcpy(sorted, times, n * sizeof(*times));
    qsort(sorted, n, sizeof(*sorted), latest_first);
    least = max && max <= n ? sorted[max - 1] : 0;

    for (size_t i = 0; i < max && i < n; i++) {
        want_same += sorted[i] == least;
    }

    tlsrpt_recent_choose(&recent, max);

    for (size_t i = 0; i < n; i++) {
        int  take = tlsrpt_recent_take(&recent, times[i]);

        taken += (size_t) take;
        same += take && times[i] == least;
        wrong += max && times[i] > least && !take;
        wrong += times[i] < least && take;
    }

    is_int((long long) taken, (long long) (max < n ? max : n), "%s: so many",
           name);
    is_int((long long) wrong, 0, "the most recent ones");
    ok(max > n || same == want_same, "of the least as many as fit");
    tlsrpt_recent_free(&recent);
}


int
main(void)
{
    unsigned  seed = 1;

    for (size_t i = 0; i < N; i++) {
        seed = seed * 1103515245u + 12345u;
        times[i] = 1700000000 + (seed >> 8) % 100000000;
    }

    try(N, 1000, "many");
    try(N, 1, "one of many");
    try(N, N - 1, "all but one");
    try(N, N, "all");
    try(N, 2 * N, "more than there are");
    try(1, 1, "one");
    try(0, 1, "none");

    for (size_t i = 0; i < N; i++) {
        times[i] = 1700000000 + i % 3;
    }

    try(N, 100, "many that are the same");
    try(N, N / 3 + 10, "some that are the same");

    for (size_t i = 0; i < N; i++) {
        times[i] = i % 2 ? (uint64_t) 1 << 40 : 0;
    }

    try(N, N / 2, "the bounds");

    return done();
}
