/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tlsrpt_identity.h"
#include "tlsrpt_record.h"


/* Length first, so that no two lists of strings look alike. */

static void
add(tlsrpt_buf_t *buf, tlsrpt_str_t s)
{
    tlsrpt_buf_varint(buf, s.data == NULL ? 0 : s.len + 1);
    tlsrpt_buf_add(buf, s.data, s.len);
}


static void
add_list(tlsrpt_buf_t *buf, const tlsrpt_str_t *list, size_t n)
{
    tlsrpt_buf_varint(buf, n);

    for (size_t i = 0; i < n; i++) {
        add(buf, list[i]);
    }
}


static void
add_policy(tlsrpt_buf_t *buf, const tlsrpt_policy_t *policy)
{
    add(buf, policy->policy_type);
    add_list(buf, policy->policy_string, policy->npolicy_string);
    add_list(buf, policy->mx_host, policy->nmx_host);
    tlsrpt_buf_varint(buf, policy->successful);
    tlsrpt_buf_varint(buf, policy->failure);
    tlsrpt_buf_varint(buf, policy->beyond);
    tlsrpt_buf_varint(buf, policy->ndetails);

    for (size_t i = 0; i < policy->ndetails; i++) {
        const tlsrpt_detail_t  *d = &policy->details[i];

        add(buf, d->result_type);
        add(buf, d->sending_mta_ip);
        add(buf, d->receiving_mx_hostname);
        add(buf, d->receiving_mx_helo);
        add(buf, d->receiving_ip);
        add(buf, d->additional_information);
        add(buf, d->failure_reason_code);
        tlsrpt_buf_varint(buf, d->failed_session_count);
    }
}


/* To look it up takes OpenSSL 3 longer than to use it. */

static const EVP_MD *
sha256(void)
{
    static EVP_MD  *md;

    if (md == NULL) {
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    }

    return md;
}


int
tlsrpt_identity(const tlsrpt_report_t *report, unsigned domain,
    unsigned char digest[TLSRPT_DIGEST_LEN])
{
    int            rc, id_tells;
    unsigned char  md[EVP_MAX_MD_SIZE];
    tlsrpt_buf_t   buf = { NULL, 0, 0, 0 };

    /* Of a report-id that was cut too little is left: up to three bytes more
       than the bound went with the last character. */
    id_tells = report->report_id.data != NULL
               && report->report_id.len <= TLSRPT_MAX_STRING - 4;

    add(&buf, report->organization_name);
    add(&buf, report->report_id);
    add(&buf, report->domains[domain]);
    tlsrpt_buf_varint(&buf, (uint64_t) report->start);
    tlsrpt_buf_varint(&buf, (uint64_t) report->end);

    for (size_t i = 0; i < report->npolicies; i++) {
        if (!id_tells && report->policies[i].domain == domain) {
            add_policy(&buf, &report->policies[i]);
        }
    }

    rc = !buf.failed && sha256() != NULL
         && EVP_Digest(buf.data, buf.len, md, NULL, sha256(), NULL)
         ? 0 : -1;

    free(buf.data);

    if (rc == 0) {
        memcpy(digest, md, TLSRPT_DIGEST_LEN);
    }

    return rc;
}
