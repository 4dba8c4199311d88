/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_dns.h"


/* Commas, exclamation marks and semicolons must be encoded (RFC 8460 3). */

static size_t
put_uri(char *buf, size_t size, tlsrpt_str_t uri)
{
    size_t  n = 0;

    for (size_t i = 0; i < uri.len && n + 3 < size; i++) {
        if (uri.data[i] == ',' || uri.data[i] == '!' || uri.data[i] == ';') {
            n += (size_t) snprintf(buf + n, size - n, "%%%02X",
                                   (unsigned char) uri.data[i]);
        } else {
            buf[n++] = uri.data[i];
        }
    }

    return n;
}


/* mailto: comes first, because some senders use the first URI only. */

static size_t
make_tlsrpt(const tlsrpt_str_t *rua, size_t n, char *buf, size_t size)
{
    size_t  len = (size_t) snprintf(buf, size, "v=TLSRPTv1; rua="), put = 0;

    for (int others = 0; others < 2; others++) {
        for (size_t i = 0; i < n && len + 2 < size; i++) {
            if (tlsrpt_str_begins_in_any_case(rua[i], "mailto:") == others) {
                continue;
            }

            if (put++) {
                buf[len++] = ',';
            }

            len += put_uri(buf + len, size - len, rua[i]);
        }
    }

    buf[len] = '\0';
    return len;
}


json_t *
tlsrpt_dns_make(const tlsrpt_str_t *rua, size_t n)
{
    char     text[TLSRPT_MAX_RECORD];
    size_t   len = make_tlsrpt(rua, n, text, sizeof(text));
    json_t  *json = tlsrpt_dns_check(text, len);
    int      valid = json_is_true(json_object_get(json, "valid"));

    /* what is wrong is not to be pasted */
    if (json != NULL
        && json_object_set_new(json, "record", !valid ? json_null()
                               : json_pack("{s:s, s:s, s:s%}", "name",
                                           "_smtp._tls", "type", "TXT",
                                           "value", text, len))
           != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


/*
 * What to publish
 */

static int
add_record(json_t *records, const char *prefix, tlsrpt_str_t domain,
    const char *type, const char *value, const char *purpose)
{
    char  name[TLSRPT_DOMAIN_LEN + 32];

    snprintf(name, sizeof(name), "%s.%.*s", prefix, (int) domain.len,
             domain.data);

    return json_array_append_new(records,
                                 json_pack("{s:s, s:s, s:s, s:s}",
                                           "name", name, "type", type,
                                           "value", value, "purpose",
                                           purpose));
}


/* The host of the first https: URI: the name of this web server. */

static size_t
https_host(const tlsrpt_dns_domain_t *domain, char *host)
{
    for (size_t i = 0; i < domain->nrua; i++) {
        tlsrpt_str_t  uri = domain->rua[i];
        size_t        n = sizeof("https://") - 1, len = 0;

        if (!tlsrpt_str_begins_in_any_case(uri, "https://")) {
            continue;
        }

        while (n + len < uri.len
               && strchr("/?#:", uri.data[n + len]) == NULL)
        {
            len++;
        }

        len = tlsrpt_domain_normalize(uri.data + n, len, host);

        if (len) {
            return len;
        }
    }

    return 0;
}


static int
add_reporting(json_t *records, json_t *advice,
    const tlsrpt_dns_domain_t *domain)
{
    char      text[TLSRPT_MAX_RECORD];
    unsigned  https = 0, mailto = 0;

    for (size_t i = 0; i < domain->nrua; i++) {
        https += tlsrpt_str_begins_in_any_case(domain->rua[i], "https:") != 0;
        mailto += tlsrpt_str_begins_in_any_case(domain->rua[i], "mailto:") != 0;
    }

    if (domain->nrua == 0) {
        return json_array_append_new(advice, json_string(
                   "This server does not know under which address it takes "
                   "reports: name it with tlsrpt_report_uri, then the record "
                   "of TLS reporting appears here."));
    }

    make_tlsrpt(domain->rua, domain->nrua, text, sizeof(text));

    if (add_record(records, "_smtp._tls", domain->domain, "TXT", text,
                   "Asks senders for reports and tells where to send them.")
        != 0)
    {
        return -1;
    }

    if (https && mailto == 0) {
        return json_array_append_new(advice, json_string(
                   "Add a mailto: address beside https:, because some senders "
                   "never post reports but mail them: tlsrpt_report_uri takes "
                   "both."));
    }

    return 0;
}


/* What to do next in this mode; NULL: nothing. */

static const char *
mode_advice(int mode)
{
    switch (mode) {

    case MTA_STS_TESTING:
        return "The policy is in mode testing: nothing is enforced yet. When "
               "the reports have shown no failures for some weeks, change "
               "it to mode=enforce.";

    case MTA_STS_NONE:
        return "The policy is in mode none, which ends MTA-STS. Publish this "
               "id and serve the policy until the largest max_age that was "
               "ever served has passed; then the records and the policy can "
               "be removed (RFC 8461 8.3).";

    default:
        return NULL;
    }
}


static int
add_policy(json_t *records, json_t *advice, const tlsrpt_dns_domain_t *domain)
{
    char         text[64], host[TLSRPT_DOMAIN_LEN + 2];
    size_t       len;
    const char  *next;

    if (domain->policy_id.data == NULL) {
        return json_array_append_new(advice, json_string(
                   "No MTA-STS policy is served here for the domain, so "
                   "senders may be made to deliver without encryption: "
                   "mta_sts_policy sets one up. Begin with mode=testing."));
    }

    snprintf(text, sizeof(text), "v=STSv1; id=%.*s",
             (int) (domain->policy_id.len > 32 ? 32 : domain->policy_id.len),
             domain->policy_id.data);

    if (add_record(records, "_mta-sts", domain->domain, "TXT", text,
                   "Tells senders that there is a policy; the id changes with "
                   "it, so publish it again after each change.")
        != 0)
    {
        return -1;
    }

    len = https_host(domain, host);

    if (len) {
        memcpy(host + len, ".", 2);

        if (add_record(records, "mta-sts", domain->domain, "CNAME",
                       host, "Leads senders to this web server, "
                       "which serves the policy; it needs a certificate for "
                       "the name on the left.")
            != 0)
        {
            return -1;
        }

    } else if (json_array_append_new(advice, json_string(
                   "Publish A and AAAA records, or a CNAME, for the name "
                   "mta-sts under the domain that lead to this web server, "
                   "and get a certificate for that name."))
               != 0)
    {
        return -1;
    }

    next = mode_advice(domain->mode);

    return next ? json_array_append_new(advice, json_string(next)) : 0;
}


json_t *
tlsrpt_dns_records(const tlsrpt_dns_domain_t *domain)
{
    json_t  *records = json_array(), *advice = json_array();

    if (records == NULL || advice == NULL
        || add_reporting(records, advice, domain) != 0
        || add_policy(records, advice, domain) != 0)
    {
        json_decref(records);
        json_decref(advice);
        return NULL;
    }

    return json_pack("{s:s%, s:o, s:o}", "domain", domain->domain.data,
                     domain->domain.len, "records", records, "advice", advice);
}


/* A TXT record's text as strings of 255 bytes at most (RFC 1035 3.3.14). */

static size_t
put_strings(char *buf, size_t size, const char *text)
{
    size_t  n = 0, len = strlen(text);

    while (len && n + 260 < size) {
        size_t  piece = len > 255 ? 255 : len;

        n += (size_t) snprintf(buf + n, size - n, "%s\"%.*s\"", n ? " " : "",
                               (int) piece, text);
        text += piece;
        len -= piece;
    }

    buf[n] = '\0';
    return n;
}


char *
tlsrpt_dns_zone(const json_t *records, size_t *len)
{
    int      n;
    char     value[2 * TLSRPT_MAX_RECORD], *zone, *p;
    size_t   i, size;
    json_t  *list = json_object_get(records, "records"), *r;

    size = json_array_size(list) * (sizeof(value) + 1024) + 1;
    zone = malloc(size);
    p = zone;

    if (zone == NULL) {
        return NULL;
    }

    *p = '\0';

    json_array_foreach(list, i, r) {
        const char  *type = json_string_value(json_object_get(r, "type"));
        const char  *text = json_string_value(json_object_get(r, "value"));

        if (strcmp(type, "TXT") == 0) {
            put_strings(value, sizeof(value), text);

        } else {
            snprintf(value, sizeof(value), "%s", text);
        }

        n = snprintf(p, size - (size_t) (p - zone), "; %s\n%s. 3600 IN %s %s\n",
                     json_string_value(json_object_get(r, "purpose")),
                     json_string_value(json_object_get(r, "name")), type,
                     value);

        if (n > 0 && (size_t) n < size - (size_t) (p - zone)) {
            p += n;
        }
    }

    *len = (size_t) (p - zone);
    return zone;
}
