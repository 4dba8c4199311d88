/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A listing of a report, as somebody may have written it into Redis: what is
 * taken has times and counts within their bounds, and can be shown.
 */

#include "fuzz.h"

#include "tlsrpt_entry.h"
#include "tlsrpt_time.h"


static void
check_time(int64_t time)
{
    CHECK(time >= 0 && time < TLSRPT_TIME_END);
}


static void
check_entry(const tlsrpt_entry_t *entry)
{
    char           *text;
    json_t         *json = tlsrpt_entry_json(entry);
    int32_t         day;
    unsigned char   digest[TLSRPT_DIGEST_LEN];

    check_time(entry->start);
    check_time(entry->end);
    check_time(entry->received);
    CHECK(entry->via == TLSRPT_VIA_HTTPS || entry->via == TLSRPT_VIA_MAIL);
    CHECK(entry->successful <= TLSRPT_MAX_COUNT);
    CHECK(entry->failure <= TLSRPT_MAX_COUNT);
    CHECK(entry->nwarnings <= TLSRPT_MAX_COUNT);
    CHECK(tlsrpt_id_parse(entry->id, strlen(entry->id), &day, digest) == 0);
    CHECK(day == 20000 && memcmp(digest, "12345678", 8) == 0);

    CHECK(json_is_object(json));
    text = json_dumps(json, JSON_ENSURE_ASCII);
    CHECK(text != NULL);
    free(text);
    json_decref(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *text = malloc(size + 1);
    int32_t           day;
    tlsrpt_entry_t    entry;
    tlsrpt_reply_t    digest = { .type = TLSRPT_REPLY_STRING,
                                 .str = "12345678", .len = TLSRPT_DIGEST_LEN };
    tlsrpt_reply_t    value = { .type = TLSRPT_REPLY_STRING, .len = size };
    unsigned char     id[TLSRPT_DIGEST_LEN];

    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    value.str = text;

    if (tlsrpt_entry_decode(&entry, 20000, &digest, &value) == 0) {
        check_entry(&entry);
        tlsrpt_entry_free(&entry);
    }

    /* an id of a report, too, is anybody's */
    (void) !tlsrpt_id_parse(text, size, &day, id);
    free(text);

    return 0;
}
