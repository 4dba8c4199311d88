/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpsl.h>

#include "tlsrpt_dns.h"


/* Of a record's name, beside the domain's. */
#define MAX_LABELS  32


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

typedef struct {
    const tlsrpt_dns_domain_t  *domain;
    json_t                     *records;
    json_t                     *advice;
    const char                 *zone;       /* of a panel */
    int                         behind;     /* in the provider's zone */
} dns_t;


/* What a panel calls the zone: a domain below a public suffix. */

static const char *
zone_of(const tlsrpt_dns_domain_t *domain, char name[TLSRPT_DOMAIN_LEN + 1])
{
    const char  *zone;

    snprintf(name, TLSRPT_DOMAIN_LEN + 1, "%.*s", (int) domain->domain.len,
             domain->domain.data);
    zone = psl_registrable_domain(psl_builtin(), name);

    return zone ? zone : name;
}


/* The part of the name before the zone. */

static size_t
host_len(const char *name, const char *zone)
{
    size_t  len = strlen(name), n = strlen(zone);

    return len > n + 1 && strcmp(name + len - n, zone) == 0 ? len - n - 1
                                                            : len;
}


/* Each is to be published after those that were added before it. */

static int
add_record(const dns_t *dns, const char *name, const char *type,
    const char *value, const char *purpose)
{
    const int  order = (int) json_array_size(dns->records) + 1;

    return json_array_append_new(dns->records,
               json_pack("{s:s, s:s%, s:s, s:s, s:s, s:i}", "name", name,
                         "host", name, host_len(name, dns->zone), "type", type,
                         "value", value, "purpose", purpose, "order", order));
}


/* "PREFIX.DOMAIN"; in the provider's zone "DOMAIN.PREFIX.ZONE". */

static void
put_name(const dns_t *dns, const char *prefix, int behind,
    char name[2 * TLSRPT_DOMAIN_LEN + MAX_LABELS])
{
    const tlsrpt_str_t  domain = dns->domain->domain, zone = dns->domain->zone;

    if (behind) {
        snprintf(name, 2 * TLSRPT_DOMAIN_LEN + MAX_LABELS, "%.*s.%s.%.*s",
                 (int) domain.len, domain.data, prefix, (int) zone.len,
                 zone.data);
    } else {
        snprintf(name, 2 * TLSRPT_DOMAIN_LEN + MAX_LABELS, "%s.%.*s", prefix,
                 (int) domain.len, domain.data);
    }
}


/* Can there be a record of that name in the provider's zone? */

static int
has_alias(const dns_t *dns)
{
    const tlsrpt_dns_domain_t  *d = dns->domain;

    return d->zone.data != NULL
           && d->domain.len + sizeof(".._smtp._tls") - 1 + d->zone.len
              <= TLSRPT_DOMAIN_LEN;
}


/* A TXT record, or, where the provider keeps it, an alias of it. */

static int
add_text(const dns_t *dns, const char *prefix, const char *text,
    const char *purpose)
{
    char  name[2 * TLSRPT_DOMAIN_LEN + MAX_LABELS];
    char  target[2 * TLSRPT_DOMAIN_LEN + MAX_LABELS];

    put_name(dns, prefix, dns->behind, name);

    if (dns->behind || !has_alias(dns)) {
        return add_record(dns, name, "TXT", text, purpose);
    }

    put_name(dns, prefix, 1, target);
    memcpy(target + strlen(target), ".", 2);

    return add_record(dns, name, "CNAME", target, purpose);
}


/* An alias of what the domain has below the prefix that this one is the same
   as, or any other name, without the final dot. */

static int
add_alias(const dns_t *dns, const char *prefix, const char *before,
    tlsrpt_str_t target, const char *purpose)
{
    char  name[2 * TLSRPT_DOMAIN_LEN + MAX_LABELS];
    char  value[TLSRPT_DOMAIN_LEN + MAX_LABELS];

    put_name(dns, prefix, 0, name);
    snprintf(value, sizeof(value), "%s%.*s.", before, (int) target.len,
             target.data);

    return add_record(dns, name, "CNAME", value, purpose);
}


/* The host of the first https: URI: the name of this web server. */

size_t
tlsrpt_dns_https_host(const tlsrpt_str_t *uris, size_t n, char *host)
{
    for (size_t i = 0; i < n; i++) {
        tlsrpt_str_t  uri = uris[i];
        size_t        at = sizeof("https://") - 1, len = 0;

        if (!tlsrpt_str_begins_in_any_case(uri, "https://")) {
            continue;
        }

        while (at + len < uri.len
               && strchr("/?#:", uri.data[at + len]) == NULL)
        {
            len++;
        }

        len = tlsrpt_domain_normalize(uri.data + at, len, host);

        if (len) {
            return len;
        }
    }

    return 0;
}


static int
advise(const dns_t *dns, const char *text)
{
    return json_array_append_new(dns->advice, json_string(text));
}


static int
add_verify(const dns_t *dns)
{
    char          text[256], name[2 * TLSRPT_DOMAIN_LEN + MAX_LABELS];
    tlsrpt_str_t  value = dns->domain->verify;

    if (value.data == NULL || dns->behind) {
        return 0;
    }

    snprintf(text, sizeof(text), "%.*s", (int) value.len, value.data);
    put_name(dns, "_tlsrpt-verify", 0, name);

    return add_record(dns, name, "TXT", text, "Proves that the domain is "
                      "yours: until then nothing is served or collected for "
                      "it. Leave it there.");
}


static int
add_reporting(const dns_t *dns)
{
    char                        text[TLSRPT_MAX_RECORD];
    unsigned                    https = 0, mailto = 0;
    const tlsrpt_dns_domain_t  *domain = dns->domain;

    for (size_t i = 0; i < domain->nrua; i++) {
        https += tlsrpt_str_begins_in_any_case(domain->rua[i], "https:") != 0;
        mailto += tlsrpt_str_begins_in_any_case(domain->rua[i], "mailto:") != 0;
    }

    if (domain->nrua == 0) {
        return advise(dns, "This server does not know under which address it "
                      "takes reports: name it with tlsrpt_report_uri, then the "
                      "record of TLS reporting appears here.");
    }

    make_tlsrpt(domain->rua, domain->nrua, text, sizeof(text));

    if (add_text(dns, "_smtp._tls", text, "Asks senders for reports and tells "
                 "where to send them.") != 0)
    {
        return -1;
    }

    if (https && mailto == 0) {
        return advise(dns, "Add a mailto: address beside https:, because some "
                      "senders never post reports but mail them: "
                      "tlsrpt_report_uri takes both.");
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


/* The host that serves the policy. */

static int
add_host(const dns_t *dns)
{
    char                host[TLSRPT_DOMAIN_LEN + 1];
    size_t              len = tlsrpt_dns_https_host(dns->domain->rua,
                                                    dns->domain->nrua, host);
    const char         *why = "Points this name to the web server that serves "
                              "the policy. It needs a certificate for the "
                              "name.";
    const tlsrpt_str_t  same_as = dns->domain->same_as;

    if (dns->behind) {
        return 0;
    }

    if (dns->domain->zone.data != NULL) {
        return add_alias(dns, "mta-sts", "mta-sts.", dns->domain->zone, why);
    }

    if (same_as.data != NULL) {
        return add_alias(dns, "mta-sts", "mta-sts.", same_as, "Points this "
                         "name to the policy of the domain that this one is "
                         "the same as (RFC 8461 8.2). The server needs a "
                         "certificate for the name.");
    }

    if (len) {
        return add_alias(dns, "mta-sts", "", (tlsrpt_str_t) { host, len }, why);
    }

    return advise(dns, "Publish A and AAAA records, or a CNAME, for the name "
                  "mta-sts under the domain that lead to this web server, and "
                  "get a certificate for that name.");
}


static int
add_id(const dns_t *dns)
{
    char                        text[64];
    const tlsrpt_dns_domain_t  *domain = dns->domain;

    if (domain->same_as.data != NULL && !dns->behind && !has_alias(dns)) {
        return add_alias(dns, "_mta-sts", "_mta-sts.", domain->same_as,
                         "Tells senders that there is a policy, that of the "
                         "domain that this one is the same as (RFC 8461 8.2).");
    }

    snprintf(text, sizeof(text), "v=STSv1; id=%.*s",
             (int) (domain->policy_id.len > 32 ? 32 : domain->policy_id.len),
             domain->policy_id.data);

    return add_text(dns, "_mta-sts", text, has_alias(dns) && !dns->behind
                    ? "Tells senders that there is a policy; what changes with "
                      "it is kept where this leads."
                    : "Announces the policy. The id changes whenever the "
                      "policy does: update this record then.");
}


static int
add_policy(const dns_t *dns)
{
    const char  *next;

    if (dns->domain->policy_id.data == NULL) {
        return advise(dns, "No MTA-STS policy is served here for the domain, "
                      "so senders may be made to deliver without encryption: "
                      "mta_sts_policy sets one up. Begin with mode=testing.");
    }

    /* nobody looks for a policy before its id is there */
    if (add_host(dns) != 0 || add_id(dns) != 0) {
        return -1;
    }

    next = mode_advice(dns->domain->mode);

    return next ? advise(dns, next) : 0;
}


static json_t *
make_records(const tlsrpt_dns_domain_t *domain, int behind)
{
    char   name[TLSRPT_DOMAIN_LEN + 1];
    dns_t  dns = { domain, json_array(), json_array(), NULL, behind };

    dns.zone = zone_of(domain, name);

    if (dns.records == NULL || dns.advice == NULL
        || add_verify(&dns) != 0 || add_reporting(&dns) != 0
        || add_policy(&dns) != 0)
    {
        json_decref(dns.records);
        json_decref(dns.advice);
        return NULL;
    }

    return json_pack("{s:s%, s:o, s:o}", "domain", domain->domain.data,
                     domain->domain.len, "records", dns.records, "advice",
                     dns.advice);
}


json_t *
tlsrpt_dns_records(const tlsrpt_dns_domain_t *domain)
{
    return make_records(domain, 0);
}


json_t *
tlsrpt_dns_behind(const tlsrpt_dns_domain_t *domain)
{
    const dns_t  dns = { .domain = domain };

    return has_alias(&dns) ? make_records(domain, 1)
           : json_pack("{s:s%, s:[], s:[]}", "domain", domain->domain.data,
                       domain->domain.len, "records", "advice");
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
