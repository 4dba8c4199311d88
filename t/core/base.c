/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The smallest pieces: strings, counts, hashes, bytes that grow.
 */

#include "tap.h"
#include "tlsrpt_buf.h"
#include "tlsrpt_count.h"
#include "tlsrpt_hash.h"
#include "tlsrpt_str.h"

#define MAX  TLSRPT_MAX_COUNT


static void
test_str(void)
{
    tlsrpt_str_t  none = { NULL, 0 }, empty = TLSRPT_STR("");
    tlsrpt_str_t  a = TLSRPT_STR("a"), aa = TLSRPT_STR("aa");

    ok(tlsrpt_str_equal(none, none), "not given, twice");
    ok(!tlsrpt_str_equal(none, empty), "not given, and empty");
    ok(tlsrpt_str_equal(empty, empty), "empty, twice");
    ok(!tlsrpt_str_equal(a, aa), "a prefix is not equal");
    ok(tlsrpt_str_is(aa, "aa") && !tlsrpt_str_is(aa, "a")
       && !tlsrpt_str_is(a, "aa"), "the text, all of it");
    ok(tlsrpt_str_begins(aa, "a") && !tlsrpt_str_begins(a, "aa"), "begins");
    ok(tlsrpt_str_begins_in_any_case(TLSRPT_STR("HtTpS://"), "https:"),
       "begins in any case");
    ok(!tlsrpt_str_begins_in_any_case(TLSRPT_STR("http"), "https:"),
       "too short to begin so");
    ok(!tlsrpt_str_begins_in_any_case(TLSRPT_STR("mailto:"), "https:"),
       "begins otherwise");
}


static void
test_count(void)
{
    is_int((long long) tlsrpt_count_add(MAX, MAX), (long long) MAX,
           "MAX + MAX");
    is_int((long long) tlsrpt_count_add(UINT64_MAX, 1), (long long) MAX,
           "2^64");
    is_int((long long) tlsrpt_count_add(1, UINT64_MAX), (long long) MAX,
           "1 + 2^64");
    is_int((long long) tlsrpt_count_add(MAX - 1, 1), (long long) MAX,
           "just so");
}


/* Keys in the order of one table must not fill another in that order. */

static void
test_hash(void)
{
    int       tables[2];
    uint64_t  one = tlsrpt_hash_seed(&tables[0]);

    ok(one != tlsrpt_hash_seed(&tables[1]), "each table has a seed of its own");
    ok(one == tlsrpt_hash_seed(&tables[0]), "and keeps it");
    ok(tlsrpt_hash(one, "abc", 3)
       != tlsrpt_hash(tlsrpt_hash_seed(&tables[1]), "abc", 3),
       "its hashes differ");
}


static void
test_buf(void)
{
    char          big[2000] = { 'x' };
    tlsrpt_buf_t  buf = { NULL, 0, 0, 0 };

    tlsrpt_buf_add(&buf, NULL, 0);
    ok(buf.data == NULL, "nothing added, nothing taken");

    tlsrpt_buf_varint(&buf, 0);
    tlsrpt_buf_varint(&buf, 300);
    tlsrpt_buf_varint(&buf, UINT64_MAX);
    is_int((long long) buf.len, 1 + 2 + 10, "lengths of numbers");
    ok(memcmp(buf.data, "\0\xac\x02\xff", 4) == 0, "and their bytes");

    tlsrpt_buf_reset(&buf, 4096);
    ok(buf.data != NULL && buf.len == 0, "a little is kept");

    for (int i = 0; i < 10; i++) {
        tlsrpt_buf_add(&buf, big, sizeof(big));
    }

    is_int((long long) buf.len, 20000, "it grows");
    is_int(buf.data[18000], 'x', "and keeps what is in it");
    tlsrpt_buf_reset(&buf, 4096);
    ok(buf.data == NULL && buf.size == 0, "much is given back");
}


int
main(void)
{
    test_str();
    test_count();
    test_hash();
    test_buf();

    return done();
}
