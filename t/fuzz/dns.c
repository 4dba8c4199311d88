/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * DNS records: one that somebody wrote is judged, at bytes that there are; of
 * URIs that somebody wrote is made one that is no longer than it may be, and a
 * zone.
 */

#include "fuzz.h"

#include "tlsrpt_dns.h"


static void
check_notes(json_t *json, const char *list, size_t size)
{
    size_t   i;
    json_t  *note;

    json_array_foreach(json_object_get(json, list), i, note) {
        json_int_t  at = json_integer_value(json_object_get(note, "at"));

        CHECK(at >= 0 && (size_t) at <= size);
        CHECK(json_string_length(json_object_get(note, "message")) > 0);
        CHECK(json_string_length(json_object_get(note, "section")) > 0);
    }
}


static void
check_answer(json_t *json, size_t size)
{
    CHECK(json != NULL);
    CHECK(json_is_true(json_object_get(json, "valid"))
          == (json_array_size(json_object_get(json, "errors")) == 0));
    CHECK(json_array_size(json_object_get(json, "rua")) <= TLSRPT_MAX_RUA);
    check_notes(json, "errors", size);
    check_notes(json, "warnings", size);
}


static void
check_record(const uint8_t *data, size_t size)
{
    char    *text = malloc(size);           /* a read beyond it is seen */
    json_t  *json;

    CHECK(text != NULL || size == 0);
    memcpy(text, data, size);
    json = tlsrpt_dns_check(text, size);
    check_answer(json, size);
    json_decref(json);
    free(text);
}


/* A zone is text of whole lines, without what could end a string of it. */

static void
check_zone(const tlsrpt_dns_domain_t *domain)
{
    char    *zone;
    size_t   len;
    json_t  *json = tlsrpt_dns_records(domain);

    CHECK(json != NULL);
    zone = tlsrpt_dns_zone(json, &len);
    CHECK(zone != NULL && strlen(zone) == len);
    CHECK(len == 0 || zone[len - 1] == '\n');
    free(zone);
    json_decref(json);
}


/* URIs that the record of the input holds are those of a directive: they have
   been checked. */

static void
make(const char *text, size_t len)
{
    size_t                i;
    json_t               *json = tlsrpt_dns_check(text, len), *uri;
    tlsrpt_dns_domain_t   domain;

    memset(&domain, 0, sizeof(domain));
    domain.domain.data = "example.com";
    domain.domain.len = 11;
    domain.policy_id.data = len % 2 ? "20260101" : NULL;
    domain.policy_id.len = len % 2 ? 8 : 0;
    domain.mode = len % 3;

    if (json_is_true(json_object_get(json, "valid"))) {
        json_array_foreach(json_object_get(json, "rua"), i, uri) {
            domain.rua[i].data = json_string_value(uri);
            domain.rua[i].len = json_string_length(uri);
            domain.nrua = i + 1;
        }

        check_zone(&domain);
    }

    json_decref(json);
}


/* Of a line each, whatever it is. */

static void
make_of_lines(const uint8_t *data, size_t size)
{
    size_t         n = 0, len;
    json_t        *json;
    tlsrpt_str_t   rua[TLSRPT_MAX_RUA];
    const uint8_t *end;

    while (size && n < TLSRPT_MAX_RUA) {
        end = memchr(data, '\n', size);
        len = end != NULL ? (size_t) (end - data) : size;
        rua[n].data = (const char *) data;
        rua[n++].len = len;
        len += end != NULL;
        data += len;
        size -= len;
    }

    json = tlsrpt_dns_make(rua, n);

    if (json != NULL) {                     /* not where it is no UTF-8 */
        check_answer(json, TLSRPT_MAX_RECORD);
        CHECK(json_string_length(json_object_get(
                  json_object_get(json, "record"), "value"))
              <= TLSRPT_MAX_RECORD);
    }

    json_decref(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_record(data, size);
    make((const char *) data, size);
    make_of_lines(data, size);

    return 0;
}
