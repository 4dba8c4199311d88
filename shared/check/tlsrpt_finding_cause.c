/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_finding.h"


int
tlsrpt_finding_about(tlsrpt_str_t cause, tlsrpt_about_t *about,
    tlsrpt_str_t *mx)
{
    mx->data = cause.data;
    mx->len = 0;

    if (tlsrpt_str_is(cause, "policy")) {
        *about = TLSRPT_ABOUT_POLICY;

    } else if (tlsrpt_str_is(cause, "record _smtp._tls")) {
        *about = TLSRPT_ABOUT_REPORTING;

    } else if (tlsrpt_str_is(cause, "record _mta-sts")) {
        *about = TLSRPT_ABOUT_STS;

    } else if (tlsrpt_str_begins(cause, "domain ")) {
        *about = TLSRPT_ABOUT_DOMAIN;

    } else if (tlsrpt_str_begins(cause, "mx ")) {
        *about = TLSRPT_ABOUT_MX;
        mx->data += 3;
        mx->len = cause.len - 3;

    } else {
        return -1;
    }

    return 0;
}


json_t *
tlsrpt_finding_cause(const tlsrpt_finding_t *finding)
{
    switch (finding->about) {

    case TLSRPT_ABOUT_REPORTING:
        return json_string("record _smtp._tls");

    case TLSRPT_ABOUT_STS:
        return json_string("record _mta-sts");

    case TLSRPT_ABOUT_POLICY:
        return json_string("policy");

    default:
        return json_sprintf("%s %.*s",
                            finding->about == TLSRPT_ABOUT_MX ? "mx" : "domain",
                            (int) finding->mx.len, finding->mx.data);
    }
}
