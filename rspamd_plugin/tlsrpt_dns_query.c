/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE                 /* of <resolv.h> */
#endif

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>
#include <strings.h>

#include "tlsrpt_dns_query.h"


/* Of the header's third and fourth byte (RFC 1035 4.1.1, RFC 4035 3.2) */
#define TLSRPT_DNS_RECURSION  0x01
#define TLSRPT_DNS_AUTHENTIC  0x20
#define TLSRPT_DNS_NO_CHECK   0x10


size_t
tlsrpt_dns_question(const char *name, unsigned type, unsigned id,
    tlsrpt_dns_whom_t whom, unsigned char buf[TLSRPT_DNS_MAX_QUESTION])
{
    int                 len;
    struct __res_state  state;

    /* glibc's own would be that of /etc/resolv.conf; this one says nothing,
       so that no recursion is wanted */
    memset(&state, 0, sizeof(state));
    state.options = RES_INIT;

    len = res_nmkquery(&state, ns_o_query, name, ns_c_in, (int) type, NULL, 0,
                       NULL, buf, TLSRPT_DNS_MAX_QUESTION);

    if (len < NS_HFIXEDSZ) {
        return 0;
    }

    ns_put16((unsigned short) id, buf);

    if (whom != TLSRPT_DNS_OF_ZONE) {
        buf[2] |= TLSRPT_DNS_RECURSION;
        buf[3] |= whom == TLSRPT_DNS_UNCHECKED ? TLSRPT_DNS_NO_CHECK
                                               : TLSRPT_DNS_AUTHENTIC;
    }

    return (size_t) len;
}


/* Whether the question that comes back with an answer is the one. */
static int
tlsrpt_dns_is_question(ns_msg *msg, const char *name, unsigned type)
{
    ns_rr  rr;

    return ns_msg_count(*msg, ns_s_qd) == 1
           && ns_parserr(msg, ns_s_qd, 0, &rr) == 0
           && ns_rr_type(rr) == type
           && ns_rr_class(rr) == ns_c_in
           && strcasecmp(ns_rr_name(rr), name) == 0;
}


static int
tlsrpt_dns_add(tlsrpt_dns_answer_t *answer, ns_msg *msg, ns_rr *rr,
    unsigned type)
{
    tlsrpt_dns_rdata_t  *rdata;

    if (ns_rr_type(*rr) == type) {

        if (answer->nrecords < TLSRPT_DNS_MAX_RECORDS) {
            rdata = &answer->records[answer->nrecords++];
            rdata->data = ns_rr_rdata(*rr);
            rdata->len = ns_rr_rdlen(*rr);
        }

        return 1;
    }

    if (ns_rr_type(*rr) == ns_t_cname) {
        return ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg),
                                  ns_rr_rdata(*rr), answer->cname,
                                  sizeof(answer->cname)) >= 0;
    }

    return 1;
}


int
tlsrpt_dns_answer(tlsrpt_dns_answer_t *answer, const unsigned char *bytes,
    size_t len, const char *name, unsigned type, unsigned id)
{
    int     i, n;
    ns_rr   rr;
    ns_msg  msg;

    memset(answer, 0, sizeof(tlsrpt_dns_answer_t));

    if (len < NS_HFIXEDSZ || len > TLSRPT_DNS_MAX_ANSWER
        || ns_initparse(bytes, (int) len, &msg) != 0
        || ns_msg_id(msg) != id
        || ns_msg_getflag(msg, ns_f_qr) != 1
        || ns_msg_getflag(msg, ns_f_opcode) != ns_o_query
        || !tlsrpt_dns_is_question(&msg, name, type))
    {
        return 0;
    }

    answer->rcode = (unsigned) ns_msg_getflag(msg, ns_f_rcode);
    answer->authoritative = (unsigned) ns_msg_getflag(msg, ns_f_aa) & 1;
    answer->cut = (unsigned) ns_msg_getflag(msg, ns_f_tc) & 1;
    answer->authentic = (unsigned) ns_msg_getflag(msg, ns_f_ad) & 1;

    n = ns_msg_count(msg, ns_s_an);

    for (i = 0; i < n; i++) {

        if (ns_parserr(&msg, ns_s_an, i, &rr) != 0) {
            return 0;
        }

        if (ns_rr_class(rr) == ns_c_in
            && strcasecmp(ns_rr_name(rr), name) == 0
            && !tlsrpt_dns_add(answer, &msg, &rr, type))
        {
            return 0;
        }
    }

    return 1;
}


size_t
tlsrpt_dns_text(const tlsrpt_dns_rdata_t *rdata, char *buf)
{
    size_t  at, n, len = 0;

    for (at = 0; at < rdata->len; at += n) {
        n = rdata->data[at++];

        if (n > rdata->len - at) {
            n = rdata->len - at;
        }

        memcpy(buf + len, rdata->data + at, n);
        len += n;
    }

    return len;
}
