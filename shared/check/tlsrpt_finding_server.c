/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <openssl/x509_vfy.h>

#include "tlsrpt_finding_server.h"
#include "tlsrpt_time.h"


/* A certificate is told to end two weeks before, or in the last third of its
   lifetime where that is shorter; it gets worse at a half of that, and at a
   fourteenth: 14, 7 and 1 days. */
#define EXPIRING_SECONDS  (14 * TLSRPT_DAY)


/*
 * Certificates
 */

/* By diagnosis, severity is what it costs: that is nothing yet, so the first
   word is low; medium when a weekend is left to act; high on the last day,
   where senders will refuse mail on the next (who asks lowers it where they
   would not). */

static int
is_expiring(const tlsrpt_seen_certificate_t *c, int64_t now,
    tlsrpt_severity_t *severity)
{
    int64_t        third = (c->not_after - c->not_before) / 3;
    const int64_t  left = c->not_after - now;

    if (c->not_after == 0 || left < 0) {
        return 0;
    }

    third = c->not_before && third > 0 && third < EXPIRING_SECONDS
            ? third : EXPIRING_SECONDS;

    if (left > third) {
        return 0;
    }

    *severity = left <= third / 14 ? TLSRPT_SEVERITY_HIGH
                : left <= third / 2 ? TLSRPT_SEVERITY_MEDIUM
                : TLSRPT_SEVERITY_LOW;

    return 1;
}


int
tlsrpt_finding_expiring(const tlsrpt_seen_chain_t *tls, int64_t now,
    tlsrpt_finding_t *finding)
{
    int                found = 0;
    tlsrpt_severity_t  severity;

    for (size_t i = 0; i < tls->nchain; i++) {
        const tlsrpt_seen_certificate_t  *c = &tls->chain[i];

        if (is_expiring(c, now, &severity)
            && (!found || c->not_after < finding->not_after))
        {
            found = 1;
            finding->severity = severity;
            finding->subject = c->subject;
            finding->not_after = c->not_after;
        }
    }

    return found;
}


/* "*" is the whole left-most label, and stands for one (RFC 8461 4.2, RFC 9525
   6.3). */

static int
is_name(tlsrpt_str_t name, tlsrpt_str_t host)
{
    size_t  skip = 0;

    if (tlsrpt_str_begins(name, "*.")) {
        while (skip < host.len && host.data[skip] != '.') {
            skip++;
        }

        name.data++;
        name.len--;

        if (skip == 0) {
            return 0;
        }
    }

    if (name.len != host.len - skip || name.len == 0) {
        return 0;
    }

    for (size_t i = 0; i < name.len; i++) {
        if (tlsrpt_lower(name.data[i]) != tlsrpt_lower(host.data[skip + i])) {
            return 0;
        }
    }

    return 1;
}


int
tlsrpt_finding_has_name(const tlsrpt_seen_chain_t *tls, tlsrpt_str_t host)
{
    for (size_t i = 0; i < tls->nnames; i++) {
        if (is_name(tls->names[i], host)) {
            return 1;
        }
    }

    return 0;
}


/*
 * The server
 */

static tlsrpt_finding_t *
find(tlsrpt_finding_t *found, size_t *n, const char *type, const char *section,
    const tlsrpt_seen_server_t *server)
{
    tlsrpt_finding_t  *finding = &found[(*n)++];

    memset(finding, 0, sizeof(*finding));
    finding->type = type;
    finding->section = section;
    finding->about = TLSRPT_ABOUT_MX;
    finding->at = server->at;
    finding->since = server->since;
    finding->detail = server->detail;
    finding->address = server->address;
    finding->tls = &server->tls;

    return finding;
}


/* TLSA records count where DNSSEC proves them (RFC 7672 2.1.1), and of usages 2
   and 3 (RFC 7672 3.1.3). */

static int
is_dane(const tlsrpt_seen_server_t *server)
{
    int  usable = 0;

    for (size_t i = 0; i < server->ntlsa; i++) {
        usable |= tlsrpt_str_begins(server->tlsa[i], "2 ")
                  || tlsrpt_str_begins(server->tlsa[i], "3 ");
    }

    return usable && server->tlsa_ad == TLSRPT_SEEN_YES;
}


/* Why OpenSSL did not trust the chain.  What the dates and the names say is
   told of them. */

static const char *
trust_section(const tlsrpt_seen_server_t *server)
{
    switch (server->verify) {

    case -1:
    case X509_V_OK:
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return NULL;

    case X509_V_ERR_CERT_HAS_EXPIRED:
        return NULL;

    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "check-self-signed";

    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "check-missing-issuer";

    default:
        return "check-not-trusted";
    }
}


/* The first of the chain that is past its end; NULL: none. */

static const tlsrpt_seen_certificate_t *
expired(const tlsrpt_seen_server_t *server, int64_t now)
{
    const tlsrpt_seen_chain_t  *tls = &server->tls;

    /* an intermediate that is over does no harm where another way to an
       authority is found */
    for (size_t i = 0; i < tls->nchain; i++) {
        if (tls->chain[i].not_after && tls->chain[i].not_after < now
            && (i == 0 || server->verify == X509_V_ERR_CERT_HAS_EXPIRED))
        {
            return &tls->chain[i];
        }
    }

    return NULL;
}


static size_t
judge_certificates(const tlsrpt_seen_server_t *server, int64_t now,
    tlsrpt_finding_t *found, size_t n)
{
    tlsrpt_finding_t                  expiring, *finding;
    const char                       *section = trust_section(server);
    const tlsrpt_seen_certificate_t  *over = expired(server, now);

    if (over != NULL) {
        finding = find(found, &n, "certificate-expired", "check-expired",
                       server);
        finding->subject = over->subject;
        finding->not_after = over->not_after;
    }

    if (!tlsrpt_finding_has_name(&server->tls, server->host)) {
        find(found, &n, "certificate-host-mismatch", "check-host-mismatch",
             server);
    }

    if (section != NULL) {
        finding = find(found, &n, "certificate-not-trusted", section, server);
        finding->detail = server->verify_text;
    }

    if (tlsrpt_finding_expiring(&server->tls, now, &expiring)) {
        finding = find(found, &n, TLSRPT_CERTIFICATE_EXPIRING,
                       "check-server-expiring", server);
        finding->severity = expiring.severity;
        finding->subject = expiring.subject;
        finding->not_after = expiring.not_after;
    }

    return n;
}


size_t
tlsrpt_finding_of_server(const tlsrpt_seen_server_t *server, int64_t now,
    tlsrpt_finding_t found[TLSRPT_SERVER_FINDINGS])
{
    size_t              n = 0;
    tlsrpt_finding_t   *finding;
    const int           dane = is_dane(server);
    const tlsrpt_str_t  result = server->result;

    /* RFC 7672 2.1.2, 2.2: who verifies does not deliver to it */
    if (server->bogus.len) {
        finding = find(found, &n, "dnssec-invalid", "check-dnssec-server",
                       server);
        finding->dane = 1;
        finding->found = server->bogus;
    }

    if (tlsrpt_str_is(result, "no-starttls")) {
        find(found, &n, "starttls-not-supported", "check-no-starttls",
             server)->dane = dane;

    } else if (tlsrpt_str_is(result, "starttls-refused")) {
        find(found, &n, "starttls-not-supported", "check-starttls-refused",
             server)->dane = dane;

    } else if (tlsrpt_str_is(result, "tls-failed")) {
        find(found, &n, "validation-failure", "check-tls-failed",
             server)->dane = dane;

    } else if (tlsrpt_str_is(result, "ok") && server->tls.nchain) {
        if (dane && server->tlsa_match == TLSRPT_SEEN_NO) {
            find(found, &n, "tlsa-invalid", "check-tlsa", server)->dane = 1;
        }

        n = judge_certificates(server, now, found, n);
    }

    return n;
}


int
tlsrpt_finding_can_tell(const tlsrpt_seen_server_t *server, tlsrpt_str_t type)
{
    const tlsrpt_str_t  result = server->result;

    /* its TLSA records are asked for where it has shown its certificate */
    if (tlsrpt_str_is(type, "dnssec-invalid")) {
        return tlsrpt_str_is(result, "ok");
    }

    if (tlsrpt_str_is(type, "tlsa-invalid")) {
        return tlsrpt_str_is(result, "ok")
               && server->tlsa_ad != TLSRPT_SEEN_UNKNOWN;
    }

    if (tlsrpt_str_is(result, "ok")) {
        return server->tls.nchain > 0
               || tlsrpt_str_is(type, "starttls-not-supported");
    }

    return tlsrpt_str_is(type, "starttls-not-supported")
           && (tlsrpt_str_is(result, "tls-failed"));
}
