/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The mx patterns of a policy (RFC 8461 3.2, 4.1).
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "mta_sts_policy.h"
#include "mta_sts_reason.h"


static int
is_ip_address(const char *name, size_t len)
{
    char             text[INET6_ADDRSTRLEN];
    const char      *label;
    struct in6_addr  addr;

    if (name[0] == '[') {
        return 1;
    }

    if (len < sizeof(text)) {
        memcpy(text, name, len);
        text[len] = '\0';

        if (inet_pton(AF_INET6, text, &addr) == 1) {
            return 1;
        }
    }

    /* 192.0.2.1, but also 192.0.2: no top level domain is a number */

    if (name[len - 1] == '.') {
        len--;
    }

    label = name + len;

    while (label > name && tlsrpt_is_digit(label[-1])) {
        label--;
    }

    return label < name + len && (label == name || label[-1] == '.');
}


/* Domain (RFC 5321 4.1.2): labels of letters, digits and inner hyphens.
   The name is normalized already. */

static int
is_mail_domain(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '_') {
            return 0;
        }

        if (name[i] == '-'
            && (i == 0 || name[i - 1] == '.'
                || i == len - 1 || name[i + 1] == '.'))
        {
            return 0;
        }
    }

    return 1;
}


/* "10 mx.example.com", as in a zone file, or "mx.example.com # the first"? */

static int
has_more(const char *name, size_t len)
{
    size_t  digits = 0;

    while (digits < len && tlsrpt_is_digit(name[digits])) {
        digits++;
    }

    return (digits && digits < len && tlsrpt_is_wsp(name[digits]))
           || memchr(name, '#', len) != NULL || memchr(name, ';', len) != NULL
           || memchr(name, '(', len) != NULL;
}


/* The domain of an mx pattern, normalized; NULL, or why it is none. */

static const char *
check_mx_domain(const char *name, size_t len, const char *shown,
    char domain[TLSRPT_DOMAIN_LEN + 1])
{
    size_t  n;

    if (memchr(name, '*', len) != NULL) {
        return mta_sts_reason("mx \"%s\": \"*\" may only be the whole first "
                              "label, as in \"*.example.com\"", shown);
    }

    if (has_more(name, len)) {
        return mta_sts_reason("mx \"%s\": a host name only: no priority, no "
                              "comment", shown);
    }

    if (memchr(name, ',', len) != NULL || memchr(name, ' ', len) != NULL) {
        return mta_sts_reason("mx \"%s\": every pattern needs an \"mx\" of "
                              "its own", shown);
    }

    if (len == 0) {
        return mta_sts_reason("mx \"%s\" has no domain name", shown);
    }

    if (is_ip_address(name, len)) {
        return mta_sts_reason("mx \"%s\" is an IP address; an MX is known by "
                              "its host name, which its certificate holds",
                              shown);
    }

    n = tlsrpt_domain_normalize(name, len, domain);

    if (n == 0 || !is_mail_domain(domain, n)) {
        return mta_sts_reason("mx \"%s\" is not a domain name", shown);
    }

    if (!tlsrpt_is_ascii(name, len)) {
        return mta_sts_reason("mx \"%s\" is a U-label; write the A-label "
                              "\"%s%s\"", shown, shown[0] == '*' ? "*." : "",
                              domain);
    }

    return NULL;
}


static int
has_mx(const mta_sts_policy_t *policy, const char *mx)
{
    for (size_t i = 0; i < policy->nmx; i++) {
        if (strcmp(policy->mx[i], mx) == 0) {
            return 1;
        }
    }

    return 0;
}


/* What is allowed, but hardly meant; NULL: nothing. */

static const char *
advise_mx(const char *value, size_t len, const char *mx, const char *shown)
{
    const char  *domain = mx[0] == '*' ? mx + 2 : mx;

    if (value[len - 1] == '.') {
        return mta_sts_reason("mx \"%s\" ends in a dot, which the format does "
                              "not allow; \"%s\" is used", shown, mx);
    }

    if (strchr(domain, '.') != NULL) {
        return NULL;
    }

    return mx[0] == '*'
           ? mta_sts_reason("mx \"%s\" allows every host directly under the "
                            "top level domain \"%s\"", shown, domain)
           : mta_sts_reason("mx \"%s\" is a single label, not a full host "
                            "name", shown);
}


int
mta_sts_policy_add_mx(mta_sts_policy_t *policy, const char *value, size_t len,
    const char **reason)
{
    char    domain[TLSRPT_DOMAIN_LEN + 1], mx[TLSRPT_DOMAIN_LEN + 3];
    char    shown[MTA_STS_QUOTE_LEN];
    size_t  wild = len >= 2 && value[0] == '*' && value[1] == '.' ? 2 : 0;

    (void) mta_sts_quote(value, len, shown);

    *reason = check_mx_domain(value + wild, len - wild, shown, domain);

    if (*reason != NULL) {
        return -1;
    }

    (void) snprintf(mx, sizeof(mx), "%s%s", wild ? "*." : "", domain);

    if (has_mx(policy, mx)) {
        *reason = mta_sts_reason("mx \"%s\" is given twice", shown);
        return 0;
    }

    if (policy->nmx == MTA_STS_MAX_MX) {
        *reason = mta_sts_reason("more than %d mx patterns", MTA_STS_MAX_MX);
        return -1;
    }

    memcpy(policy->mx[policy->nmx++], mx, sizeof(mx));
    *reason = advise_mx(value, len, mx, shown);

    return 0;
}


int
mta_sts_mx_match(tlsrpt_str_t pattern, tlsrpt_str_t host)
{
    const char  *dot;

    if (pattern.len >= 2 && pattern.data[0] == '*') {
        dot = memchr(host.data, '.', host.len);

        if (dot == NULL || dot == host.data) {
            return 0;
        }

        host.len -= (size_t) (dot - host.data);
        host.data = dot;

        pattern.data++;
        pattern.len--;
    }

    return host.len == pattern.len
           && memcmp(host.data, pattern.data, host.len) == 0;
}
