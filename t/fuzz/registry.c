/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A record of the registry -> record -> text: what is taken is written as what
 * means the same, and whatever is done with it ends in a record that can be
 * read.  The body of a PUT: what is taken can be written as a record; of what
 * is not, something is said.
 */

#include "fuzz.h"

#include "tlsrpt_registry.h"

#define DOMAIN  "example.com"


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


/* With a version before it. */

static tlsrpt_registry_record_t *
reread(const tlsrpt_registry_record_t *record)
{
    int                        broken;
    tlsrpt_buf_t               buf = { NULL, 0, 0, 0 };
    tlsrpt_registry_record_t  *again;

    tlsrpt_buf_add(&buf, "7 ", 2);
    CHECK(tlsrpt_registry_record_write(record, &buf) == 0);
    again = tlsrpt_registry_record_read(buf.data, buf.len, &broken);
    CHECK(again != NULL);
    tlsrpt_buf_free(&buf);

    return again;
}


static void
check_same(const tlsrpt_registry_record_t *a, const tlsrpt_registry_record_t *b)
{
    tlsrpt_buf_t  one = { NULL, 0, 0, 0 }, two = { NULL, 0, 0, 0 };

    CHECK(tlsrpt_registry_record_write(a, &one) == 0);
    CHECK(tlsrpt_registry_record_write(b, &two) == 0);
    CHECK(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
    tlsrpt_buf_free(&one);
    tlsrpt_buf_free(&two);
}


static void
check_change(const tlsrpt_change_t *change, tlsrpt_registry_record_t *record)
{
    tlsrpt_command_t  *command;

    CHECK(change->status != TLSRPT_CHANGE_MEMORY);

    if (change->status == TLSRPT_CHANGE_OK) {
        CHECK(change->json.len <= TLSRPT_RECORD_SIZE + 40000);
        command = tlsrpt_registry_put_command(str("t"), change);
        CHECK(command != NULL);
        tlsrpt_command_destroy(command);
        tlsrpt_registry_record_destroy(reread(record));
    }
}


static void
do_all(tlsrpt_registry_record_t *record, const tlsrpt_enrol_body_t *body)
{
    tlsrpt_str_t         value = str("bbbbbbbbbbbbbbbbbbbbbbbbbb");
    tlsrpt_shown_t       shown = { 1, &value, 1, 1, NULL, 0 };
    tlsrpt_other_t       other;
    tlsrpt_change_t      change;
    tlsrpt_change_how_t  how;

    memset(&change, 0, sizeof(change));
    memset(&how, 0, sizeof(how));
    how.domain = str(DOMAIN);
    how.now = 1800000000;
    how.is_operator = 1;
    tlsrpt_other_configured(&other, 86400, how.now);

    tlsrpt_change_looked(&change, record, &how, &shown, &other);
    check_change(&change, record);
    tlsrpt_change_put(&change, record, &how, body, &other, &other);
    check_change(&change, record);
    tlsrpt_change_leave(&change, record, &how, 0, &other, NULL, 0);
    check_change(&change, record);
    how.now += 1000 * 86400;
    tlsrpt_change_expire(&change, record, &how, NULL, 0);
    CHECK(change.status != TLSRPT_CHANGE_MEMORY);
    tlsrpt_change_free(&change);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                          broken = 0;
    char                        *text = malloc(size + 1);
    unsigned                     status;
    tlsrpt_enrol_error_t         error;
    static tlsrpt_enrol_body_t   body;
    tlsrpt_registry_record_t    *record, *again;

    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';

    status = tlsrpt_enrol_body_read(text, size, &body, &error);
    CHECK(status == 0 || error.text[0] != '\0');

    if (status) {
        memset(&body, 0, sizeof(body));
        body.policy.mode = -1;
    }

    record = tlsrpt_registry_record_read(text, size, &broken);

    if (record != NULL && !record->newer && size) {
        again = reread(record);
        check_same(record, again);
        tlsrpt_registry_record_destroy(again);
    }

    if (record == NULL) {
        CHECK(broken);
        record = tlsrpt_registry_record_read(NULL, 0, &broken);
        CHECK(record != NULL);
    }

    do_all(record, &body);
    tlsrpt_registry_record_destroy(record);
    free(text);

    return 0;
}
