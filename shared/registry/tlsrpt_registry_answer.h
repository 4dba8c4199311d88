/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is answered of enrolled domains: one as JSON, with the records to
 * publish; a line to enrol it elsewhere; its part of the provider's zone.
 */

#ifndef TLSRPT_REGISTRY_ANSWER_H
#define TLSRPT_REGISTRY_ANSWER_H

#include "tlsrpt_buf.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_registry_record.h"

#pragma GCC visibility push(hidden)

/* Where this server is, as its configuration has it; all zeroes: not known. */
typedef struct {
    const tlsrpt_str_t  *uris;              /* tlsrpt_report_uri, TLSRPT_MAX_RUA
                                               at most */
    size_t               nuris;
    tlsrpt_str_t         zone;              /* tlsrpt_zone; data NULL: none */
} tlsrpt_provider_t;

/* The policy that a domain serves now; all zeroes: none. */
typedef struct {
    int           is_served;
    int           mode;
    char          id[MTA_STS_ID_LEN + 1];
    json_t       *json;                     /* {"mode","max-age","mx"}, owned;
                                               NULL: none */
} tlsrpt_served_t;

/* Of an enrolment; other: the holder of what it is same-as, NULL where it is
   configured or none (then the host fills it, by _of).  0, -1: no memory. */
int tlsrpt_served_read(tlsrpt_served_t *served, const tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *other, int64_t now) TLSRPT_MUST_USE;
int tlsrpt_served_of(tlsrpt_served_t *served, const mta_sts_policy_t *policy)
    TLSRPT_MUST_USE;
void tlsrpt_served_free(tlsrpt_served_t *served);

/* The report URI of a token, as records name it: LOCATION/TOKEN of the first
   https:; the address, local+TOKEN@host of the first mailto:.  Length, 0: none.
   buf: TLSRPT_URI_SIZE bytes. */
#define TLSRPT_URI_SIZE  1024
size_t tlsrpt_report_uri(const tlsrpt_provider_t *provider, tlsrpt_str_t token,
    char *buf);
size_t tlsrpt_report_address(const tlsrpt_provider_t *provider,
    tlsrpt_str_t token, char *buf);

/* D: {"domain","state","owner","since","ends"?,"report-uri","report-address",
   "verification":{"name","value"},"records":[{"name","host","type","value",
   "purpose","order"}],"policy","id","same-as"?,"contact"?}.  served: of a
   pending one what will be served.  NULL: no memory. */
json_t *tlsrpt_enrolment_json(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served, const tlsrpt_provider_t *provider)
    TLSRPT_MUST_USE;

/* In a list: {"domain","state","owner","since","ends"?,"id","same-as"?}. */
json_t *tlsrpt_enrolment_line(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served) TLSRPT_MUST_USE;

/* Appends a line of JSON with a newline: "domain", and the members of a PUT
   that enrols it elsewhere.  A leaving one has no line.  0, -1: no memory. */
int tlsrpt_enrolment_export(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    tlsrpt_buf_t *out) TLSRPT_MUST_USE;

/* Appends the provider's zone: what stands before all domains (serial: any
   number that grows); then the TXT records behind the CNAMEs of one, held.
   0, -1: no memory. */
int tlsrpt_zone_begin(const tlsrpt_provider_t *provider, uint64_t serial,
    tlsrpt_buf_t *out) TLSRPT_MUST_USE;
int tlsrpt_zone_add(const tlsrpt_provider_t *provider,
    const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served, tlsrpt_buf_t *out) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_ANSWER_H */
