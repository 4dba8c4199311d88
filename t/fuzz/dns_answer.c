/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers of name servers: what is read of one lies within it, and is of the
 * name that was asked for.
 */

#define _DEFAULT_SOURCE                 /* as the file that is included */

#include "fuzz.h"

#include "../../rspamd_plugin/tlsrpt_dns_query.c"

#define NAME  "_smtp._tls.a.example"


static void
check_records(const tlsrpt_dns_answer_t *answer, const uint8_t *bytes,
    size_t size)
{
    char                      *text;
    size_t                     i;
    const tlsrpt_dns_rdata_t  *rdata;

    CHECK(answer->nrecords <= TLSRPT_DNS_MAX_RECORDS);
    CHECK(strnlen(answer->cname, sizeof(answer->cname))
          < sizeof(answer->cname));

    for (i = 0; i < answer->nrecords; i++) {
        rdata = &answer->records[i];
        CHECK(rdata->data >= bytes && rdata->data + rdata->len <= bytes + size);

        text = malloc(rdata->len);          /* a write beyond it is seen */
        CHECK(text != NULL || rdata->len == 0);
        CHECK(tlsrpt_dns_text(rdata, text) <= rdata->len);
        free(text);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t              *bytes = malloc(size);
    tlsrpt_dns_answer_t   answer;

    CHECK(bytes != NULL || size == 0);
    memcpy(bytes, data, size);

    if (tlsrpt_dns_answer(&answer, bytes, size, NAME, ns_t_txt, 0x1234)) {
        check_records(&answer, bytes, size);
    }

    free(bytes);

    return 0;
}
