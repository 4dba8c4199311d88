/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A state, as its bytes and as the JSON within them: it is read within its
 * bounds, or nothing is kept; what was read is shown, and is the same when it
 * is written and read again.
 */

#include "fuzz.h"

#include "tlsrpt_state.h"
#include "tlsrpt_zstd.h"


static void
read_bytes(const void *bytes, size_t len, tlsrpt_state_t *state)
{
    tlsrpt_reply_t   reply = { TLSRPT_REPLY_STRING, 0, NULL, len, 0, NULL };
    char            *block = malloc(len ? len : 1);

    CHECK(block != NULL);
    memcpy(block, bytes, len);
    reply.str = block;
    CHECK(tlsrpt_state_read(&reply, state) == 0);
    free(block);

    CHECK((state->json != NULL) == (state->rules != 0));
    CHECK(!state->newer || state->json == NULL);
}


static void
show(const tlsrpt_state_t *state)
{
    const json_t  *worst = tlsrpt_state_worst(state);

    CHECK(tlsrpt_state_nopen(state) <= TLSRPT_STATE_OPEN);
    CHECK((worst != NULL) == (tlsrpt_state_nopen(state) > 0));
    CHECK(tlsrpt_state_severity(worst) <= 3);
    CHECK(tlsrpt_state_title(worst) != NULL);
    CHECK(tlsrpt_state_lost(state) != NULL);
}


static void
check(const void *bytes, size_t len)
{
    tlsrpt_buf_t     again = { NULL, 0, 0, 0 };
    tlsrpt_state_t   state, other;

    read_bytes(bytes, len, &state);
    show(&state);

    if (state.json != NULL) {
        CHECK(tlsrpt_state_write(state.json, &again) == 0);
        read_bytes(again.data, again.len, &other);
        CHECK(json_equal(state.json, other.json));
        tlsrpt_state_free(&other);
        tlsrpt_buf_free(&again);
    }

    tlsrpt_state_free(&state);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tlsrpt_buf_t  packed = { NULL, 0, 0, 0 };

    check(data, size);

    tlsrpt_buf_add(&packed, "1 1\n", 4);
    CHECK(tlsrpt_zstd_pack_problems(&packed, data, size) == 0);
    check(packed.data, packed.len);
    tlsrpt_buf_free(&packed);

    return 0;
}
